package io.ryegrass.ipc;

import io.ryegrass.eventstream.RpcOperation.Order;
import io.ryegrass.nucleus.NucleusException;
import java.util.Base64;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Local shadows: get, update, delete, list (v2-ipc.md §7.8, IPC-25 to IPC-30). */
final class ShadowOperations {
  private static final String COMPONENT = "aws.greengrass.ShadowManager";
  private static final int DEFAULT_PAGE = 25;
  private static final int MAX_PAGE = 100;

  private final IpcPorts ports;
  private final Authorisation authorisation;

  ShadowOperations(IpcPorts ports, Authorisation authorisation) {
    this.ports = ports;
    this.authorisation = authorisation;
  }

  void addTo(CoreService.Table table) {
    table.unary(
        "GetThingShadow",
        Order.CONCURRENT,
        (principal, request) -> {
          Target t = target(principal, "GetThingShadow", request);
          return payload(t, () -> t.port.get(t.thing, t.shadow));
        });
    table.unary(
        "UpdateThingShadow",
        Order.CONCURRENT,
        (principal, request) -> {
          Target t = target(principal, "UpdateThingShadow", request);
          byte[] document = Requests.blob(request, "payload");
          return payload(t, () -> t.port.update(t.thing, t.shadow, document));
        });
    table.unary(
        "DeleteThingShadow",
        Order.CONCURRENT,
        (principal, request) -> {
          Target t = target(principal, "DeleteThingShadow", request);
          return payload(t, () -> t.port.delete(t.thing, t.shadow));
        });
    table.unary("ListNamedShadowsForThing", Order.CONCURRENT, this::list);
  }

  private record Target(ShadowsPort port, String thing, String shadow) {
    String resource() {
      return "$aws/things/" + thing + "/shadow" + (shadow.isEmpty() ? "" : "/name/" + shadow);
    }
  }

  private ShadowsPort port(String operation) {
    return ports.shadows().orElseThrow(() -> Errors.absent(operation, COMPONENT));
  }

  private Target target(String principal, String operation, ObjectNode request) {
    ShadowsPort port = port(operation);
    String thing = Requests.text(request, "thingName");
    @Nullable String name = Requests.optionalText(request, "shadowName");
    Target target = new Target(port, thing, name == null ? "" : name);
    authorisation.check(principal, COMPONENT, Errors.NAMESPACE + operation, target.resource());
    return target;
  }

  private static ObjectNode payload(Target target, Supplier<byte[]> work) {
    try {
      return Requests.empty().put("payload", Base64.getEncoder().encodeToString(work.get()));
    } catch (NucleusException e) {
      throw Errors.of(e, "shadow", target.resource());
    }
  }

  private ObjectNode list(String principal, ObjectNode request) {
    String operation = "ListNamedShadowsForThing";
    ShadowsPort port = port(operation);
    String thing = Requests.text(request, "thingName");
    authorisation.check(principal, COMPONENT, Errors.NAMESPACE + operation, thing);
    JsonNode size = request.path("pageSize");
    int pageSize = size.isNumber() ? size.asInt() : DEFAULT_PAGE;
    if (pageSize < 1 || pageSize > MAX_PAGE) {
      throw Errors.invalidArguments("pageSize must be 1 to " + MAX_PAGE + ", but is " + pageSize);
    }
    ShadowsPort.Page page;
    try {
      page = port.list(thing, Requests.optionalText(request, "nextToken"), pageSize);
    } catch (NucleusException e) {
      throw Errors.of(e, "thing", thing);
    }
    ObjectNode response = Requests.empty();
    ArrayNode names = response.putArray("results");
    page.names().forEach(names::add);
    response.put("timestamp", page.timestamp().toEpochMilli() / 1000.0);
    if (page.nextToken() != null) {
      response.put("nextToken", page.nextToken());
    }
    return response;
  }
}
