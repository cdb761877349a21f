package io.ryegrass.cli.fleet;

import io.ryegrass.cli.CliException;
import io.ryegrass.cli.CloudAddress;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Signed GET requests to the cloud's own operations. */
final class FleetCalls {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** Set by the HTTP client itself. */
  private static final Set<String> OWN = Set.of("host", "content-length", "connection");

  private final CloudAddress cloud;
  private final URI api;

  FleetCalls(CloudAddress cloud) {
    URI url = cloud.apiUrl();
    if (url == null) {
      throw new CliException("AWS has no such operation; name a Ryegrass cloud with --data");
    }
    this.cloud = cloud;
    this.api = url;
  }

  /** The answer of an operation. */
  JsonNode get(String path, Map<String, String> query) {
    SdkHttpRequest.Builder request =
        SdkHttpRequest.builder().method(SdkHttpMethod.GET).uri(api).encodedPath(path);
    query.forEach(request::putRawQueryParameter);
    SdkHttpRequest signed =
        AwsV4HttpSigner.create()
            .sign(
                r ->
                    r.identity(cloud.credentials())
                        .request(request.build())
                        .putProperty(AwsV4HttpSigner.SERVICE_SIGNING_NAME, "ryegrass")
                        .putProperty(AwsV4HttpSigner.REGION_NAME, cloud.region()))
            .request();
    HttpRequest.Builder call = HttpRequest.newBuilder(signed.getUri()).timeout(PATIENCE);
    signed.forEachHeader(
        (name, values) -> {
          if (!OWN.contains(name.toLowerCase(java.util.Locale.ROOT))) {
            values.forEach(value -> call.header(name, value));
          }
        });
    try (HttpClient http = HttpClient.newBuilder().connectTimeout(PATIENCE).build()) {
      HttpResponse<String> answer = http.send(call.build(), HttpResponse.BodyHandlers.ofString());
      JsonNode json = JsonMapper.shared().readTree(answer.body());
      if (answer.statusCode() != 200) {
        throw new CliException(
            "the cloud refused: " + json.path("message").asString(answer.body()));
      }
      return json;
    } catch (IOException e) {
      throw new CliException("cannot reach the cloud at " + api + " (" + e + "); is it running?");
    } catch (JacksonException e) {
      throw new CliException(api + " did not answer with JSON: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CliException("the question to " + api + " was interrupted");
    }
  }
}
