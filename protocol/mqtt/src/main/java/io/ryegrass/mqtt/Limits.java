package io.ryegrass.mqtt;

import java.time.Duration;

/**
 * The bounds of a broker. {@link #awsIotCore()} has the figures of AWS IoT Core (mqtt-cloud
 * reference, section 2).
 *
 * @param maxPayloadBytes larger publishes close the connection
 * @param maxTopicBytes of topics and filters, in UTF-8
 * @param maxTopicSlashes of topics and filters
 * @param maxFiltersPerSubscribe per SUBSCRIBE packet; more close the connection
 * @param maxSubscriptionsPerSession further filters get SUBACK 0x80
 * @param maxClientIdBytes longer identifiers get CONNACK 2
 * @param maxInFlight unacknowledged QoS 1 messages towards one client
 * @param maxQueuedMessages waiting for one session, in flight included; beyond it the newest is
 *     dropped and counted
 * @param maxQueuedBytes the same in payload bytes
 * @param maxQueuedBytesInAll of all sessions together, in payload bytes
 * @param maxPendingPackets received and not yet handled, per connection; then reading from the
 *     socket stops
 * @param maxConnections further ones are closed at once
 * @param maxSessions connected and persistent ones together; further new ones get CONNACK 3
 * @param maxRetainedMessages further topics are not retained (counted)
 * @param connectTimeout from TCP accept to CONNECT
 * @param maxKeepAlive used when the client asks for none or more; the connection ends after 1.5
 *     times this in silence
 * @param stalledWriteTimeout a client that takes nothing for so long, though there is something for
 *     it, is disconnected
 * @param sessionExpiry persistent sessions are forgotten so long after their disconnect
 */
public record Limits(
    int maxPayloadBytes,
    int maxTopicBytes,
    int maxTopicSlashes,
    int maxFiltersPerSubscribe,
    int maxSubscriptionsPerSession,
    int maxClientIdBytes,
    int maxInFlight,
    int maxQueuedMessages,
    long maxQueuedBytes,
    long maxQueuedBytesInAll,
    int maxPendingPackets,
    int maxConnections,
    int maxSessions,
    int maxRetainedMessages,
    Duration connectTimeout,
    Duration maxKeepAlive,
    Duration stalledWriteTimeout,
    Duration sessionExpiry) {

  /**
   * AWS IoT Core's figures where it has any; sessions are kept for 7 days, the most that a client
   * can ask there.
   */
  public static Limits awsIotCore() {
    return new Limits(
        128 << 10,
        256,
        7,
        8,
        50,
        128,
        100,
        10_000,
        16 << 20,
        256 << 20,
        100,
        10_000,
        20_000,
        50_000,
        Duration.ofSeconds(10),
        Duration.ofSeconds(1200),
        Duration.ofSeconds(60),
        Duration.ofDays(7));
  }

  /** For a device: the same wire limits, smaller queues. */
  public static Limits device() {
    Limits aws = awsIotCore();
    return new Limits(
        aws.maxPayloadBytes,
        aws.maxTopicBytes,
        aws.maxTopicSlashes,
        aws.maxFiltersPerSubscribe,
        aws.maxSubscriptionsPerSession,
        aws.maxClientIdBytes,
        aws.maxInFlight,
        2_500,
        4 << 20,
        32 << 20,
        aws.maxPendingPackets,
        2_500,
        5_000,
        1_000,
        aws.connectTimeout,
        aws.maxKeepAlive,
        aws.stalledWriteTimeout,
        aws.sessionExpiry);
  }

  /** The same with other queue bounds per session. */
  public Limits withQueue(int messages, long bytes) {
    return new Limits(
        maxPayloadBytes,
        maxTopicBytes,
        maxTopicSlashes,
        maxFiltersPerSubscribe,
        maxSubscriptionsPerSession,
        maxClientIdBytes,
        maxInFlight,
        messages,
        bytes,
        maxQueuedBytesInAll,
        maxPendingPackets,
        maxConnections,
        maxSessions,
        maxRetainedMessages,
        connectTimeout,
        maxKeepAlive,
        stalledWriteTimeout,
        sessionExpiry);
  }

  /** The same with other times. */
  public Limits withTimes(
      Duration connect, Duration keepAlive, Duration stalledWrite, Duration expiry) {
    return new Limits(
        maxPayloadBytes,
        maxTopicBytes,
        maxTopicSlashes,
        maxFiltersPerSubscribe,
        maxSubscriptionsPerSession,
        maxClientIdBytes,
        maxInFlight,
        maxQueuedMessages,
        maxQueuedBytes,
        maxQueuedBytesInAll,
        maxPendingPackets,
        maxConnections,
        maxSessions,
        maxRetainedMessages,
        connect,
        keepAlive,
        stalledWrite,
        expiry);
  }

  /** The same with another payload bound and subscription bound. */
  public Limits withPayloadAndSubscriptions(int payloadBytes, int subscriptions) {
    return new Limits(
        payloadBytes,
        maxTopicBytes,
        maxTopicSlashes,
        maxFiltersPerSubscribe,
        subscriptions,
        maxClientIdBytes,
        maxInFlight,
        maxQueuedMessages,
        maxQueuedBytes,
        maxQueuedBytesInAll,
        maxPendingPackets,
        maxConnections,
        maxSessions,
        maxRetainedMessages,
        connectTimeout,
        maxKeepAlive,
        stalledWriteTimeout,
        sessionExpiry);
  }
}
