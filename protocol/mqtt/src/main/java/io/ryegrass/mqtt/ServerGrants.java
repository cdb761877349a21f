package io.ryegrass.mqtt;

import org.jspecify.annotations.Nullable;

/**
 * What a server said about itself and the session when it accepted a client (MQTT 5, section
 * 3.2.2.3; with MQTT 3.1.1 all but {@code sessionPresent} is the standard's default).
 *
 * @param sessionPresent whether it has the session of an earlier connection
 * @param receiveMaximum unacknowledged messages of QoS 1 that it takes
 * @param maximumPacketSize largest packet that it takes; 0 for no limit
 * @param keepAliveSeconds the one that counts: the server's own, or else the client's
 * @param sessionExpirySeconds likewise
 */
public record ServerGrants(
    boolean sessionPresent,
    int receiveMaximum,
    int maximumQos,
    boolean retainAvailable,
    long maximumPacketSize,
    int keepAliveSeconds,
    long sessionExpirySeconds,
    boolean wildcardsAvailable,
    boolean sharedAvailable,
    @Nullable String assignedClientId) {}
