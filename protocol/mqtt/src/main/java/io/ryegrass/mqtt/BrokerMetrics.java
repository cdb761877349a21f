package io.ryegrass.mqtt;

/**
 * Gauges and counters (since start) of a broker at one moment.
 *
 * @param queuedMessages waiting or unacknowledged in all sessions; {@code queuedBytes} their
 *     payloads
 * @param droppedQueueFull messages that a session's or the common queue bound kept from a session
 * @param droppedNotRetained retained messages beyond the bound
 * @param refusedConnects CONNACK other than 0
 * @param refusedPublishes publishes that closed their connection
 * @param protocolErrors malformed or unexpected packets
 * @param journalFailures writes to the journal that failed
 */
public record BrokerMetrics(
    int connections,
    int sessions,
    int subscriptions,
    int retainedMessages,
    long queuedMessages,
    long queuedBytes,
    long connectsAccepted,
    long publishesReceived,
    long publishesSent,
    long bytesReceived,
    long bytesSent,
    long droppedQueueFull,
    long droppedNotRetained,
    long refusedConnects,
    long refusedPublishes,
    long protocolErrors,
    long takeovers,
    long keepAliveTimeouts,
    long stalledWriters,
    long expiredSessions,
    long journalFailures) {}
