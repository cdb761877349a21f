package io.ryegrass.cloudlink;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.ryegrass.model.ComponentType;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.BuiltIn;
import io.ryegrass.nucleus.BuiltInContext;
import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.CredentialsSource;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.TokenExchangeCredentials;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code aws.greengrass.TokenExchangeService}: hands the role alias's credentials to components and
 * functions over HTTP on the loopback address, in the form that AWS SDKs ask for (v2-ipc.md section
 * 11). The token is the component's own (SVCUID), or that of one worker of a function; anyone
 * without one gets 403. A function of a V1 group gets the credentials of its group's role (IAM-07,
 * decision 051), everybody else those of the role alias.
 *
 * <p>Credentials are renewed before an SDK wants newer ones, so that who asks does not wait, and
 * serve to their end while the cloud is away (LESSON-26). The port stays the same over restarts
 * also when none is configured ({@code activePort}); after a change of {@code port} the earlier one
 * goes on serving those who know it.
 *
 * <p>Failures are remembered for a while, so that a component that asks in a loop does not make the
 * core do so: refusals 120 s, server errors 60 s, an unreachable cloud 10 s. AWS remembers an
 * unreachable cloud for 300 s; here a component has its credentials soon after the cloud is back.
 * {@code credentialRetryInSec} changes these times as it does there.
 */
public final class TokenExchangeService implements BuiltIn {
  public static final String NAME = "aws.greengrass.TokenExchangeService";

  private static final String PATH = "/2016-11-01/credentialprovider/";
  private static final String VARIABLE = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
  private static final String ACTIVE = "activePort";

  /** Where the group compiler says which group a function belongs to. */
  private static final List<String> GROUP = List.of("group", "id");

  private static final Logger LOG = LoggerFactory.getLogger(NAME);
  private static final Duration LOOK = Duration.ofMinutes(1);
  private static final Duration WAIT = Duration.ofSeconds(30);
  private static final int MAX_REQUESTS = 64;

  private final Clock clock;
  private final Semaphore requests = new Semaphore(MAX_REQUESTS);
  private final ReentrantLock lifecycle = new ReentrantLock();
  private final List<Running> running = new ArrayList<>();

  /** By group, empty for the role alias. */
  private final Map<String, Failure> failures = new ConcurrentHashMap<>();

  private volatile @Nullable CredentialsSource source;
  private @Nullable Thread renewing;

  /** A remembered failure. */
  private record Failure(int status, String message, Instant until) {}

  private record Running(HttpServer server, ExecutorService threads) {
    int port() {
      return server.getAddress().getPort();
    }
  }

  /** An answer before it is sent. */
  private record Reply(int status, String contentType, String body) {
    static Reply text(int status, String body) {
      return new Reply(status, "text/plain", body);
    }
  }

  public TokenExchangeService(Clock clock) {
    this.clock = clock;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public void start(BuiltInContext c) {
    failures.clear();
    listen(c, c.configuration());
    c.onConfigurationChanged(
        changed -> {
          failures.clear();
          try {
            listen(c, changed);
          } catch (NucleusException e) {
            c.failed(e.code(), String.valueOf(e.getMessage()));
          }
        });
    CredentialsSource credentials = c.cloud().credentials();
    source = credentials;
    renewing = Thread.ofVirtual().name("credentials-ahead").start(() -> renewAhead(credentials));
  }

  /** Ends with the component. */
  private void renewAhead(CredentialsSource credentials) {
    try {
      while (source == credentials) {
        Thread.sleep(LOOK.plusMillis(ThreadLocalRandom.current().nextLong(LOOK.toMillis() / 4)));
        try {
          credentials.refreshAhead();
        } catch (RuntimeException e) {
          LOG.warn("Credentials could not be renewed ahead: {}", e.toString());
        }
      }
    } catch (InterruptedException e) {
      LOG.debug("Nobody needs credentials any more");
    }
  }

  /** A group may have another role now, or none. */
  @Override
  public void deploymentEnded(@Nullable ObjectNode configuration) {
    CredentialsSource credentials = source;
    if (credentials != null) {
      credentials.doubtGroups();
      failures.clear();
    }
  }

  private void listen(BuiltInContext c, ObjectNode configuration) {
    lifecycle.lock();
    try {
      int port = port(configuration, "port");
      Running now =
          running.stream()
              .filter(r -> port == 0 || r.port() == port)
              .reduce((earlier, later) -> later)
              .orElse(null);
      if (now == null) {
        now = opened(c, port, configuration);
        running.add(now);
        c.log().info("Credentials are served on port {}", now.port());
      }
      c.provideEnvironment(VARIABLE, "http://localhost:" + now.port() + PATH);
      if (port(configuration, ACTIVE) != now.port()) {
        c.components()
            .updateConfiguration(
                NAME, List.of(ACTIVE), Json.read(Integer.toString(now.port())), clock.instant());
      }
    } finally {
      lifecycle.unlock();
    }
  }

  /** Any free port, but the one of the last time when it is free. */
  private Running opened(BuiltInContext c, int port, ObjectNode configuration) {
    int before = port(configuration, ACTIVE);
    if (port == 0 && before != 0 && before != port(configuration, "port")) {
      try {
        return bound(c, before);
      } catch (IOException e) {
        c.log().info("Port {} is taken by somebody else; another one is used", before);
      }
    }
    try {
      return bound(c, port);
    } catch (IOException e) {
      throw new NucleusException(
          "PORT_IN_USE",
          NAME
              + " cannot listen on port "
              + port
              + " ("
              + e.getMessage()
              + "); set its configuration key port to 0 or to a free one.",
          e);
    }
  }

  private Running bound(BuiltInContext c, int port) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    server.setExecutor(threads);
    server.createContext("/", exchange -> handle(c, threads, exchange));
    server.start();
    return new Running(server, threads);
  }

