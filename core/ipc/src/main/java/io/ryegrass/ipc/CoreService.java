package io.ryegrass.ipc;

import io.ryegrass.eventstream.RpcError;
import io.ryegrass.eventstream.RpcOperation;
import io.ryegrass.eventstream.RpcOperation.Order;
import io.ryegrass.eventstream.RpcService;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** The table of operations, and who may connect. */
final class CoreService implements RpcService {
  private final IpcServer.Core core;
  private final Map<String, RpcOperation> operations;

  CoreService(IpcServer.Core core, UpdateNegotiation negotiation) {
    this.core = core;
    Authorisation authorisation = new Authorisation(core.components());
    Table table = new Table();
    new PubSubOperations(core, authorisation).addTo(table);
    new MqttProxyOperations(core, authorisation).addTo(table);
    new ConfigurationOperations(core).addTo(table);
    new LifecycleOperations(core, authorisation).addTo(table);
    new LocalDeploymentOperations(core.localDeployments(), authorisation).addTo(table);
    new SecretOperations(core.ports(), authorisation).addTo(table);
    new ShadowOperations(core.ports(), authorisation).addTo(table);
    new ClientDeviceOperations(core.ports(), authorisation).addTo(table);
    new MetricOperations(core.metrics(), authorisation).addTo(table);
    new ExplainOperation(core, authorisation).addTo(table);
    new DebugPasswordOperation(core.debugPasswords(), authorisation).addTo(table);
    negotiation.addTo(table);
    this.operations = Map.copyOf(table.operations);
  }

  @Override
  public Optional<String> authenticate(String authToken) {
    return core.components().componentOfToken(authToken);
  }

  @Override
  public Optional<RpcOperation> operation(String name) {
    return Optional.ofNullable(operations.get(name));
  }

  @Override
  public RpcError tooManyStreams(int limit) {
    return Errors.service(
        "More than " + limit + " streams are open on this connection; close some of them");
  }

  @Override
  public RpcError tooManyRequests(int limit) {
    return Errors.service(
        "More than " + limit + " requests of this connection are in work; wait for answers");
  }

  @Override
  public RpcError malformedRequest(String operation, String reason) {
    return Errors.invalidArguments("The request for " + operation + " cannot be read: " + reason);
  }

  /** Collects operations; names are without namespace. */
  static final class Table {
    private final Map<String, RpcOperation> operations = new HashMap<>();

    /** An operation that answers once. */
    interface Unary {
      ObjectNode answer(String principal, ObjectNode request);
    }

    void unary(String name, Order order, Unary unary) {
      add(
          name,
          null,
          order,
          (stream, request) -> stream.respond(unary.answer(stream.principal(), request)));
    }

    /** An operation that is not of AWS's model, by its full name. */
    void ownUnary(String qualified, Order order, Unary unary) {
      operations.put(
          qualified,
          new RpcOperation(
              qualified,
              null,
              order,
              (stream, request) -> stream.respond(unary.answer(stream.principal(), request))));
    }

    void streaming(String name, String events, Order order, RpcOperation.Handler handler) {
      add(name, Errors.NAMESPACE + events, order, handler);
    }

    private void add(
        String name, @Nullable String events, Order order, RpcOperation.Handler handler) {
      String qualified = Errors.NAMESPACE + name;
      operations.put(qualified, new RpcOperation(qualified, events, order, handler));
    }
  }
}
