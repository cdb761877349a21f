package io.ryegrass.lambda;

import io.ryegrass.model.Json;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** V1's local health API (v1-group-deployment.md section 9.3); it asks for no token. */
final class HealthReport {
  private final Functions functions;

  HealthReport(Functions functions) {
    this.functions = functions;
  }

  void handle(HttpRequest request) {
    ArrayNode workers = Json.array();
    if (request.method().equals("GET")) {
      functions.all().forEach(pool -> report(pool, workers));
      request.answer(200, Json.bytes(workers));
      return;
    }
    ArrayNode invalid = Json.array();
    JsonNode arns = DaemonPort.json(request.body()).path("FuncArns");
    if (!request.method().equals("POST") || !arns.isArray()) {
      throw new Refusal(400, "POST a JSON object with the list FuncArns, or GET.");
    }
    for (JsonNode arn : arns) {
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
    request.answer(200, Json.bytes(answer));
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
                case WORKING, FINISHING -> "Working";
                case ENDING, DEAD -> "Terminated";
              });
    }
  }
}
