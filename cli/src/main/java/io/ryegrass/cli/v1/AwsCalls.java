package io.ryegrass.cli.v1;

import io.ryegrass.cli.CliException;
import io.ryegrass.cli.CloudAddress;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.SdkHttpFullRequest;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4FamilyHttpSigner;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Calls of AWS's REST-JSON APIs with the JSON of the files themselves, signed by the AWS SDK's
 * signer. The typed clients would make us spell each of the seven kinds of definitions eight times.
 */
final class AwsCalls implements AutoCloseable {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Pattern ACCOUNT = Pattern.compile("<Account>(\\d{12})</Account>");
  private static final Set<String> SET_BY_CLIENT = Set.of("host", "content-length");

  /** The API refused; its code and its sentence. */
  static final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final String code;
    private final int status;

    Refused(String code, int status, String message) {
      super(message);
      this.code = code;
      this.status = status;
    }

    String code() {
      return code;
    }

    int status() {
      return status;
    }
  }

  private final CloudAddress cloud;
  private final URI api;
  private final AwsV4HttpSigner signer = AwsV4HttpSigner.create();
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(15))
          .build();

  AwsCalls(CloudAddress cloud) {
    this.cloud = cloud;
    URI given = cloud.apiUrl();
    if (given == null) {
      throw new CliException("name the cloud to import into with --data or --endpoint-url");
    }
    this.api = given;
  }

  static String segment(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  ObjectNode get(String service, String path) {
    return call(service, "GET", path, null);
  }

  ObjectNode post(String service, String path, JsonNode body) {
    return call(service, "POST", path, body);
  }

  /** The account of our credentials, by STS. */
  String account() {
    String form = "Action=GetCallerIdentity&Version=2011-06-15";
    HttpResponse<byte[]> response =
        send(
            signed(
                "sts",
                "POST",
                "/",
                "application/x-www-form-urlencoded",
                form.getBytes(StandardCharsets.US_ASCII)));
    Matcher account = ACCOUNT.matcher(new String(response.body(), StandardCharsets.UTF_8));
    if (response.statusCode() != 200 || !account.find()) {
      throw new CliException(
          "the cloud at "
              + api
              + " does not say whose credentials these are ("
              + response.statusCode()
              + ")");
    }
    return account.group(1);
  }

  /**
   * @param path with its query, percent-encoded
   * @throws Refused when the answer is an error
   */
  ObjectNode call(String service, String method, String path, @Nullable JsonNode body) {
    byte[] bytes = body == null ? new byte[0] : JSON.writeValueAsBytes(body);
    return answer(
        send(signed(service, method, path, body == null ? "" : "application/json", bytes)));
  }

  private HttpRequest signed(
      String service, String method, String path, String contentType, byte[] bytes) {
    SdkHttpFullRequest.Builder request =
        SdkHttpFullRequest.builder()
            .method(SdkHttpMethod.fromValue(method))
            .uri(URI.create(api.toString().replaceAll("/+$", "") + path));
    if (!contentType.isEmpty()) {
      request.putHeader("Content-Type", contentType);
    }
    ContentStreamProvider content = ContentStreamProvider.fromByteArray(bytes);
    SdkHttpRequest signed =
        signer
            .sign(
                r ->
                    r.identity(cloud.credentials())
                        .request(request.build())
                        .payload(content)
                        .putProperty(AwsV4FamilyHttpSigner.SERVICE_SIGNING_NAME, service)
                        .putProperty(AwsV4HttpSigner.REGION_NAME, cloud.region()))
            .request();
    HttpRequest.Builder out =
        HttpRequest.newBuilder(signed.getUri())
            .timeout(PATIENCE)
            .method(method, HttpRequest.BodyPublishers.ofByteArray(bytes));
    signed.forEachHeader(
        (name, values) -> {
          if (!SET_BY_CLIENT.contains(name.toLowerCase(Locale.ROOT))) {
            values.forEach(value -> out.header(name, value));
          }
        });
    return out.build();
  }

  private HttpResponse<byte[]> send(HttpRequest request) {
    try {
      return http.send(request, HttpResponse.BodyHandlers.ofByteArray());
    } catch (IOException e) {
      throw new CliException("cannot reach the cloud at " + api + " (" + e + "); is it running?");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CliException("the call to " + api + " was interrupted");
    }
  }

  private static ObjectNode answer(HttpResponse<byte[]> response) {
    ObjectNode body = JSON.createObjectNode();
    if (response.body().length > 0) {
      try {
        if (JSON.readTree(response.body()) instanceof ObjectNode object) {
          body = object;
        }
      } catch (JacksonException e) {
        body.put("message", "the answer is not JSON");
      }
    }
    if (response.statusCode() < 300) {
      return body;
    }
    String code =
        response.headers().firstValue("x-amzn-ErrorType").orElse("HTTP " + response.statusCode());
    throw new Refused(
        code.replaceAll(":.*", ""),
        response.statusCode(),
        body.path("message").asString(body.path("Message").asString("")));
  }

  @Override
  public void close() {
    http.close();
  }
}
