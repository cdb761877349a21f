package io.ryegrass.cli;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * {@code config/config.yaml} of a core in the form of AWS's nucleus (v2-recipes-config.md section
 * 6.4): read, changed, and written whole. What it held and is not changed stays.
 */
public final class CoreConfiguration {
  public static final String NUCLEUS = "aws.greengrass.Nucleus";
  private final ObjectNode tree;

  private CoreConfiguration(ObjectNode tree) {
    this.tree = tree;
  }

  /** A configuration that says nothing. */
  public static CoreConfiguration empty() {
    return new CoreConfiguration(JsonMapper.shared().createObjectNode());
  }

  /** What a root folder has; one that has none says nothing. */
  public static CoreConfiguration ofRoot(Path root) {
    Path file = file(root);
    Optional<byte[]> bytes;
    try {
      bytes = DurableFiles.read(file);
    } catch (DurableException e) {
      throw new CliException(
          file
              + " cannot be read; make it readable, or choose another folder with --root: "
              + e.getMessage());
    }
    return bytes.isEmpty() ? empty() : parse(file, bytes.get());
  }

  /** A file that a person wrote: YAML, or JSON, which is YAML, too. */
  public static CoreConfiguration parse(Path file, byte[] text) {
    JsonNode read;
    try {
      read = YAMLMapper.shared().readTree(text);
    } catch (JacksonException e) {
      throw new CliException(
          file + " is not valid YAML: " + e.getOriginalMessage().lines().findFirst().orElse(""));
    }
    if (read.isMissingNode() || read.isNull()) {
      return empty();
    }
    if (!(read instanceof ObjectNode tree)) {
      throw new CliException(file + " is no map of sections such as 'system' and 'services'");
    }
    return new CoreConfiguration(tree);
  }

  static Path file(Path root) {
    return root.resolve("config").resolve("config.yaml");
  }

  /** Section {@code system}; made when it is not there. */
  public ObjectNode system() {
    return child(tree, "system");
  }

  /** Configuration of the nucleus; made when it is not there. */
  public ObjectNode nucleus() {
    ObjectNode service = child(child(tree, "services"), NUCLEUS);
    if (!service.has("componentType")) {
      service.put("componentType", "NUCLEUS");
    }
    return child(service, "configuration");
  }

  /** Version of the nucleus that the file was written for; empty when it does not say. */
  public String version() {
    return tree.path("services").path(NUCLEUS).path("version").asString("");
  }

  /** Whether it is the configuration of a nucleus at all. */
  public boolean namesNucleus() {
    return tree.path("services").has(NUCLEUS);
  }

  /** Empty without identity. */
  public String thingName() {
    return tree.path("system").path("thingName").asString("");
  }

  /** Path of a file of the identity; empty when it is not named. */
  public String systemFile(String key) {
    return tree.path("system").path(key).asString("");
  }

  private static ObjectNode child(ObjectNode parent, String name) {
    return parent.get(name) instanceof ObjectNode o ? o : parent.putObject(name);
  }

  /** Who the core is, by files that lie at these places. */
  public void identity(Path root, String thing, Path certificate, Path key, Path rootCa) {
    system()
        .put("certificateFilePath", certificate.toString())
        .put("privateKeyPath", key.toString())
        .put("rootCaPath", rootCa.toString())
        .put("rootpath", root.toString())
        .put("thingName", thing);
  }

  /** Where its cloud is. */
  public void cloud(CloudAddress cloud, String roleAlias) {
    ObjectNode nucleus = nucleus();
    nucleus
        .put("awsRegion", cloud.region())
        .put("iotRoleAlias", roleAlias)
        .put("iotDataEndpoint", cloud.dataHost())
        .put("iotCredEndpoint", cloud.credentialsHost());
    if (cloud.apiUrl() == null) {
      return;
    }
    nucleus
        .put("greengrassDataPlaneEndpoint", cloud.dataHost())
        .put("greengrassDataPlanePort", cloud.httpsPort());
    child(nucleus, "mqtt").put("port", cloud.mqttPort());
    String apis = "https://" + cloud.dataHost() + ":" + cloud.httpsPort();
    child(nucleus, "ryegrass").put("s3Endpoint", apis).put("apiEndpoint", apis);
  }

  /** Whom components run as that do not say it (NUC-05). */
  public void defaultUser(String user) {
    child(nucleus(), "runWithDefault").put("posixUser", user);
  }

  /** Empty when it names nobody. */
  public String defaultUser() {
    return tree.path("services")
        .path(NUCLEUS)
        .path("configuration")
        .path("runWithDefault")
        .path("posixUser")
        .asString("");
  }

  /** The doors that a core opens on its own machine; 0 means any free port. */
  void ports(int localMqtt, int lambdaIpc) {
    child(nucleus(), "ryegrass")
        .put("localMqttHost", "127.0.0.1")
        .put("localMqttPort", localMqtt)
        .put("lambdaIpcPort", lambdaIpc);
  }

  /** In one step, on the disk when this returns. */
  public void write(Path root) {
    DurableFiles.createDirectories(root.resolve("config"));
    DurableFiles.writeAtomically(
        file(root),
        YAMLMapper.shared().writeValueAsString(tree).getBytes(StandardCharsets.UTF_8),
        PosixFilePermissions.fromString("rw-r--r--"));
  }
}
