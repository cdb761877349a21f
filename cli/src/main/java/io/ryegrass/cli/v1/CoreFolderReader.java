package io.ryegrass.cli.v1;

import io.ryegrass.cli.CliException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.CertificateFactory;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The folder of a V1 core ({@code /greengrass}, DIR rows): who it is, by {@code config.json} and
 * its certificate, and what was deployed to it, as far as that can be read. The form of {@code
 * group.json} was never published; lists in it that have the API's form are taken, others are left.
 */
final class CoreFolderReader {
  private static final JsonMapper JSON = JsonMapper.shared();

  private final Path root;
  private final Map<String, String[]> runtimes;
  private final Rescue rescue;

  /**
   * @param runtimes function name → runtime and handler, which the folder does not tell
   */
  private CoreFolderReader(Path root, Map<String, String[]> runtimes, Rescue rescue) {
    this.root = root;
    this.runtimes = runtimes;
    this.rescue = rescue;
  }

  static boolean is(Path folder) {
    return Files.isRegularFile(folder.resolve("config").resolve("config.json"));
  }

  static void read(Path root, Map<String, String[]> runtimes, Rescue rescue) {
    new CoreFolderReader(root, runtimes, rescue).all();
  }

  private void all() {
    Path file = root.resolve("config").resolve("config.json");
    JsonNode config = json(file);
    String thingArn = config.path("coreThing").path("thingArn").asString("");
    int at = thingArn.indexOf(":thing/");
    if (at < 0) {
      throw new CliException(file + " has no coreThing.thingArn; nobody can tell which core it is");
    }
    String thing = thingArn.substring(at + ":thing/".length());
    rescue.thing(thing);
    String certificateArn = certificate(config, thingArn, thing);
    ObjectNode cores = JSON.createObjectNode();
    ObjectNode core = cores.putArray(V1Kind.CORE.member()).addObject();
    core.put("Id", thing.replaceAll("[^a-zA-Z0-9:_-]", "-")).put("ThingArn", thingArn);
    core.put("CertificateArn", certificateArn).put("SyncShadow", false);
    Map<V1Kind, String> references = new EnumMap<>(V1Kind.class);
    define(thing, V1Kind.CORE, cores, references);
    deployed(thing, references);
    rescue.groups.add(new Rescue.Group(thingArn, thing + "-group", references, null, null));
    functions();
  }

  private void define(
      String thing, V1Kind kind, ObjectNode content, Map<V1Kind, String> references) {
    String source = thing + "/" + kind.segment;
    rescue.definitions.add(
        new Rescue.Definition(source, kind, thing + "-" + kind.segment, content));
    references.put(kind, source);
  }

  private String certificate(JsonNode config, String thingArn, String thing) {
    String prefix = thingArn.substring(0, thingArn.indexOf(":thing/")) + ":cert/";
    JsonNode principal = config.path("crypto").path("principals").path("IoTCertificate");
    String given =
        principal
            .path("certificatePath")
            .asString(config.path("coreThing").path("certPath").asString(""));
    Path file =
        given.startsWith("file:")
            ? Path.of(URI.create(given).getPath())
            : root.resolve("certs").resolve(given);
    // a folder that was copied from the device is not where the configuration says
    Path beside = root.resolve("certs").resolve(String.valueOf(file.getFileName()));
    Path found = Files.isRegularFile(file) ? file : beside;
    if (given.isEmpty() || !Files.isRegularFile(found)) {
      rescue.left.add(
          "certificate of core "
              + thing
              + ": "
              + (given.isEmpty() ? "config.json names none" : file + " is not there"));
      return prefix + "unknown";
    }
    String pem = text(found);
    rescue.certificates.add(new Rescue.Certificate(found.toString(), pem, thing));
    return prefix + id(pem, found.toString());
  }

