package io.ryegrass.crashtests;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** One pass over a history: what became of each message, what each session held and got. */
final class Digest {
  /** The way of one message on its publisher's side; 0 stands for never. */
  static final class Fate {
    final long firstSent;
    int sends;
    long acknowledged;
    long completed;
    boolean refused;

    Fate(long firstSent) {
      this.firstSent = firstSent;
    }
  }

  /** One subscription from its SUBSCRIBE to its end. */
  static final class Span {
    final String filter;
    final long asked;
    long confirmed;
    long ended;
    int granted = -1;

    Span(String filter, long asked) {
      this.filter = filter;
      this.asked = asked;
    }

    /** Held before this entry, and still. */
    boolean heldSince(long entry) {
      return confirmed != 0 && confirmed < entry && ended == 0;
    }
  }

  /** The session state of one client between two clean CONNECTs. */
  static final class Incarnation {
    final String client;
    final boolean persistent;
    boolean confirmed;
    boolean ended;
    final List<Span> spans = new ArrayList<>();
    final Map<Message, List<Delivery>> live = new LinkedHashMap<>();

    Incarnation(String client, boolean persistent) {
      this.client = client;
      this.persistent = persistent;
    }

    boolean onlyShared() {
      return spans.stream().allMatch(s -> Filters.isShared(s.filter));
    }
  }

  record Delivery(long at, Event.Delivered event) {}

  final Map<Message, Fate> fates = new LinkedHashMap<>();
  final List<Incarnation> incarnations = new ArrayList<>();
  final TreeSet<Long> lives = new TreeSet<>();
  final List<History.Entry> retainedReads = new ArrayList<>();
  final List<Violation> violations = new ArrayList<>();
  private final Map<String, Incarnation> current = new HashMap<>();

  Digest(List<History.Entry> entries) {
    entries.forEach(this::read);
  }

  private void read(History.Entry entry) {
    long at = entry.number();
    switch (entry.event()) {
      // Not the kill itself: what the dead broker had sent may be read a moment after it.
      case Event.BrokerReady e -> lives.add(at);
      case Event.ConnectSent e -> connecting(e);
      case Event.Connected e -> connected(at, e);
      case Event.SubscribeSent e -> {
        // Asking again for what is held replaces it and must not interrupt it [MQTT-3.8.4-3].
        Incarnation i = of(e.client());
        if (open(i, e.filter()) == null) {
          i.spans.add(new Span(e.filter(), at));
        }
      }
      case Event.Subscribed e -> {
        Span span = open(of(e.client()), e.filter());
        if (span != null && span.confirmed == 0) {
          span.confirmed = at;
          span.granted = e.granted();
        }
      }
      case Event.UnsubscribeSent e -> {
        Span span = open(of(e.client()), e.filter());
        if (span != null) {
          span.ended = at;
        }
      }
      case Event.Sent e -> fates.computeIfAbsent(e.message(), m -> new Fate(at)).sends++;
      case Event.Acknowledged e -> acknowledged(at, e);
      case Event.Delivered e -> delivered(at, e);
      case Event.Unreadable e ->
          violations.add(
              new Violation(
                  Violation.Kind.PHANTOM,
                  e.client(),
                  null,
                  at,
                  e.client() + " got something on " + e.topic() + " that nobody published"));
      case Event.RetainedRead e -> retainedReads.add(entry);
      default -> {}
    }
  }

  private Incarnation of(String client) {
    return current.computeIfAbsent(client, c -> begin(c, true));
  }

  private Incarnation begin(String client, boolean persistent) {
    Incarnation created = new Incarnation(client, persistent);
    incarnations.add(created);
    return created;
  }

  private static @Nullable Span open(Incarnation i, String filter) {
    for (Span s : i.spans) {
      if (s.ended == 0 && s.filter.equals(filter)) {
        return s;
      }
    }
    return null;
  }

  private void renew(String client, boolean persistent) {
    Incarnation old = current.get(client);
    if (old != null) {
      old.ended = true;
    }
    current.put(client, begin(client, persistent));
  }

  private void connecting(Event.ConnectSent e) {
    if (e.clean() || !current.containsKey(e.client())) {
      renew(e.client(), !e.clean());
    }
  }

  private void connected(long at, Event.Connected e) {
    Incarnation i = of(e.client());
    if (e.clean()) {
      if (e.sessionPresent()) {
        violations.add(
            new Violation(
                Violation.Kind.SESSION_NOT_CLEAN,
                e.client(),
                null,
                at,
                e.client() + " asked for a clean session and was told that there is one"));
      }
    } else if (!e.sessionPresent() && i.confirmed) {
      violations.add(
          new Violation(
              Violation.Kind.SESSION_LOST,
              e.client(),
              null,
              at,
              "the persistent session of "
                  + e.client()
                  + " was confirmed before, and the broker knows it no more"));
      renew(e.client(), true); // what the lost session held is not told once more
    }
    of(e.client()).confirmed = true;
  }

  private void acknowledged(long at, Event.Acknowledged e) {
    Fate fate = fates.get(e.message());
    if (fate == null) {
      return;
    }
    if (e.reasonCode() >= 0x80) {
      fate.refused = true;
      return;
    }
    boolean last = e.ack() != Event.Ack.PUBREC;
    // A publisher that drops its state after PUBREC may leave a broker that waits for PUBREL alone.
    if (fate.acknowledged == 0 && (last || of(e.message().publisher()).persistent)) {
      fate.acknowledged = at;
    }
    if (fate.completed == 0 && last) {
      fate.completed = at;
    }
  }

  private void delivered(long at, Event.Delivered e) {
    Message m = e.message();
    if (!fates.containsKey(m)) {
      violations.add(
          new Violation(
              Violation.Kind.PHANTOM, e.client(), m, at, m + " was delivered before it was sent"));
    }
    if (!e.retained()) {
      of(e.client()).live.computeIfAbsent(m, unused -> new ArrayList<>()).add(new Delivery(at, e));
    }
  }
}
