package io.ryegrass.coreapp.provisioning;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.nucleus.NucleusException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * What provisioning found out (PRV-22). A null leaves what the configuration says (PRV-23).
 *
 * @param iotCredentialsEndpoint host, and port where it is not 443
 */
record Identity(
    @Nullable String thingName,
    @Nullable String certificateFilePath,
    @Nullable String privateKeyPath,
    @Nullable String rootCaPath,
    @Nullable String awsRegion,
    @Nullable String iotRoleAlias,
    @Nullable String iotDataEndpoint,
    @Nullable String iotCredentialsEndpoint) {
  private static final String NUCLEUS = "aws.greengrass.Nucleus";

  /** The configuration of a root folder as it stands; an empty one when there is none. */
  static ObjectNode configuration(Path root) {
    Optional<byte[]> text = DurableFiles.read(file(root));
    return text.isPresent() && YAMLMapper.shared().readTree(text.get()) instanceof ObjectNode o
        ? o
        : JsonMapper.shared().createObjectNode();
  }

  /** Configuration of a plugin; empty when there is none. */
  static JsonNode parameters(ObjectNode configuration, String plugin) {
    return configuration.path("services").path(plugin).path("configuration");
  }

  private static Path file(Path root) {
    return root.resolve("config").resolve("config.yaml");
  }

  /**
   * Puts it into {@code config.yaml}: all of it or nothing.
   *
   * @throws NucleusException PROVISIONING_INCOMPLETE that names what nobody said
   */
  void write(Path root) {
    ObjectNode all = configuration(root);
    ObjectNode system = child(all, "system");
    ObjectNode service = child(child(all, "services"), NUCLEUS);
    ObjectNode nucleus = child(service, "configuration");
    if (!service.has("componentType")) {
      service.put("componentType", "NUCLEUS");
    }
    system.put("rootpath", root.toString());
    put(system, "thingName", thingName);
    put(system, "certificateFilePath", certificateFilePath);
    put(system, "privateKeyPath", privateKeyPath);
    put(system, "rootCaPath", rootCaPath);
    put(nucleus, "awsRegion", awsRegion);
    put(nucleus, "iotDataEndpoint", iotDataEndpoint);
    put(nucleus, "iotCredEndpoint", iotCredentialsEndpoint);
    if (iotRoleAlias != null) {
      nucleus.put("iotRoleAlias", iotRoleAlias);
    }
    DurableFiles.createDirectories(root.resolve("config"));
    DurableFiles.writeAtomically(
        file(root),
        YAMLMapper.shared().writeValueAsString(all).getBytes(StandardCharsets.UTF_8),
        PosixFilePermissions.fromString("rw-r--r--"));
  }

  private static ObjectNode child(ObjectNode parent, String name) {
    return parent.get(name) instanceof ObjectNode o ? o : parent.putObject(name);
  }

  private static void put(ObjectNode node, String key, @Nullable String value) {
    if (value != null) {
      node.put(key, value);
    } else if (node.path(key).asString("").isBlank()) {
      throw new NucleusException(
          "PROVISIONING_INCOMPLETE",
          "Provisioning gave no "
              + key
              + ", and config/config.yaml has none; add it to that file, or let the plugin give"
              + " it.");
    }
  }
}
