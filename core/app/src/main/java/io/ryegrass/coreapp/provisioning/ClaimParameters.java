package io.ryegrass.coreapp.provisioning;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The parameters of {@code aws.greengrass.FleetProvisioningByClaim} (PRV-17).
 *
 * @param templateParameters for the provisioning template
 * @param deviceId client id of MQTT
 * @param csr null when the cloud makes the key
 */
record ClaimParameters(
    Path rootPath,
    String awsRegion,
    String iotDataEndpoint,
    String iotCredentialEndpoint,
    String iotRoleAlias,
    String provisioningTemplate,
    Path claimCertificate,
    Path claimKey,
    Path rootCa,
    Map<String, String> templateParameters,
    String deviceId,
    int mqttPort,
    String proxyUrl,
    String proxyUserName,
    String proxyPassword,
    @Nullable Path csr,
    Path certificate,
    Path privateKey) {
  static final String PLUGIN = "aws.greengrass.FleetProvisioningByClaim";

  /**
   * @throws Source.GaveUp with the name of what is missing or cannot be
   */
  static ClaimParameters read(Path root, JsonNode c) throws Source.GaveUp {
    Path base = root.resolve(required(c, "rootPath"));
    String csr = c.path("csrPath").asString("");
    Path key =
        csr.isEmpty()
            ? base.resolve(c.path("privateKeyPath").asString("privKey.key"))
            : base.resolve(required(c, "csrPrivateKeyPath"));
    Map<String, String> parameters = new LinkedHashMap<>();
    JsonNode given = c.path("templateParameters");
    if (!given.isMissingNode() && !given.isObject()) {
      throw new Source.GaveUp(PLUGIN + ": templateParameters is no map");
    }
    given.properties().forEach(p -> parameters.put(p.getKey(), p.getValue().asString("")));
    String device = c.path("deviceId").asString("");
    return new ClaimParameters(
        base,
        required(c, "awsRegion"),
        required(c, "iotDataEndpoint"),
        required(c, "iotCredentialEndpoint"),
        required(c, "iotRoleAlias"),
        required(c, "provisioningTemplate"),
        base.resolve(required(c, "claimCertificatePath")),
        base.resolve(required(c, "claimCertificatePrivateKeyPath")),
        base.resolve(required(c, "rootCaPath")),
        parameters,
        device.isBlank() ? UUID.randomUUID().toString() : device,
        port(c),
        c.path("proxyUrl").asString(""),
        // the guide and the plugin spell it differently
        c.path("proxyUserName").asString(c.path("proxyUsername").asString("")),
        c.path("proxyPassword").asString(""),
        csr.isEmpty() ? null : base.resolve(csr),
        base.resolve(c.path("certificatePath").asString("thingCert.crt")),
        key);
  }

  /** Whether the device keeps a key of its own (PRV-18). */
  boolean csrMode() {
    return csr != null;
  }

  private static int port(JsonNode c) throws Source.GaveUp {
    int port = c.path("mqttPort").asInt(c.has("mqttPort") ? -1 : 8883);
    if (port < 1 || port > 65535) {
      throw new Source.GaveUp(
          PLUGIN + ": mqttPort is " + c.path("mqttPort") + ", which is no port");
    }
    return port;
  }

  private static String required(JsonNode c, String name) throws Source.GaveUp {
    String value = c.path(name).asString("");
    if (value.isBlank()) {
      throw new Source.GaveUp(
          PLUGIN
              + ": parameter "
              + name
              + " is missing; add it to services."
              + PLUGIN
              + ".configuration in config/config.yaml");
    }
    return value;
  }
}
