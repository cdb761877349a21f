package io.ryegrass.clientdevices;

import io.ryegrass.nucleus.ConfigTree;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Where the broker listens. The core's own keys {@code ryegrass.localMqttHost} and {@code
 * ryegrass.localMqttPort} go before the component's {@code moquette.host} and {@code
 * moquette.ssl_port}: the machine knows its ports better than a deployment.
 *
 * @param host address to bind
 * @param port 0 for any free one, which is then kept for good
 */
record BrokerSettings(String host, int port) {
  private static final int DEFAULT_PORT = 8883;

  static BrokerSettings read(ConfigTree config, ObjectNode component) {
    JsonNode moquette = component.path("moquette");
    String host =
        config
            .nucleus()
            .find("ryegrass", "localMqttHost")
            .map(n -> n.asString(""))
            .orElseGet(() -> moquette.path("host").asString(""));
    JsonNode port =
        config
            .nucleus()
            .find("ryegrass", "localMqttPort")
            .orElseGet(() -> moquette.path("ssl_port"));
    return new BrokerSettings(host.isBlank() ? "127.0.0.1" : host, port(port));
  }

  private static int port(JsonNode value) {
    int port = value.isNumber() ? value.asInt() : parse(value.asString(""));
    return port < 0 || port > 65_535 ? DEFAULT_PORT : port;
  }

  private static int parse(String text) {
    return text.matches("\\d{1,5}") ? Integer.parseInt(text) : DEFAULT_PORT;
  }

  /**
   * Addresses under which devices reach this core, in a stable order: the bound one, or, when all
   * are bound, this machine's IPv4 addresses without loopback and link-local ones, as AWS's IP
   * detector has it (v2-deployments reference, section 8).
   */
  List<String> addresses() {
    try {
      InetAddress bound = InetAddress.getByName(host);
      if (!bound.isAnyLocalAddress()) {
        return List.of(host);
      }
      List<String> found =
          NetworkInterface.networkInterfaces()
              .flatMap(NetworkInterface::inetAddresses)
              .filter(
                  a ->
                      a instanceof Inet4Address
                          && !a.isLoopbackAddress()
                          && !a.isLinkLocalAddress())
              .map(InetAddress::getHostAddress)
              .distinct()
              .sorted()
              .toList();
      return found.isEmpty() ? List.of("127.0.0.1") : found;
    } catch (UnknownHostException | SocketException e) {
      return List.of(host);
    }
  }
}
