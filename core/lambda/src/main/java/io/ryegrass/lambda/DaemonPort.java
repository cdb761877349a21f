package io.ryegrass.lambda;

import io.ryegrass.lambda.HttpRequest.Header;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * The HTTP server on loopback that workers talk to: the V1 work protocol ({@link V1Protocol}), the
 * public Lambda Runtime API ({@link RuntimeApi}), and the V1 health report ({@link HealthReport}).
 *
 * <p>Who asks is known by the worker's token: in the header {@code Authorization}, or, for Runtime
 * API clients that send no headers, as first segment of the path ({@code AWS_LAMBDA_RUNTIME_API}
 * holds it). No token is 401; a token that is unknown, or whose worker is dead, is 403, and so is
 * work of another function; both are said before the body is read. A function that is not deployed
 * is 404, a full queue 429, a payload over 6 MiB 413.
 */
final class DaemonPort implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DaemonPort.class);
  private static final String HEALTH = "/2016-11-01/health/workers";

  /** Lambda's limit of synchronous payloads. */
  static final int LARGEST_BODY = 6 * 1024 * 1024;

  private static final int LARGEST_HEALTH_QUESTION = 64 * 1024;

  private final HttpPort http;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Function<String, Optional<Worker>> workerOfToken;
  private final V1Protocol v1;
  private final RuntimeApi runtimeApi;
  private final HealthReport health;

  DaemonPort(
      int port,
      Function<String, Optional<Worker>> workerOfToken,
      Functions functions,
      Dispatcher dispatcher,
      LambdaSettings settings) {
    this.workerOfToken = workerOfToken;
    this.v1 = new V1Protocol(this, dispatcher, settings);
    this.runtimeApi = new RuntimeApi(settings);
    this.health = new HealthReport(functions);
    try {
      this.http =
          new HttpPort(
              new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port),
              new Door());
    } catch (IOException e) {
      threads.close();
      throw new NucleusException(
          "LAMBDA_PORT_NOT_FREE",
          "The Lambda port 127.0.0.1:"
              + port
              + " cannot be opened ("
              + e.getMessage()
              + "); end what uses it, or set ryegrass.lambdaIpcPort in the nucleus configuration (0 = any free port).",
          e);
    }
    http.start();
  }

  int port() {
    return http.port();
  }

  @Override
  public void close() {
    http.close();
    threads.shutdownNow();
  }

  /** Does what may block on a thread of its own; what it refuses is answered. */
  void aside(HttpRequest request, Runnable task) {
    try {
      threads.execute(
          () -> {
            try {
              task.run();
            } catch (Refusal e) {
              refuse(request, e);
            } catch (RuntimeException e) {
              LOG.error("{} {} failed", request.method(), withoutToken(request.path()), e);
              refuse(request, new Refusal(500, "The core failed to do this: " + e));
            }
          });
    } catch (RejectedExecutionException e) {
      refuse(request, new Refusal(503, "The core is stopping."));
    }
  }

  private static String withoutToken(String path) {
    int api = path.indexOf(RuntimeApi.PATH);
    return api > 0 ? path.substring(api) : path;
  }

  private final class Door implements HttpPort.Handler {
    @Override
    public int admit(HttpRequest head) {
      if (head.path().equals(HEALTH)) {
        return LARGEST_HEALTH_QUESTION;
      }
      Worker unused = worker(head);
      return LARGEST_BODY;
    }

    @Override
    public void handle(HttpRequest request) {
      String path = request.path();
      if (path.startsWith(V1Protocol.PATH)) {
        v1.handle(request, worker(request), path.substring(V1Protocol.PATH.length()));
      } else if (path.equals(HEALTH)) {
        health.handle(request);
      } else {
        int api = path.indexOf(RuntimeApi.PATH);
        runtimeApi.handle(request, worker(request), path.substring(api + RuntimeApi.PATH.length()));
      }
    }

    @Override
    public void refuse(HttpRequest request, Refusal refusal) {
      DaemonPort.this.refuse(request, refusal);
    }
  }

  private Worker worker(HttpRequest request) {
    String path = request.path();
    if (path.startsWith(V1Protocol.PATH)) {
      return worker(request.header(Header.AUTHORIZATION));
    }
    int api = path.indexOf(RuntimeApi.PATH);
    if (api < 0) {
      throw new Refusal(404, "There is nothing at " + path + " on this port.");
    }
    return worker(api > 0 ? path.substring(1, api) : request.header(Header.AUTHORIZATION));
  }

  private Worker worker(String token) {
    if (token.isEmpty()) {
      throw new Refusal(401, "The header Authorization with the token of the worker is missing.");
    }
    return workerOfToken
        .apply(token)
        .orElseThrow(() -> new Refusal(403, "This token is not that of a living worker."));
  }

  private void refuse(HttpRequest request, Refusal refusal) {
    if (!request.path().contains(RuntimeApi.PATH)) {
      if (refusal.status() == 413) {
        workerOfToken
            .apply(request.header(Header.AUTHORIZATION))
            .ifPresent(w -> V1Protocol.tooLarge(w, request));
      }
      request.answer(refusal.status(), Json.bytes(Json.object().put("message", refusal.text())));
      return;
    }
    if (refusal.status() == 413) {
      workerOfToken
          .apply(request.path().substring(1, Math.max(1, request.path().indexOf(RuntimeApi.PATH))))
          .ifPresent(w -> RuntimeApi.tooLarge(w, request.path()));
    }
    request.answer(
        new HttpAnswer(refusal.status())
            .header("Content-Type", "application/json")
            .body(
                Json.bytes(
                    Json.object()
                        .put("errorMessage", refusal.text())
                        .put("errorType", refusal.type()))));
  }

  static JsonNode json(byte[] body) {
    try {
      return Json.read(body);
    } catch (JacksonException e) {
      throw new Refusal(400, "The body is not JSON: " + e.getOriginalMessage());
    }
  }

  /** Takes an answer of a worker. */
  static void take(Worker worker, String invocationId, WorkResult result) {
    if (!worker.pool().answer(worker, invocationId, result)) {
      throw new Refusal(
          404,
          "This worker owes no answer for the invocation "
              + invocationId
              + " (it may have timed out).");
    }
  }
}
