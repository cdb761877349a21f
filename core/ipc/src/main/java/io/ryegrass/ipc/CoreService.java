package io.ryegrass.ipc;

import io.ryegrass.eventstream.RpcError;
import io.ryegrass.eventstream.RpcOperation;
import io.ryegrass.eventstream.RpcOperation.Order;
import io.ryegrass.eventstream.RpcService;
import io.ryegrass.eventstream.ServerStream;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** The table of operations, and who may connect. */
final class CoreService implements RpcService {
  private static final String SECRETS = "aws.greengrass.SecretManager";
  private static final String SHADOWS = "aws.greengrass.ShadowManager";
  private static final String CLIENT_DEVICES = "aws.greengrass.clientdevices.Auth";
  private static final String CLI = "aws.greengrass.Cli";
  private static final String NUCLEUS = "aws.greengrass.Nucleus";

  /** Operations of the model that no part of this core serves, and the component that would. */
  private static final Map<String, String> ABSENT =
      Map.ofEntries(
          Map.entry("GetSecretValue", SECRETS),
          Map.entry("GetThingShadow", SHADOWS),
          Map.entry("UpdateThingShadow", SHADOWS),
          Map.entry("DeleteThingShadow", SHADOWS),
          Map.entry("ListNamedShadowsForThing", SHADOWS),
          Map.entry("SubscribeToCertificateUpdates", CLIENT_DEVICES),
          Map.entry("VerifyClientDeviceIdentity", CLIENT_DEVICES),
          Map.entry("GetClientDeviceAuthToken", CLIENT_DEVICES),
          Map.entry("AuthorizeClientDeviceAction", CLIENT_DEVICES),
          Map.entry("CreateLocalDeployment", CLI),
          Map.entry("CancelLocalDeployment", CLI),
          Map.entry("GetLocalDeploymentStatus", CLI),
          Map.entry("ListLocalDeployments", CLI),
          Map.entry("CreateDebugPassword", CLI),
          Map.entry("PutComponentMetric", NUCLEUS),
          Map.entry("SubscribeToIoTCoreConnectionStatus", NUCLEUS));

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
    negotiation.addTo(table);
    ABSENT.forEach(table::absent);
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

    void streaming(String name, String events, Order order, RpcOperation.Handler handler) {
      add(name, Errors.NAMESPACE + events, order, handler);
    }

    void absent(String name, String component) {
      add(name, null, Order.IN_ORDER, (stream, request) -> refuse(stream, name, component));
    }

    private static void refuse(ServerStream stream, String name, String component) {
      stream.fail(
          Errors.service(
              "Operation "
                  + Errors.NAMESPACE
                  + name
                  + " is not supported by Greengrass: component "
                  + component
                  + " of this core does not serve it"));
    }

    private void add(
        String name, @Nullable String events, Order order, RpcOperation.Handler handler) {
      String qualified = Errors.NAMESPACE + name;
      operations.put(qualified, new RpcOperation(qualified, events, order, handler));
    }
  }
}
