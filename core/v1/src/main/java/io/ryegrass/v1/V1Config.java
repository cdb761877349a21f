package io.ryegrass.v1;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.NucleusException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.databind.JsonNode;

/**
 * {@code config/config.json} of a V1 core, read and checked. Nothing is written. What is wrong with
 * it is one sentence that names the key, the file and the remedy, with V1's own words where the
 * guide prints them (TRB-CORE-01 … 03).
 */
final class V1Config {
  private static final String THING = ":thing/";

  private final Path root;
  private final Path file;
  private final Map<String, String> values = new LinkedHashMap<>();
  private final List<String> notes = new ArrayList<>();
  private final String thingArn;
  private final Path certificate;
  private final Path privateKey;
  private final Path rootCa;
  private final @Nullable Path secretsKey;

  private V1Config(Path root, Path file, JsonNode top) {
    this.root = root;
    this.file = file;
    collect("", top);
    thingArn = required("coreThing.thingArn");
    if (!thingArn.matches("arn:[^:]+:iot:[^:]+:[^:]*:thing/[^/]+")) {
      throw notValid(
          "coreThing.thingArn of "
              + file
              + " is \""
              + thingArn
              + "\", which is no thing's ARN; write arn:aws:iot:<region>:<account>:thing/<name>.");
    }
    required("coreThing.iotHost");
    required("coreThing.ggHost");
    boolean crypto = values.keySet().stream().anyMatch(k -> k.startsWith("crypto."));
    if (crypto) {
      certificate =
          fromUri("crypto.principals.IoTCertificate.certificatePath", "CERTIFICATE", "certificate");
      privateKey =
          fromUri("crypto.principals.IoTCertificate.privateKeyPath", "PRIVATE KEY", "private key");
      rootCa = fromUri("crypto.caPath", "CERTIFICATE", "certificate");
    } else {
      certificate = belowCerts("coreThing.certPath", "CERTIFICATE", "certificate");
      privateKey = belowCerts("coreThing.keyPath", "PRIVATE KEY", "private key");
      rootCa = belowCerts("coreThing.caPath", "CERTIFICATE", "certificate");
    }
    String secrets = "crypto.principals.SecretsManager.privateKeyPath";
    secretsKey = has(secrets) ? fromUri(secrets, "PRIVATE KEY", "private key") : null;
    writeDirectory();
  }

  /**
   * @param root the V1 root, such as {@code /greengrass}
   * @throws NucleusException CONFIG_NOT_VALID
   */
  static V1Config read(Path root) {
    Path file = file(root);
    byte[] text;
    try {
      text = DurableFiles.read(file).orElse(new byte[0]);
    } catch (DurableException e) {
      throw new NucleusException(
          "CONFIG_NOT_VALID",
          file + " cannot be read; start the core as root, or give its user the right to read it.",
          e);
    }
    JsonNode top;
    try {
      top = Json.readStrictly(text);
    } catch (JacksonException e) {
      TokenStreamLocation at = e.getLocation();
      throw new NucleusException(
          "CONFIG_NOT_VALID",
          "Failed to parse "
              + file
              + "."
              + (at == null ? "" : " Line " + at.getLineNr() + ", column " + at.getColumnNr() + ":")
              + " "
              + firstLine(e.getOriginalMessage())
              + ". Correct the file (are the commas and quotation marks right?) and start again.",
          e);
    }
    if (!top.isObject()) {
      throw notValid(
          "Failed to parse "
              + file
              + ". It holds no JSON object; restore the file and start again.");
    }
    return new V1Config(root, file, top);
  }

  static Path file(Path root) {
    return root.resolve("config").resolve("config.json");
  }

  private void collect(String prefix, JsonNode node) {
    node.properties()
        .forEach(
            e -> {
              String path = prefix.isEmpty() ? e.getKey() : prefix + "." + e.getKey();
              JsonNode value = e.getValue();
              if (value.isObject()) {
                if (V1Key.ALL.stream().noneMatch(k -> k.path().startsWith(path + "."))) {
                  unknown(path);
                } else {
                  collect(path, value);
                }
              } else if (!value.isNull()) {
                take(path, value);
              }
            });
  }

  private void take(String path, JsonNode value) {
    V1Key key = null;
    for (V1Key k : V1Key.ALL) {
      if (k.path().equals(path)) {
        key = k;
      }
    }
    if (key == null) {
      if (V1Key.ALL.stream().anyMatch(k -> k.path().startsWith(path + "."))) {
        throw notValid(path + " of " + file + " is no section with keys; write it as { … }.");
      }
      unknown(path);
      return;
    }
    String text = value.isArray() ? "" : value.asString("").strip();
    boolean fits =
        switch (key.kind()) {
          case TEXT -> value.isString();
          case YES_NO -> value.isString() && (text.equals("yes") || text.equals("no"));
          case FLAG -> text.equals("true") || text.equals("false");
          case NUMBER -> number(text, key);
        };
    if (!fits) {
      throw notValid(
          path
              + " of "
              + file
              + " is "
              + (path.endsWith("assword") || path.endsWith("Pin") ? "not text" : Json.text(value))
              + "; it has to be "
              + key.values()
              + (key.unset().isEmpty() ? "." : " (without it: " + key.unset() + ")."));
    }
    if (text.isEmpty()) {
      return;
    }
    values.put(path, text);
    if (!key.counts() && !text.equals(key.unset())) {
      notes.add(path + " has no effect: " + key.becomes() + ".");
    }
  }

