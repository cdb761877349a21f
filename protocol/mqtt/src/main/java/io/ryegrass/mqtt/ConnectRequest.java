package io.ryegrass.mqtt;

import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A CONNECT packet and what TLS says about its sender.
 *
 * @param clientId as sent, or made up by the broker when it was empty and the session clean
 *     ([MQTT-3.1.3-6])
 * @param certificates the client's chain, its own first; empty without TLS or without client
 *     certificate. TLS has proven that the client holds the key of the first; whether the chain
 *     means anything was the listener's trust manager's to say
 * @param admission what {@link WebHost#admit} said of the WebSocket that this came through; null
 *     for all else
 * @param protocolVersion 3 (MQTT 3.1), 4 (3.1.1) or 5
 */
public record ConnectRequest(
    String clientId,
    @Nullable String userName,
    byte @Nullable [] password,
    List<X509Certificate> certificates,
    @Nullable Object admission,
    InetSocketAddress peer,
    boolean cleanSession,
    @Nullable Will will,
    int protocolVersion) {}
