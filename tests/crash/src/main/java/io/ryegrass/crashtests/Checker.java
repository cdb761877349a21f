package io.ryegrass.crashtests;

import io.ryegrass.crashtests.Digest.Delivery;
import io.ryegrass.crashtests.Digest.Fate;
import io.ryegrass.crashtests.Digest.Incarnation;
import io.ryegrass.crashtests.Digest.Span;
import io.ryegrass.crashtests.Violation.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The model: what a broker may have done, given what its clients saw. Pure; a history that ends
 * with a drain goes in, the broken promises come out.
 *
 * <p>The rules, for sessions and messages as the standard has them and as {@code protocol/mqtt}
 * promises them over a kill:
 *
 * <ul>
 *   <li>A message is <b>owed</b> to a persistent session when one of its filters matches, SUBACK
 *       had arrived before PUBLISH was first sent, the subscription is still held, and the
 *       publisher got PUBACK or PUBREC. To a shared subscription it is owed once: to any one of its
 *       members.
 *   <li>One copy per session, also where filters overlap (the standard would allow one for each of
 *       them). A second copy at QoS 1 needs DUP, or another PUBLISH of its publisher, or a death of
 *       the broker in between: what the dying broker had not written about its sending, the next
 *       one cannot know. At QoS 2 and 0 nothing excuses it.
 *   <li>Order is that of first deliveries per session, publisher, topic and QoS; not among the
 *       members of a shared subscription, where a message may move to another member, and not for
 *       what was first sent before the subscription was there and then sent again.
 *   <li>A retained message that is read must be the last one that was completely acknowledged
 *       before the question, or a later one. One publisher and one QoS per retained topic, else
 *       there would be no "last".
 * </ul>
 */
final class Checker {
  private final boolean oneCopy;
  private final Digest digest;
  private final List<Violation> found;

  private Checker(List<History.Entry> entries, boolean oneCopy) {
    this.oneCopy = oneCopy;
    digest = new Digest(entries);
    found = new ArrayList<>(digest.violations);
  }

  /** All broken promises, those first that came first. */
  static List<Violation> check(List<History.Entry> entries) {
    return check(entries, true);
  }

  /**
   * The same for another broker.
   *
   * @param oneCopy false: one copy for each filter that matches, as the standard allows
   */
  static List<Violation> check(List<History.Entry> entries, boolean oneCopy) {
    Checker checker = new Checker(entries, oneCopy);
    for (Incarnation i : checker.digest.incarnations) {
      checker.checkLoss(i);
      checker.checkCopies(i);
      checker.checkOrder(i);
    }
    checker.checkShared();
    checker.checkRetained();
    checker.found.sort((a, b) -> Long.compare(a.at(), b.at()));
    return List.copyOf(checker.found);
  }

  // ---- sessions

  private void checkLoss(Incarnation i) {
    if (!i.persistent || i.ended) {
      return;
    }
    digest.fates.forEach(
        (m, fate) -> {
          if (isOwed(m, fate) && !i.live.containsKey(m)) {
            for (Span s : i.spans) {
              if (holds(s, m, fate) && !Filters.isShared(s.filter)) {
                found.add(
                    new Violation(
                        Kind.LOST,
                        i.client,
                        m,
                        fate.acknowledged,
                        m
                            + " was acknowledged and "
                            + i.client
                            + ", which holds "
                            + s.filter
                            + ", never got it"));
                return;
              }
            }
          }
        });
  }

  private static boolean isOwed(Message m, Fate fate) {
    return m.qos() > 0 && fate.acknowledged != 0 && !fate.refused && !m.erasing();
  }

  private static boolean holds(Span s, Message m, Fate fate) {
    return s.granted > 0
        && s.granted < 0x80
        && s.heldSince(fate.firstSent)
        && Filters.matches(s.filter, m.topic());
  }

  private void checkCopies(Incarnation i) {
    i.live.forEach(
        (m, copies) -> {
          Delivery last = copies.getLast();
          List<Span> matching =
              i.spans.stream()
                  .filter(
                      s -> s.asked < copies.getFirst().at() && Filters.matches(s.filter, m.topic()))
                  .toList();
          if (matching.isEmpty()) {
            found.add(
                new Violation(
                    Kind.NOT_SUBSCRIBED,
                    i.client,
                    m,
                    last.at(),
                    i.client + " never asked for " + m));
            return;
          }
          if (oneCopy) {
            checkQos(i, m, copies, matching);
          }
          int due = oneCopy ? 1 : matching.size();
          if (copies.size() > due) {
            checkRepeated(i, m, copies, due);
          }
        });
  }

  private void checkRepeated(Incarnation i, Message m, List<Delivery> copies, int due) {
    Delivery last = copies.getLast();
    if (copies.stream().filter(d -> d.event().qos() != 1).count() > (due > 1 ? due : 0)) {
      found.add(
          new Violation(
              Kind.DUPLICATE,
              i.client,
              m,
              last.at(),
              i.client + " got " + m + " " + copies.size() + " times"));
      return;
    }
    Fate fate = digest.fates.get(m);
    int sends = fate == null || m.qos() != 1 ? 1 : fate.sends;
    int deaths = digest.lives.subSet(copies.getFirst().at(), last.at()).size();
    long unmarked = copies.stream().filter(d -> !d.event().dup()).count();
    if (unmarked > (long) due * sends * (1 + deaths)) {
      found.add(
          new Violation(
              Kind.UNMARKED_COPY,
              i.client,
              m,
              last.at(),
              "%s got %s %d times without DUP; it was sent %d times and the broker died %d times in between"
                  .formatted(i.client, m, unmarked, sends, deaths)));
    }
  }

