package io.ryegrass.awsapi;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.ryegrass.awsapi.ServiceModel.Operation;
import io.ryegrass.awsapi.ServiceModel.ProtocolName;
import io.ryegrass.awsapi.Shape.Location;
import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.Credentials;
import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Signer;
import io.ryegrass.awssignature.SigV4Verifier;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * Random and mutated requests, well signed so that they get as far as they can: whatever comes, the
 * answer is one of AWS's and none of it is an internal failure.
 */
class HostileRequestsTest {

  private static final AccessKey KEY =
      new AccessKey("AKIDEXAMPLE", "secret", null, null, "arn:aws:iam::0:root");
  private static final List<String> SERVICES = List.copyOf(Services.names());
  private static final ApiEngine ENGINE = engine();

  private static final List<String> NASTY =
      List.of(
          "null",
          "true",
          "[]",
          "{}",
          "\"\"",
          "\"x\"",
          "-1",
          "0",
          "1e400",
          "1e1000000000",
          "1e-1000000000",
          "99999999999999999999",
          "1.5",
          "\"NaN\"",
          "\"2026-13-45T99:99:99Z\"",
          "[[[[[[]]]]]]",
          "[null]",
          "{\"a\":{\"b\":{\"c\":[1,{}]}}}",
          "\"\\u0000\\ud800\"",
          "\"%00%ff\"",
          "[1,\"a\",{}]",
          "\"////\"",
          "\"AAAA\"",
          "\"" + "a".repeat(5000) + "\"");

  private static ApiEngine engine() {
    List<ServiceOperations> all = new ArrayList<>();
    for (String service : SERVICES) {
      ServiceOperations.Builder builder = ServiceOperations.of(service);
      ModelReader.read(service)
          .operations()
          .keySet()
          .forEach(o -> builder.json(o, (call, in) -> JsonNodeFactory.instance.objectNode()));
      all.add(builder.build());
    }
    return new ApiEngine(
        all,
        new SigV4Verifier(
            id -> id.equals(KEY.accessKeyId()) ? Optional.of(KEY) : Optional.empty(),
            Clock.systemUTC()),
        (call, action, input) -> {},
        "us-east-1",
        "000000000000");
  }

  private static void ask(
      String service,
      String method,
      String path,
      String query,
      Map<String, String> headers,
      byte[] body) {
    Map<String, List<String>> all = new HashMap<>();
    all.put("host", List.of("localhost"));
    headers.forEach((k, v) -> all.put(k, List.of(v)));
    SigV4Signer.sign(
            new Credentials(KEY.accessKeyId(), KEY.secretAccessKey(), null),
            "us-east-1",
            Services.of(service).signingName(),
            new HttpRequestToSign(method, path, query, all),
            body,
            Instant.now())
        .forEach((k, v) -> all.put(k, List.of(v)));
    ApiRequest request = new ApiRequest(method, path, query, all, body);
    ApiResponse answer = ENGINE.handle(request);
    assertThat(answer.status())
        .as("%s %s?%s %s: %s", method, path, query, shown(body), shown(answer.body()))
        .isBetween(200, 499);
  }

  private static String shown(byte[] bytes) {
    String text = new String(bytes, UTF_8);
    return text.length() > 300 ? text.substring(0, 300) : text;
  }

  @Test
  void everyMemberOfEveryOperationMayBeNonsense() {
    Random random = new Random(20261121);
    assertTimeoutPreemptively(
        Duration.ofMinutes(3),
        () -> {
          for (String service : SERVICES) {
            ServiceModel model = ModelReader.read(service);
            for (Operation operation : model.operations().values()) {
              for (int i = 0; i < 3; i++) {
                nonsense(service, model, operation, random);
              }
            }
          }
        });
  }

