package io.ryegrass.cli;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Where a cloud is and who we are there, read from the two files that a running cloud keeps in its
 * data folder: {@code endpoints.json} and {@code credentials}.
 *
 * @param apiUrl the AWS APIs
 * @param deviceHost the host name by which devices reach the cloud
 * @param httpsPort device HTTPS, client certificates
 * @param mqttPort device MQTT, client certificates
 * @param rootCaPem the certificate that devices must trust
 */
record CloudAddress(
    URI apiUrl,
    String deviceHost,
    int httpsPort,
    int mqttPort,
    String rootCaPem,
    String region,
    String account,
    AwsBasicCredentials credentials) {

  static CloudAddress ofDataFolder(Path folder) {
    Path endpoints = folder.resolve("endpoints.json");
    if (!Files.isReadable(endpoints)) {
      throw new CliException(
          "no cloud has run with data folder "
              + folder
              + "; start one with './ryegrass cloud --data "
              + folder
              + "', or name its folder with --data");
    }
    try {
      JsonNode json = JsonMapper.shared().readTree(Files.readString(endpoints));
      Map<String, String> keys = readKeys(folder.resolve("credentials"));
      return new CloudAddress(
          URI.create(text(json, "apiUrl", endpoints)),
          text(json, "deviceHost", endpoints),
          Integer.parseInt(text(json, "httpsPort", endpoints)),
          Integer.parseInt(text(json, "mqttPort", endpoints)),
          Files.readString(Path.of(text(json, "rootCa", endpoints))),
          text(json, "region", endpoints),
          text(json, "account", endpoints),
          AwsBasicCredentials.create(
              required(keys, "aws_access_key_id", folder),
              required(keys, "aws_secret_access_key", folder)));
    } catch (IOException | JacksonException | IllegalArgumentException e) {
      throw new CliException(
          "cannot read the cloud's address from "
              + endpoints
              + " ("
              + e.getMessage()
              + "); restart the cloud, it writes the file anew");
    }
  }

  private static String text(JsonNode json, String field, Path file) {
    JsonNode value = json.get(field);
    if (value == null) {
      throw new IllegalArgumentException("'" + field + "' is missing in " + file);
    }
    return value.asString();
  }

  private static String required(Map<String, String> keys, String name, Path folder) {
    String value = keys.get(name);
    if (value == null) {
      throw new IllegalArgumentException(
          "'" + name + "' is missing in " + folder.resolve("credentials"));
    }
    return value;
  }

  private static Map<String, String> readKeys(Path file) throws IOException {
    Map<String, String> keys = new HashMap<>();
    for (String line : Files.readAllLines(file)) {
      int equals = line.indexOf('=');
      if (equals > 0) {
        keys.put(line.substring(0, equals).strip(), line.substring(equals + 1).strip());
      }
    }
    return keys;
  }
}
