package io.ryegrass.mqtt;

import java.time.Duration;
import java.util.function.Consumer;

/**
 * The bounds of a broker. {@link #awsIotCore()} has the figures of AWS IoT Core (mqtt-cloud
 * reference, section 2), {@link #device()} the same with smaller queues, {@link #standard()} those
 * of a broker that follows the OASIS standards without AWS's restrictions. Change single ones with
 * {@link #with}.
 *
 * @param maxPayloadBytes larger publishes end the connection (MQTT 5: packet too large)
 * @param maxTopicBytes of topics and filters, in UTF-8
 * @param maxTopicSlashes of topics and filters
 * @param maxFiltersPerSubscribe per SUBSCRIBE packet; more end the connection
 * @param maxSubscriptionsPerSession further filters are refused in the SUBACK
 * @param maxClientIdBytes longer identifiers are refused
 * @param maxQos 1 or 2; announced, higher subscriptions are granted this, higher publishes end the
 *     connection
 * @param subscriptionIdentifiers whether MQTT 5 clients may use them
 * @param topicAliases how many a client may set on one connection
 * @param maxInFlight unacknowledged QoS 1 and 2 messages towards one client
 * @param receiveMaximum the same from a client of MQTT 5; more end the connection
 * @param maxQueuedMessages waiting for one session, in flight included; beyond it the newest is
 *     dropped and counted
 * @param maxQueuedBytes the same in bytes ({@code payload + properties + topic})
 * @param maxQueuedBytesInAll of all sessions together
 * @param maxPendingPackets received and not yet handled, per connection; then reading from the
 *     socket stops
 * @param maxConnections further ones are closed at once
 * @param maxSessions connected and persistent ones together; further new ones are refused
 * @param maxRetainedMessages further topics are not retained (counted)
 * @param maxRetainedBytes the same in bytes
 * @param publishesPerSecond of one connection; whoever sends faster is read from more slowly. 0: as
 *     many as come
 * @param bytesPerSecond the same for the bytes of publishes
 * @param connectInterval a client id that connects again sooner is refused; zero: no rule
 * @param connectTimeout from TCP accept to CONNECT
 * @param maxKeepAlive MQTT 5: told to the client as Server Keep Alive when it asks for none or more
 * @param maxKeepAliveOfVersion3 used in silence for older clients that ask for none or more, as
 *     they cannot be told; zero: what they ask for counts, none is none
 * @param minKeepAlive clients that ask for less are watched as if they had asked for this; MQTT 5:
 *     told to the client as Server Keep Alive
 * @param stalledWriteTimeout a client that takes nothing for so long, though there is something for
 *     it, is disconnected
 * @param sessionExpiry what clients before MQTT 5 get with clean session 0, and the most that
 *     others get; 0xFFFFFFFF seconds mean never
 * @param decisionLifetime how long an answer of the {@link Authoriser} may be used again
 */
