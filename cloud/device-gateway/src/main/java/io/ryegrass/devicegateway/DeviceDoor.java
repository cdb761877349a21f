package io.ryegrass.devicegateway;

import io.ryegrass.registry.DevicePrincipal;
import io.ryegrass.registry.DeviceRequest;
import io.ryegrass.registry.DeviceResponse;
import io.ryegrass.registry.DeviceRoute;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * HTTPS requests of devices: certificate, route, permission, handler, in this order. Source:
 * v2-deployments reference, sections 7, 8 and 13.
 */
final class DeviceDoor {

  private static final Logger LOG = LoggerFactory.getLogger(DeviceDoor.class);
  private static final int MAX_BODY_BYTES = 1 << 20;

  private final CloudServices services;
  private final RouteTable routes;
  private final String region;

  DeviceDoor(CloudServices services, String region, String accountId, MessagesApi messages) {
    this.services = services;
    this.region = region;
    List<DeviceRoute> all = new ArrayList<>(services.routes());
    all.add(CredentialsRoute.of(services, region, accountId));
    all.addAll(messages.routes());
    this.routes = new RouteTable(all);
  }

  void answer(HttpCall call) throws IOException {
    X509Certificate certificate = call.certificate();
    if (certificate == null) {
      call.error(
          403,
          "ForbiddenException",
          "Missing authentication: send a client certificate, or sign the request.");
      return;
    }
    Optional<DevicePrincipal> device = services.registry().findOrRegister(certificate);
    if (device.isEmpty() || !Certificates.isCurrent(certificate)) {
      call.error(
          403,
          "ForbiddenException",
          "The client certificate is not registered, not ACTIVE, or out of its dates.");
      return;
    }
    Optional<RouteTable.Match> match = routes.find(call.method(), call.rawPath());
    if (match.isEmpty()) {
      call.error(
          404,
          "UnknownOperationException",
          "There is no operation for " + call.method() + " " + call.rawPath() + ".");
      return;
    }
    byte[] body = call.body(MAX_BODY_BYTES);
    if (body == null) {
      call.error(
          413,
          "RequestEntityTooLargeException",
          "The request is larger than " + MAX_BODY_BYTES + " bytes.");
      return;
    }
    DeviceResponse response = perform(call, device.get(), match.get(), body);
    Witness.route(
        services,
        call,
        device.get().certificateId(),
        region,
        match.get().route().action(),
        call.rawPath(),
        response.status());
    call.answer(response.status(), response.headers(), response.body());
  }

  private DeviceResponse perform(
      HttpCall call, DevicePrincipal device, RouteTable.Match match, byte[] body) {
    Map<String, String> headers = new HashMap<>();
    call.headers().forEach((name, values) -> headers.put(name, values.getFirst()));
    DeviceRequest request =
        new DeviceRequest(
            device, match.parameters(), RouteTable.query(call.rawQuery()), headers, body);
    DeviceRoute route = match.route();
    try {
      String resource = route.resource().apply(request);
      Map<String, String> variables =
          Map.of("iot:CertificateId", device.certificateId(), "aws:SourceIp", call.peer());
      if (!services.registry().isAllowed(device, route.action(), resource, variables)) {
        return DeviceResponse.error(
            403,
            route.action().startsWith("greengrass:")
                ? "AccessDeniedException"
                : "ForbiddenException",
            "The policies of certificate "
                + device.certificateId()
                + " do not allow "
                + route.action()
                + " on "
                + resource
                + ".");
      }
      return route.handler().apply(request);
    } catch (RuntimeException e) {
      LOG.error("{} {} failed", call.method(), call.rawPath(), e);
      return DeviceResponse.error(
          500, "InternalServerException", route.action() + " failed inside Ryegrass: " + e);
    }
  }
}
