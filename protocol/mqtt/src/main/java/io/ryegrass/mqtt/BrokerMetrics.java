package io.ryegrass.mqtt;

/**
 * Gauges and counters (since start) of a broker at one moment.
 *
 * @param queuedMessages waiting or unacknowledged in all sessions; {@code queuedBytes} their
 *     payloads, properties and topics
 * @param droppedQueueFull messages that a session's or the common queue bound kept from a session
 * @param droppedExpired messages whose expiry interval was over
 * @param droppedTooLarge messages beyond the maximum packet size of their receiver
 * @param droppedNotRetained retained messages beyond the bound
 * @param refusedConnections sockets closed at once because there were too many
 * @param refusedConnects CONNACK other than 0
 * @param refusedPublishes publishes that were not allowed
 * @param protocolErrors malformed or unexpected packets
 * @param throttled how often reading from a client that sends faster than it may was stopped
 * @param journalFailures writes to the journal that failed
 * @param latency from publish to deliver
 */
public record BrokerMetrics(
    int connections,
    int sessions,
    int subscriptions,
    int retainedMessages,
    long retainedBytes,
    long queuedMessages,
    long queuedBytes,
    long connectsAccepted,
    long publishesReceived,
    long publishesSent,
    long bytesReceived,
    long bytesSent,
    long droppedQueueFull,
    long droppedExpired,
    long droppedTooLarge,
    long droppedNotRetained,
    long refusedConnections,
    long refusedConnects,
    long refusedPublishes,
    long protocolErrors,
    long throttled,
    long takeovers,
    long keepAliveTimeouts,
    long stalledWriters,
    long expiredSessions,
    long journalFailures,
    LatencyHistogram latency) {}
