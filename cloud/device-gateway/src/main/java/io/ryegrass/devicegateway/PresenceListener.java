package io.ryegrass.devicegateway;

import java.util.Set;

/** Told of MQTT connections as they come and go, on the engine's threads: must not wait. */
@FunctionalInterface
public interface PresenceListener {
  /**
   * A connection was made or has ended.
   *
   * @param things that the client's certificate is attached to
   * @param reason of the end, as lifecycle events name it; empty for a connection
   * @param timestamp ms
   */
  void changed(
      String clientId, Set<String> things, boolean connected, String reason, long timestamp);
}
