package io.ryegrass.mqtt;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** What {@link BrokerMetrics} is read from. */
final class Counters {
  final AtomicLong queuedMessages = new AtomicLong();
  final AtomicLong queuedBytes = new AtomicLong();
  final LongAdder connectsAccepted = new LongAdder();
  final LongAdder publishesReceived = new LongAdder();
  final LongAdder publishesSent = new LongAdder();
  final LongAdder bytesReceived = new LongAdder();
  final LongAdder bytesSent = new LongAdder();
  final LongAdder droppedQueueFull = new LongAdder();
  final LongAdder droppedExpired = new LongAdder();
  final LongAdder droppedTooLarge = new LongAdder();
  final LongAdder droppedNotRetained = new LongAdder();
  final LongAdder refusedConnections = new LongAdder();
  final LongAdder refusedConnects = new LongAdder();
  final LongAdder refusedPublishes = new LongAdder();
  final LongAdder protocolErrors = new LongAdder();
  final LongAdder throttled = new LongAdder();
  final LongAdder takeovers = new LongAdder();
  final LongAdder keepAliveTimeouts = new LongAdder();
  final LongAdder stalledWriters = new LongAdder();
  final LongAdder expiredSessions = new LongAdder();
  final LongAdder journalFailures = new LongAdder();

  BrokerMetrics metrics(
      int connections,
      int sessions,
      int subscriptions,
      int retainedMessages,
      long retainedBytes,
      long[] latencies) {
    return new BrokerMetrics(
        connections,
        sessions,
        subscriptions,
        retainedMessages,
        retainedBytes,
        queuedMessages.get(),
        queuedBytes.get(),
        connectsAccepted.sum(),
        publishesReceived.sum(),
        publishesSent.sum(),
        bytesReceived.sum(),
        bytesSent.sum(),
        droppedQueueFull.sum(),
        droppedExpired.sum(),
        droppedTooLarge.sum(),
        droppedNotRetained.sum(),
        refusedConnections.sum(),
        refusedConnects.sum(),
        refusedPublishes.sum(),
        protocolErrors.sum(),
        throttled.sum(),
        takeovers.sum(),
        keepAliveTimeouts.sum(),
        stalledWriters.sum(),
        expiredSessions.sum(),
        journalFailures.sum(),
        new LatencyHistogram(latencies));
  }
}
