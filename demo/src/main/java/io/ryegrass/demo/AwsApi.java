package io.ryegrass.demo;

import io.ryegrass.awssignature.Credentials;
import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Signer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Signed GET requests, for looking often: starting the AWS CLI takes most of a second. */
public final class AwsApi {
  private final URI base;
  private final String region;
  private final Credentials credentials;
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(30))
          .build();

  AwsApi(URI base, String region, Credentials credentials) {
    this.base = base;
    this.region = region;
    this.credentials = credentials;
  }

  /**
   * @param service the signing name, such as {@code greengrass}
   * @param path the raw path
   */
  public JsonNode get(String service, String path) {
    String host = base.getHost() + ":" + base.getPort();
    Map<String, String> signed =
        SigV4Signer.sign(
            credentials,
            region,
            service,
            new HttpRequestToSign("GET", path, "", Map.of("host", List.of(host))),
            new byte[0],
            Instant.now());
    HttpRequest.Builder request =
        HttpRequest.newBuilder(base.resolve(path)).timeout(Duration.ofSeconds(30)).GET();
    signed.forEach(
        (name, value) -> {
          if (!name.equalsIgnoreCase("host")) {
            request.header(name, value);
          }
        });
    try {
      HttpResponse<String> response =
          http.send(request.build(), HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() != 200) {
        throw new StepFailed(
            "GET " + path + " answered " + response.statusCode() + ": " + response.body());
      }
      return JsonMapper.shared().readTree(response.body());
    } catch (IOException e) {
      throw new StepFailed("GET " + base.resolve(path) + ": " + e, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StepFailed("interrupted", e);
    }
  }
}
