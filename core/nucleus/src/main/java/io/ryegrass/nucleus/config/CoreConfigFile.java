package io.ryegrass.nucleus.config;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.CoreIdentity;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.NucleusSettings;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code <root>/config/config.yaml} in the form of v2-recipes-config.md section 6.4: identity under
 * {@code system}, the nucleus' own configuration under {@code services}. The file is only read.
 * Each error is one sentence for the person who wrote the file.
 *
 * <p>No file, or one without any key of an identity, is a core that belongs to no cloud
 * (LESSON-13). A core that has run with an identity keeps a copy beside the file ({@code
 * config.yaml.good}): when the file is damaged or loses its identity later, the copy counts and the
 * log says so (LESSON-02); when a certificate or key is damaged, the core runs what is deployed and
 * leaves the cloud alone.
 *
 * @param system section {@code system} as written
 * @param nucleus configuration of {@code aws.greengrass.Nucleus} as written
 * @param problem what is wrong and what to do, or null
 */
public record CoreConfigFile(
    Path file,
    CoreIdentity identity,
    ObjectNode system,
    ObjectNode nucleus,
    @Nullable String problem) {
  private static final Logger LOG = LoggerFactory.getLogger(CoreConfigFile.class);
  static final String NUCLEUS = "aws.greengrass.Nucleus";
  private static final List<String> IDENTITY =
      List.of("thingName", "certificateFilePath", "privateKeyPath", "rootCaPath");

  /**
   * The file, or what counts in its place.
   *
   * @throws NucleusException CONFIG_NOT_VALID as {@link #read(Path)}
   */
  public static CoreConfigFile of(NucleusSettings settings) {
    NucleusSettings.Given given = settings.instead();
    return given == null
        ? read(settings.root())
        : read(settings.root(), given.file(), given.tree(), false);
  }

  /**
   * Reads and checks the file.
   *
   * @throws NucleusException CONFIG_NOT_VALID when it is wrong and no copy of a good one is there
   */
  public static CoreConfigFile read(Path root) {
    Path file = root.resolve("config").resolve("config.yaml");
    Path good = good(root);
    CoreConfigFile read;
    try {
      Optional<byte[]> bytes = DurableFiles.read(file);
      read = bytes.isPresent() ? read(root, file, bytes.get(), false) : nothing(root, file);
    } catch (NucleusException e) {
      if (!Files.exists(good)) {
        throw e;
      }
      return instead(root, good, String.valueOf(e.getMessage()));
    } catch (DurableException e) {
      String why = file + " cannot be read; give this user the right to read it, or restore it.";
      if (!Files.exists(good)) {
        throw new NucleusException("CONFIG_NOT_VALID", why, e);
      }
      return instead(root, good, why);
    }
    if (!read.identity.cloud() && read.problem == null && Files.exists(good)) {
      return instead(root, good, file + " has lost the identity of this core.");
    }
    return read;
  }

  private static CoreConfigFile nothing(Path root, Path file) {
    JsonNodeFactory nodes = JsonNodeFactory.instance;
    return new CoreConfigFile(
        file, CoreIdentity.none(root), nodes.objectNode(), nodes.objectNode(), null);
  }

  private static CoreConfigFile instead(Path root, Path good, String why) {
    CoreConfigFile copy = read(root, good, DurableFiles.read(good).orElseThrow(), true);
    return new CoreConfigFile(
        copy.file,
        copy.identity,
        copy.system,
        copy.nucleus,
        why
            + " The last one that was good, "
            + good
            + ", is used; correct the file (or remove both to run without a cloud)."
            + (copy.problem == null ? "" : " " + copy.problem));
  }

  /** Keeps a copy of a file that names a cloud, so that damage to the file is survived. */
  public void remember(Path root) {
    Path good = good(root);
    if (problem != null
        || !identity.cloud()
        || !file.equals(root.resolve("config").resolve("config.yaml"))) {
      return;
    }
    try {
      Optional<byte[]> now = DurableFiles.read(file);
      if (now.isPresent() && !Arrays.equals(now.get(), DurableFiles.read(good).orElse(null))) {
        DurableFiles.writeAtomically(good, now.get(), DurableFiles.OWNER_ONLY);
      }
    } catch (DurableException e) {
      LOG.warn("No copy of {} could be kept: {}", file, e.getMessage());
    }
  }

  /**
   * The same, with a user to run components as when the file names none.
   *
   * @param user {@code user[:group]}, or null for no change
   */
  public CoreConfigFile withDefaultUser(@Nullable String user) {
    if (user == null || !nucleus.path("runWithDefault").path("posixUser").asString("").isBlank()) {
      return this;
    }
    ObjectNode more = nucleus.deepCopy();
    ObjectNode runWith =
        more.get("runWithDefault") instanceof ObjectNode o ? o : more.putObject("runWithDefault");
    runWith.put("posixUser", user);
    return new CoreConfigFile(file, identity, system, more, problem);
  }

  private static Path good(Path root) {
    return root.resolve("config").resolve("config.yaml.good");
  }

  private static CoreConfigFile read(Path root, Path file, byte[] bytes, boolean proven) {
    JsonNode top;
    try {
      top = Json.readYaml(bytes);
    } catch (JacksonException e) {
      throw notValid(file + " is not valid YAML: " + firstLine(e.getOriginalMessage()) + ".");
    }
    if (!top.isObject()) {
      throw notValid(file + " is empty or no map of sections; restore it, or remove it.");
    }
    return read(root, file, top, proven);
  }

  private static CoreConfigFile read(Path root, Path file, JsonNode top, boolean proven) {
    JsonNode system = top.path("system");
    JsonNode nucleus = top.path("services").path(NUCLEUS).path("configuration");
    boolean asked = asksForIdentity(root, top);
    if (IDENTITY.stream().allMatch(k -> system.path(k).asString("").isBlank())
        || asked && IDENTITY.stream().anyMatch(k -> system.path(k).asString("").isBlank())) {
      return new CoreConfigFile(
          file, CoreIdentity.none(root), object(system), object(nucleus), null);
    }
    String thing = text(file, system, "system", "thingName");
    String where = "services." + NUCLEUS + ".configuration";
    CoreIdentity identity;
    String problem = null;
    try {
      identity =
          new CoreIdentity(
              thing,
              pem(file, root, system, "certificateFilePath", "CERTIFICATE"),
              pem(file, root, system, "privateKeyPath", "PRIVATE KEY"),
              pem(file, root, system, "rootCaPath", "CERTIFICATE"));
    } catch (NucleusException e) {
      if (!proven && !Files.exists(good(root))) {
        throw e;
      }
      problem = e.getMessage() + " The core runs what is deployed, without its cloud, until then.";
      identity =
          new CoreIdentity(
              thing,
              root.resolve(system.path("certificateFilePath").asString("")),
              root.resolve(system.path("privateKeyPath").asString("")),
              root.resolve(system.path("rootCaPath").asString("")),
              false);
    }
    for (String key : new String[] {"awsRegion", "iotDataEndpoint", "iotCredEndpoint"}) {
      text(file, nucleus, where, key);
    }
    return new CoreConfigFile(file, identity, object(system), object(nucleus), problem);
  }

  /** Whether what is missing is to come from a claim or a plugin (PRV-10, PRV-20). */
  private static boolean asksForIdentity(Path root, JsonNode top) {
    if (top.path("services").has("aws.greengrass.FleetProvisioningByClaim")) {
      return true;
    }
    String[] plugins = root.resolve("plugins").resolve("trusted").toFile().list();
    return plugins != null && plugins.length > 0;
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
    byte[] content;
    try {
      content = DurableFiles.read(path).orElseGet(() -> new byte[0]);
    } catch (DurableException e) {
      throw notValid(path + ", named by " + role + ", cannot be read; put the right file there.");
    }
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
