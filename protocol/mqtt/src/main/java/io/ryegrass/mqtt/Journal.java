package io.ryegrass.mqtt;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where changes of persistent sessions and retained messages are written. Whoever changes such
 * state does it, and writes it here, between {@link #enter} and {@link #exit}, so that a checkpoint
 * never sees half of a change. Records only fill a buffer; they are on the disk when a {@link
 * #sync} that began later has returned.
 */
interface Journal extends AutoCloseable {
  /** All that has to come back after a restart. */
  record State(List<SessionState> sessions, Collection<Message> retained, long nextNumber) {}

  /**
   * One persistent session. Its subscriptions are at hand; what is owed to it is read when somebody
   * asks ({@link Stored}).
   */
  record SessionState(
      long incarnation, SessionMeta meta, Collection<Subscription> subscriptions, Stored stored) {}

  /** A message that was sent and not finished. */
  record InFlight(Queued queued, Phase phase) {}

  /** How far an outgoing message has come. */
  enum Phase {
    /** PUBLISH was (perhaps) sent: PUBACK or PUBREC is awaited. */
    SENT,
    /** PUBREC has come: PUBREL is to be sent (again), PUBCOMP is awaited. */
    RELEASED
  }

  /** What was owed to a session when the program started, on the disk until it is asked for. */
  interface Stored {
    /** How many messages, in flight and waiting; needs no disk. */
    int messages();

    /** Their weight in bytes ({@link Message#weight}); needs no disk. */
    long bytes();

    /** Reads all. May block; called once, not within enter and exit. */
    Owing load();
  }

  /**
   * @param inFlight by packet identifier, in the order of sending
   * @param received packet identifiers of QoS 2 messages of this client whose PUBREL has not come
   * @param queue what waits, in order
   */
  record Owing(
      LinkedHashMap<Integer, InFlight> inFlight, Set<Integer> received, List<Queued> queue) {}

  void enter();

  void exit();

  /** Whether anything is stored at all. */
  boolean stores();

  /** A number never used before, for incarnations of sessions and for messages. */
  long nextNumber();

  void sessionCreated(long incarnation, SessionMeta meta);

  /** Expiry or time of the disconnect changed. */
  void sessionChanged(long incarnation, SessionMeta meta);

  void sessionRemoved(long incarnation);

  void subscribed(long incarnation, Subscription subscription);

  void unsubscribed(long incarnation, String filter);

  /**
   * A message owed to these sessions and, in the same record, that the publisher's QoS 2 packet
   * identifier is taken: either both come back or none.
   *
   * @param publisherIncarnation 0 when the publisher's session is not stored or the message is not
   *     of QoS 2
   * @return its sequence number
   */
  long message(Message message, List<Owed> owed, long publisherIncarnation, int packetId);

  /** PUBREL of a publisher: its packet identifier is free again. */
  void receivedDone(long incarnation, int packetId);

  /** A packet identifier was given to a message. */
  void sent(long incarnation, long sequence, int packetId);

  /** PUBREC of a receiver: from now on PUBREL is sent and the message itself is not needed. */
  void released(long incarnation, long sequence, int packetId);

  /** Acknowledged or dropped. */
  void settled(long incarnation, long sequence);

  void retained(Message message);

  void retainedRemoved(String topic);

  /** Covers all records that were written before the call; 0 when nothing is ever stored. */
  long position();

  /** All records up to this position are on the disk. */
  long durablePosition();

  /**
   * Calls back once everything up to the position is on the disk, with null, or with the reason why
   * it never will be. At once on the caller's thread when it is already there, else on a thread of
   * the journal, in the order of the positions; the callback must be short. The journal sees to it
   * that a sync takes place, shared by all who wait.
   */
  void whenDurable(long position, Consumer<@Nullable RuntimeException> then);

  /** Returns when everything written before is on the disk; shared with all who wait. */
  void sync();

  /** Whether so much was written that {@link #compact} is worth while. */
  boolean compactionDue();

  /**
   * Writes what {@code capture} gives (called while nobody is between enter and exit) and forgets
   * what led to it.
   */
  void compact(Supplier<Captured> capture);

  /** The state in memory at one moment. */
  record Captured(List<CapturedSession> sessions, Collection<Message> retained, long nextNumber) {}

  /**
   * @param untouched true when {@link Stored#load} was not called since the start: then {@code
   *     owing} only has what came on top since (its queue), and what was stored stays owed before
   *     it
   */
  record CapturedSession(
      long incarnation,
      SessionMeta meta,
      Map<String, Subscription> subscriptions,
      Owing owing,
      boolean untouched) {}

  @Override
  void close();
}
