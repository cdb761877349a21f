package io.ryegrass.model;

/**
 * An Amazon Resource Name, {@code arn:partition:service:region:account:resource}. Region and
 * account may be empty; the resource keeps its own colons and slashes.
 */
public record Arn(
    String partition, String service, String region, String account, String resource) {

  /**
   * Splits a text into the five parts.
   *
   * @throws InvalidDocumentException code {@code ARN_NOT_VALID}
   */
  public static Arn parse(String text) {
    String[] parts = text.split(":", 6);
    if (parts.length != 6
        || !parts[0].equals("arn")
        || parts[1].isEmpty()
        || parts[2].isEmpty()
        || parts[5].isEmpty()) {
      throw new InvalidDocumentException(
          "ARN_NOT_VALID",
          "'"
              + text
              + "' is not an ARN; write it as arn:<partition>:<service>:<region>:<account>:<resource>");
    }
    return new Arn(parts[1], parts[2], parts[3], parts[4], parts[5]);
  }

  /** Whether {@link #parse} would accept the text. */
  public static boolean isArn(String text) {
    String[] parts = text.split(":", 6);
    return parts.length == 6
        && parts[0].equals("arn")
        && !parts[1].isEmpty()
        && !parts[2].isEmpty()
        && !parts[5].isEmpty();
  }

  @Override
  public String toString() {
    return "arn:" + partition + ":" + service + ":" + region + ":" + account + ":" + resource;
  }
}
