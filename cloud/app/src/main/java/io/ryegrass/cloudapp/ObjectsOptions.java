package io.ryegrass.cloudapp;

import io.ryegrass.awssignature.Credentials;
import io.ryegrass.objects.RemoteServer;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/**
 * From {@code --objects} and its fellows to another S3-compatible server. The key to it stands in a
 * file that only its owner may read (of the form of {@code ~/.aws/credentials}), or in the
 * environment; never in the arguments, which everybody on the machine can list.
 */
final class ObjectsOptions {
  static final String URL = "--objects";
  static final String PREFIX = "--objects-prefix";
  static final String REGION = "--objects-region";
  static final String CREDENTIALS = "--objects-credentials";
  static final String KEY_VARIABLE = "RYEGRASS_OBJECTS_ACCESS_KEY_ID";
  static final String SECRET_VARIABLE = "RYEGRASS_OBJECTS_SECRET_ACCESS_KEY";
  static final String TOKEN_VARIABLE = "RYEGRASS_OBJECTS_SESSION_TOKEN";

  private ObjectsOptions() {}

  static List<OptionSpec> specs() {
    return List.of(
        spec(
            URL,
            "URL",
            "keep buckets, artifacts and function packages on this S3-compatible server instead of"
                + " the data folder; its key is taken from "
                + CREDENTIALS
                + " or from the environment ("
                + KEY_VARIABLE
                + ", "
                + SECRET_VARIABLE
                + ")"),
        spec(PREFIX, "TEXT", "stands before the names of all buckets there"),
        spec(REGION, "NAME", "region of that server's signatures (us-east-1 unless given)"),
        spec(
            CREDENTIALS,
            "FILE",
            "file like ~/.aws/credentials with the key to that server, readable by its owner only"));
  }

  private static OptionSpec spec(String name, String label, String description) {
    return OptionSpec.builder(name)
        .type(String.class)
        .paramLabel(label)
        .description(description)
        .build();
  }

  static void addTo(CommandSpec spec) {
    specs().forEach(spec::addOption);
  }

  /**
   * Null without a URL: then objects lie in the data folder.
   *
   * @throws IllegalArgumentException with a sentence for the operator, without the secret
   */
  static @Nullable RemoteServer read(ParseResult parsed, Map<String, String> environment) {
    String url = parsed.matchedOptionValue(URL, "");
    String file = parsed.matchedOptionValue(CREDENTIALS, "");
    if (url.isEmpty()) {
      for (String option : List.of(PREFIX, REGION, CREDENTIALS)) {
        if (!parsed.matchedOptionValue(option, "").isEmpty()) {
          throw new IllegalArgumentException(option + " is of no use without " + URL);
        }
      }
      return null;
    }
    Map<String, String> key = file.isEmpty() ? inEnvironment(environment) : inFile(Path.of(file));
    String id = key.getOrDefault("aws_access_key_id", "");
    String secret = key.getOrDefault("aws_secret_access_key", "");
    if (id.isEmpty() || secret.isEmpty()) {
      throw new IllegalArgumentException(
          URL
              + " needs a key: "
              + (file.isEmpty()
                  ? "set "
                      + KEY_VARIABLE
                      + " and "
                      + SECRET_VARIABLE
                      + ", or name a file with "
                      + CREDENTIALS
                  : file + " has no aws_access_key_id and aws_secret_access_key under [default]"));
    }
    String region = parsed.matchedOptionValue(REGION, "us-east-1");
    try {
      return new RemoteServer(
          URI.create(url),
          region,
          parsed.matchedOptionValue(PREFIX, ""),
          new Credentials(id, secret, key.get("aws_session_token")));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(URL + ": " + e.getMessage(), e);
    }
  }

  private static Map<String, String> inEnvironment(Map<String, String> environment) {
    Map<String, String> key = new HashMap<>();
    Map.of(
            KEY_VARIABLE,
            "aws_access_key_id",
            SECRET_VARIABLE,
            "aws_secret_access_key",
            TOKEN_VARIABLE,
            "aws_session_token")
        .forEach(
            (variable, name) -> {
              String value = environment.get(variable);
              if (value != null && !value.isEmpty()) {
                key.put(name, value);
              }
            });
    return key;
  }

  /** The section {@code [default]}, or what stands before any section. */
  private static Map<String, String> inFile(Path file) {
    Map<String, String> key = new HashMap<>();
    try {
      Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
      if (permissions.stream().anyMatch(p -> !p.name().startsWith("OWNER_"))) {
        throw new IllegalArgumentException(
            CREDENTIALS + " " + file + " may be read by others; run: chmod 600 " + file);
      }
      String section = "default";
      for (String line : Files.readString(file, StandardCharsets.UTF_8).lines().toList()) {
        String text = line.strip();
        int equals = text.indexOf('=');
        if (text.startsWith("[")) {
          section = text.replaceAll("[\\[\\]]", "").strip();
        } else if (equals > 0 && !text.startsWith("#") && section.equals("default")) {
          key.put(text.substring(0, equals).strip(), text.substring(equals + 1).strip());
        }
      }
      return key;
    } catch (IOException e) {
      throw new IllegalArgumentException(
          CREDENTIALS + " " + file + " cannot be read: " + e.getMessage(), e);
    }
  }
}
