package io.ryegrass.cli;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Where a cloud is and who we are there: read from the two files that a running cloud keeps in its
 * data folder ({@code endpoints.json} and {@code credentials}), or asked of the cloud itself.
 *
 * @param apiUrl the AWS APIs; null for AWS's own of the Region
 * @param dataHost the host name by which devices reach MQTT and the data plane
 * @param credentialsHost host, and port where it is not 443, of the credentials endpoint
 * @param httpsPort device HTTPS, client certificates
 * @param mqttPort device MQTT, client certificates
 * @param rootCaPem the certificates that devices must trust
 */
public record CloudAddress(
    @Nullable URI apiUrl,
    String dataHost,
    String credentialsHost,
    int httpsPort,
    int mqttPort,
    String rootCaPem,
    String region,
    AwsCredentials credentials) {
  /** Where a cloud of ours says how devices reach it. */
  private static final String SELF_DESCRIPTION = "/.well-known/ryegrass";

  private static final Duration PATIENCE = Duration.ofSeconds(15);

  /** Reads the files of a cloud on this machine. */
  public static CloudAddress ofDataFolder(Path folder) {
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
      return described(
          URI.create(text(json, "apiUrl", endpoints)),
          json,
          Files.readString(Path.of(text(json, "rootCa", endpoints))),
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

  /** Asks a cloud of ours, by its API's address, how devices reach it. */
  public static CloudAddress ofEndpoint(URI api, AwsCredentials credentials) {
    URI from = URI.create(api.toString().replaceAll("/+$", "") + SELF_DESCRIPTION);
    try (HttpClient http = HttpClient.newBuilder().connectTimeout(PATIENCE).build()) {
      HttpResponse<String> answer =
          http.send(
              HttpRequest.newBuilder(from).timeout(PATIENCE).build(),
              HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() != 200) {
        throw new CliException(
            api
                + " is no Ryegrass cloud (it answered "
                + answer.statusCode()
                + " to "
                + SELF_DESCRIPTION
                + "); give the address that 'ryegrass cloud' prints after api=");
      }
      JsonNode json = JsonMapper.shared().readTree(answer.body());
      return described(api, json, text(json, "rootCaPem", from), credentials);
    } catch (IOException e) {
      throw new CliException(
          "cannot reach the cloud at " + api + " (" + e + "); is it running, and is that its API?");
    } catch (JacksonException | IllegalArgumentException e) {
      throw new CliException(api + " is no Ryegrass cloud: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CliException("the question to " + api + " was interrupted");
    }
  }

  private static CloudAddress described(
      URI api, JsonNode json, String rootCaPem, AwsCredentials credentials) {
    String host = text(json, "deviceHost", api);
    int https = Integer.parseInt(text(json, "httpsPort", api));
    return new CloudAddress(
        api,
        host,
        host + ":" + https,
        https,
        Integer.parseInt(text(json, "mqttPort", api)),
        rootCaPem,
        text(json, "region", api),
        credentials);
  }

  /** What to call it in messages. */
  public String name() {
    return apiUrl == null ? "AWS in " + region : apiUrl.toString();
  }

  private static String text(JsonNode json, String field, Object source) {
    JsonNode value = json.get(field);
    if (value == null) {
      throw new IllegalArgumentException("'" + field + "' is missing in " + source);
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
