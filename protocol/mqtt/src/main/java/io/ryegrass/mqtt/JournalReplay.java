package io.ryegrass.mqtt;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Rebuilds the state from a checkpoint and the records of the log, in their order. Records of
 * sessions that are gone are passed over.
 */
final class JournalReplay {
  private final StoredMessages source;
  private final Map<Long, RecoveredSession> sessions = new LinkedHashMap<>();
  private final Map<String, Message> retained = new LinkedHashMap<>();
  private final Set<String> retainedSince = new HashSet<>();
  private final MessageCodec.Names names = new MessageCodec.Names();
  private final Path log;
  private long nextNumber = 1;
  private boolean former;

  JournalReplay(StoredMessages source, Path log) {
    this.source = source;
    this.log = log;
  }

  void checkpoint(CheckpointFile.Directory directory, List<CheckpointFile.Session> stored) {
    used(directory.nextNumber() - 1);
    for (CheckpointFile.Session s : stored) {
      RecoveredSession session = new RecoveredSession(s.incarnation(), s.meta(), s.list(), source);
      s.subscriptions().forEach(sub -> session.subscriptions().put(sub.filter(), sub));
      sessions.put(s.incarnation(), session);
    }
  }

  Map<String, Message> retained() {
    return retained;
  }

  /** Topics whose retained message the log has changed. */
  Set<String> retainedSince() {
    return retainedSince;
  }

  Map<Long, RecoveredSession> sessions() {
    return sessions;
  }

  MessageCodec.Names names() {
    return names;
  }

  /** Whether records of the former format were met. */
  boolean former() {
    return former;
  }

  void apply(byte[] record) {
    int kind = record[0];
    if (kind >= 1 && kind <= FormerRecords.LAST_KIND) {
      former = true;
      FormerRecords.apply(record, this);
      return;
    }
    ByteReader in = new ByteReader(record, 1, record.length);
    switch (kind) {
      case JournalRecords.SESSION_CREATED ->
          sessionCreated(in.varint(), new SessionMeta(in.text(), in.varint(), in.varint()));
      case JournalRecords.SESSION_CHANGED -> {
        RecoveredSession s = sessions.get(in.varint());
        if (s != null) {
          s.meta(new SessionMeta(s.meta().clientId(), in.varint(), in.varint()));
        }
      }
      case JournalRecords.SESSION_REMOVED -> sessionRemoved(in.varint());
      case JournalRecords.SUBSCRIBED -> subscribed(in.varint(), JournalRecords.subscription(in));
      case JournalRecords.UNSUBSCRIBED -> unsubscribed(in.varint(), in.text());
      case JournalRecords.MESSAGE -> message(in, record);
      case JournalRecords.RECEIVED -> received(in.varint(), in.intVarint());
      case JournalRecords.RECEIVED_DONE -> {
        RecoveredSession s = sessions.get(in.varint());
        if (s != null) {
          s.changes().receivedDone(in.intVarint());
        }
      }
      case JournalRecords.SENT -> sent(in.varint(), in.varint(), in.intVarint());
      case JournalRecords.RELEASED -> {
        RecoveredSession s = sessions.get(in.varint());
        if (s != null) {
          s.changes().released(in.varint(), in.intVarint());
        }
      }
      case JournalRecords.SETTLED -> settled(in.varint(), in.varint());
      case JournalRecords.RETAINED -> retained(MessageCodec.read(in, names));
      case JournalRecords.RETAINED_REMOVED -> retainedRemoved(in.text());
      default ->
          throw new MqttBrokerException(
              MqttBrokerException.STORE_FAILED,
              "The MQTT journal "
                  + log
                  + " holds a record of unknown kind "
                  + kind
                  + "; it was written by a newer version, use that one",
              null);
    }
  }

  void sessionCreated(long incarnation, SessionMeta meta) {
    used(incarnation);
    sessions.put(incarnation, new RecoveredSession(incarnation, meta, StoredList.NONE, source));
  }

  void sessionRemoved(long incarnation) {
    sessions.remove(incarnation);
  }

  void subscribed(long incarnation, Subscription subscription) {
    RecoveredSession s = sessions.get(incarnation);
    if (s != null) {
      s.subscriptions().put(subscription.filter(), subscription);
    }
  }

  void unsubscribed(long incarnation, String filter) {
    RecoveredSession s = sessions.get(incarnation);
    if (s != null) {
      s.subscriptions().remove(filter);
    }
  }

  private void message(ByteReader in, byte[] record) {
    long sequence = in.varint();
    used(sequence);
    long publisher = in.varint();
    if (publisher != 0) {
      received(publisher, in.intVarint());
    }
    // The body stands behind the list, so the list is gone through twice
    int listAt = in.position();
    JournalRecords.owed(in, (incarnation, qos, retain, identifiers) -> {});
    LoggedMessage body = new LoggedMessage(record, in.position());
    JournalRecords.owed(
        new ByteReader(record, listAt, record.length),
        (incarnation, qos, retain, identifiers) ->
            owed(sequence, body, incarnation, qos, retain, identifiers));
  }

  void owed(
      long sequence,
      LoggedMessage body,
      long incarnation,
      int qos,
      boolean retain,
      int[] identifiers) {
    RecoveredSession s = sessions.get(incarnation);
    if (s != null) {
      OwedItem item = new OwedItem();
      item.sequence = sequence;
      item.qos = qos;
      item.retain = retain;
      item.identifiers = identifiers;
      item.weight = body.weight();
      item.logged = body;
      s.changes().message(item);
    }
  }

  private void received(long incarnation, int packetId) {
    RecoveredSession s = sessions.get(incarnation);
    if (s != null) {
      s.changes().received(packetId);
    }
  }

  void sent(long incarnation, long sequence, int packetId) {
    RecoveredSession s = sessions.get(incarnation);
    if (s != null) {
      s.changes().sent(sequence, packetId);
    }
  }

  void settled(long incarnation, long sequence) {
    RecoveredSession s = sessions.get(incarnation);
    if (s != null) {
      s.changes().settled(sequence);
    }
  }

  void retained(Message message) {
    retained.put(message.topic().name(), message);
    retainedSince.add(message.topic().name());
  }

  void retainedRemoved(String topic) {
    retained.remove(topic);
    retainedSince.add(topic);
  }

  /** This number is never given again. */
  void used(long number) {
    nextNumber = Math.max(nextNumber, number + 1);
  }

  /** Everything was applied. */
  Journal.State state() {
    List<Journal.SessionState> result =
        sessions.values().stream()
            .map(
                s -> {
                  s.settle(nextNumber);
                  return new Journal.SessionState(
                      s.incarnation(), s.meta(), List.copyOf(s.subscriptions().values()), s);
                })
            .toList();
    return new Journal.State(result, List.copyOf(retained.values()), nextNumber);
  }
}
