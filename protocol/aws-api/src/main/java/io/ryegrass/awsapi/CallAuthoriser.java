package io.ryegrass.awsapi;

import tools.jackson.databind.node.ObjectNode;

/** Decides whether a caller may do what it asks. Asked after validation, before the handler. */
@FunctionalInterface
public interface CallAuthoriser {

  /**
   * Returns when the call is allowed.
   *
   * @param iamAction such as {@code iot:CreateThing}
   * @param input the request's members by the names of the model
   * @throws AwsException {@code AccessDeniedException}, 403, when it is not
   */
  void authorise(CallContext context, String iamAction, ObjectNode input);
}
