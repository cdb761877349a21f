package io.ryegrass.ipc;

import io.ryegrass.nucleus.Components;
import io.ryegrass.policy.AccessControl.Style;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who may call what (v2-ipc.md §8). The policies of a caller are the {@code accessControl} of its
 * own effective configuration as it is at the time of the call.
 */
final class Authorisation {
  private static final Logger log = LoggerFactory.getLogger(Authorisation.class);

  static final String PUB_SUB = "aws.greengrass.ipc.pubsub";
  static final String MQTT_PROXY = "aws.greengrass.ipc.mqttproxy";
  static final String LIFECYCLE = "aws.greengrass.ipc.lifecycle";
  static final String CLI = "aws.greengrass.Cli";
  static final String CLI_PRINCIPAL = "greengrass-cli#";

  private final Components components;

  Authorisation(Components components) {
    this.components = components;
  }

  /**
   * @throws io.ryegrass.eventstream.RpcError UnauthorizedError that names the policy which is
   *     missing
   */
  void check(String principal, String service, String operation, String resource) {
    if (isCommandLine(principal)
        && (service.equals(CLI) || service.equals(PUB_SUB) || service.equals(MQTT_PROXY))) {
      return;
    }
    Style style = service.equals(MQTT_PROXY) ? Style.MQTT : Style.STANDARD;
    if (!components.accessControl().allows(service, principal, operation, resource, style)) {
      log.debug("{} is not authorised for {} on {}", principal, operation, resource);
      throw Errors.unauthorized(
          "Principal "
              + principal
              + " is not authorized to perform "
              + service
              + ":"
              + operation
              + " on resource "
              + resource
              + "; allow it in the component's accessControl");
    }
  }

  private static boolean isCommandLine(String principal) {
    return principal.startsWith(CLI_PRINCIPAL) || principal.equals(CLI);
  }
}