  @Override
  public void stop() {
    lifecycle.lock();
    try {
      source = null;
      Thread thread = renewing;
      renewing = null;
      if (thread != null) {
        thread.interrupt();
      }
      for (Running r : running) {
        r.server().stop(0);
        r.threads().shutdownNow();
      }
      running.clear();
    } finally {
      lifecycle.unlock();
    }
  }

  private void handle(BuiltInContext c, ExecutorService threads, HttpExchange exchange)
      throws IOException {
    try (exchange) {
      Reply reply;
      if (!requests.tryAcquire()) {
        reply = Reply.text(503, "Too many requests at once; try again.");
      } else {
        try {
          reply = answer(c, threads, exchange);
        } finally {
          requests.release();
        }
      }
      byte[] body = reply.body().getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", reply.contentType());
      exchange.sendResponseHeaders(reply.status(), body.length == 0 ? -1 : body.length);
      exchange.getResponseBody().write(body);
    }
  }

  private Reply answer(BuiltInContext c, ExecutorService threads, HttpExchange exchange) {
    if (!exchange.getRequestMethod().equals("GET")) {
      return Reply.text(405, "Only GET is served here.");
    }
    if (!exchange.getRequestURI().getPath().equals(PATH)) {
      return Reply.text(400, "Only " + PATH + " is served here.");
    }
    String token = exchange.getRequestHeaders().getFirst("Authorization");
    Optional<String> component =
        token == null ? Optional.empty() : c.components().componentOfToken(token.strip());
    if (component.isEmpty()) {
      return Reply.text(
          403,
          "The Authorization header must be the component's AWS_CONTAINER_AUTHORIZATION_TOKEN.");
    }
    String group = group(c, component.get());
    Failure known = failures.get(group);
    if (known != null && clock.instant().isBefore(known.until())) {
      return Reply.text(known.status(), known.message());
    }
    return fetch(c, threads, group);
  }

  /** The V1 group of a function; empty for everybody else. */
  private static String group(BuiltInContext c, String component) {
    return c.components()
        .find(component)
        .filter(one -> one.type() == ComponentType.LAMBDA)
        .flatMap(one -> c.config().find(component, GROUP))
        .map(id -> id.asString(""))
        .orElse("");
  }

  private Reply fetch(BuiltInContext c, ExecutorService threads, String group) {
    CredentialsSource alias = c.cloud().credentials();
    CredentialsSource role = group.isEmpty() ? alias : alias.ofGroup(group);
    CompletableFuture<TokenExchangeCredentials> fetched =
        CompletableFuture.supplyAsync(role::get, threads);
    try {
      TokenExchangeCredentials credentials = fetched.get(WAIT.toSeconds(), TimeUnit.SECONDS);
      failures.remove(group);
      ObjectNode body = Json.object();
      body.put("AccessKeyId", credentials.accessKeyId())
          .put("SecretAccessKey", credentials.secretAccessKey())
          .put("Token", credentials.sessionToken())
          .put("Expiration", credentials.expiration().toString());
      return new Reply(200, "application/json", Json.text(body));
    } catch (TimeoutException e) {
      c.log().warn("The cloud gave no credentials within {} s", WAIT.toSeconds());
      return Reply.text(504, "The cloud gave no credentials within " + WAIT.toSeconds() + " s.");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Reply.text(500, "The token exchange service stops.");
    } catch (ExecutionException e) {
      return failed(c, group, e.getCause());
    }
  }

  private Reply failed(BuiltInContext c, String group, @Nullable Throwable cause) {
    String message = cause == null ? "unknown" : String.valueOf(cause.getMessage());
    switch (cause) {
      case CloudRefusedException e -> {
        return told(c, group, e.status() == 0 ? status(e.code()) : e.status(), message);
      }
      case CloudUnavailableException e when e.status() != 0 -> {
        return told(c, group, e.status(), message);
      }
      case CloudUnavailableException _ -> {
        return remember(c, group, 500, message, "unknownError", 10);
      }
      case null, default -> {
        c.log().error("Credentials could not be fetched", cause);
        return Reply.text(500, "The core could not fetch credentials; its log says more.");
      }
    }
  }

  /** What the cloud said, with its status. */
  private Reply told(BuiltInContext c, String group, int status, String message) {
    String text = "TES responded with status code: " + status + ". " + message;
    return status >= 500
        ? remember(c, group, status, text, "serverError", 60)
        : remember(c, group, status, text, "clientError", 120);
  }

  private Reply remember(
      BuiltInContext c, String group, int status, String message, String key, int unset) {
    c.log().warn("No credentials: {}", message);
    failures.put(
        group, new Failure(status, message, clock.instant().plusSeconds(retry(c, key, unset))));
    return Reply.text(status, message);
  }

  /** Seconds that a failure is remembered; values outside 10 to 42 900 count as not set. */
  private static long retry(BuiltInContext c, String key, int unset) {
    JsonNode set = c.configuration().path("credentialRetryInSec").path(key);
    long seconds = set.asLong(unset);
    return seconds < 10 || seconds > 42_900 ? unset : seconds;
  }

  /** For a refusal that is the core's own. */
  private static int status(String code) {
    return switch (code) {
      case "ACCESS_DENIED" -> 403;
      case "RESOURCE_NOT_FOUND" -> 404;
      case "CONFLICTED_REQUEST" -> 409;
      default -> 400;
    };
  }

  private static int port(ObjectNode configuration, String key) {
    int port = configuration.path(key).asInt(0);
    return port < 0 || port > 65_535 ? 0 : port;
  }
}
