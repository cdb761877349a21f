package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.CoreIdentity;
import io.ryegrass.nucleus.NucleusConfiguration;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What the link needs to know; read once at start.
 *
 * @param root root folder of the core; the link keeps its state in {@code spool/}
 * @param dataHost host of the MQTT endpoint ({@code iotDataEndpoint})
 * @param dataPlaneHost host of the Greengrass data plane
 * @param credentialsEndpoint host or host:port of the credentials provider; port 443 when absent
 * @param roleAlias null when the core has none
 * @param s3Endpoint scheme, host and port of an S3-compatible store, path style; null means AWS's
 *     of the region
 * @param apiEndpoint scheme, host and port where the cloud's AWS APIs are; null means AWS's of the
 *     region
 * @param operationTimeout how long an acknowledgement may take before the connection counts as dead
 * @param maxInFlight unacknowledged QoS 1 messages, 1 to 100
 * @param spoolMaxBytes bound of the spool on disk
 * @param keepQos0WhenOffline whether QoS 0 messages are spooled without a connection, too;
 *     otherwise they are refused
 * @param fleetCadence period of complete fleet statuses
 * @param fleetKeepAlive period of the small status that keeps "last seen" young; zero switches it
 *     off
 * @param mqtt how MQTT connects
 */
public record LinkSettings(
    Path root,
    CoreIdentity identity,
    String region,
    String dataHost,
    int mqttPort,
    String dataPlaneHost,
    int dataPlanePort,
    String credentialsEndpoint,
    @Nullable String roleAlias,
    @Nullable String s3Endpoint,
    @Nullable String apiEndpoint,
    Duration operationTimeout,
    int maxInFlight,
    long spoolMaxBytes,
    boolean keepQos0WhenOffline,
    Duration fleetCadence,
    Duration fleetKeepAlive,
    MqttSettings mqtt,
    Clock clock) {

  /**
   * Spool bound when {@code mqtt.spooler.maxSizeInBytes} is not set. AWS's default of 2.5 MB is one
   * for memory.
   */
  private static final long DEFAULT_SPOOL_BYTES = 64L << 20;

  /**
   * Reads the nucleus' configuration (v2-recipes-config.md section 7). Own keys: {@code
   * ryegrass.fleetKeepAliveSeconds} (60; 0 switches it off), {@code ryegrass.s3Endpoint} and {@code
   * ryegrass.apiEndpoint}.
   */
  public static LinkSettings of(ConfigTree config, Clock clock) {
    NucleusConfiguration n = config.nucleus();
    return new LinkSettings(
        config.root(),
        config.identity(),
        n.awsRegion(),
        n.iotDataEndpoint(),
        n.mqttPort(),
        n.dataPlaneHost(),
        n.dataPlanePort(),
        n.iotCredEndpoint(),
        n.iotRoleAlias().orElse(null),
        n.s3Endpoint().orElse(null),
        apiEndpoint(n),
        Duration.ofMillis(number(n, 30_000, 1_000, 300_000, "mqtt", "operationTimeoutMs")),
        (int) number(n, 20, 1, 100, "mqtt", "maxInFlightPublishes"),
        number(
            n, DEFAULT_SPOOL_BYTES, 1 << 20, Long.MAX_VALUE, "mqtt", "spooler", "maxSizeInBytes"),
        n.find("mqtt", "spooler", "keepQos0WhenOffline").map(JsonNode::asBoolean).orElse(false),
        Duration.ofSeconds(
            number(
                n,
                86_400,
                86_400,
                Integer.MAX_VALUE,
                "fleetStatus",
                "periodicStatusPublishIntervalSeconds")),
        Duration.ofSeconds(number(n, 60, 0, 86_400, "ryegrass", "fleetKeepAliveSeconds")),
        MqttSettings.of(n),
        clock);
  }

  /** Folder of everything that the link keeps. */
  Path spoolFolder() {
    return root.resolve("spool");
  }

  /** As set; else where the objects are, when that is the cloud's own device port. */
  private static @Nullable String apiEndpoint(NucleusConfiguration n) {
    return n.find("ryegrass", "apiEndpoint")
        .map(v -> v.asString(""))
        .filter(v -> !v.isBlank())
        .or(
            () ->
                n.s3Endpoint()
                    .filter(
                        e -> e.equals("https://" + n.dataPlaneHost() + ":" + n.dataPlanePort())))
        .orElse(null);
  }

  private static long number(
      NucleusConfiguration n, long unset, long least, long most, String... path) {
    long value =
        n.find(path)
            .filter(v -> v.isNumber() || v.isString())
            .map(v -> v.asLong(unset))
            .orElse(unset);
    return Math.clamp(value, least, most);
  }
}
