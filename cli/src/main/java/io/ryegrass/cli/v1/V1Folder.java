package io.ryegrass.cli.v1;

import io.ryegrass.cli.CliException;
import io.ryegrass.cli.CloudAddress;
import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The folder of a V1 core, such as {@code /greengrass}: what {@code <hash>-setup.tar.gz} held
 * (INS-02, INS-03) and where {@code greengrassd} stands (DIR-03 … DIR-05). Written durably, the
 * configuration last.
 */
public final class V1Folder {
  /** The version whose face the core has; names {@code ggc/packages/<version>}. */
  public static final String VERSION = "1.11.6";

  private static final JsonMapper JSON = JsonMapper.shared();
  private final Path root;

  public V1Folder(Path root) {
    this.root = root.toAbsolutePath().normalize();
  }

  private Path config() {
    return root.resolve("config").resolve("config.json");
  }

  private Path certs() {
    return root.resolve("certs");
  }

  /** A folder that has an identity keeps it. */
  public void requireNoIdentity() {
    for (String name : List.of("config.json", "config.yaml")) {
      if (Files.exists(root.resolve("config").resolve(name))) {
        throw new CliException(
            root
                + " is already provisioned (it has config/"
                + name
                + "); choose another --root, or remove that file to give the folder a new identity");
      }
    }
  }

  /**
   * Certificate, keys, root CA and configuration.
   *
   * @param certificateId whose first ten characters name the files
   * @param ports of the local broker and of functions
   */
  public void write(
      CloudAddress cloud,
      String thingArn,
      String certificateId,
      Map<String, String> pems,
      Map<String, Integer> ports) {
    String hash = certificateId.substring(0, 10);
    file(certs().resolve(hash + ".private.key"), pems.getOrDefault("private", ""), "rw-------");
    file(certs().resolve(hash + ".public.key"), pems.getOrDefault("public", ""), "rw-r--r--");
    file(certs().resolve(hash + ".cert.pem"), pems.getOrDefault("certificate", ""), "rw-r--r--");
    file(certs().resolve("root.ca.pem"), cloud.rootCaPem(), "rw-r--r--");
    ObjectNode top = JSON.createObjectNode();
    ObjectNode thing = top.putObject("coreThing");
    thing
        .put("caPath", "root.ca.pem")
        .put("certPath", hash + ".cert.pem")
        .put("keyPath", hash + ".private.key")
        .put("thingArn", thingArn);
    endpoints(cloud).forEach((key, value) -> thing.set(key, value));
    thing.put("keepAlive", 600);
    ports.forEach(thing::put);
    ObjectNode runtime = top.putObject("runtime");
    runtime.put("maxWorkItemCount", 1024).putObject("cgroup").put("useSystemd", "yes");
    top.put("managedRespawn", false);
    ObjectNode crypto = top.putObject("crypto");
    ObjectNode principals = crypto.putObject("principals");
    String key = uri(hash + ".private.key");
    principals.putObject("SecretsManager").put("privateKeyPath", key);
    principals
        .putObject("IoTCertificate")
        .put("privateKeyPath", key)
        .put("certificatePath", uri(hash + ".cert.pem"));
    crypto.put("caPath", uri("root.ca.pem"));
    file(config(), pretty(top), "rw-------");
  }

  private String uri(String name) {
    return "file://" + certs().resolve(name);
  }

  private static Map<String, JsonNode> endpoints(CloudAddress cloud) {
    ObjectNode values = JSON.createObjectNode();
    values
        .put("iotHost", cloud.dataHost())
        .put("ggHost", cloud.dataHost())
        .put("iotMqttPort", cloud.mqttPort())
        .put("iotHttpPort", cloud.httpsPort())
        .put("ggHttpPort", cloud.httpsPort());
    Map<String, JsonNode> map = new LinkedHashMap<>();
    values.properties().forEach(e -> map.put(e.getKey(), e.getValue()));
    return map;
  }

