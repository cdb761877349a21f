package io.ryegrass.events;

/** Something that events are delivered to, by a thread of its own. */
interface EventTarget {
  /** What became of one try. */
  sealed interface Outcome {
    /** It has the event. */
    record Taken() implements Outcome {}

    /** It cannot take it now; try again. */
    record Later(String reason) implements Outcome {}

    /** It will never take it. */
    record Never(String reason) implements Outcome {}
  }

  /** Its key in the outbox. */
  String name();

  /** Tries once, with a deadline; does not throw for what the other side does. */
  Outcome deliver(String topic, String body) throws InterruptedException;
}
