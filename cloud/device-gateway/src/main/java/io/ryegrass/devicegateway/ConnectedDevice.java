package io.ryegrass.devicegateway;

import io.ryegrass.registry.DevicePrincipal;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.Map;

/**
 * A device behind an MQTT connection. Who it is can change while it is connected (a certificate is
 * attached to another thing), so {@link CertificateWatch} renews it.
 */
final class ConnectedDevice {

  /** Who it is and what its policies may refer to; replaced as a whole. */
  private record Known(DevicePrincipal principal, Map<String, String> variables) {}

  private final String clientId;
  private final String address;
  private volatile Known known;

  ConnectedDevice(String clientId, String address, DevicePrincipal principal) {
    this.clientId = clientId;
    this.address = address;
    this.known = new Known(principal, variables(principal));
  }

  void renew(DevicePrincipal principal) {
    if (!principal.equals(known.principal())) {
      known = new Known(principal, variables(principal));
    }
  }

  DevicePrincipal principal() {
    return known.principal();
  }

  X509Certificate certificate() {
    return known.principal().certificate();
  }

  String address() {
    return address;
  }

  /**
   * Policy variables (mqtt-cloud reference, section 5). The thing's variables exist only when the
   * client id is the thing's name and the certificate is attached to it.
   */
  Map<String, String> variables() {
    return known.variables();
  }

  private Map<String, String> variables(DevicePrincipal principal) {
    Map<String, String> variables = new HashMap<>();
    variables.put("iot:ClientId", clientId);
    variables.put("iot:CertificateId", principal.certificateId());
    variables.put("aws:SourceIp", address);
    boolean attached = principal.thingNames().contains(clientId);
    variables.put("iot:Connection.Thing.IsAttached", Boolean.toString(attached));
    if (attached) {
      variables.put("iot:Connection.Thing.ThingName", clientId);
    }
    return Map.copyOf(variables);
  }
}