  /**
   * Lets a folder that was AWS's belong to another cloud: endpoints, root CA, and Region and
   * account of the thing. The file as it was stays beside it as {@code config.json.before}.
   *
   * @return the keys that changed, with what they are now
   */
  public List<String> point(CloudAddress cloud, String account) {
    ObjectNode top = read();
    List<String> changed = new ArrayList<>();
    if (!(top.get("coreThing") instanceof ObjectNode thing)) {
      throw new CliException(config() + " has no section coreThing; it is no V1 core's");
    }
    String arn = thing.path("thingArn").asString("");
    int at = arn.indexOf(":thing/");
    if (at < 0) {
      throw new CliException(config() + " has no coreThing.thingArn; write the core's thing there");
    }
    String partition = arn.split(":", -1)[1];
    set(
        thing,
        "coreThing.",
        "thingArn",
        JSON.getNodeFactory()
            .stringNode(
                "arn:" + partition + ":iot:" + cloud.region() + ":" + account + arn.substring(at)),
        changed);
    endpoints(cloud).forEach((key, value) -> set(thing, "coreThing.", key, value, changed));
    Path ca = certs().resolve("ryegrass.root.ca.pem");
    if (thing.has("caPath") || !top.has("crypto")) {
      set(thing, "coreThing.", "caPath", text("ryegrass.root.ca.pem"), changed);
    }
    if (top.get("crypto") instanceof ObjectNode crypto) {
      set(crypto, "crypto.", "caPath", text("file://" + ca), changed);
    }
    file(ca, cloud.rootCaPem(), "rw-r--r--");
    if (!changed.isEmpty()) {
      keep();
      file(config(), pretty(top), "rw-------");
    }
    return changed;
  }

  private static JsonNode text(String value) {
    return JSON.getNodeFactory().stringNode(value);
  }

  private static void set(
      ObjectNode section, String prefix, String key, JsonNode value, List<String> changed) {
    if (!value.equals(section.get(key))) {
      section.set(key, value);
      changed.add(prefix + key + " = " + value);
    }
  }

  /** The first one is kept: it is AWS's. */
  private void keep() {
    Path before = config().resolveSibling("config.json.before");
    if (!Files.exists(before)) {
      try {
        file(before, Files.readString(config()), "rw-------");
      } catch (IOException e) {
        throw new CliException("cannot read " + config() + ": " + e);
      }
    }
  }

  private ObjectNode read() {
    try {
      if (JSON.readTree(Files.readString(config())) instanceof ObjectNode top) {
        return top;
      }
      throw new CliException(config() + " holds no JSON object");
    } catch (JacksonException e) {
      throw new CliException("Failed to parse " + config() + ": " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new CliException(
          "cannot read " + config() + "; name the folder of a V1 core with --root (" + e + ")");
    }
  }

  /**
   * {@code greengrassd} and its daemon, as links into this copy of Ryegrass. What AWS's own
   * installation has in their place is kept as {@code <name>.aws}.
   */
  public void installDaemon() {
    String home = System.getProperty("ryegrass.home", "");
    Path scripts = Path.of(home).resolve("dist").resolve("v1");
    if (home.isEmpty() || !Files.isExecutable(scripts.resolve("greengrassd"))) {
      throw new CliException(
          "the scripts of dist/v1 are not in "
              + home
              + "; run this command by the launcher of a whole Ryegrass folder");
    }
    Path bin = root.resolve("ggc").resolve("packages").resolve(VERSION).resolve("bin");
    link(bin.resolve("daemon"), scripts.resolve("daemon"));
    link(bin.resolve("greengrassd"), scripts.resolve("greengrassd"));
    link(
        root.resolve("ggc").resolve("core").resolve("greengrassd"), scripts.resolve("greengrassd"));
  }

  private static void link(Path link, Path to) {
    try {
      Path folder = link.getParent();
      if (folder != null) {
        Files.createDirectories(folder);
      }
      if (Files.exists(link, LinkOption.NOFOLLOW_LINKS) && !Files.isSymbolicLink(link)) {
        Files.move(
            link,
            link.resolveSibling(link.getFileName() + ".aws"),
            StandardCopyOption.REPLACE_EXISTING);
      }
      Files.deleteIfExists(link);
      Files.createSymbolicLink(link, to);
    } catch (IOException e) {
      throw new CliException(
          "cannot write " + link + " (" + e.getClass().getSimpleName() + "); run this as root");
    }
  }

  private static String pretty(JsonNode node) {
    return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(node) + "\n";
  }

  private static void file(Path file, String text, String mode) {
    try {
      Path folder = file.getParent();
      if (folder != null) {
        DurableFiles.createDirectories(folder);
      }
      DurableFiles.writeAtomically(
          file, text.getBytes(StandardCharsets.UTF_8), PosixFilePermissions.fromString(mode));
    } catch (DurableException e) {
      throw new CliException(
          "cannot write " + file + " (" + e.getMessage() + "); run this as root");
    }
  }
}
