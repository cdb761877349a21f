package io.ryegrass.lambda;

import io.ryegrass.lambda.HttpRequest.Header;
import tools.jackson.databind.JsonNode;

/** V1's work protocol (v1-lambda-runtime.md section 3), for a worker whose token was checked. */
final class V1Protocol {
  static final String PATH = "/2016-11-01/functions/";

  private static final String WORK = "/work";
  private static final String INITIALISED = "/initialized";

  private final DaemonPort port;
  private final Dispatcher dispatcher;
  private final LambdaSettings settings;

  V1Protocol(DaemonPort port, Dispatcher dispatcher, LambdaSettings settings) {
    this.port = port;
    this.dispatcher = dispatcher;
    this.settings = settings;
  }

  void handle(HttpRequest request, Worker worker, String encoded) {
    String rest =
        encoded.indexOf('%') < 0 ? encoded : encoded.replace("%3A", ":").replace("%24", "$");
    String method = request.method();
    if (rest.endsWith(WORK)) {
      own(worker, rest, WORK.length());
      switch (method) {
        case "GET" -> giveWork(request, worker);
        case "POST" -> {
          boolean failed = !request.header(Header.FUNCTION_ERROR).isEmpty();
          DaemonPort.take(
              worker,
              request.header(Header.INVOCATION_ID),
              failed ? WorkResult.handled(request.body()) : WorkResult.success(request.body()));
          request.answer(200);
        }
        default -> throw new Refusal(405, "Use GET or POST.");
      }
    } else if (rest.endsWith(INITIALISED)) {
      own(worker, rest, INITIALISED.length());
      JsonNode result = DaemonPort.json(request.body());
      boolean success = result.path("Success").asBoolean(true);
      worker
          .pool()
          .initialised(worker, success ? null : result.path("Response").asString("unknown error"));
      request.answer(200);
    } else if (method.equals("POST")) {
      post(request, worker.functionArn(), rest);
    } else if (method.equals("GET")) {
      dispatcher.result(
          worker.functionArn(),
          request.header(Header.INVOCATION_ID),
          result -> answerResult(request, result));
    } else {
      throw new Refusal(405, "Use GET or POST.");
    }
  }

  /** An answer that no caller may get: the caller is told, and the worker is free again. */
  static void tooLarge(Worker worker, HttpRequest request) {
    if (request.path().endsWith(WORK)) {
      boolean unused =
          worker.pool().answer(worker, request.header(Header.INVOCATION_ID), WorkResult.tooLarge());
    }
  }

  private static void own(Worker worker, String rest, int suffix) {
    String arn = worker.functionArn();
    if (rest.length() - suffix != arn.length() || !rest.startsWith(arn)) {
      throw new Refusal(
          403,
          "This token is not for the function " + rest.substring(0, rest.length() - suffix) + ".");
    }
  }

  private void post(HttpRequest request, String caller, String target) {
    boolean waits = !request.header(Header.INVOCATION_TYPE).equals("Event");
    String context = request.header(Header.CLIENT_CONTEXT);
    if (dispatcher.mayBlock(target)) {
      port.aside(
          request,
          () -> posted(request, dispatcher.post(caller, target, request.body(), context, waits)));
    } else {
      posted(request, dispatcher.post(caller, target, request.body(), context, waits));
    }
  }

  private static void posted(HttpRequest request, Dispatcher.Posted posted) {
    switch (posted) {
      case Dispatcher.Posted.Accepted accepted ->
          request.answer(new HttpAnswer(200).header("X-Amz-InvocationId", accepted.invocationId()));
      case Dispatcher.Posted.Refused refused ->
          throw new Refusal(refused.status(), refused.message());
    }
  }

  private static void answerResult(HttpRequest request, WorkResult result) {
    HttpAnswer answer = new HttpAnswer(200);
    if (result.error() != WorkResult.Failure.NONE) {
      answer.header("X-Amz-Function-Error", result.error().header());
    }
    request.answer(answer.body(result.payload()));
  }

  private void giveWork(HttpRequest request, Worker worker) {
    Question question =
        assignment -> {
          switch (assignment) {
            case Assignment.Given(Work work) -> {
              HttpAnswer answer = new HttpAnswer(200).header("X-Amz-InvocationId", work.id());
              if (!work.clientContext().isEmpty()) {
                answer.header("X-Amz-Client-Context", work.clientContext());
              }
              RuntimeApi.deadline(answer, settings, worker);
              request.answer(answer.body(work.payload()));
            }
            case Assignment.NothingYet ignored -> request.answer(204);
            case Assignment.Over ignored ->
                request.answer(
                    403, HttpAnswer.text("{\"message\":\"This worker gets no more work.\"}"));
          }
        };
    request.whenGone(() -> worker.pool().withdraw(worker, question));
    worker.pool().ask(worker, settings.longPoll(), question);
  }
}
