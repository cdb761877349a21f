package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.CloudMessage;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;

/**
 * Messages of the cloud that wait, unacknowledged, for the subscribers of some filters. For one
 * thread only: the one that takes the connection's messages.
 *
 * <p>Two bounds, each with its own oldest message to give up. For subscribers expected back after a
 * start: as many as IoT Core sends without acknowledgement, so the others wait there and nothing is
 * given up. For filters whose subscriber left, perhaps for good: half of that, so that they never
 * fill the cloud's window and the other messages flow on.
 */
final class HeldMessages {
  static final int MOST_FOR_RETURNING = 100;
  static final int MOST_FOR_LEAVING = 50;

  private static final class Held {
    final CloudMessage message;
    final Set<String> waitsFor;
    final boolean returning;
    final Runnable acknowledge;
    boolean taken;

    Held(
        CloudMessage message,
        Set<String> waitsFor,
        boolean returning,
        boolean taken,
        Runnable acknowledge) {
      this.message = message;
      this.waitsFor = waitsFor;
      this.returning = returning;
      this.taken = taken;
      this.acknowledge = acknowledge;
    }
  }

  private final Deque<Held> all = new ArrayDeque<>();
  private final LongAdder unwanted;

  /**
   * @param unwanted counts the messages that were given up and that nobody had taken
   */
  HeldMessages(LongAdder unwanted) {
    this.unwanted = unwanted;
  }

  /**
   * @param waitsFor filters, changed from here on
   * @param returning whether one of them is of the earlier run
   * @param taken whether somebody else has the message already
   */
  void add(
      CloudMessage message,
      Set<String> waitsFor,
      boolean returning,
      boolean taken,
      Runnable acknowledge) {
    long alike = all.stream().filter(h -> h.returning == returning).count();
    if (alike >= (returning ? MOST_FOR_RETURNING : MOST_FOR_LEAVING)) {
      Held oldest = all.stream().filter(h -> h.returning == returning).findFirst().orElseThrow();
      all.remove(oldest);
      settle(oldest);
    }
    all.addLast(new Held(message, waitsFor, returning, taken, acknowledge));
  }

  /**
   * The subscriber of a filter is there: gives it what waits for it, in order.
   *
   * @param subscriber tells whether it took the message
   */
  void give(String filter, Predicate<CloudMessage> subscriber) {
    for (Iterator<Held> i = all.iterator(); i.hasNext(); ) {
      Held h = i.next();
      if (h.waitsFor.remove(filter)) {
        h.taken |= subscriber.test(h.message);
        if (h.waitsFor.isEmpty()) {
          i.remove();
          settle(h);
        }
      }
    }
  }

  /**
   * Nothing waits for a filter any longer.
   *
   * @return topics of the messages that nobody took
   */
  List<String> giveUp(String filter) {
    List<String> nobodys = new ArrayList<>();
    for (Iterator<Held> i = all.iterator(); i.hasNext(); ) {
      Held h = i.next();
      if (h.waitsFor.remove(filter) && h.waitsFor.isEmpty()) {
        i.remove();
        settle(h);
        if (!h.taken) {
          nobodys.add(h.message.topic());
        }
      }
    }
    return nobodys;
  }

  /** The connection is gone: the cloud sends them again. */
  void clear() {
    all.clear();
  }

  private void settle(Held h) {
    h.acknowledge.run();
    if (!h.taken) {
      unwanted.increment();
    }
  }
}
