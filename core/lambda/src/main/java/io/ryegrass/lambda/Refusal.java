package io.ryegrass.lambda;

/** An answer of the daemon port that is not 2xx: a status and a sentence. */
final class Refusal extends RuntimeException {
  private final int status;
  private final String type;

  Refusal(int status, String message) {
    this(status, type(status), message);
  }

  /**
   * @param type {@code errorType} of the Runtime API's error object
   */
  Refusal(int status, String type, String message) {
    super(message, null, false, false);
    this.status = status;
    this.type = type;
  }

  int status() {
    return status;
  }

  String type() {
    return type;
  }

  String text() {
    String message = getMessage();
    return message == null ? "" : message;
  }

  private static String type(int status) {
    return switch (status) {
      case 400 -> "InvalidRequest";
      case 401, 403 -> "Forbidden";
      case 404 -> "NotFound";
      case 413 -> "RequestEntityTooLarge";
      case 429 -> "TooManyRequests";
      default -> "ServiceError";
    };
  }
}
