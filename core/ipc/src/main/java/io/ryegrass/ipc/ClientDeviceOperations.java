package io.ryegrass.ipc;

import io.ryegrass.eventstream.RpcError;
import io.ryegrass.eventstream.RpcOperation.Order;
import io.ryegrass.eventstream.ServerStream;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.Subscription;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Client devices, for brokers of other makers (v2-ipc.md §7.9, IPC-37 to IPC-41). */
final class ClientDeviceOperations {
  private static final String COMPONENT = "aws.greengrass.clientdevices.Auth";
  private static final String VERIFY = "VerifyClientDeviceIdentity";
  private static final String TOKEN = "GetClientDeviceAuthToken";
  private static final String AUTHORIZE = "AuthorizeClientDeviceAction";
  private static final String CERTIFICATES = "SubscribeToCertificateUpdates";

  private final IpcPorts ports;
  private final Authorisation authorisation;

  ClientDeviceOperations(IpcPorts ports, Authorisation authorisation) {
    this.ports = ports;
    this.authorisation = authorisation;
  }

  void addTo(CoreService.Table table) {
    table.unary(VERIFY, Order.CONCURRENT, this::verify);
    table.unary(TOKEN, Order.CONCURRENT, this::token);
    table.unary(AUTHORIZE, Order.CONCURRENT, this::authorize);
    table.streaming(CERTIFICATES, "CertificateUpdateEvent", Order.CONCURRENT, this::certificates);
  }

  private ClientDevicesPort port(String principal, String operation) {
    ClientDevicesPort port =
        ports.clientDevices().orElseThrow(() -> Errors.absent(operation, COMPONENT));
    authorisation.check(principal, COMPONENT, Errors.NAMESPACE + operation, "*");
    return port;
  }

  private ObjectNode verify(String principal, ObjectNode request) {
    ClientDevicesPort port = port(principal, VERIFY);
    ObjectNode credential = Requests.object(request, "credential");
    String certificate = Requests.text(credential, "clientDeviceCertificate");
    try {
      return Requests.empty().put("isValidClientDevice", port.verify(certificate));
    } catch (NucleusException e) {
      throw error(e);
    }
  }

  private ObjectNode token(String principal, ObjectNode request) {
    ClientDevicesPort port = port(principal, TOKEN);
    ObjectNode mqtt = Requests.object(Requests.object(request, "credential"), "mqttCredential");
    try {
      return Requests.empty()
          .put(
              "clientDeviceAuthToken",
              port.openSession(
                  Requests.text(mqtt, "clientId"),
                  Requests.text(mqtt, "certificatePem"),
                  Requests.optionalText(mqtt, "username"),
                  Requests.optionalText(mqtt, "password")));
    } catch (NucleusException e) {
      throw error(e);
    }
  }

  private ObjectNode authorize(String principal, ObjectNode request) {
    ClientDevicesPort port = port(principal, AUTHORIZE);
    String token = Requests.text(request, "clientDeviceAuthToken");
    String operation = Requests.text(request, "operation");
    String resource = Requests.text(request, "resource");
    try {
      return Requests.empty().put("isAuthorized", port.authorise(token, operation, resource));
    } catch (NucleusException e) {
      throw error(e);
    }
  }

  private void certificates(ServerStream stream, ObjectNode request) {
    ClientDevicesPort port = port(stream.principal(), CERTIFICATES);
    ObjectNode options = Requests.object(request, "certificateOptions");
    if (!Requests.text(options, "certificateType").equals("SERVER")) {
      throw Errors.invalidArguments("certificateType must be SERVER");
    }
    EventPump pump = new EventPump(stream, "server certificates");
    Subscription subscription;
    try {
      subscription =
          port.onServerCertificate(
              update -> {
                ObjectNode event = Requests.empty();
                ObjectNode content = event.putObject("certificateUpdate");
                content
                    .put("privateKey", update.privateKey())
                    .put("publicKey", update.publicKey())
                    .put("certificate", update.certificate());
                ArrayNode authorities = content.putArray("caCertificates");
                update.caCertificates().forEach(authorities::add);
                pump.offer(event, 16 * 1024);
              });
    } catch (NucleusException e) {
      throw error(e);
    }
    stream.onClose(subscription::close);
    stream.respond(Requests.empty());
  }

  private static RpcError error(NucleusException e) {
    return switch (e.code()) {
      case "INVALID_CREDENTIAL" -> Errors.error("InvalidCredentialError", Errors.text(e));
      case "INVALID_CLIENT_DEVICE_AUTH_TOKEN" ->
          Errors.error("InvalidClientDeviceAuthTokenError", Errors.text(e));
      default -> Errors.of(e, "client device", "");
    };
  }
}
