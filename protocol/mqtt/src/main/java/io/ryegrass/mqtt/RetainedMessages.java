package io.ryegrass.mqtt;

import java.util.Collection;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;

/** The retained messages of all topics, at most {@link Limits#maxRetainedMessages}. */
final class RetainedMessages {
  private final Journal journal;
  private final TopicRules rules;
  private final Counters counters;
  private final ConcurrentHashMap<String, RetainedMessage> byTopic = new ConcurrentHashMap<>();

  RetainedMessages(Journal journal, TopicRules rules, Counters counters) {
    this.journal = journal;
    this.rules = rules;
    this.counters = counters;
  }

  void restore(Collection<RetainedMessage> messages) {
    messages.forEach(m -> byTopic.put(m.topic(), m));
  }

  /**
   * Keeps the message, or forgets the topic's when the payload is empty [MQTT-3.3.1-5]
   * [MQTT-3.3.1-10]. Within the journal's gate.
   *
   * @return true when the acknowledgement must wait for the disk
   */
  boolean keep(String topic, byte[] payload, int qos) {
    if (!rules.mayRetain(topic)) {
      return false;
    }
    if (payload.length == 0) {
      if (byTopic.containsKey(topic)) {
        journal.retainedRemoved(topic);
        byTopic.remove(topic);
        return qos > 0;
      }
      return false;
    }
    if (!byTopic.containsKey(topic) && byTopic.size() >= rules.limits().maxRetainedMessages()) {
      counters.droppedNotRetained.increment();
      return false;
    }
    RetainedMessage message = new RetainedMessage(topic, payload, qos);
    journal.retained(message);
    byTopic.put(topic, message);
    return qos > 0;
  }

  /** What a new subscription gets [MQTT-3.3.1-6]; AWS gives nothing to filters with wildcards. */
  List<RetainedMessage> matching(String filter) {
    if (filter.indexOf('+') < 0 && filter.indexOf('#') < 0) {
      RetainedMessage message = byTopic.get(filter);
      return message == null ? List.of() : List.of(message);
    }
    if (rules.aws()) {
      return List.of();
    }
    return byTopic.values().stream().filter(m -> rules.retainedMatches(filter, m.topic())).toList();
  }

  List<RetainedMessage> all() {
    return List.copyOf(byTopic.values());
  }

  int size() {
    return byTopic.size();
  }
}