  private static boolean number(String text, V1Key key) {
    if (!text.matches("\\d{1,9}")) {
      return false;
    }
    long n = Long.parseLong(text);
    return n >= key.least() && n <= key.most() && !(key.isPort() && n > 0 && n < 1024);
  }

  private void unknown(String path) {
    notes.add(path + " is no key of V1 and has no effect: check how it is written, or remove it.");
  }

  private String required(String path) {
    String value = values.get(path);
    if (value == null) {
      throw notValid(file + " has no value for " + path + "; add it and start again.");
    }
    return value;
  }

  // ---- certificates and keys

  private Path belowCerts(String path, String kind, String words) {
    String given = values.get(path);
    if (given == null) {
      throw notValid(
          "The configuration file is missing the CaPath, CertPath or KeyPath. Add "
              + path
              + " to "
              + file
              + ", with the name of a file in "
              + root.resolve("certs")
              + ", or a section crypto.");
    }
    return pem(path, root.resolve("certs").resolve(given), kind, words);
  }

  private Path fromUri(String path, String kind, String words) {
    String given = values.get(path);
    if (given == null) {
      throw notValid(
          file + " has a section crypto without " + path + "; add it as file:///path/to/file.");
    }
    if (given.startsWith("pkcs11:")) {
      throw notValid(
          path
              + " of "
              + file
              + " is a key in hardware (pkcs11:), which this core cannot use; put the key into a"
              + " file and write file:///path/to/key.");
    }
    if (!given.startsWith("file://")) {
      throw notValid(
          "Error occurred while generating TLS config: ErrUnknownURIScheme. "
              + path
              + " of "
              + file
              + " is \""
              + given
              + "\"; write it as file:///path/to/file.");
    }
    // file:///abs is what V1 documents; file://certs/core.crt, as in its example, is below the root
    String name = given.substring("file://".length());
    try {
      return pem(path, root.resolve(decoded(name)), kind, words);
    } catch (InvalidPathException e) {
      throw notValid(path + " of " + file + " is \"" + given + "\", which names no file.");
    }
  }

  private static String decoded(String name) {
    return name.contains("%")
        ? URLDecoder.decode(name.replace("+", "%2B"), StandardCharsets.UTF_8)
        : name;
  }

  private Path pem(String path, Path at, String kind, String words) {
    String role = at + ", named by " + path + " of " + file + ",";
    byte[] content;
    try {
      content = DurableFiles.read(at).orElse(null);
    } catch (DurableException e) {
      throw new NucleusException(
          "CONFIG_NOT_VALID",
          role + " cannot be read; give the core's user the right to read it.",
          e);
    }
    if (content == null) {
      throw notValid(role + " does not exist; put the file there, or correct the key.");
    }
    if (!new String(content, StandardCharsets.ISO_8859_1).contains(kind + "-----")) {
      throw notValid(
          role + " holds no PEM " + words + "; put the right file there, or correct the key.");
    }
    return at;
  }

  private void writeDirectory() {
    String given = values.get("writeDirectory");
    if (given == null) {
      return;
    }
    Path folder = Path.of(given);
    if (!folder.isAbsolute()) {
      throw notValid(
          "writeDirectory of " + file + " is \"" + given + "\"; it has to be an absolute path.");
    }
    if (Files.exists(folder) && (!Files.isDirectory(folder) || !Files.isWritable(folder))) {
      throw notValid(
          "writeDirectory of "
              + file
              + " is "
              + given
              + ", which is no folder that this user may write; make it one, or name another.");
    }
  }

  // ---- what it says

  Path file() {
    return file;
  }

  /** What is set and does nothing, one sentence each. */
  List<String> notes() {
    return List.copyOf(notes);
  }

  /** The value, or what counts without it; empty for nothing. */
  String text(String path) {
    return values.getOrDefault(path, V1Key.of(path).unset());
  }

  int number(String path) {
    return Integer.parseInt(text(path));
  }

  boolean has(String path) {
    return values.containsKey(path);
  }

  String thingName() {
    return thingArn.substring(thingArn.indexOf(THING) + THING.length());
  }

  String region() {
    return thingArn.split(":", -1)[3];
  }

  Path certificate() {
    return certificate;
  }

  Path privateKey() {
    return privateKey;
  }

  Path rootCa() {
    return rootCa;
  }

  /** Null for the core's own key. */
  @Nullable Path secretsKey() {
    return secretsKey;
  }

  /** Null when everything is written below {@code ggc/}. */
  @Nullable Path writeFolder() {
    String given = values.get("writeDirectory");
    return given == null ? null : Path.of(given).normalize();
  }

  private static String firstLine(@Nullable String text) {
    String t = String.valueOf(text);
    int end = t.indexOf('\n');
    String line = end < 0 ? t : t.substring(0, end);
    return line.endsWith(".") ? line.substring(0, line.length() - 1) : line;
  }

  private static NucleusException notValid(String message) {
    return new NucleusException("CONFIG_NOT_VALID", message);
  }

  static boolean isAws(String host) {
    String h = host.toLowerCase(Locale.ROOT);
    return h.endsWith(".amazonaws.com") || h.endsWith(".amazonaws.com.cn");
  }
}
