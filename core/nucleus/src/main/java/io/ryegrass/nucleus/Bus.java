package io.ryegrass.nucleus;

import java.util.function.Predicate;

/**
 * The one message bus of the core. A message is authorised by whoever lets it in, routed once, and
 * handed to each target's own bounded queue; no target can delay another.
 */
public interface Bus {
  /** Routes a message. Returns when each target's queue has it or has refused it. */
  PublishResult publish(Message m);

  /**
   * As {@link #publish}, but either every target takes the message or none gets it (V1's queue full
   * policy AllOrError); what was delivered is then 0 or all. Targets that cannot say beforehand
   * whether they take it (the cloud's spool, services) are tried first, in turn: when a second one
   * of them refuses, the first has the message.
   */
  PublishResult publishToAllOrNone(Message m);

  /** Adds or replaces a named set of rules, and subscribes in the cloud to the filters it needs. */
  void addRoutes(String name, RouteSource r);

  /** Takes a set of rules away. Unknown names are ignored. */
  void removeRoutes(String name);

  /**
   * Makes a participant reachable.
   *
   * @param capacity messages its queue holds; a full queue drops the new message and counts it. 0
   *     means no queue: the receiver is called on the publisher's thread and what it throws is
   *     reported to the publisher (used for durable targets)
   */
  void attach(Participant p, Receiver r, int capacity);

  void detach(Participant p);

  /**
   * Rules may name the participant this way as well, as source and as target, until it is detached:
   * a function of a Lambda component is {@code component:<name>} too (LMB-07).
   */
  void alsoCalled(Participant p, Participant name);

  /**
   * V2 local pub/sub (v2-ipc.md section 7.3). Each subscription has its own bounded queue.
   *
   * @param ownMessages whether messages published by {@code who} itself are received too
   */
  Subscription subscribe(Participant who, String filter, boolean ownMessages, Receiver r);

  /**
   * As {@link #subscribe}, for a receiver that brings its own bounded queue: a bus may call it on
   * the publisher's thread, so it must never wait.
   *
   * @param taken puts the message into that queue; false when it is full, which counts as a drop
   */
  default Subscription subscribeUnqueued(
      Participant who, String filter, boolean ownMessages, Predicate<Message> taken) {
    return subscribe(
        who,
        filter,
        ownMessages,
        m -> {
          boolean _ = taken.test(m);
        });
  }

  BusMetrics metrics();
}
