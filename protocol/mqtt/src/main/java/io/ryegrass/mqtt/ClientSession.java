package io.ryegrass.mqtt;

import java.net.InetSocketAddress;
import java.time.Instant;

/**
 * A connected client as the host sees it. One value per connection: compare by identity to tell
 * connections apart.
 */
public record ClientSession(
    String clientId, Object principal, InetSocketAddress peer, Instant connectedAt) {}
