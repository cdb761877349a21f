package io.ryegrass.nucleus.config;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.nucleus.CoreIdentity;
import io.ryegrass.nucleus.NucleusException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * {@code <root>/config/config.yaml} in the form of v2-recipes-config.md section 6.4: identity under
 * {@code system}, the nucleus' own configuration under {@code services}. The file is only read.
 * Each error is one sentence for the person who wrote the file.
 *
 * @param system section {@code system} as written
 * @param nucleus configuration of {@code aws.greengrass.Nucleus} as written
 */
public record CoreConfigFile(
    Path file, CoreIdentity identity, ObjectNode system, ObjectNode nucleus) {
  static final String NUCLEUS = "aws.greengrass.Nucleus";

  /**
   * Reads and checks the file.
   *
   * @throws NucleusException CONFIG_NOT_VALID
   */
  public static CoreConfigFile read(Path root) {
    Path file = root.resolve("config").resolve("config.yaml");
    byte[] bytes =
        DurableFiles.read(file)
            .orElseThrow(
                () ->
                    notValid(
                        file
                            + " is missing; provision this core first (ryegrass provision --thing"
                            + " NAME --root "
                            + root
                            + ")."));
    JsonNode top;
    try {
      top = new YAMLMapper().readTree(bytes);
    } catch (JacksonException e) {
      throw notValid(file + " is not valid YAML: " + firstLine(e.getOriginalMessage()) + ".");
    }
    JsonNode system = top.path("system");
    JsonNode nucleus = top.path("services").path(NUCLEUS).path("configuration");
    CoreIdentity identity =
        new CoreIdentity(
            text(file, system, "system", "thingName"),
            pem(file, root, system, "certificateFilePath", "CERTIFICATE"),
            pem(file, root, system, "privateKeyPath", "PRIVATE KEY"),
            pem(file, root, system, "rootCaPath", "CERTIFICATE"));
    String where = "services." + NUCLEUS + ".configuration";
    for (String key : new String[] {"awsRegion", "iotDataEndpoint", "iotCredEndpoint"}) {
      text(file, nucleus, where, key);
    }
    return new CoreConfigFile(file, identity, object(system), object(nucleus));
  }

  private static String text(Path file, JsonNode section, String name, String key) {
    String value = section.path(key).asString("");
    if (value.isBlank()) {
      throw notValid(file + " has no value for " + name + "." + key + "; add it.");
    }
    return value;
  }

  private static Path pem(Path file, Path root, JsonNode system, String key, String kind) {
    Path path = root.resolve(text(file, system, "system", key));
    String role = "system." + key + " of " + file;
    if (!Files.exists(path)) {
      throw notValid(path + ", named by " + role + ", does not exist; put the file there.");
    }
    if (!Files.isReadable(path)) {
      throw notValid(
          path + ", named by " + role + ", cannot be read; give this user the right to read it.");
    }
    byte[] content = DurableFiles.read(path).orElseGet(() -> new byte[0]);
    if (!new String(content, StandardCharsets.ISO_8859_1).contains(kind + "-----")) {
      throw notValid(
          path
              + ", named by "
              + role
              + ", holds no PEM "
              + kind.toLowerCase(java.util.Locale.ROOT)
              + "; provision the core again or copy the right file.");
    }
    return path;
  }

  private static String firstLine(String text) {
    int end = text.indexOf('\n');
    return end < 0 ? text : text.substring(0, end);
  }

  private static ObjectNode object(JsonNode node) {
    return node instanceof ObjectNode o ? o : JsonNodeFactory.instance.objectNode();
  }

  private static NucleusException notValid(String message) {
    return new NucleusException("CONFIG_NOT_VALID", message);
  }
}
