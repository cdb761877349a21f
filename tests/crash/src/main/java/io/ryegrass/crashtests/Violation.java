package io.ryegrass.crashtests;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A promise that the broker did not keep.
 *
 * @param client whom it hit; null when it is nobody's in particular
 * @param message which one it hit, if one
 * @param at number of the entry that shows it
 */
record Violation(
    Kind kind, @Nullable String client, @Nullable Message message, long at, String what) {
  /** The promises; the clauses are those of MQTT 3.1.1, MQTT 5 has the same rules. */
  enum Kind {
    /** An acknowledged QoS 1 or 2 message did not reach a session that held a subscription. */
    LOST,
    /** QoS 2 (and QoS 0, which is never repeated) more than once [MQTT-4.3.3-2]. */
    DUPLICATE,
    /** A QoS 1 message came again without DUP, and nobody sent it again [MQTT-3.3.1-1]. */
    UNMARKED_COPY,
    /** A first delivery overtook another of the same publisher, topic and QoS [MQTT-4.6.0-6]. */
    OUT_OF_ORDER,
    /** Neither the last acknowledged retained message nor a later one [MQTT-3.3.1-5]. */
    RETAINED_WRONG,
    /** Session present 0 though the session was confirmed before [MQTT-3.2.2-2]. */
    SESSION_LOST,
    /** Session present 1 after a clean CONNECT [MQTT-3.2.2-1]. */
    SESSION_NOT_CLEAN,
    /** Delivered though nobody published it, or damaged. */
    PHANTOM,
    /** Delivered though the session never subscribed to it. */
    NOT_SUBSCRIBED,
    /** Not the lower one of the published and the highest granted QoS [MQTT-3.8.4-6]. */
    WRONG_QOS,
    /** The broker did not come up on its folder, or the clients did not come to rest. */
    STUCK
  }

  private static final int LONGEST_STORY = 60;

  /**
   * The entries that a person needs to see: all about the message, and of the client and the broker
   * what lies around them.
   */
  String story(List<History.Entry> entries) {
    StringBuilder text = new StringBuilder();
    text.append(kind).append(": ").append(what).append('\n');
    List<History.Entry> shown = new ArrayList<>();
    long first =
        entries.stream()
            .filter(this::concerns)
            .mapToLong(History.Entry::number)
            .min()
            .orElse(Math.max(0, at - 40));
    Set<String> clients =
        client == null
            ? (message == null ? Set.of() : Set.of(message.publisher()))
            : message == null ? Set.of(client) : Set.of(client, message.publisher());
    for (History.Entry e : entries) {
      if (concerns(e) || (e.number() >= first - 200 && frames(e.event(), clients))) {
        shown.add(e);
      }
    }
    // What clients did besides is the first to go, the oldest first.
    int surplus = shown.size() - LONGEST_STORY;
    for (History.Entry e : List.copyOf(shown)) {
      if (surplus > 0 && !concerns(e) && e.event().client() != null) {
        shown.remove(e);
        surplus--;
      }
    }
    for (History.Entry e : shown.subList(Math.max(0, shown.size() - LONGEST_STORY), shown.size())) {
      text.append(
          String.format("  %7d %9.3f ms  %s%n", e.number(), e.micros() / 1000.0, e.event()));
    }
    return text.toString();
  }

  private boolean concerns(History.Entry e) {
    Message about = e.event().about();
    if (e.number() == at) {
      return true;
    }
    if (message == null || !message.equals(about)) {
      return false;
    }
    return client == null
        || client.equals(e.event().client())
        || !(e.event() instanceof Event.Delivered);
  }

  private static boolean frames(Event event, Set<String> clients) {
    return switch (event) {
      case Event.BrokerStarting e -> true;
      case Event.BrokerReady e -> true;
      case Event.BrokerKilled e -> true;
      case Event.Drained e -> true;
      case Event.Connected e -> clients.contains(e.client());
      case Event.Disconnected e -> clients.contains(e.client());
      case Event.Subscribed e -> clients.contains(e.client());
      case Event.UnsubscribeSent e -> clients.contains(e.client());
      default -> false;
    };
  }
}
