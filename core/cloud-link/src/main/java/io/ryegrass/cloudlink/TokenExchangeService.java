package io.ryegrass.cloudlink;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.BuiltIn;
import io.ryegrass.nucleus.BuiltInContext;
import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.TokenExchangeCredentials;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code aws.greengrass.TokenExchangeService}: hands the role alias's credentials to components
 * over HTTP on the loopback address, in the form that AWS SDKs ask for (v2-ipc.md section 11). The
 * token is the component's own (SVCUID); anyone without one gets 403.
 *
 * <p>Failures are remembered for a while, so that a component that asks in a loop does not make the
 * core do so: refusals 120 s, server errors and an unreachable cloud 10 s. AWS remembers an
 * unreachable cloud for 300 s; here a component has its credentials soon after the cloud is back.
 * {@code credentialRetryInSec} changes these times as it does there.
 */
public final class TokenExchangeService implements BuiltIn {
  public static final String NAME = "aws.greengrass.TokenExchangeService";

  private static final String PATH = "/2016-11-01/credentialprovider/";
  private static final String VARIABLE = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
  private static final Duration WAIT = Duration.ofSeconds(30);
  private static final int MAX_REQUESTS = 64;

  private final Clock clock;
  private final Semaphore requests = new Semaphore(MAX_REQUESTS);
  private final ReentrantLock lifecycle = new ReentrantLock();
  private @Nullable Running running;
  private volatile @Nullable Failure failure;

  /** A remembered failure. */
  private record Failure(int status, String message, Instant until) {}

  private record Running(HttpServer server, ExecutorService threads, int wantedPort) {}

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
    failure = null;
    listen(c, port(c.configuration()));
    c.onConfigurationChanged(
        changed -> {
          failure = null;
          try {
            listen(c, port(changed));
          } catch (NucleusException e) {
            c.failed(e.code(), String.valueOf(e.getMessage()));
          }
        });
  }

  private void listen(BuiltInContext c, int port) {
    lifecycle.lock();
    try {
      Running now = running;
      if (now != null && now.wantedPort() == port) {
        return;
      }
      stop();
      HttpServer server;
      try {
        server =
            HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
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
      ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
      server.setExecutor(threads);
      server.createContext("/", exchange -> handle(c, threads, exchange));
      server.start();
      running = new Running(server, threads, port);
      c.provideEnvironment(VARIABLE, "http://localhost:" + server.getAddress().getPort() + PATH);
      c.log().info("Credentials are served on port {}", server.getAddress().getPort());
    } finally {
      lifecycle.unlock();
    }
  }

  @Override
  public void stop() {
    lifecycle.lock();
    try {
      Running now = running;
      running = null;
      if (now != null) {
        now.server().stop(0);
        now.threads().shutdownNow();
      }
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
    if (token == null || c.components().componentOfToken(token.strip()).isEmpty()) {
      return Reply.text(
          403,
          "The Authorization header must be the component's AWS_CONTAINER_AUTHORIZATION_TOKEN.");
    }
    Failure known = failure;
    if (known != null && clock.instant().isBefore(known.until())) {
      return Reply.text(known.status(), known.message());
    }
    return fetch(c, threads);
  }

  private Reply fetch(BuiltInContext c, ExecutorService threads) {
    CompletableFuture<TokenExchangeCredentials> fetched =
        CompletableFuture.supplyAsync(() -> c.cloud().credentials().get(), threads);
    try {
      TokenExchangeCredentials credentials = fetched.get(WAIT.toSeconds(), TimeUnit.SECONDS);
      failure = null;
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
      return failed(c, e.getCause());
    }
  }

  private Reply failed(BuiltInContext c, @Nullable Throwable cause) {
    String message = cause == null ? "unknown" : String.valueOf(cause.getMessage());
    switch (cause) {
      case CloudRefusedException e -> {
        int status = status(e.code());
        return remember(
            c,
            status,
            "TES responded with status code: " + status + ". " + message,
            "clientError",
            120);
      }
      case CloudUnavailableException _ -> {
        return remember(c, 500, message, "unknownError", 10);
      }
      case null, default -> {
        c.log().error("Credentials could not be fetched", cause);
        return Reply.text(500, "The core could not fetch credentials; its log says more.");
      }
    }
  }

  private Reply remember(BuiltInContext c, int status, String message, String key, int unset) {
    c.log().warn("No credentials: {}", message);
    failure = new Failure(status, message, clock.instant().plusSeconds(retry(c, key, unset)));
    return Reply.text(status, message);
  }

  /** Seconds that a failure is remembered; values outside 10 to 42 900 count as not set. */
  private static long retry(BuiltInContext c, String key, int unset) {
    JsonNode set = c.configuration().path("credentialRetryInSec").path(key);
    long seconds = set.asLong(unset);
    return seconds < 10 || seconds > 42_900 ? unset : seconds;
  }

  private static int status(String code) {
    return switch (code) {
      case "ACCESS_DENIED" -> 403;
      case "RESOURCE_NOT_FOUND" -> 404;
      case "CONFLICTED_REQUEST" -> 409;
      default -> 400;
    };
  }

  private static int port(ObjectNode configuration) {
    int port = configuration.path("port").asInt(0);
    return port < 0 || port > 65_535 ? 0 : port;
  }
}
