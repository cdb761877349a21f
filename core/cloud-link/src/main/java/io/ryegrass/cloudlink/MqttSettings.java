package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.NucleusConfiguration;
import java.time.Duration;
import tools.jackson.databind.JsonNode;

/**
 * How the MQTT half of the link connects (v2-recipes-config.md section 7.1, NUC-14); read once at
 * start.
 *
 * @param version 5, or 4 for MQTT 3.1.1 ({@code mqtt.version}: {@code mqtt5}, {@code mqtt3})
 * @param keepAlive 30 to 1200 s, what IoT Core allows; zero asks for the longest
 * @param pingTimeout less than the keep-alive
 * @param socketTimeout until the TCP connection stands
 * @param maxMessageBytes largest payload that is taken from a publisher
 * @param maxPublishRetry how often a message is sent again before it is set aside; -1 without end
 * @param sessionExpirySeconds MQTT 5: how long the cloud keeps subscriptions and messages for a
 *     core that is away
 * @param receiveMaximum MQTT 5: unacknowledged messages that the cloud may send
 * @param firstDelay least time between two attempts
 * @param lastDelay most time between two attempts
 * @param alpn whether TLS says that it is for MQTT, as on port 443 (PXY-01)
 * @param stable how long a connection lives to end the series of failures before it
 */
record MqttSettings(
    int version,
    Duration keepAlive,
    Duration pingTimeout,
    Duration socketTimeout,
    int maxMessageBytes,
    int maxPublishRetry,
    long sessionExpirySeconds,
    int receiveMaximum,
    Duration firstDelay,
    Duration lastDelay,
    Duration stable,
    boolean alpn,
    ProxySettings proxy) {
  private static final int ALPN_PORT = 443;
  private static final int LEAST_PACKET = (128 + 64) << 10;

  /** What counts without configuration. */
  static final MqttSettings DEFAULT =
      new MqttSettings(
          5,
          Duration.ofSeconds(60),
          Duration.ofSeconds(30),
          Duration.ofSeconds(3),
          128 << 10,
          100,
          604_800,
          100,
          Duration.ofMillis(125),
          Duration.ofSeconds(30),
          Duration.ofSeconds(10),
          false,
          ProxySettings.NONE);

  /**
   * @throws io.ryegrass.nucleus.NucleusException when the proxy's address cannot be used
   */
  static MqttSettings of(NucleusConfiguration n) {
    long keepAlive = number(n, 60_000, 0, 1_200_000, "keepAliveTimeoutMs");
    Duration period = Duration.ofMillis(keepAlive == 0 ? 1_200_000 : Math.max(30_000, keepAlive));
    long ping = number(n, 30_000, 1_000, 1_200_000, "pingTimeoutMs");
    long least = number(n, 0, 0, 86_400, "minimumReconnectDelaySeconds");
    long most = number(n, 30, 1, 86_400, "maximumReconnectDelaySeconds");
    return new MqttSettings(
        n.find("mqtt", "version").map(v -> v.asString("")).orElse("").equalsIgnoreCase("mqtt3")
            ? 4
            : 5,
        period,
        Duration.ofMillis(Math.min(ping, period.toMillis())),
        Duration.ofMillis(number(n, 3_000, 100, 300_000, "socketTimeoutMs")),
        (int) number(n, 128 << 10, 1, 256 << 20, "maxMessageSizeInBytes"),
        (int) number(n, 100, -1, Integer.MAX_VALUE, "maxPublishRetry"),
        number(n, 604_800, 0, 0xFFFF_FFFFL, "sessionExpirySeconds"),
        (int) number(n, 100, 1, 65_535, "receiveMaximum"),
        least == 0 ? DEFAULT.firstDelay() : Duration.ofSeconds(least),
        Duration.ofSeconds(Math.max(least, most)),
        Duration.ofSeconds(number(n, 10, 0, 86_400, "minimumConnectedTimeBeforeRetryResetSeconds")),
        n.mqttPort() == ALPN_PORT,
        ProxySettings.of(n));
  }

  /**
   * Largest packet that is taken from the cloud: never less than IoT Core's messages, however small
   * those of this core's publishers may be.
   */
  int maximumPacketSize() {
    return (int) Math.min(268_435_460L, Math.max(LEAST_PACKET, maxMessageBytes + (64L << 10)));
  }

  private static long number(
      NucleusConfiguration n, long unset, long least, long most, String key) {
    long value =
        n.find("mqtt", key)
            .filter(v -> v.isNumber() || v.isString())
            .map((JsonNode v) -> v.asLong(unset))
            .orElse(unset);
    return Math.clamp(value, least, most);
  }
}