  private void checkQos(Incarnation i, Message m, List<Delivery> copies, List<Span> matching) {
    Fate fate = digest.fates.get(m);
    if (fate == null || !matching.stream().allMatch(s -> s.heldSince(fate.firstSent))) {
      return; // the grants changed while the message was under way
    }
    int granted = matching.stream().mapToInt(s -> s.granted).max().orElse(0);
    int expected = Math.min(m.qos(), granted);
    for (Delivery d : copies) {
      if (d.event().qos() != expected) {
        found.add(
            new Violation(
                Kind.WRONG_QOS,
                i.client,
                m,
                d.at(),
                i.client + " got " + m + " at QoS " + d.event().qos() + " instead of " + expected));
        return;
      }
    }
  }

  private void checkOrder(Incarnation i) {
    if (i.onlyShared()) {
      return;
    }
    record Stream(String publisher, String topic, int qos, int deliveredQos) {}
    Map<Stream, Message> latest = new HashMap<>();
    // The map of copies is in the order of first deliveries.
    i.live.forEach(
        (m, copies) -> {
          if (cameBySendingAgain(i, m)) {
            return;
          }
          Delivery first = copies.getFirst();
          Stream stream = new Stream(m.publisher(), m.topic(), m.qos(), first.event().qos());
          Message before = latest.get(stream);
          if (before != null && before.number() > m.number()) {
            found.add(
                new Violation(
                    Kind.OUT_OF_ORDER,
                    i.client,
                    m,
                    first.at(),
                    i.client + " got " + m + " after " + before));
          } else {
            latest.put(stream, m);
          }
        });
  }

  /**
   * Published before the subscription was there and sent again when it was: then what came in
   * between was delivered before it, and rightly so.
   */
  private boolean cameBySendingAgain(Incarnation i, Message m) {
    Fate fate = digest.fates.get(m);
    return fate != null
        && fate.sends > 1
        && i.spans.stream()
            .noneMatch(s -> s.heldSince(fate.firstSent) && Filters.matches(s.filter, m.topic()));
  }

  // ---- shared subscriptions

  private void checkShared() {
    Map<String, List<Incarnation>> groups = new LinkedHashMap<>();
    for (Incarnation i : digest.incarnations) {
      if (i.persistent && !i.ended) {
        i.spans.stream()
            .filter(s -> Filters.isShared(s.filter))
            .map(s -> s.filter)
            .distinct()
            .forEach(f -> groups.computeIfAbsent(f, unused -> new ArrayList<>()).add(i));
      }
    }
    groups.forEach(
        (filter, members) ->
            digest.fates.forEach((m, fate) -> checkShared(filter, members, m, fate)));
  }

  private void checkShared(String filter, List<Incarnation> members, Message m, Fate fate) {
    long copies = 0;
    long exact = 0;
    long last = fate.acknowledged;
    boolean held = false;
    for (Incarnation i : members) {
      held |= i.spans.stream().anyMatch(s -> s.filter.equals(filter) && holds(s, m, fate));
      for (Delivery d : i.live.getOrDefault(m, List.of())) {
        copies++;
        exact += d.event().qos() == 1 ? 0 : 1;
        last = Math.max(last, d.at());
      }
    }
    if (held && copies == 0 && isOwed(m, fate)) {
      found.add(
          new Violation(
              Kind.LOST,
              null,
              m,
              last,
              m + " was acknowledged and no member of " + filter + " got it"));
    }
    if (exact > 1) {
      found.add(
          new Violation(
              Kind.DUPLICATE,
              null,
              m,
              last,
              "the members of " + filter + " got " + m + " " + exact + " times"));
    }
  }

  // ---- retained messages

  private void checkRetained() {
    Map<String, List<Message>> topics = new LinkedHashMap<>();
    for (Message m : digest.fates.keySet()) {
      if (m.retain()) {
        topics.computeIfAbsent(m.topic(), unused -> new ArrayList<>()).add(m);
      }
    }
    for (History.Entry read : digest.retainedReads) {
      if (read.event() instanceof Event.RetainedRead e) {
        topics.forEach((topic, sent) -> checkRetained(topic, sent, read.number(), e));
      }
    }
  }

  private void checkRetained(String topic, List<Message> sent, long at, Event.RetainedRead read) {
    long lowest = 0;
    List<Message> possible = new ArrayList<>();
    for (Message m : sent) { // in the order in which they were first sent
      Fate fate = digest.fates.get(m);
      if (fate == null || fate.firstSent > at || fate.refused) {
        continue;
      }
      if (fate.completed != 0 && fate.completed <= read.asked()) {
        lowest = m.number();
        possible.clear();
      }
      possible.add(m);
    }
    Message seen = read.found().get(topic);
    boolean right =
        seen == null
            ? lowest == 0 || !read.complete() || possible.stream().anyMatch(Message::erasing)
            : possible.contains(seen);
    if (!right) {
      found.add(
          new Violation(
              Kind.RETAINED_WRONG,
              null,
              possible.getFirst(),
              at,
              "the retained message of "
                  + topic
                  + " is "
                  + (seen == null ? "missing" : seen)
                  + "; it must be one of "
                  + possible));
    }
  }
}
