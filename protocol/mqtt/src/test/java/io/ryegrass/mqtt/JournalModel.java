package io.ryegrass.mqtt;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** What a journal has to give back, kept in plain collections. */
final class JournalModel {
  record Item(long sequence, Message message, int qos, boolean retain, int[] identifiers) {
    Queued queued() {
      return new Queued(sequence, message, qos, retain, identifiers, 0);
    }
  }

  record Flight(Item item, boolean released) {}

  static final class Session {
    SessionMeta meta;
    final Map<String, Subscription> subscriptions = new LinkedHashMap<>();
    final LinkedHashMap<Integer, Flight> inFlight = new LinkedHashMap<>();
    final TreeSet<Integer> received = new TreeSet<>();
    final List<Item> queue = new ArrayList<>();

    /** Not asked for since the start; then what came since is in {@link #onTop} as well. */
    boolean untouched;

    final List<Item> onTop = new ArrayList<>();

    Session(SessionMeta meta) {
      this.meta = meta;
    }

    Session copy() {
      Session copy = new Session(meta);
      copy.subscriptions.putAll(subscriptions);
      copy.inFlight.putAll(inFlight);
      copy.received.addAll(received);
      copy.queue.addAll(queue);
      return copy;
    }
  }

  final TreeMap<Long, Session> sessions = new TreeMap<>();
  final TreeMap<String, Message> retained = new TreeMap<>();
  long highest;

  JournalModel copy() {
    JournalModel copy = new JournalModel();
    sessions.forEach((incarnation, s) -> copy.sessions.put(incarnation, s.copy()));
    copy.retained.putAll(retained);
    copy.highest = highest;
    return copy;
  }

  String text() {
    StringBuilder out = new StringBuilder();
    sessions.forEach(
        (incarnation, s) -> {
          out.append(incarnation).append(' ').append(s.meta).append('\n');
          s.subscriptions.values().forEach(x -> out.append("  ").append(x).append('\n'));
          out.append("  received ").append(s.received).append('\n');
          s.inFlight.forEach(
              (id, f) ->
                  out.append("  ")
                      .append(id)
                      .append(f.released ? " released " : " sent ")
                      .append(text(f.item.queued(), f.released))
                      .append('\n'));
          s.queue.forEach(i -> out.append("  ").append(text(i.queued(), false)).append('\n'));
        });
    retained.values().forEach(m -> out.append("retained ").append(text(m)).append('\n'));
    return out.toString();
  }

  /** The same text of what a journal gave, after loading everything. */
  static String text(Journal.State state) {
    StringBuilder out = new StringBuilder();
    TreeMap<Long, Journal.SessionState> sorted = new TreeMap<>();
    state.sessions().forEach(s -> sorted.put(s.incarnation(), s));
    sorted.forEach(
        (incarnation, s) -> {
          out.append(incarnation).append(' ').append(s.meta()).append('\n');
          s.subscriptions().forEach(x -> out.append("  ").append(x).append('\n'));
          Journal.Owing owing = s.stored().load();
          int messages = owing.inFlight().size() + owing.queue().size();
          long bytes = 0;
          out.append("  received ").append(new TreeSet<>(owing.received())).append('\n');
          for (Map.Entry<Integer, Journal.InFlight> e : owing.inFlight().entrySet()) {
            boolean released = e.getValue().phase() == Journal.Phase.RELEASED;
            bytes += released ? 0 : e.getValue().queued().message().weight();
            out.append("  ")
                .append(e.getKey())
                .append(released ? " released " : " sent ")
                .append(text(e.getValue().queued(), released))
                .append('\n');
          }
          for (Queued q : owing.queue()) {
            bytes += q.message().weight();
            out.append("  ").append(text(q, false)).append('\n');
          }
          if (messages != s.stored().messages() || bytes != s.stored().bytes()) {
            out.append("  but told ")
                .append(s.stored().messages())
                .append(" messages of ")
                .append(s.stored().bytes())
                .append(" bytes, loaded ")
                .append(messages)
                .append(" of ")
                .append(bytes)
                .append('\n');
          }
        });
    TreeMap<String, Message> retained = new TreeMap<>();
    state.retained().forEach(m -> retained.put(m.topic().name(), m));
    retained.values().forEach(m -> out.append("retained ").append(text(m)).append('\n'));
    return out.toString();
  }

  static String text(Queued q, boolean released) {
    return q.sequence()
        + " q"
        + q.qos()
        + (q.retain() ? "r" : "")
        + Arrays.toString(q.identifiers())
        + " "
        + (released ? "-" : text(q.message()));
  }

  static String text(Message m) {
    return m.topic()
        + " "
        + m.qos()
        + m.retain()
        + m.expiresAt()
        + m.publisher()
        + Arrays.toString(m.properties())
        + " "
        + m.payload().length
        + ":"
        + Arrays.hashCode(m.payload())
        + " "
        + new String(m.payload(), 0, Math.min(8, m.payload().length), StandardCharsets.UTF_8);
  }
}
