package io.ryegrass.cli;

import io.ryegrass.durable.DurableFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import software.amazon.awssdk.services.iot.model.CreateKeysAndCertificateResponse;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * The folder of a device: {@code certs/} and, for a core, {@code config/config.yaml} in the form of
 * AWS's nucleus (v2-recipes-config.md, section 6.4).
 */
final class DeviceFolder {
  private final Path root;

  DeviceFolder(Path root) {
    this.root = root.toAbsolutePath().normalize();
  }

  Path config() {
    return root.resolve("config/config.yaml");
  }

  /**
   * Made before anything is asked of the cloud, so that an unwritable folder leaves nothing behind.
   */
  void prepare() {
    if (Files.exists(config())) {
      throw new CliException(
          root
              + " is already provisioned (it has config/config.yaml); choose another --root, or"
              + " remove that file to give the folder a new identity");
    }
    try {
      Files.createDirectories(root.resolve("certs"));
      Files.createDirectories(root.resolve("config"));
    } catch (IOException e) {
      throw new CliException(
          "cannot write to "
              + root
              + " ("
              + e.getClass().getSimpleName()
              + "); choose a folder that you may write with --root");
    }
  }

  void writeIdentity(CreateKeysAndCertificateResponse identity, String rootCaPem) {
    write("certs/private.pem.key", identity.keyPair().privateKey(), "rw-------");
    write("certs/device.pem.crt", identity.certificatePem(), "rw-r--r--");
    write("certs/root-ca.pem", rootCaPem, "rw-r--r--");
  }

  /** The last file: a folder with it is complete. */
  void writeCoreConfiguration(CloudAddress cloud, String thing, Ports ports) {
    ObjectNode config = JsonMapper.shared().createObjectNode();
    config
        .putObject("system")
        .put("certificateFilePath", root.resolve("certs/device.pem.crt").toString())
        .put("privateKeyPath", root.resolve("certs/private.pem.key").toString())
        .put("rootCaPath", root.resolve("certs/root-ca.pem").toString())
        .put("rootpath", root.toString())
        .put("thingName", thing);
    ObjectNode nucleus =
        config
            .putObject("services")
            .putObject("aws.greengrass.Nucleus")
            .put("componentType", "NUCLEUS")
            .putObject("configuration");
    nucleus
        .put("awsRegion", cloud.region())
        .put("iotRoleAlias", Provisioning.ROLE_ALIAS)
        .put("iotDataEndpoint", cloud.deviceHost())
        .put("iotCredEndpoint", cloud.deviceHost() + ":" + cloud.httpsPort())
        .put("greengrassDataPlaneEndpoint", cloud.deviceHost())
        .put("greengrassDataPlanePort", cloud.httpsPort());
    nucleus.putObject("mqtt").put("port", cloud.mqttPort());
    nucleus
        .putObject("ryegrass")
        .put("s3Endpoint", "https://" + cloud.deviceHost() + ":" + cloud.httpsPort())
        .put("localMqttHost", "127.0.0.1")
        .put("localMqttPort", ports.localMqtt())
        .put("lambdaIpcPort", ports.lambdaIpc());
    write("config/config.yaml", YAMLMapper.shared().writeValueAsString(config), "rw-r--r--");
  }

  private void write(String name, String text, String mode) {
    DurableFiles.writeAtomically(
        root.resolve(name),
        text.getBytes(StandardCharsets.UTF_8),
        PosixFilePermissions.fromString(mode));
  }

  /** The two doors that a core opens on its own machine; 0 means any free port. */
  record Ports(int localMqtt, int lambdaIpc) {}
}
