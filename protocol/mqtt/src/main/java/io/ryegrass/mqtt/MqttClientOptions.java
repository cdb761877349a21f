package io.ryegrass.mqtt;

import java.time.Duration;

/**
 * How {@link MqttClient} connects.
 *
 * @param version 5, or 4 for MQTT 3.1.1
 * @param cleanStart whether an older session is thrown away
 * @param sessionExpirySeconds MQTT 5: how long the session outlives the connection, 0 to
 *     4,294,967,295 (for ever); with MQTT 3.1.1 a session that is not clean lasts as long as the
 *     server likes
 * @param keepAliveSeconds 0 (no pings) to 65,535; a server of MQTT 5 may choose another
 * @param pingTimeout how long the answer to a ping may take before the connection counts as dead
 * @param connectTimeout for everything up to the server's answer to CONNECT
 * @param receiveMaximum unacknowledged messages of QoS 1 that the server may send, 1 to 65,535;
 *     told to servers of MQTT 5 only
 * @param maximumPacketSize largest packet that is taken, in bytes
 */
public record MqttClientOptions(
    int version,
    String clientId,
    boolean cleanStart,
    long sessionExpirySeconds,
    int keepAliveSeconds,
    Duration pingTimeout,
    Duration connectTimeout,
    int receiveMaximum,
    int maximumPacketSize) {
  public MqttClientOptions {
    require(version == 4 || version == 5, "version " + version);
    require(sessionExpirySeconds >= 0 && sessionExpirySeconds <= 0xFFFF_FFFFL, "session expiry");
    require(keepAliveSeconds >= 0 && keepAliveSeconds <= 65_535, "keep alive");
    require(receiveMaximum >= 1 && receiveMaximum <= 65_535, "receive maximum");
    require(maximumPacketSize >= 16 && maximumPacketSize <= 268_435_460, "maximum packet size");
    require(pingTimeout.isPositive() && connectTimeout.isPositive(), "time limits");
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new IllegalArgumentException(what);
    }
  }
}
