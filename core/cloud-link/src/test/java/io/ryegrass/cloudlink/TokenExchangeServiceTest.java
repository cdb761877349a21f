package io.ryegrass.cloudlink;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.nucleus.BuiltInContext;
import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.Components;
import io.ryegrass.nucleus.CredentialsSource;
import io.ryegrass.nucleus.TokenExchangeCredentials;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The service over real HTTP (v2-ipc.md section 11). */
class TokenExchangeServiceTest {
  private static final String TOKEN = "token-of-a";

  private final CloudHttpsTest.MovableClock clock = new CloudHttpsTest.MovableClock();
  private final TokenExchangeService service = new TokenExchangeService(clock);
  private final Map<String, String> environment = new ConcurrentHashMap<>();
  private final AtomicInteger fetches = new AtomicInteger();
  private final HttpClient client = HttpClient.newHttpClient();
  private volatile CredentialsSource source = this::good;

  @BeforeEach
  void start() {
    service.start(context());
  }

  @AfterEach
  void stop() {
    service.stop();
    client.close();
  }

  private TokenExchangeCredentials good() {
    return new TokenExchangeCredentials(
        "AKID", "secret", "session", Instant.parse("2030-01-01T00:00:00Z"));
  }

  @Test
  void aComponentGetsCredentialsWithItsOwnToken() throws Exception {
    HttpResponse<String> r = ask("GET", "", TOKEN);

    assertThat(r.statusCode()).isEqualTo(200);
    JsonNode body = JsonMapper.shared().readTree(r.body());
    assertThat(body.path("AccessKeyId").asString()).isEqualTo("AKID");
    assertThat(body.path("SecretAccessKey").asString()).isEqualTo("secret");
    assertThat(body.path("Token").asString()).isEqualTo("session");
    assertThat(body.path("Expiration").asString()).isEqualTo("2030-01-01T00:00:00Z");
  }

  @Test
  void nobodyElseDoes() throws Exception {
    assertThat(ask("GET", "", "another").statusCode()).isEqualTo(403);
    assertThat(ask("GET", "", "").statusCode()).isEqualTo(403);
    assertThat(ask("POST", "", TOKEN).statusCode()).isEqualTo(405);
    assertThat(ask("GET", "more", TOKEN).statusCode()).isEqualTo(400);
    assertThat(fetches).hasValue(0);
  }

  @Test
  void aRefusalIsToldAndRememberedForTwoMinutes() throws Exception {
    source =
        () -> {
          throw new CloudRefusedException("ACCESS_DENIED", "no policy");
        };

    HttpResponse<String> r = ask("GET", "", TOKEN);
    assertThat(r.statusCode()).isEqualTo(403);
    assertThat(r.body()).startsWith("TES responded with status code: 403").contains("no policy");
    source = this::good;
    clock.add(Duration.ofSeconds(119));
    assertThat(ask("GET", "", TOKEN).statusCode()).isEqualTo(403);
    assertThat(fetches).hasValue(1);
    clock.add(Duration.ofSeconds(2));
    assertThat(ask("GET", "", TOKEN).statusCode()).isEqualTo(200);
  }

  @Test
  void soonAfterTheCloudIsBackThereAreCredentialsAgain() throws Exception {
    source =
        () -> {
          throw new CloudUnavailableException("nothing answers there");
        };
    assertThat(ask("GET", "", TOKEN).statusCode()).isEqualTo(500);
    source = this::good;
    clock.add(Duration.ofSeconds(11));
    assertThat(ask("GET", "", TOKEN).statusCode()).isEqualTo(200);
  }

  private HttpResponse<String> ask(String method, String more, String token) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
                URI.create(environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI") + more))
            .timeout(Duration.ofSeconds(10))
            .method(method, HttpRequest.BodyPublishers.noBody());
    if (!token.isEmpty()) {
      request.header("Authorization", token);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private BuiltInContext context() {
    CloudPorts offline = CloudPorts.offline();
    CloudPorts ports =
        new CloudPorts(
            offline.catalog(),
            offline.artifacts(),
            offline.messaging(),
            offline.reporter(),
            offline.fleet(),
            () -> {
              fetches.incrementAndGet();
              return source.get();
            });
    Components components =
        face(
            Components.class,
            (method, args) ->
                method.equals("componentOfToken") && args[0].equals(TOKEN)
                    ? Optional.of("com.example.A")
                    : Optional.empty());
    return face(
        BuiltInContext.class,
        (method, args) ->
            switch (method) {
              case "configuration" -> JsonMapper.shared().createObjectNode();
              case "components" -> components;
              case "cloud" -> ports;
              case "log" -> LoggerFactory.getLogger("test");
              case "provideEnvironment" ->
                  environment.put(args[0].toString(), args[1].toString()) == null ? null : null;
              default -> null;
            });
  }

  private interface Body {
    Object call(String method, Object[] args);
  }

  /** Only the few methods that the service calls. */
  private static <T> T face(Class<T> type, Body body) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (p, m, args) -> body.call(m.getName(), args == null ? new Object[0] : args)));
  }
}
