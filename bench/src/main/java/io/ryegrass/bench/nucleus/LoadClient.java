package io.ryegrass.bench.nucleus;

import java.util.concurrent.atomic.LongAdder;

/** One connection that brings load. */
interface LoadClient extends AutoCloseable {
  /** How many requests are in flight at the same time. */
  int WINDOW = 32;

  /** What is asked for again and again. */
  enum Call {
    GET_CONFIGURATION,
    UPDATE_CONFIGURATION
  }

  /** Opens a connection with the token of the component. */
  interface Maker {
    LoadClient connect() throws Exception;
  }

  /** Counts what arrives. */
  void subscribe(String topic, LongAdder heard) throws Exception;

  /** Publishes with {@link #WINDOW} unanswered until the time is over; returns how many. */
  long publish(String topic, byte[] payload, long untilNanos) throws Exception;

  /** Publishes once and waits for the answer. */
  void publishOnce(String topic, byte[] payload) throws Exception;

  /** Calls with {@link #WINDOW} unanswered until the time is over; returns how many. */
  long call(Call call, long untilNanos) throws Exception;
}
