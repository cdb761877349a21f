package io.ryegrass.mqtt;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * Where changes of persistent sessions and retained messages are written. Whoever changes such
 * state does it, and writes it here, between {@link #enter} and {@link #exit}, so that a snapshot
 * never sees half of a change.
 */
sealed interface Journal extends AutoCloseable permits Journal.Volatile, DurableJournal {
  /** All that has to come back after a restart. */
  record State(
      List<SessionState> sessions, Collection<RetainedMessage> retained, long nextNumber) {}

  /** One persistent session; {@code inFlight} by packet identifier, in the order of sending. */
  record SessionState(
      long incarnation,
      String clientId,
      Map<String, Integer> subscriptions,
      Map<Integer, Queued> inFlight,
      List<Queued> queue) {}

  void enter();

  void exit();

  /** A number never used before, for incarnations of sessions and for messages. */
  long nextNumber();

  void sessionCreated(long incarnation, String clientId);

  void sessionRemoved(long incarnation);

  void subscribed(long incarnation, String filter, int qos);

  void unsubscribed(long incarnation, String filter);

  /** A QoS 1 message owed to these sessions; gives its sequence number. */
  long message(String topic, byte[] payload, boolean retain, List<Long> incarnations);

  /**
   * Loss of this record only costs a new packet identifier, so a failure is counted and not thrown.
   */
  void sent(long incarnation, long sequence, int packetId);

  /**
   * Acknowledged or dropped. Loss of this record only costs a duplicate, so a failure is counted
   * and not thrown.
   */
  void settled(long incarnation, long sequence);

  void retained(RetainedMessage message);

  void retainedRemoved(String topic);

  /** Returns when everything written before is on the disk; shared with all who wait. */
  void sync();

  /** Whether so much was written that {@link #compact} is worth while. */
  boolean compactionDue();

  /**
   * Writes the state that {@code capture} gives (called while nobody is between enter and exit) and
   * forgets what led to it.
   */
  void compact(Supplier<State> capture);

  @Override
  void close();

  /** Nothing is stored. */
  final class Volatile implements Journal {
    private final AtomicLong numbers = new AtomicLong(1);

    @Override
    public void enter() {}

    @Override
    public void exit() {}

    @Override
    public long nextNumber() {
      return numbers.getAndIncrement();
    }

    @Override
    public void sessionCreated(long incarnation, String clientId) {}

    @Override
    public void sessionRemoved(long incarnation) {}

    @Override
    public void subscribed(long incarnation, String filter, int qos) {}

    @Override
    public void unsubscribed(long incarnation, String filter) {}

    @Override
    public long message(String topic, byte[] payload, boolean retain, List<Long> incarnations) {
      return nextNumber();
    }

    @Override
    public void sent(long incarnation, long sequence, int packetId) {}

    @Override
    public void settled(long incarnation, long sequence) {}

    @Override
    public void retained(RetainedMessage message) {}

    @Override
    public void retainedRemoved(String topic) {}

    @Override
    public void sync() {}

    @Override
    public boolean compactionDue() {
      return false;
    }

    @Override
    public void compact(Supplier<State> capture) {}

    @Override
    public void close() {}
  }
}
