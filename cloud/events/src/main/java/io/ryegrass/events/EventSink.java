package io.ryegrass.events;

/** Where services say what happened. */
@FunctionalInterface
public interface EventSink {
  /**
   * Takes an event. Inside a {@code write} of the same store it joins that transaction: the event
   * is kept exactly when the change it tells of is. It is delivered after the commit, at least
   * once.
   */
  void emit(Event event);

  /** For programs and tests that tell nobody. */
  static EventSink none() {
    return event -> {};
  }
}
