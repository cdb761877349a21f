package io.ryegrass.identity;

import io.ryegrass.awsapi.CallContext;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/** Tells what a call is about; given by services whose requests do not show it. */
@FunctionalInterface
public interface CallResources {

  /**
   * The resource of a call, or empty when the call is none of this service's.
   *
   * @param iamAction such as {@code secretsmanager:GetSecretValue}
   * @param input the request's members by the names of the model
   */
  Optional<CallResource> find(CallContext call, String iamAction, ObjectNode input);
}