  private static void nonsense(
      String service, ServiceModel model, Operation operation, Random random) {
    Map<String, String> headers = new HashMap<>();
    StringBuilder body = new StringBuilder();
    StringBuilder query = new StringBuilder();
    String path = "/";
    boolean form = model.protocol() == ProtocolName.QUERY;
    if (form) {
      headers.put("content-type", "application/x-www-form-urlencoded");
      body.append("Action=").append(operation.name()).append("&Version=2011-06-15");
    }
    if (model.protocol() == ProtocolName.JSON) {
      headers.put("x-amz-target", model.targetPrefix() + "." + operation.name());
    }
    if (model.protocol() == ProtocolName.REST_JSON) {
      StringBuilder route = new StringBuilder();
      for (String segment : operation.segments()) {
        route.append('/').append(segment.startsWith("{") ? pathPart(random) : segment);
      }
      path = route.isEmpty() ? "/" : route.toString();
      operation
          .queryLiterals()
          .forEach((k, v) -> query.append(k).append('=').append(v).append('&'));
    }
    Shape input = operation.input();
    if (input != null) {
      for (Shape.Member member : input.members.values()) {
        String value = NASTY.get(random.nextInt(NASTY.size()));
        if (form) {
          String suffix =
              List.of("", ".member.1", ".member.1.Key", ".entry.1.key", ".member.99999999", ".0")
                  .get(random.nextInt(6));
          body.append('&')
              .append(member.wireName())
              .append(suffix)
              .append('=')
              .append(pathPart(random));
        } else if (member.location() == Location.QUERY) {
          query.append(member.wireName()).append('=').append(pathPart(random)).append('&');
        } else if (member.location() == Location.HEADER) {
          headers.put(member.wireName().toLowerCase(java.util.Locale.ROOT), pathPart(random));
        } else if (member.location() == Location.BODY) {
          body.append(body.isEmpty() ? "{\"" : ",\"")
              .append(member.wireName())
              .append("\":")
              .append(value);
        }
      }
    }
    if (!form && !body.isEmpty()) {
      body.append('}');
    }
    ask(
        service,
        operation.method(),
        path,
        query.toString(),
        headers,
        body.toString().getBytes(UTF_8));
  }

  private static String pathPart(Random random) {
    return List.of(
            "x",
            "%zz",
            "%00",
            "1e1000000000",
            "-1",
            "99999999999999999999",
            "true",
            "a%2Fb",
            "NaN",
            "1970-01-01T00:00:00Z",
            "%ff%fe",
            "arn%3Aaws%3Aiot",
            "a+b",
            "%E2%82%AC",
            "9".repeat(300))
        .get(random.nextInt(15));
  }

  @Test
  void bytesThatAreNothingAreRefusedInTheFormOfTheProtocol() {
    Random random = new Random(7);
    assertTimeoutPreemptively(
        Duration.ofMinutes(3),
        () -> {
          for (int i = 0; i < 600; i++) {
            byte[] body = new byte[random.nextInt(400)];
            random.nextBytes(body);
            String service = SERVICES.get(random.nextInt(SERVICES.size()));
            Map<String, String> headers = new HashMap<>();
            if (i % 3 == 0) {
              headers.put("x-amz-target", i % 2 == 0 ? "..." : "secretsmanager.CreateSecret");
            }
            if (i % 3 == 1) {
              headers.put("content-type", "application/x-www-form-urlencoded");
            }
            String path = i % 3 == 2 ? "/things/" + pathPart(random) : "/";
            ask(service, "POST", path, "a=" + pathPart(random), headers, body);
          }
        });
  }

  @Test
  void aFormOfManyParametersTakesNoLongerThanItsLength() {
    StringBuilder form = new StringBuilder("Action=TagUser&Version=2010-05-08&UserName=a");
    for (int i = 1; i <= 20_000; i++) {
      form.append("&Tags.member.").append(i).append(".Key=k").append(i);
    }
    assertTimeoutPreemptively(
        Duration.ofSeconds(60),
        () ->
            ask(
                "iam",
                "POST",
                "/",
                "",
                Map.of("content-type", "application/x-www-form-urlencoded"),
                form.toString().getBytes(UTF_8)));
  }

  @Test
  void aDeepDocumentIsRefusedAndDoesNotEatTheStack() {
    String deep = "{\"Name\":" + "[".repeat(100_000);
    ask(
        "secretsmanager",
        "POST",
        "/",
        "",
        Map.of("x-amz-target", "secretsmanager.CreateSecret"),
        deep.getBytes(UTF_8));
  }
}
