package io.ryegrass.cloudlink;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.model.ComponentType;
import io.ryegrass.nucleus.BuiltInContext;
import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.ComponentStatus;
import io.ryegrass.nucleus.Components;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.CredentialsSource;
import io.ryegrass.nucleus.TokenExchangeCredentials;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The service over real HTTP (v2-ipc.md section 11). */
class TokenExchangeServiceTest {
  private static final String TOKEN = "token-of-a";
  private static final String FUNCTION_TOKEN = "token-of-a-worker";

  private final CloudHttpsTest.MovableClock clock = new CloudHttpsTest.MovableClock();
  private final TokenExchangeService service = new TokenExchangeService(clock);
  private final Map<String, String> environment = new ConcurrentHashMap<>();
  private final AtomicInteger fetches = new AtomicInteger();
  private final HttpClient client = HttpClient.newHttpClient();
  private final ObjectNode configuration = JsonMapper.shared().createObjectNode();
  private volatile CredentialsSource source = this::good;
  private Consumer<ObjectNode> changed = c -> {};

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

  @Test
  void aServersErrorIsPassedOnWithItsStatusAndRememberedForAMinute() throws Exception {
    source =
        () -> {
          throw new CloudUnavailableException("(ServiceUnavailable)", 503);
        };

    HttpResponse<String> r = ask("GET", "", TOKEN);
    assertThat(r.statusCode()).isEqualTo(503);
    assertThat(r.body()).startsWith("TES responded with status code: 503").contains("Unavailable");
    source = this::good;
    clock.add(Duration.ofSeconds(59));
    assertThat(ask("GET", "", TOKEN).statusCode()).isEqualTo(503);
    clock.add(Duration.ofSeconds(2));
    assertThat(ask("GET", "", TOKEN).statusCode()).isEqualTo(200);
  }

  @Test
  void aFunctionOfAGroupGetsItsGroupsRoleAndWhatIsWrongWithItStopsNobodyElse() throws Exception {
    source =
        new CredentialsSource() {
          @Override
          public TokenExchangeCredentials get() {
            return good();
          }

          @Override
          public CredentialsSource ofGroup(String id) {
            return () -> {
              throw new CloudRefusedException("RESOURCE_NOT_FOUND", id + " has no role", 404);
            };
          }
        };

    HttpResponse<String> function = ask("GET", "", FUNCTION_TOKEN);

    assertThat(function.statusCode()).isEqualTo(404);
    assertThat(function.body()).isEqualTo("TES responded with status code: 404. g-1 has no role");
    assertThat(ask("GET", "", TOKEN).statusCode()).isEqualTo(200);
    source = this::good;
    assertThat(ask("GET", "", FUNCTION_TOKEN).statusCode()).as("remembered").isEqualTo(404);
    service.deploymentEnded(null);
    assertThat(ask("GET", "", FUNCTION_TOKEN).statusCode()).isEqualTo(200);
  }

  @Test
  void thePortStaysOverARestartAndAnEarlierOneServesOnWhenItIsChanged() throws Exception {
    String first = environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    assertThat(first).contains(":" + configuration.path("activePort").asInt() + "/");
    service.stop();
    service.start(context());
    assertThat(environment).containsEntry("AWS_CONTAINER_CREDENTIALS_FULL_URI", first);

    try (Socket reserved = new Socket()) { // bound and silent: nobody else is given the port
      reserved.setReuseAddress(true);
      reserved.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      int other = reserved.getLocalPort();
      configuration.put("port", other);
      changed.accept(configuration);

      assertThat(environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")).contains(":" + other + "/");
      assertThat(configuration.path("activePort").asInt()).isEqualTo(other);
    }
    assertThat(ask("GET", "", TOKEN).statusCode()).isEqualTo(200);
    environment.put("AWS_CONTAINER_CREDENTIALS_FULL_URI", first);
    assertThat(ask("GET", "", TOKEN).statusCode()).isEqualTo(200);
  }

  private HttpResponse<String> ask(String method, String more, String token) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
                URI.create(environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI") + more))
            .timeout(Duration.ofSeconds(30))
            .method(method, HttpRequest.BodyPublishers.noBody());
    if (!token.isEmpty()) {
      request.header("Authorization", token);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static ComponentStatus status(String name) {
    return new ComponentStatus(
        name,
        "1.0.0",
        ComponentState.RUNNING,
        name.equals("function") ? ComponentType.LAMBDA : ComponentType.GENERIC,
        true,
        List.of(),
        List.of(),
        "",
        Instant.EPOCH);
  }

  @SuppressWarnings("unchecked")
  private BuiltInContext context() {
    CloudPorts offline = CloudPorts.offline();
    CloudPorts ports =
        new CloudPorts(
            offline.catalog(),
            offline.artifacts(),
            offline.messaging(),
            offline.reporter(),
            offline.fleet(),
            new CredentialsSource() {
              @Override
              public TokenExchangeCredentials get() {
                fetches.incrementAndGet();
                return source.get();
              }

              @Override
              public CredentialsSource ofGroup(String id) {
                return source.ofGroup(id);
              }
            });
    Components components =
        face(
            Components.class,
            (method, args) ->
                switch (method) {
                  case "componentOfToken" ->
                      args[0].equals(TOKEN)
                          ? Optional.of("com.example.A")
                          : args[0].equals(FUNCTION_TOKEN)
                              ? Optional.of("function")
                              : Optional.empty();
                  case "find" -> Optional.of(status(args[0].toString()));
                  case "updateConfiguration" -> {
                    configuration.set("activePort", (JsonNode) args[2]);
                    yield null;
                  }
                  default -> null;
                });
    ConfigTree config =
        face(
            ConfigTree.class,
            (method, args) -> Optional.of(JsonMapper.shared().readTree("\"g-1\"")));
    return face(
        BuiltInContext.class,
        (method, args) ->
            switch (method) {
              case "configuration" -> configuration.deepCopy();
              case "config" -> config;
              case "onConfigurationChanged" -> {
                changed = (Consumer<ObjectNode>) args[0];
                yield null;
              }
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
