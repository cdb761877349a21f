package io.ryegrass.devicegateway;

import io.ryegrass.identity.CallerIdentity;
import io.ryegrass.registry.DevicePrincipal;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Whoever is behind an MQTT connection: a device with its certificate, or a caller of IAM that came
 * by WebSocket. Who a device is can change while it is connected (a certificate is attached to
 * another thing), so {@link ConnectionWatch} renews it.
 */
final class ConnectedDevice {

  /**
   * The credentials that a WebSocket's URL was signed with.
   *
   * @param accessKeyId asked for again while the connection lasts
   */
  record IamCaller(String accessKeyId, CallerIdentity identity) {}

  /** Who it is and what its policies may refer to; replaced as a whole. */
  private record Known(DevicePrincipal principal, Map<String, String> variables) {}

  private final String clientId;
  private final String address;
  private final @Nullable IamCaller iam;
  private volatile Known known;

  ConnectedDevice(String clientId, String address, DevicePrincipal principal) {
    this.clientId = clientId;
    this.address = address;
    this.iam = null;
    this.known = new Known(principal, variables(principal));
  }

  ConnectedDevice(String clientId, String address, IamCaller caller) {
    this.clientId = clientId;
    this.address = address;
    this.iam = caller;
    this.known = new Known(new DevicePrincipal("", null, Set.of()), Map.of());
  }

  void renew(DevicePrincipal principal) {
    if (!principal.equals(known.principal())) {
      known = new Known(principal, variables(principal));
    }
  }

  DevicePrincipal principal() {
    return known.principal();
  }

  /** Null for a device. */
  @Nullable IamCaller iam() {
    return iam;
  }

  /** Null for a caller of IAM. */
  @Nullable X509Certificate certificate() {
    return known.principal().certificate();
  }

  /** As life cycle events tell it: the certificate's id, or IAM's unique id. */
  String identifier() {
    return iam == null ? known.principal().certificateId() : iam.identity().userId();
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
