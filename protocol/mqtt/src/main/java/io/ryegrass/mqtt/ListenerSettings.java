package io.ryegrass.mqtt;

import io.netty.handler.ssl.SslContext;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One port of a broker: plain MQTT, or MQTT in TLS, in WebSocket (RFC 6455) or in both.
 *
 * @param name any, for {@link MqttBroker#port} and {@link MqttBroker#replaceTls}
 * @param address port 0 takes a free one
 * @param tls null for no TLS; the JDK's provider, made without Netty's own ALPN, which would load
 *     Bouncy Castle where it is on the class path
 * @param alpn when not empty, a client must offer one of these in TLS (RFC 7301), as AWS IoT Core
 *     asks for {@code x-amzn-mqtt-ca} on port 443; the first of this list that the client offers is
 *     chosen. When empty, what clients offer is ignored
 * @param webSocketPath null for no WebSocket, else the one path that is served, with its slash
 * @param webSocketOrigins values of {@code Origin} that are let in beside pages of the same host;
 *     {@code *} lets all in
 * @param web null for no HTTP beside MQTT; else who names none of {@code alpn} speaks HTTP with it
 */
public record ListenerSettings(
    String name,
    InetSocketAddress address,
    @Nullable SslContext tls,
    List<String> alpn,
    @Nullable String webSocketPath,
    Set<String> webSocketOrigins,
    @Nullable WebHost web) {

  /** What clients expect where nothing else is said (OASIS MQTT 3.1.1, 6; AWS IoT Core). */
  public static final String DEFAULT_WEB_SOCKET_PATH = "/mqtt";

  /**
   * @throws IllegalArgumentException for ALPN without TLS, a path without its slash, or HTTP beside
   *     MQTT without what tells them apart
   */
  public ListenerSettings {
    alpn = List.copyOf(alpn);
    webSocketOrigins = Set.copyOf(webSocketOrigins);
    if (!alpn.isEmpty() && tls == null) {
      throw new IllegalArgumentException(
          "The MQTT listener '" + name + "' asks for ALPN but has no TLS; give it a certificate");
    }
    if (webSocketPath != null && !webSocketPath.startsWith("/")) {
      throw new IllegalArgumentException(
          "The WebSocket path '" + webSocketPath + "' must begin with a slash");
    }
    if (web != null && (alpn.isEmpty() || webSocketPath == null)) {
      throw new IllegalArgumentException(
          "The listener '"
              + name
              + "' has HTTP beside MQTT; name MQTT's ALPN protocols and its WebSocket path");
    }
  }

  /** Plain MQTT. */
  public static ListenerSettings tcp(String name, InetSocketAddress address) {
    return new ListenerSettings(name, address, null, List.of(), null, Set.of(), null);
  }

  public ListenerSettings withTls(SslContext context) {
    return new ListenerSettings(name, address, context, alpn, webSocketPath, webSocketOrigins, web);
  }

  /** Clients must offer one of these. */
  public ListenerSettings withAlpn(String... protocols) {
    return new ListenerSettings(
        name, address, tls, List.of(protocols), webSocketPath, webSocketOrigins, web);
  }

  public ListenerSettings withWebSocket(String path) {
    return new ListenerSettings(name, address, tls, alpn, path, webSocketOrigins, web);
  }

  public ListenerSettings withWebSocketOrigins(Set<String> origins) {
    return new ListenerSettings(name, address, tls, alpn, webSocketPath, origins, web);
  }

  /** HTTP for those who name none of the ALPN protocols. */
  public ListenerSettings withWeb(WebHost host) {
    return new ListenerSettings(name, address, tls, alpn, webSocketPath, webSocketOrigins, host);
  }
}
