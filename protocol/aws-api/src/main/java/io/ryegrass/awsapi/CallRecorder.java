package io.ryegrass.awsapi;

import java.util.function.Supplier;
import tools.jackson.databind.node.ObjectNode;

/** Keeps a record of calls that change something. */
@FunctionalInterface
public interface CallRecorder {

  /** Keeps none. */
  CallRecorder NONE = (call, body) -> body.get();

  /**
   * A call that is about to be checked and performed.
   *
   * @param action of IAM, such as {@code iot:CreateThing}
   * @param service first part of the service's host name, as {@code iot} in {@code
   *     iot.amazonaws.com}
   * @param operation name in the model
   * @param input the request's members; secrets in it must not be kept, see {@link #parameters}
   * @param parameters makes a copy of the input in which secrets and large values are replaced
   */
  record RecordedCall(
      CallContext context,
      String action,
      String service,
      String operation,
      ObjectNode input,
      Supplier<ObjectNode> parameters) {}

  /**
   * Performs a call by running the body once, on this thread, and returns what it returns. The
   * record is durable before this returns; what the body throws is thrown on.
   *
   * @param body checks, permission and handler; throws {@link AwsException} for every error that
   *     has a name, other exceptions are defects
   */
  ObjectNode record(RecordedCall call, Supplier<ObjectNode> body);
}
