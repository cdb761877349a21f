package io.ryegrass.ipc;

import io.ryegrass.eventstream.RpcOperation.Order;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * An operation of our own, {@code io.ryegrass#ExplainConfiguration}: where each value of a
 * component's configuration comes from (LESSON-30). Who may read component details may ask.
 *
 * <p>Request: {@code componentName}, {@code keyPath}. Response: {@code values}, a list of {@code
 * {path, value, origin, originId, time}} with time in milliseconds since 1970.
 */
final class ExplainOperation {
  private static final String NAME = "io.ryegrass#ExplainConfiguration";

  private final IpcServer.Core core;
  private final Authorisation authorisation;

  ExplainOperation(IpcServer.Core core, Authorisation authorisation) {
    this.core = core;
    this.authorisation = authorisation;
  }

  void addTo(CoreService.Table table) {
    table.ownUnary(NAME, Order.CONCURRENT, this::explain);
  }

  private ObjectNode explain(String principal, ObjectNode request) {
    String component = Requests.text(request, "componentName");
    List<String> path = Requests.keyPath(request);
    authorisation.check(
        principal, Authorisation.CLI, Errors.NAMESPACE + "GetComponentDetails", component);
    if (core.config().find(component, path).isEmpty()) {
      throw Errors.notFound("Key not found", "key", component + "/" + String.join("/", path));
    }
    ObjectNode response = Requests.empty();
    ArrayNode values = response.putArray("values");
    core.config()
        .explain(component, path)
        .forEach(
            e -> {
              ObjectNode value = values.addObject();
              ArrayNode keys = value.putArray("path");
              e.path().forEach(keys::add);
              value.set("value", e.value());
              value.put("origin", e.origin()).put("originId", e.originId()).put("time", e.time());
            });
    return response;
  }
}
