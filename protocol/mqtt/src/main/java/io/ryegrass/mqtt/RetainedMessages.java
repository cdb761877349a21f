package io.ryegrass.mqtt;

import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The retained messages of all topics, at most {@link Limits#maxRetainedMessages} and {@link
 * Limits#maxRetainedBytes}.
 */
final class RetainedMessages {
  private final Journal journal;
  private final TopicRules rules;
  private final Counters counters;
  private final Clock clock;
  private final ConcurrentHashMap<String, Message> byTopic = new ConcurrentHashMap<>();
  private final AtomicLong bytes = new AtomicLong();

  RetainedMessages(Journal journal, TopicRules rules, Counters counters, Clock clock) {
    this.journal = journal;
    this.rules = rules;
    this.counters = counters;
    this.clock = clock;
  }

  void restore(Collection<Message> messages) {
    messages.forEach(
        m -> {
          byTopic.put(m.topic().name(), m);
          bytes.addAndGet(m.weight());
        });
  }

  /**
   * Keeps the message, or forgets the topic's when the payload is empty [MQTT-3.3.1-5]
   * [MQTT-3.3.1-10]. Within the journal's gate.
   *
   * @return whether something was written to the journal
   */
  boolean keep(Message m) {
    String topic = m.topic().name();
    if (!rules.mayRetain(topic)) {
      return false;
    }
    // One writer per topic at a time: what the map has last, the journal has last.
    boolean[] written = new boolean[1];
    byTopic.compute(
        topic,
        (unused, before) -> {
          int had = before == null ? 0 : before.weight();
          if (m.payload().length == 0) {
            if (before != null) {
              journal.retainedRemoved(topic);
              bytes.addAndGet(-had);
              written[0] = true;
            }
            return null;
          }
          Limits limits = rules.limits();
          if ((before == null && byTopic.mappingCount() >= limits.maxRetainedMessages())
              || bytes.get() + m.weight() - had > limits.maxRetainedBytes()) {
            counters.droppedNotRetained.increment();
            return before;
          }
          Message kept = m.keptAt(clock.millis());
          journal.retained(kept);
          bytes.addAndGet(m.weight() - had);
          written[0] = true;
          return kept;
        });
    return written[0];
  }

  /**
   * What a new subscription gets [MQTT-3.3.1-6]; AWS gives nothing to filters with wildcards. What
   * has expired goes [MQTT5-3.3.2-5].
   */
  List<Message> matching(String filter, long now) {
    if (filter.indexOf('+') < 0 && filter.indexOf('#') < 0) {
      Message m = byTopic.get(filter);
      return m == null || expired(m, now) ? List.of() : List.of(m);
    }
    if (rules.aws()) {
      return List.of();
    }
    List<Message> found = new ArrayList<>();
    for (Message m : byTopic.values()) {
      if (rules.retainedMatches(filter, m.topic().name()) && !expired(m, now)) {
        found.add(m);
      }
    }
    return found;
  }

  /** The retained message of a topic, as the host program sees it. */
  Optional<RetainedMessage> of(String topic) {
    Message m = byTopic.get(topic);
    return m == null || expired(m, clock.millis())
        ? Optional.empty()
        : Optional.of(RetainedMessage.of(m));
  }

  /**
   * Those of topics after this one in the order of their names. Looks at all of them: for people,
   * not for each message.
   */
  List<RetainedMessage> after(String topic, int most) {
    long now = clock.millis();
    return byTopic.values().stream()
        .filter(m -> m.topic().name().compareTo(topic) > 0 && !m.isExpired(now))
        .sorted(Comparator.comparing(m -> m.topic().name()))
        .limit(most)
        .map(RetainedMessage::of)
        .toList();
  }

  private boolean expired(Message m, long now) {
    if (!m.isExpired(now)) {
      return false;
    }
    journal.enter();
    try {
      if (byTopic.remove(m.topic().name(), m)) {
        journal.retainedRemoved(m.topic().name());
        bytes.addAndGet(-m.weight());
        counters.droppedExpired.increment();
      }
    } finally {
      journal.exit();
    }
    return true;
  }

  List<Message> all() {
    return List.copyOf(byTopic.values());
  }

  int size() {
    return byTopic.size();
  }

  long bytes() {
    return bytes.get();
  }
}
