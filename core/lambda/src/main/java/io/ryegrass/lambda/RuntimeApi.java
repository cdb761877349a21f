package io.ryegrass.lambda;

import io.ryegrass.lambda.HttpRequest.Header;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/**
 * The public Lambda Runtime API of 2018-06-01, so that any runtime interface client works: {@code
 * invocation/next}, {@code invocation/<id>/response}, {@code invocation/<id>/error}, {@code
 * init/error}. A question for work stays open as long as its worker lives.
 */
final class RuntimeApi {
  static final String PATH = "/2018-06-01/runtime/";

  private static final String OK = "{\"status\":\"OK\"}\n";

  private final LambdaSettings settings;

  RuntimeApi(LambdaSettings settings) {
    this.settings = settings;
  }

  void handle(HttpRequest request, Worker worker, String rest) {
    boolean post = request.method().equals("POST");
    if (rest.equals("invocation/next") && request.method().equals("GET")) {
      next(request, worker);
      return;
    }
    if (post && rest.equals("init/error")) {
      worker.pool().initialised(worker, initError(request));
      accepted(request);
      return;
    }
    String[] parts = rest.split("/", -1);
    if (post && parts.length == 3 && parts[0].equals("invocation")) {
      switch (parts[2]) {
        case "response" -> DaemonPort.take(worker, parts[1], WorkResult.success(request.body()));
        case "error" -> DaemonPort.take(worker, parts[1], WorkResult.handled(error(request)));
        default -> throw new Refusal(404, "The Runtime API has no " + rest + ".");
      }
      accepted(request);
      return;
    }
    throw new Refusal(404, "The Runtime API has no " + request.method() + " " + rest + ".");
  }

  private void next(HttpRequest request, Worker worker) {
    Question question =
        assignment -> {
          switch (assignment) {
            case Assignment.Given(Work work) -> {
              HttpAnswer answer =
                  new HttpAnswer(200)
                      .header("Content-Type", "application/json")
                      .header("Lambda-Runtime-Aws-Request-Id", work.id())
                      .header("Lambda-Runtime-Invoked-Function-Arn", worker.functionArn());
              if (!work.clientContext().isEmpty()) {
                JsonNode context = ClientContext.read(work.clientContext());
                if (!context.isEmpty()) {
                  answer.header("Lambda-Runtime-Client-Context", ascii(context.toString()));
                }
              }
              deadline(answer, settings, worker);
              request.answer(answer.body(work.payload()));
            }
            case Assignment.NothingYet ignored ->
                request.answer(
                    409,
                    error("ConcurrentNext", "A newer question of this worker took its place."));
            case Assignment.Over ignored ->
                request.answer(403, error("Forbidden", "This worker gets no more work."));
          }
        };
    request.whenGone(() -> worker.pool().withdraw(worker, question));
    worker.pool().ask(worker, null, question);
  }

  /**
   * An answer that no caller may get: the caller is told, and the worker is free again. Called
   * before the request of the worker is refused with 413.
   */
  static void tooLarge(Worker worker, String path) {
    String[] parts = path.substring(path.indexOf(PATH) + PATH.length()).split("/", -1);
    if (parts.length == 3 && parts[0].equals("invocation")) {
      boolean unused = worker.pool().answer(worker, parts[1], WorkResult.tooLarge());
    }
  }

  /** When the time of the invocation is over, in milliseconds since 1970. */
  static void deadline(HttpAnswer answer, LambdaSettings settings, Worker worker) {
    long deadline = settings.clock().millis() + worker.pool().configuration().timeout().toMillis();
    answer.header("Lambda-Runtime-Deadline-Ms", Long.toString(deadline));
  }

  /** What went wrong, as the client wrote it; its body need not be an error object. */
  private static String initError(HttpRequest request) {
    String type = request.header(Header.RUNTIME_ERROR_TYPE);
    try {
      JsonNode error = DaemonPort.json(request.body());
      String message = error.path("errorMessage").asString("");
      String kind = error.path("errorType").asString(type);
      if (!message.isEmpty()) {
        return kind.isEmpty() ? message : kind + ": " + message;
      }
    } catch (Refusal e) {
      // No JSON: the header says what there is to say.
    }
    return type.isEmpty() ? "unknown error" : type;
  }

  /** The error object; a client that sends none gets one made of its header. */
  private static byte[] error(HttpRequest request) {
    byte[] body = request.body();
    if (body.length > 0) {
      return body;
    }
    String type = request.header(Header.RUNTIME_ERROR_TYPE);
    return error(type.isEmpty() ? "Runtime.Unknown" : type, "The runtime gave no reason.");
  }

  private static byte[] error(String type, String message) {
    return io.ryegrass.model.Json.bytes(
        io.ryegrass.model.Json.object().put("errorMessage", message).put("errorType", type));
  }

  private static void accepted(HttpRequest request) {
    request.answer(
        new HttpAnswer(202).header("Content-Type", "application/json").body(HttpAnswer.text(OK)));
  }

  /** Headers are Latin-1; JSON has an escape for everything else. */
  private static String ascii(String json) {
    StringBuilder out = new StringBuilder(json.length());
    for (int i = 0; i < json.length(); i++) {
      char c = json.charAt(i);
      if (c < 0x7f) {
        out.append(c);
      } else {
        out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      }
    }
    return out.toString();
  }
}
