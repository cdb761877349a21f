package io.ryegrass.lambda;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The HTTP server on loopback that workers talk to: the V1 work protocol (v1-lambda-runtime.md
 * section 3), the public Lambda Runtime API, and the V1 health report (v1-group-deployment.md
 * section 9.3).
 *
 * <p>Who asks is known by the worker's token: in the header {@code Authorization}, or, for Runtime
 * API clients that send no headers, as first segment of the path ({@code AWS_LAMBDA_RUNTIME_API}
 * holds it). No token is 401; a token that is unknown, or whose worker is dead, is 403, and so is
 * work of another function. A function that is not deployed is 404, a full queue 429, a payload
 * over 6 MiB 413.
 */
final class DaemonPort implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DaemonPort.class);
  private static final String V1 = "/2016-11-01/functions/";
  private static final String HEALTH = "/2016-11-01/health/workers";
  private static final String RUNTIME_API = "/2018-06-01/runtime/";

  /** Lambda's limit of synchronous payloads. */
  static final int LARGEST_BODY = 6 * 1024 * 1024;

  static {
    // Without it each answer waits for the client's delayed acknowledgement: 40 ms. Read once, when
    // the server class is loaded.
    System.setProperty("sun.net.httpserver.nodelay", "true");
  }

  /** An answer that is not 2xx. */
  private static final class Refusal extends RuntimeException {
    private final int status;

    Refusal(int status, String message) {
      super(message, null, false, false);
      this.status = status;
    }
  }

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Function<String, Optional<Worker>> workerOfToken;
  private final Functions functions;
  private final Dispatcher dispatcher;
  private final LambdaSettings settings;

  DaemonPort(
      int port,
      Function<String, Optional<Worker>> workerOfToken,
      Functions functions,
      Dispatcher dispatcher,
      LambdaSettings settings) {
    this.workerOfToken = workerOfToken;
    this.functions = functions;
    this.dispatcher = dispatcher;
    this.settings = settings;
    try {
      this.server =
          HttpServer.create(
              new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port),
              256);
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
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  int port() {
    return server.getAddress().getPort();
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }

  private void handle(HttpExchange exchange) {
    try (exchange) {
      try {
        route(exchange);
      } catch (Refusal e) {
        answer(exchange, e.status, message(e.getMessage() == null ? "" : e.getMessage()));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (RuntimeException e) {
        LOG.error("{} {} failed", exchange.getRequestMethod(), withoutToken(exchange), e);
        answer(exchange, 500, message("The core failed to do this: " + e));
      }
    } catch (IOException e) {
      LOG.debug("A worker went away while it was answered: {}", e.toString());
    }
  }

  private static String withoutToken(HttpExchange exchange) {
    String path = exchange.getRequestURI().getRawPath();
    int api = path.indexOf(RUNTIME_API);
    return api > 0 ? path.substring(api) : path;
  }

  private void route(HttpExchange exchange) throws IOException, InterruptedException {
    String path = exchange.getRequestURI().getRawPath();
    if (path.startsWith(V1)) {
      v1(exchange, path.substring(V1.length()).replace("%3A", ":").replace("%24", "$"));
    } else if (path.equals(HEALTH)) {
      health(exchange);
    } else if (path.contains(RUNTIME_API)) {
      int api = path.indexOf(RUNTIME_API);
      String token = api > 0 ? path.substring(1, api) : header(exchange, "Authorization");
      runtimeApi(exchange, worker(token), path.substring(api + RUNTIME_API.length()));
    } else {
      throw new Refusal(404, "There is nothing at " + path + " on this port.");
    }
  }

  private Worker worker(String token) {
    if (token.isEmpty()) {
      throw new Refusal(401, "The header Authorization with the token of the worker is missing.");
    }
    return workerOfToken
        .apply(token)
        .orElseThrow(() -> new Refusal(403, "This token is not that of a living worker."));
  }

  // ---- V1

  private void v1(HttpExchange exchange, String rest) throws IOException, InterruptedException {
    Worker worker = worker(header(exchange, "Authorization"));
    String method = exchange.getRequestMethod();
    if (rest.endsWith("/work")) {
      own(worker, rest.substring(0, rest.length() - "/work".length()));
      switch (method) {
        case "GET" -> giveWork(exchange, worker);
        case "POST" -> {
          byte[] body = body(exchange);
          boolean failed = !header(exchange, "X-Amz-Function-Error").isEmpty();
          take(
              worker,
              header(exchange, "X-Amz-InvocationId"),
              failed ? WorkResult.handled(body) : WorkResult.success(body));
          answer(exchange, 200, new byte[0]);
        }
        default -> throw new Refusal(405, "Use GET or POST.");
      }
    } else if (rest.endsWith("/initialized")) {
      own(worker, rest.substring(0, rest.length() - "/initialized".length()));
      JsonNode result = json(body(exchange));
      boolean success = result.path("Success").asBoolean(true);
      worker
          .pool()
          .initialised(worker, success ? null : result.path("Response").asString("unknown error"));
      answer(exchange, 200, new byte[0]);
    } else if (method.equals("POST")) {
      byte[] body = body(exchange);
      boolean waits = !header(exchange, "X-Amz-Invocation-Type").equals("Event");
      switch (dispatcher.post(
          worker.functionArn(), rest, body, header(exchange, "X-Amz-Client-Context"), waits)) {
        case Dispatcher.Posted.Accepted accepted -> {
          exchange.getResponseHeaders().set("X-Amz-InvocationId", accepted.invocationId());
          answer(exchange, 200, new byte[0]);
        }
        case Dispatcher.Posted.Refused refused ->
            throw new Refusal(refused.status(), refused.message());
      }
    } else if (method.equals("GET")) {
      String id = header(exchange, "X-Amz-InvocationId");
      WorkResult result =
          dispatcher
              .result(worker.functionArn(), id)
              .orElseThrow(
                  () ->
                      new Refusal(
                          404,
                          "There is no invocation "
                              + id
                              + " of yours whose answer is not fetched yet."));
      if (result.error() != WorkResult.Failure.NONE) {
        exchange.getResponseHeaders().set("X-Amz-Function-Error", result.error().header());
      }
      answer(exchange, 200, result.payload());
    } else {
      throw new Refusal(405, "Use GET or POST.");
    }
  }

  private static void own(Worker worker, String arn) {
    if (!worker.functionArn().equals(arn)) {
      throw new Refusal(403, "This token is not for the function " + arn + ".");
    }
  }

  private void giveWork(HttpExchange exchange, Worker worker)
      throws IOException, InterruptedException {
    switch (worker.pool().ask(worker, settings.longPoll())) {
      case Assignment.Given(Work work) -> {
        exchange.getResponseHeaders().set("X-Amz-InvocationId", work.id());
        if (!work.clientContext().isEmpty()) {
          exchange.getResponseHeaders().set("X-Amz-Client-Context", work.clientContext());
        }
        deadline(exchange, worker);
        answer(exchange, 200, work.payload());
      }
      case Assignment.NothingYet ignored -> exchange.sendResponseHeaders(204, -1);
      case Assignment.Over ignored -> throw new Refusal(403, "This worker gets no more work.");
    }
  }

  private void deadline(HttpExchange exchange, Worker worker) {
    long deadline = settings.clock().millis() + worker.pool().configuration().timeout().toMillis();
    exchange.getResponseHeaders().set("Lambda-Runtime-Deadline-Ms", Long.toString(deadline));
  }

  private static void take(Worker worker, String invocationId, WorkResult result) {
    if (!worker.pool().answer(worker, invocationId, result)) {
      throw new Refusal(
          404,
          "This worker owes no answer for the invocation "
              + invocationId
              + " (it may have timed out).");
    }
  }

  // ---- Runtime API

  private void runtimeApi(HttpExchange exchange, Worker worker, String rest)
      throws IOException, InterruptedException {
    String method = exchange.getRequestMethod();
    String[] parts = rest.split("/");
    if (rest.equals("invocation/next") && method.equals("GET")) {
      switch (worker.pool().ask(worker, null)) {
        case Assignment.Given(Work work) -> {
          var headers = exchange.getResponseHeaders();
          headers.set("Lambda-Runtime-Aws-Request-Id", work.id());
          headers.set("Lambda-Runtime-Invoked-Function-Arn", worker.functionArn());
          JsonNode context = ClientContext.read(work.clientContext());
          if (!context.isEmpty()) {
            headers.set("Lambda-Runtime-Client-Context", ascii(context.toString()));
          }
          headers.set("Content-Type", "application/json");
          deadline(exchange, worker);
          answer(exchange, 200, work.payload());
        }
        case Assignment.NothingYet ignored ->
            throw new Refusal(409, "A newer question of this worker took its place.");
        case Assignment.Over ignored -> throw new Refusal(403, "This worker gets no more work.");
      }
    } else if (rest.equals("init/error") && method.equals("POST")) {
      worker
          .pool()
          .initialised(worker, json(body(exchange)).path("errorMessage").asString("unknown error"));
      answer(exchange, 202, status());
    } else if (parts.length == 3 && parts[0].equals("invocation") && method.equals("POST")) {
      byte[] body = body(exchange);
      switch (parts[2]) {
        case "response" -> take(worker, parts[1], WorkResult.success(body));
        case "error" -> take(worker, parts[1], WorkResult.handled(body));
        default -> throw new Refusal(404, "The Runtime API has no " + rest + ".");
      }
      answer(exchange, 202, status());
    } else {
      throw new Refusal(404, "The Runtime API has no " + method + " " + rest + ".");
    }
  }

  private static byte[] status() {
    return "{\"status\":\"OK\"}\n".getBytes(StandardCharsets.UTF_8);
  }

  /** Headers are Latin-1; JSON has an escape for everything else. */
  private static String ascii(String json) {
    StringBuilder out = new StringBuilder(json.length());
    json.chars()
        .forEach(c -> out.append(c < 0x7f ? Character.toString(c) : String.format("\\u%04x", c)));
    return out.toString();
  }

  // ---- health

  private void health(HttpExchange exchange) throws IOException {
    ArrayNode workers = Json.array();
    ArrayNode invalid = Json.array();
    if (exchange.getRequestMethod().equals("GET")) {
      functions.all().forEach(pool -> report(pool, workers));
      answer(exchange, 200, Json.bytes(workers));
      return;
    }
    for (JsonNode arn : json(body(exchange)).path("FuncArns")) {
      Optional<FunctionPool> pool = functions.find(arn.asString(""));
      if (pool.isPresent()) {
        report(pool.get(), workers);
      } else {
        invalid.add(arn);
      }
    }
    ObjectNode answer = Json.object();
    answer.set("Workers", workers);
    answer.set("InvalidArns", invalid);
    answer(exchange, 200, Json.bytes(answer));
  }

  private static void report(FunctionPool pool, ArrayNode to) {
    for (FunctionPool.WorkerFigures worker : pool.workerFigures()) {
      to.addObject()
          .put("FuncArn", pool.arn())
          .put("WorkerId", worker.name())
          .put("ProcessId", Long.toString(worker.pid()))
          .put(
              "WorkerState",
              switch (worker.state()) {
                case STARTING -> "Starting";
                case READY -> "Initialized";
                case WAITING -> "Waiting";
                case WORKING -> "Working";
                case ENDING, DEAD -> "Terminated";
              });
    }
  }

  // ---- HTTP

  private static String header(HttpExchange exchange, String name) {
    @Nullable String value = exchange.getRequestHeaders().getFirst(name);
    return value == null ? "" : value;
  }

  private static byte[] body(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readNBytes(LARGEST_BODY + 1);
    if (body.length > LARGEST_BODY) {
      throw new Refusal(413, "The payload is over " + LARGEST_BODY + " bytes.");
    }
    return body;
  }

  private static JsonNode json(byte[] body) {
    try {
      return Json.read(body);
    } catch (JacksonException e) {
      throw new Refusal(400, "The body is not JSON: " + e.getOriginalMessage());
    }
  }

  private static byte[] message(String text) {
    return Json.bytes(Json.object().put("message", text));
  }

  private static void answer(HttpExchange exchange, int status, byte[] body) throws IOException {
    exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
    if (body.length > 0) {
      exchange.getResponseBody().write(body);
    }
  }
}
