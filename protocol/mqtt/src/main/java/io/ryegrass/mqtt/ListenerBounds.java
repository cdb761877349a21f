package io.ryegrass.mqtt;

import java.time.Duration;

/**
 * What sockets may take before they speak MQTT.
 *
 * @param sockets open ones of all listeners together
 * @param handshakes TLS handshakes in progress; each holds some 100 KB until it is through
 * @param waitingHandshakes clients that wait for a place among them; beyond it they are refused
 * @param standstill a socket or handshake that is older than this and not through gives its place
 *     to a newer one, where there are no more places
 * @param deadline from accept to MQTT: TLS and HTTP upgrade together
 */
record ListenerBounds(
    int sockets, int handshakes, int waitingHandshakes, Duration standstill, Duration deadline) {
  private static final int HANDSHAKES = 128;
  private static final int WAITING_HANDSHAKES = 4096;
  private static final int LARGEST_RESERVE = 64;

  /**
   * A few sockets fewer than connections: a displaced socket's connection needs a moment to be
   * gone.
   */
  static ListenerBounds of(Limits limits) {
    int connections = limits.maxConnections();
    return new ListenerBounds(
        Math.max(1, connections - Math.min(LARGEST_RESERVE, connections / 10)),
        HANDSHAKES,
        WAITING_HANDSHAKES,
        Duration.ofSeconds(2),
        limits.connectTimeout());
  }
}
