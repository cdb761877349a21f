package io.ryegrass.mqtt;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Rebuilds the state from records, in their order. Records of sessions that are gone are passed
 * over.
 */
final class JournalReplay {
  private static final class Rebuilt {
    private final long incarnation;
    private final String clientId;
    private final Map<String, Integer> subscriptions = new LinkedHashMap<>();
    private final LinkedHashMap<Integer, Queued> inFlight = new LinkedHashMap<>();
    private final LinkedHashMap<Long, Queued> queue = new LinkedHashMap<>();

    private Rebuilt(long incarnation, String clientId) {
      this.incarnation = incarnation;
      this.clientId = clientId;
    }
  }

  private final Map<Long, Rebuilt> sessions = new LinkedHashMap<>();
  private final Map<String, RetainedMessage> retained = new LinkedHashMap<>();
  private long nextNumber = 1;

  void apply(JournalRecord record) {
    switch (record) {
      case JournalRecord.SessionCreated r -> {
        used(r.incarnation());
        sessions.put(r.incarnation(), new Rebuilt(r.incarnation(), r.clientId()));
      }
      case JournalRecord.SessionRemoved r -> sessions.remove(r.incarnation());
      case JournalRecord.Subscribed r -> {
        Rebuilt s = sessions.get(r.incarnation());
        if (s != null) {
          s.subscriptions.put(r.filter(), r.qos());
        }
      }
      case JournalRecord.Unsubscribed r -> {
        Rebuilt s = sessions.get(r.incarnation());
        if (s != null) {
          s.subscriptions.remove(r.filter());
        }
      }
      case JournalRecord.MessageOwed r -> {
        used(r.sequence());
        Queued message = new Queued(r.sequence(), r.topic(), r.payload(), 1, r.retain());
        for (long incarnation : r.incarnations()) {
          Rebuilt s = sessions.get(incarnation);
          if (s != null) {
            s.queue.put(r.sequence(), message);
          }
        }
      }
      case JournalRecord.Sent r -> {
        Rebuilt s = sessions.get(r.incarnation());
        Queued message = s == null ? null : s.queue.remove(r.sequence());
        if (s != null && message != null) {
          s.inFlight.put(r.packetId(), message);
        }
      }
      case JournalRecord.Settled r -> {
        Rebuilt s = sessions.get(r.incarnation());
        if (s != null && s.queue.remove(r.sequence()) == null) {
          s.inFlight.values().removeIf(m -> m.sequence() == r.sequence());
        }
      }
      case JournalRecord.Retained r -> retained.put(r.message().topic(), r.message());
      case JournalRecord.RetainedRemoved r -> retained.remove(r.topic());
      case JournalRecord.Numbers r -> used(r.next() - 1);
    }
  }

  private void used(long number) {
    nextNumber = Math.max(nextNumber, number + 1);
  }

  Journal.State state() {
    List<Journal.SessionState> result = new ArrayList<>();
    for (Rebuilt s : sessions.values()) {
      result.add(
          new Journal.SessionState(
              s.incarnation,
              s.clientId,
              s.subscriptions,
              s.inFlight,
              List.copyOf(s.queue.values())));
    }
    return new Journal.State(result, List.copyOf(retained.values()), nextNumber);
  }
}
