package io.ryegrass.ipc;

import io.ryegrass.eventstream.RpcOperation.Order;
import io.ryegrass.eventstream.ServerStream;
import io.ryegrass.nucleus.ConfigurationConflictException;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.Subscription;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** GetConfiguration, UpdateConfiguration, SubscribeToConfigurationUpdate (v2-ipc.md §7.2). */
final class ConfigurationOperations {
  private static final String ACCESS_CONTROL = "accessControl";

  private final IpcServer.Core core;

  ConfigurationOperations(IpcServer.Core core) {
    this.core = core;
  }

  void addTo(CoreService.Table table) {
    table.unary("GetConfiguration", Order.IN_ORDER, this::get);
    table.unary("UpdateConfiguration", Order.IN_ORDER, this::update);
    table.streaming(
        "SubscribeToConfigurationUpdate",
        "ConfigurationUpdateEvents",
        Order.IN_ORDER,
        this::subscribe);
  }

  /** Any component may read any component; a leaf comes as an object with the leaf's key. */
  private ObjectNode get(String principal, ObjectNode request) {
    String component = component(principal, request);
    List<String> path = Requests.keyPath(request);
    JsonNode node = find(component, path);
    ObjectNode response = Requests.empty().put("componentName", component);
    if (node.isObject()) {
      response.set("value", node);
    } else {
      response.putObject("value").set(path.getLast(), node);
    }
    return response;
  }

  private ObjectNode update(String principal, ObjectNode request) {
    List<String> path = Requests.keyPath(request);
    Instant timestamp = timestamp(request.path("timestamp"));
    ObjectNode value = Requests.object(request, "valueToMerge");
    boolean policies =
        path.isEmpty()
            ? value.propertyNames().stream().anyMatch(ACCESS_CONTROL::equalsIgnoreCase)
            : path.getFirst().equalsIgnoreCase(ACCESS_CONTROL);
    if (policies) {
      throw Errors.invalidArguments(
          "accessControl cannot be changed by the component itself; change it in a deployment");
    }
    try {
      core.components().updateConfiguration(principal, path, value, timestamp);
    } catch (ConfigurationConflictException e) {
      throw Errors.error("FailedUpdateConditionCheckError", Errors.text(e));
    } catch (NucleusException e) {
      throw Errors.of(e, "key", String.join("/", path));
    }
    return Requests.empty();
  }

  private void subscribe(ServerStream stream, ObjectNode request) {
    String component = component(stream.principal(), request);
    List<String> path = Requests.keyPath(request);
    find(component, path);
    EventPump pump = new EventPump(stream, "configuration changes of " + component);
    Subscription subscription =
        core.components()
            .onConfigurationChange(
                component,
                path,
                (name, changed) -> {
                  ObjectNode event = Requests.empty();
                  ObjectNode content = event.putObject("configurationUpdateEvent");
                  content.put("componentName", name);
                  ArrayNode keys = content.putArray("keyPath");
                  changed.forEach(keys::add);
                  pump.offer(event, 256);
                });
    stream.onClose(subscription::close);
    stream.respond(Requests.empty());
  }

  private JsonNode find(String component, List<String> path) {
    return core.config()
        .find(component, path)
        .orElseThrow(
            () ->
                Errors.notFound("Key not found", "key", component + "/" + String.join("/", path)));
  }

  private static String component(String principal, ObjectNode request) {
    @Nullable String name = Requests.optionalText(request, "componentName");
    return name == null || name.isEmpty() ? principal : name;
  }

  /** Seconds since the epoch with a fraction, as a number. */
  private static Instant timestamp(JsonNode node) {
    if (!node.isNumber() || Double.isNaN(node.asDouble())) {
      throw Errors.invalidArguments("timestamp must be given, in seconds since 1970");
    }
    try {
      return Instant.ofEpochMilli(Math.round(node.asDouble() * 1000));
    } catch (ArithmeticException | DateTimeException e) {
      throw Errors.invalidArguments("timestamp is out of range: " + node);
    }
  }
}