public record Limits(
    int maxPayloadBytes,
    int maxTopicBytes,
    int maxTopicSlashes,
    int maxFiltersPerSubscribe,
    int maxSubscriptionsPerSession,
    int maxClientIdBytes,
    int maxQos,
    boolean subscriptionIdentifiers,
    int topicAliases,
    int maxInFlight,
    int receiveMaximum,
    int maxQueuedMessages,
    long maxQueuedBytes,
    long maxQueuedBytesInAll,
    int maxPendingPackets,
    int maxConnections,
    int maxSessions,
    int maxRetainedMessages,
    long maxRetainedBytes,
    int publishesPerSecond,
    long bytesPerSecond,
    Duration connectInterval,
    Duration connectTimeout,
    Duration maxKeepAlive,
    Duration maxKeepAliveOfVersion3,
    Duration minKeepAlive,
    Duration stalledWriteTimeout,
    Duration sessionExpiry,
    Duration decisionLifetime) {

  /** Room for the other parts of a packet beside the payload: topic, properties, user name. */
  private static final int PACKET_OVERHEAD = 18 << 10;

  /** AWS IoT Core's figures where it has any; MQTT 5 sessions may be kept for 7 days there. */
  public static Limits awsIotCore() {
    return new Builder()
        .maxPayloadBytes(128 << 10)
        .topics(256, 7)
        .maxClientIdBytes(128)
        .subscriptions(8, 50)
        .maxQos(1)
        .subscriptionIdentifiers(false)
        .topicAliases(8)
        .inFlight(100, 100)
        .rates(100, 512 << 10, Duration.ofSeconds(1))
        .keepAlive(Duration.ofSeconds(1200), Duration.ofSeconds(1200))
        .build();
  }

  /** For a device: AWS's limits on the wire without its rates, smaller queues. */
  public static Limits device() {
    return awsIotCore()
        .with(
            b ->
                b.rates(0, 0, Duration.ZERO)
                    .queue(2_500, 4 << 20)
                    .maxQueuedBytesInAll(32 << 20)
                    .clients(2_500, 5_000)
                    .retained(1_000, 16 << 20));
  }

  /** For a broker of its own: everything that the OASIS standards have. */
  public static Limits standard() {
    return new Builder().build();
  }

  /** The largest packet that is accepted, as announced to MQTT 5 clients. */
  public int maxPacketBytes() {
    return maxPayloadBytes + PACKET_OVERHEAD;
  }

  /** Room on the disk for what may be owed and retained, and for the log of changes twice over. */
  long maxJournalBytes() {
    return 4 * (maxQueuedBytesInAll + maxRetainedBytes) + (256L << 20);
  }

  /** The same with some of them changed. */
  public Limits with(Consumer<Builder> changes) {
    Builder b = new Builder(this);
    changes.accept(b);
    return b.build();
  }

  /** Collects limits; begins with those of {@link Limits#standard()}. */
  public static final class Builder {
    private int maxPayloadBytes = 1 << 20;
    private int maxTopicBytes = 4096;
    private int maxTopicSlashes = 128;
    private int maxFiltersPerSubscribe = 256;
    private int maxSubscriptionsPerSession = 1_000;
    private int maxClientIdBytes = 256;
    private int maxQos = 2;
    private boolean subscriptionIdentifiers = true;
    private int topicAliases = 32;
    private int maxInFlight = 100;
    private int receiveMaximum = 100;
    private int maxQueuedMessages = 10_000;
    private long maxQueuedBytes = 16 << 20;
    private long maxQueuedBytesInAll = 256 << 20;
    private int maxPendingPackets = 100;
    private int maxConnections = 10_500;
    private int maxSessions = 20_000;
    private int maxRetainedMessages = 50_000;
    private long maxRetainedBytes = 128 << 20;
    private int publishesPerSecond;
    private long bytesPerSecond;
    private Duration connectInterval = Duration.ZERO;
    private Duration connectTimeout = Duration.ofSeconds(10);
    private Duration maxKeepAlive = Duration.ofSeconds(60);
    private Duration maxKeepAliveOfVersion3 = Duration.ZERO;
    private Duration minKeepAlive = Duration.ZERO;
    private Duration stalledWriteTimeout = Duration.ofSeconds(60);
    private Duration sessionExpiry = Duration.ofDays(7);
    private Duration decisionLifetime = Duration.ofSeconds(30);

    Builder() {}

    private Builder(Limits of) {
      maxPayloadBytes = of.maxPayloadBytes;
      maxTopicBytes = of.maxTopicBytes;
      maxTopicSlashes = of.maxTopicSlashes;
      maxFiltersPerSubscribe = of.maxFiltersPerSubscribe;
      maxSubscriptionsPerSession = of.maxSubscriptionsPerSession;
      maxClientIdBytes = of.maxClientIdBytes;
      maxQos = of.maxQos;
      subscriptionIdentifiers = of.subscriptionIdentifiers;
      topicAliases = of.topicAliases;
      maxInFlight = of.maxInFlight;
      receiveMaximum = of.receiveMaximum;
      maxQueuedMessages = of.maxQueuedMessages;
      maxQueuedBytes = of.maxQueuedBytes;
      maxQueuedBytesInAll = of.maxQueuedBytesInAll;
      maxPendingPackets = of.maxPendingPackets;
      maxConnections = of.maxConnections;
      maxSessions = of.maxSessions;
      maxRetainedMessages = of.maxRetainedMessages;
      maxRetainedBytes = of.maxRetainedBytes;
      publishesPerSecond = of.publishesPerSecond;
      bytesPerSecond = of.bytesPerSecond;
      connectInterval = of.connectInterval;
      connectTimeout = of.connectTimeout;
      maxKeepAlive = of.maxKeepAlive;
      maxKeepAliveOfVersion3 = of.maxKeepAliveOfVersion3;
      minKeepAlive = of.minKeepAlive;
      stalledWriteTimeout = of.stalledWriteTimeout;
      sessionExpiry = of.sessionExpiry;
      decisionLifetime = of.decisionLifetime;
    }

    public Builder maxPayloadBytes(int bytes) {
      maxPayloadBytes = bytes;
      return this;
    }

    public Builder topics(int bytes, int slashes) {
      maxTopicBytes = bytes;
      maxTopicSlashes = slashes;
      return this;
    }

    public Builder subscriptions(int perPacket, int perSession) {
      maxFiltersPerSubscribe = perPacket;
      maxSubscriptionsPerSession = perSession;
      return this;
    }

    public Builder maxClientIdBytes(int bytes) {
      maxClientIdBytes = bytes;
      return this;
    }

    public Builder maxQos(int qos) {
      maxQos = qos;
      return this;
    }

    public Builder subscriptionIdentifiers(boolean available) {
      subscriptionIdentifiers = available;
      return this;
    }

    public Builder topicAliases(int perConnection) {
      topicAliases = perConnection;
      return this;
    }

    public Builder inFlight(int towardsClient, int fromClient) {
      maxInFlight = towardsClient;
      receiveMaximum = fromClient;
      return this;
    }

    public Builder queue(int messages, long bytes) {
      maxQueuedMessages = messages;
      maxQueuedBytes = bytes;
      return this;
    }

    public Builder maxQueuedBytesInAll(long bytes) {
      maxQueuedBytesInAll = bytes;
      return this;
    }

    public Builder maxPendingPackets(int packets) {
      maxPendingPackets = packets;
      return this;
    }

    public Builder clients(int connections, int sessions) {
      maxConnections = connections;
      maxSessions = sessions;
      return this;
    }

    public Builder retained(int messages, long bytes) {
      maxRetainedMessages = messages;
      maxRetainedBytes = bytes;
      return this;
    }

    public Builder rates(int publishes, long bytes, Duration betweenConnects) {
      publishesPerSecond = publishes;
      bytesPerSecond = bytes;
      connectInterval = betweenConnects;
      return this;
    }

    public Builder connectTimeout(Duration value) {
      connectTimeout = value;
      return this;
    }

    public Builder keepAlive(Duration most, Duration mostOfVersion3) {
      maxKeepAlive = most;
      maxKeepAliveOfVersion3 = mostOfVersion3;
      return this;
    }

    public Builder minKeepAlive(Duration value) {
      minKeepAlive = value;
      return this;
    }

    public Builder stalledWriteTimeout(Duration value) {
      stalledWriteTimeout = value;
      return this;
    }

    public Builder sessionExpiry(Duration value) {
      sessionExpiry = value;
      return this;
    }

    public Builder decisionLifetime(Duration value) {
      decisionLifetime = value;
      return this;
    }

    private Limits build() {
      return new Limits(
          maxPayloadBytes,
          maxTopicBytes,
          maxTopicSlashes,
          maxFiltersPerSubscribe,
          maxSubscriptionsPerSession,
          maxClientIdBytes,
          maxQos,
          subscriptionIdentifiers,
          topicAliases,
          maxInFlight,
          receiveMaximum,
          maxQueuedMessages,
          maxQueuedBytes,
          maxQueuedBytesInAll,
          maxPendingPackets,
          maxConnections,
          maxSessions,
          maxRetainedMessages,
          maxRetainedBytes,
          publishesPerSecond,
          bytesPerSecond,
          connectInterval,
          connectTimeout,
          maxKeepAlive,
          maxKeepAliveOfVersion3,
          minKeepAlive,
          stalledWriteTimeout,
          sessionExpiry,
          decisionLifetime);
    }
  }
}
