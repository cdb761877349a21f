package io.ryegrass.devicegateway;

import io.ryegrass.awsapi.ApiEngine;
import io.ryegrass.identity.IdentityService;
import io.ryegrass.identity.audit.AuditTrail;
import io.ryegrass.objects.S3Api;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.DeviceTopicHandler;
import io.ryegrass.registry.Registry;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who answers what comes in through the gateway.
 *
 * @param routes HTTPS operations for devices; the first one that fits answers
 * @param topics handlers of reserved topics; the first one that accepts a topic gets the message
 * @param audit told what devices and S3 clients change; the API engine tells the rest
 */
public record CloudServices(
    Registry registry,
    IdentityService identity,
    ApiEngine api,
    S3Api objects,
    List<DeviceRoute> routes,
    List<DeviceTopicHandler> topics,
    @Nullable AuditTrail audit) {

  /** Without an audit log. */
  public CloudServices(
      Registry registry,
      IdentityService identity,
      ApiEngine api,
      S3Api objects,
      List<DeviceRoute> routes,
      List<DeviceTopicHandler> topics) {
    this(registry, identity, api, objects, routes, topics, null);
  }

  /** Copies the lists. */
  public CloudServices {
    routes = List.copyOf(routes);
    topics = List.copyOf(topics);
  }
}
