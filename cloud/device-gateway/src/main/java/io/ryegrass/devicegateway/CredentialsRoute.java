package io.ryegrass.devicegateway;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.identity.IdentityException;
import io.ryegrass.identity.TemporaryCredentials;
import io.ryegrass.registry.DevicePrincipal;
import io.ryegrass.registry.DeviceRequest;
import io.ryegrass.registry.DeviceResponse;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.registry.RoleAlias;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The credentials provider: {@code GET /role-aliases/{alias}/credentials} gives a device
 * credentials of the alias's role (v2-deployments reference, section 13; mqtt-cloud reference,
 * section 6).
 */
final class CredentialsRoute {

  private static final JsonMapper JSON = JsonMapper.shared();

  private CredentialsRoute() {}

  static DeviceRoute of(CloudServices services, String region, String accountId) {
    return new DeviceRoute(
        "GET",
        "/role-aliases/{alias}/credentials",
        "iot:AssumeRoleWithCertificate",
        request ->
            services
                .registry()
                .findRoleAlias(request.path("alias"))
                .map(RoleAlias::arn)
                .orElse(
                    "arn:aws:iot:"
                        + region
                        + ":"
                        + accountId
                        + ":rolealias/"
                        + request.path("alias")),
        request -> credentials(services, request));
  }

  private static DeviceResponse credentials(CloudServices services, DeviceRequest request) {
    DevicePrincipal device = request.device();
    Optional<RoleAlias> alias = services.registry().findRoleAlias(request.path("alias"));
    if (alias.isEmpty()) {
      return DeviceResponse.error(
          404,
          "ResourceNotFoundException",
          "There is no role alias '" + request.path("alias") + "'.");
    }
    String thing = thing(device, request.headers().get("x-amzn-iot-thingname"));
    if (thing != null && !services.registry().isAttached(device.certificateId(), thing)) {
      return DeviceResponse.error(
          403,
          "AccessDeniedException",
          "The certificate is not attached to the thing '" + thing + "'.");
    }
    TemporaryCredentials credentials;
    try {
      credentials =
          services
              .identity()
              .assumeRole(
                  alias.get().roleArn(),
                  device.certificateId(),
                  alias.get().credentialDuration(),
                  thing);
    } catch (AwsException e) {
      return DeviceResponse.error(e.status(), e.code(), String.valueOf(e.getMessage()));
    } catch (IdentityException e) {
      return DeviceResponse.error(403, "AccessDeniedException", String.valueOf(e.getMessage()));
    }
    ObjectNode body = JSON.createObjectNode();
    body.putObject("credentials")
        .put("accessKeyId", credentials.accessKeyId())
        .put("secretAccessKey", credentials.secretAccessKey())
        .put("sessionToken", credentials.sessionToken())
        .put("expiration", credentials.expiration().toString());
    return DeviceResponse.json(200, body);
  }

  /** The thing named by the header, or the only one the certificate is attached to. */
  private static @Nullable String thing(DevicePrincipal device, @Nullable String header) {
    if (header != null && !header.isEmpty()) {
      return header;
    }
    return device.thingNames().size() == 1 ? device.thingNames().iterator().next() : null;
  }
}
