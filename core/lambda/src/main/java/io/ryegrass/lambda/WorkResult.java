package io.ryegrass.lambda;

import java.nio.charset.StandardCharsets;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What became of an invocation (v1-lambda-runtime.md section 11).
 *
 * @param payload the function's return value, or a JSON object with {@code errorMessage}
 * @param error how it failed, if it did
 */
record WorkResult(byte[] payload, Failure error) {
  /** The values of {@code X-Amz-Function-Error}. */
  enum Failure {
    NONE(""),
    /** The handler raised. */
    HANDLED("Handled"),
    /** The process died, ran out of time, or was stopped. */
    UNHANDLED("Unhandled");

    private final String header;

    Failure(String header) {
      this.header = header;
    }

    String header() {
      return header;
    }
  }

  static WorkResult success(byte[] payload) {
    return new WorkResult(payload, Failure.NONE);
  }

  static WorkResult handled(byte[] errorObject) {
    return new WorkResult(errorObject, Failure.HANDLED);
  }

  /** What the caller gets when the function's answer is over the limit, as AWS Lambda words it. */
  static WorkResult tooLarge() {
    return unhandled(
        "Function.ResponseSizeTooLarge",
        "Response payload size exceeded maximum allowed payload size ("
            + DaemonPort.LARGEST_BODY
            + " bytes).");
  }

  static WorkResult unhandled(String errorType, String message) {
    ObjectNode error = JsonNodeFactory.instance.objectNode();
    error.put("errorMessage", message);
    error.put("errorType", errorType);
    return new WorkResult(error.toString().getBytes(StandardCharsets.UTF_8), Failure.UNHANDLED);
  }
}
