package io.ryegrass.mqtt;

import java.util.concurrent.atomic.LongAdder;

/** What {@link ListenerMetrics} is read from. */
final class ListenerCounters {
  final LongAdder acceptedSockets = new LongAdder();
  final LongAdder refusedSockets = new LongAdder();
  final LongAdder displacedSockets = new LongAdder();
  final LongAdder lateSockets = new LongAdder();
  final LongAdder refusedHandshakes = new LongAdder();
  final LongAdder displacedHandshakes = new LongAdder();
  final LongAdder failedHandshakes = new LongAdder();
  final LongAdder refusedAlpn = new LongAdder();
  final LongAdder refusedUpgrades = new LongAdder();
}