  /** The id that IoT Core gives a certificate: SHA-256 of its DER form. */
  static String id(String pem, String name) {
    try {
      byte[] der =
          CertificateFactory.getInstance("X.509")
              .generateCertificate(
                  new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)))
              .getEncoded();
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(der));
    } catch (GeneralSecurityException e) {
      throw new CliException(name + " holds no certificate in PEM form: " + e.getMessage());
    }
  }

  private void deployed(String thing, Map<V1Kind, String> references) {
    JsonNode group = null;
    for (String folder : List.of("deployment", "deployments")) {
      Path file = root.resolve(Path.of("ggc", folder, "group", "group.json"));
      if (Files.isRegularFile(file)) {
        group = json(file);
      }
    }
    if (group == null) {
      rescue.left.add(
          "the group of core "
              + thing
              + ": there is no ggc/deployment/group/group.json; only the core is carried over");
      return;
    }
    boolean any = false;
    for (V1Kind kind : V1Kind.values()) {
      JsonNode found = kind == V1Kind.CORE ? null : list(group, kind.member());
      if (found != null) {
        ObjectNode content = JSON.createObjectNode();
        content.set(kind.member(), FieldTypes.typed(found));
        if (kind == V1Kind.FUNCTION && group.findValue("DefaultConfig") != null) {
          content.set("DefaultConfig", FieldTypes.typed(group.findValue("DefaultConfig")));
        }
        define(thing, kind, content, references);
        any = true;
      }
    }
    if (!any) {
      rescue.left.add(
          "group.json of core "
              + thing
              + ": nothing in it has the form of the API; its functions, devices and subscriptions have to be defined again");
    }
  }

  /** A list of that name whose entries have ids, wherever it is. */
  private static @Nullable JsonNode list(JsonNode group, String member) {
    for (JsonNode found : group.findValues(member)) {
      if (found.isArray() && !found.isEmpty() && found.path(0).has("Id")) {
        return found;
      }
    }
    return null;
  }

  /** {@code ggc/deployment/lambda/<function ARN>/}: unpacked code. */
  private void functions() {
    for (String folder : List.of("deployment", "deployments")) {
      Path lambda = root.resolve(Path.of("ggc", folder, "lambda"));
      if (!Files.isDirectory(lambda)) {
        continue;
      }
      try (Stream<Path> folders = Files.list(lambda)) {
        folders.sorted().filter(Files::isDirectory).forEach(this::function);
      } catch (IOException e) {
        throw new CliException("cannot read " + lambda + ": " + e.getMessage());
      }
    }
  }

  private void function(Path code) {
    String arn = String.valueOf(code.getFileName());
    String[] parts = arn.split(":");
    if (parts.length != 8 || arn.startsWith("arn:aws:lambda:::")) {
      return;
    }
    String[] runtime = runtimes.get(parts[6]);
    if (runtime == null) {
      rescue.left.add(
          "function "
              + arn
              + ": its code is in "
              + code
              + ", its runtime and handler are not told; give them with --function "
              + parts[6]
              + "=RUNTIME,HANDLER");
      return;
    }
    rescue.functions.add(
        new Rescue.Function(arn, parts[6], runtime[0], runtime[1], 3, 128, Map.of(), zip(code)));
  }

  /** The same folder makes the same package. */
  private static byte[] zip(Path folder) {
    try (ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ZipOutputStream zip = new ZipOutputStream(bytes);
        Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        ZipEntry entry = new ZipEntry(folder.relativize(file).toString().replace('\\', '/'));
        entry.setTime(315_532_800_000L);
        zip.putNextEntry(entry);
        zip.write(Files.readAllBytes(file));
        zip.closeEntry();
      }
      zip.finish();
      return bytes.toByteArray();
    } catch (IOException e) {
      throw new CliException("cannot read the code in " + folder + ": " + e.getMessage());
    }
  }

  private static JsonNode json(Path file) {
    try {
      return JSON.readTree(text(file));
    } catch (JacksonException e) {
      throw new CliException(file + " is not JSON: " + e.getOriginalMessage());
    }
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new CliException("cannot read " + file + " (" + e + ")");
    }
  }
}
