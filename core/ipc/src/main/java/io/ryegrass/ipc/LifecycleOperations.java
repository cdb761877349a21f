package io.ryegrass.ipc;

import io.ryegrass.eventstream.RpcOperation.Order;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.ComponentStatus;
import io.ryegrass.nucleus.NucleusException;
import java.util.function.Consumer;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * UpdateState, and what others may know and want of components: details, list, restart, stop,
 * pause, resume, and the check of another component's token (v2-ipc.md §7.1, §7.5, §7.6).
 */
final class LifecycleOperations {
  private static final String STREAM_MANAGER = "aws.greengrass.StreamManager";

  private final IpcServer.Core core;
  private final Authorisation authorisation;

  LifecycleOperations(IpcServer.Core core, Authorisation authorisation) {
    this.core = core;
    this.authorisation = authorisation;
  }

  void addTo(CoreService.Table table) {
    table.unary("UpdateState", Order.IN_ORDER, this::updateState);
    table.unary("GetComponentDetails", Order.CONCURRENT, this::details);
    table.unary("ListComponents", Order.CONCURRENT, this::list);
    table.unary("RestartComponent", Order.CONCURRENT, this::restart);
    table.unary("StopComponent", Order.CONCURRENT, this::stop);
    table.unary(
        "PauseComponent",
        Order.CONCURRENT,
        (p, r) -> freeze("PauseComponent", core.components()::pause, p, r));
    table.unary(
        "ResumeComponent",
        Order.CONCURRENT,
        (p, r) -> freeze("ResumeComponent", core.components()::resume, p, r));
    table.unary("ValidateAuthorizationToken", Order.CONCURRENT, this::validateToken);
  }

  private ObjectNode updateState(String principal, ObjectNode request) {
    String state = Requests.text(request, "state");
    if (!state.equals("RUNNING") && !state.equals("ERRORED")) {
      throw Errors.invalidArguments("state must be RUNNING or ERRORED, but is \"" + state + "\"");
    }
    try {
      core.components().reportState(principal, state);
    } catch (NucleusException e) {
      throw Errors.of(e, "component", principal);
    }
    return Requests.empty();
  }

  private ObjectNode details(String principal, ObjectNode request) {
    String name = Requests.text(request, "componentName");
    authorise(principal, "GetComponentDetails", name);
    ObjectNode response = Requests.empty();
    response.set("componentDetails", details(find(name)));
    return response;
  }

  private ObjectNode list(String principal, ObjectNode request) {
    authorise(principal, "ListComponents", "*");
    ObjectNode response = Requests.empty();
    ArrayNode components = response.putArray("components");
    for (ComponentStatus status : core.components().list()) {
      if (status.state() != ComponentState.UNINSTALLED) {
        components.add(details(status));
      }
    }
    return response;
  }

  private ObjectNode details(ComponentStatus status) {
    ObjectNode details =
        Requests.empty()
            .put("componentName", status.name())
            .put("version", status.version())
            .put("state", status.state().name());
    details.set("configuration", core.config().component(status.name()));
    return details;
  }

  private ObjectNode restart(String principal, ObjectNode request) {
    String name = Requests.text(request, "componentName");
    authorise(principal, "RestartComponent", name);
    find(name);
    return attempt("restartStatus", () -> core.components().restart(name));
  }

  private ObjectNode stop(String principal, ObjectNode request) {
    String name = Requests.text(request, "componentName");
    authorise(principal, "StopComponent", name);
    find(name);
    return attempt("stopStatus", () -> core.components().stop(name));
  }

  private static ObjectNode attempt(String member, Runnable action) {
    try {
      action.run();
      return Requests.empty().put(member, "SUCCEEDED");
    } catch (NucleusException e) {
      return Requests.empty().put(member, "FAILED").put("message", Errors.text(e));
    }
  }

  private ObjectNode freeze(
      String operation, Consumer<String> action, String principal, ObjectNode request) {
    String name = Requests.text(request, "componentName");
    authorisation.check(principal, Authorisation.LIFECYCLE, Errors.NAMESPACE + operation, name);
    find(name);
    try {
      action.accept(name);
    } catch (NucleusException e) {
      throw Errors.of(e, "component", name);
    }
    return Requests.empty();
  }

  private ObjectNode validateToken(String principal, ObjectNode request) {
    if (!principal.equals(STREAM_MANAGER)) {
      throw Errors.unauthorized(
          principal + " is not authorized to perform ValidateAuthorizationToken");
    }
    String token = Requests.text(request, "token");
    if (core.components().componentOfToken(token).isEmpty()) {
      throw Errors.error(
          "InvalidTokenError", "Invalid token used by stream manager when trying to authorize");
    }
    return Requests.empty().put("isValid", true);
  }

  private void authorise(String principal, String operation, String resource) {
    authorisation.check(principal, Authorisation.CLI, Errors.NAMESPACE + operation, resource);
  }

  private ComponentStatus find(String name) {
    return core.components()
        .find(name)
        .orElseThrow(
            () -> Errors.notFound("Component with name " + name + " not found", "component", name));
  }
}
