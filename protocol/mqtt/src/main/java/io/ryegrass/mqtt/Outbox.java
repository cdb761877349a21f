package io.ryegrass.mqtt;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The messages that are owed to one session: those that wait, those in flight. All methods are
 * called under the session's lock, those with a connection on that connection's event loop.
 *
 * <p><b>QoS 2 and the disk.</b> A receiver recognises a message that it gets a second time by its
 * packet identifier alone. So the identifier of a stored message must be on the disk before the
 * PUBLISH goes out, and the PUBREC must be on the disk before the PUBREL does; otherwise a restart
 * in between would send the same message under another identifier, or a finished one anew. What
 * waits for the disk stands in {@code held}, in its order.
 *
 * <p><b>Flow control.</b> {@code quota} is MQTT 5's send quota (section 4.9); clients of version 3
 * have that of {@link Limits#maxInFlight}.
 */
final class Outbox {
  /** A message with its packet identifier. */
  private static final class Flight {
    private final Queued queued;
    private boolean released;

    private Flight(Queued queued, boolean released) {
      this.queued = queued;
      this.released = released;
    }
  }

  /** A PUBLISH (or the PUBREL of a released message) that waits for the disk. */
  private record Held(int packetId, boolean release, long position) {}

  /** Beyond so many waiting messages a connection is served before its sender's batch ends. */
  private static final int PUMP_AT = 64;

  private final Journal journal;
  private final Counters counters;
  private final Limits limits;
  private final Engine.Parts parts;
  private final ArrayDeque<Queued> queue = new ArrayDeque<>(2);
  private final LinkedHashMap<Integer, Flight> inFlight = new LinkedHashMap<>(2);
  private final ArrayDeque<Held> held = new ArrayDeque<>(1);
  private final ArrayDeque<Integer> toResend = new ArrayDeque<>(1);
  private Journal.@Nullable Stored stored;
  private long incarnation;
  private boolean persistent;
  private long owedBytes;
  private int lastPacketId;
  private int quota;
  private int fullQuota;
  private volatile int waiting;

  Outbox(Engine.Parts parts) {
    this.parts = parts;
    this.journal = parts.journal();
    this.counters = parts.counters();
    this.limits = parts.rules().limits();
  }

  // ---- life ----

  void begin(long forIncarnation, boolean stores) {
    incarnation = forIncarnation;
    persistent = stores;
  }

  void restore(long forIncarnation, Journal.Stored what) {
    begin(forIncarnation, true);
    stored = what; // even without messages: packet identifiers may be there
    owedBytes = what.bytes();
    waiting = what.messages();
    counters.queuedMessages.addAndGet(what.messages());
    counters.queuedBytes.addAndGet(what.bytes());
  }

  Journal.@Nullable Stored notLoaded() {
    return stored;
  }

  /** What the disk had comes before what came since the program started. */
  void loaded(Journal.Owing owing) {
    Journal.Stored from = stored;
    if (from == null) {
      return;
    }
    stored = null;
    owedBytes -= from.bytes();
    counters.queuedMessages.addAndGet(-from.messages());
    counters.queuedBytes.addAndGet(-from.bytes());
    owing
        .inFlight()
        .forEach(
            (packetId, f) -> {
              inFlight.put(packetId, new Flight(f.queued(), f.phase() == Journal.Phase.RELEASED));
              owe(f.queued());
              lastPacketId = packetId;
            });
    List<Queued> since = new ArrayList<>(queue);
    queue.clear();
    owing
        .queue()
        .forEach(
            m -> {
              queue.add(m);
              owe(m);
            });
    queue.addAll(since);
    waiting = queue.size();
  }

  void open(Connection to, int receiveMaximum) {
    fullQuota = Math.min(limits.maxInFlight(), receiveMaximum);
    quota = fullQuota;
    held.clear();
    toResend.clear();
    toResend.addAll(inFlight.keySet());
    resend(to);
  }

  /** The connection has ended: QoS 0 messages do not wait for the next. */
  void close() {
    held.clear();
    toResend.clear();
    dropIf(m -> m.qos() == 0);
  }

  void forget() {
    Journal.Stored from = stored;
    if (from != null) {
      stored = null;
      owedBytes -= from.bytes();
      counters.queuedMessages.addAndGet(-from.messages());
      counters.queuedBytes.addAndGet(-from.bytes());
    }
    inFlight.values().forEach(f -> unowe(f.queued));
    queue.forEach(this::unowe);
    inFlight.clear();
    queue.clear();
    held.clear();
    toResend.clear();
    waiting = 0;
  }

  // ---- messages ----

  boolean keepsUp() {
    return waiting < PUMP_AT;
  }

  /**
   * @param to null when nothing can be sent now
   */
  boolean offer(@Nullable Connection to, Queued message) {
    if (to != null
        && queue.isEmpty()
        && to.inEventLoop()
        && to.isWritable()
        && hasWindow(message)
        && isDurable(message)) {
      owe(message);
      send(to, message);
      to.touched();
      return true;
    }
    int weight = message.message().weight();
    if (queue.size() + inFlight.size() + (stored == null ? 0 : stored.messages())
            >= limits.maxQueuedMessages()
        || owedBytes + weight > limits.maxQueuedBytes()
        || counters.queuedBytes.get() + weight > limits.maxQueuedBytesInAll()) {
      counters.droppedQueueFull.increment();
      if (message.sequence() > 0) {
        journal.settled(incarnation, message.sequence());
      }
      return false;
    }
    queue.add(to == null ? message.atRest() : message);
    waiting = queue.size();
    owe(message);
    if (to != null) {
      if (queue.size() >= PUMP_AT && to.inEventLoop()) {
        pump(to);
      } else {
        to.wantsPump();
      }
    }
    return true;
  }

  private boolean hasWindow(Queued m) {
    return m.qos() == 0 || (quota > 0 && toResend.isEmpty());
  }

  private boolean isDurable(Queued m) {
    return m.notBefore() == 0 || journal.durablePosition() >= m.notBefore();
  }

  /** Sends what the disk, the window and the channel allow. */
  void pump(Connection to) {
    sendHeld(to);
    resend(to);
    while (to.isWritable()) {
      Queued next = queue.peek();
      if (next == null) {
        break;
      }
      if (!isDurable(next)) {
        to.pumpWhenDurable(next.notBefore());
        break;
      }
      if (!hasWindow(next)) {
        break;
      }
      queue.remove();
      send(to, next);
    }
    waiting = queue.size();
    to.touched();
  }

  private void resend(Connection to) {
    while (!toResend.isEmpty() && to.isWritable()) {
      Integer packetId = toResend.peek();
      Flight flight = inFlight.get(packetId);
      if (flight == null) {
        toResend.remove();
      } else if (flight.released) {
        toResend.remove();
        to.writeAck(PacketParser.PUBREL, packetId, ReasonCode.SUCCESS);
      } else if (quota > 0) {
        toResend.remove();
        quota--;
        publish(to, flight.queued, packetId, true);
      } else {
        return;
      }
    }
  }

  private void sendHeld(Connection to) {
    long durable = held.isEmpty() ? 0 : journal.durablePosition();
    while (!held.isEmpty() && held.element().position() <= durable) {
      Held h = held.remove();
      Flight flight = inFlight.get(h.packetId());
      if (h.release()) {
        to.writeAck(PacketParser.PUBREL, h.packetId(), ReasonCode.SUCCESS);
      } else if (flight != null) {
        publish(to, flight.queued, h.packetId(), false);
      }
    }
  }

  private void send(Connection to, Queued m) {
    if (m.message().isExpired(parts.now())) {
      counters.droppedExpired.increment();
      settle(m);
      return;
    }
    if (m.qos() == 0) {
      unowe(m);
      if (!to.writePublish(m, 0, false)) {
        counters.droppedTooLarge.increment();
      }
      return;
    }
    int packetId = freePacketId();
    inFlight.put(packetId, new Flight(m, false));
    quota--;
    if (m.sequence() > 0) {
      journal.sent(incarnation, m.sequence(), packetId);
      if (m.qos() == 2) {
        hold(to, packetId, false);
        return;
      }
    }
    publish(to, m, packetId, false);
  }

  private void hold(Connection to, int packetId, boolean release) {
    long position = journal.position();
    if (held.isEmpty() && position <= journal.durablePosition()) {
      held.add(new Held(packetId, release, position));
      sendHeld(to);
    } else {
      held.add(new Held(packetId, release, position));
      to.pumpWhenDurable(position);
    }
  }

  private void publish(Connection to, Queued m, int packetId, boolean duplicate) {
    if (!to.writePublish(m, packetId, duplicate)) {
      // As if it had been delivered [MQTT5-3.1.2-25]
      counters.droppedTooLarge.increment();
      inFlight.remove(packetId);
      gainQuota();
      settle(m);
    }
  }

  void acknowledged(Connection by, Packet.Ack ack) {
    Flight flight = inFlight.get(ack.packetId());
    switch (ack.type()) {
      case PacketParser.PUBACK -> {
        if (flight != null && flight.queued.qos() == 1) {
          finish(ack.packetId(), flight);
        }
      }
      case PacketParser.PUBREC -> pubRec(by, ack, flight);
      case PacketParser.PUBCOMP -> {
        if (flight != null && flight.released) {
          finish(ack.packetId(), flight);
        }
      }
      default -> throw new IllegalArgumentException("not for an outbox: " + ack);
    }
    if (!queue.isEmpty() || !toResend.isEmpty()) {
      pump(by);
    } else {
      by.touched();
    }
  }

  private void pubRec(Connection by, Packet.Ack ack, @Nullable Flight flight) {
    if (flight == null || flight.queued.qos() != 2) {
      if (ack.reasonCode() < 0x80) {
        by.writeAck(PacketParser.PUBREL, ack.packetId(), ReasonCode.PACKET_IDENTIFIER_NOT_FOUND);
      }
      return;
    }
    if (ack.reasonCode() >= 0x80) {
      finish(ack.packetId(), flight); // [MQTT5-4.3.3-4]: no PUBREL follows
      return;
    }
    if (!flight.released) {
      flight.released = true;
      if (flight.queued.sequence() > 0) {
        journal.released(incarnation, flight.queued.sequence(), ack.packetId());
        hold(by, ack.packetId(), true);
        return;
      }
    }
    by.writeAck(PacketParser.PUBREL, ack.packetId(), ReasonCode.SUCCESS);
  }

  private void finish(int packetId, Flight flight) {
    inFlight.remove(packetId);
    gainQuota();
    settle(flight.queued);
  }

  private void gainQuota() {
    quota = Math.min(fullQuota, quota + 1);
  }

  private int freePacketId() {
    do {
      lastPacketId = lastPacketId % 0xFFFF + 1;
    } while (inFlight.containsKey(lastPacketId));
    return lastPacketId;
  }

  // ---- dropping and counting ----

  Set<String> topics() {
    Set<String> topics = new LinkedHashSet<>();
    inFlight.values().forEach(f -> topics.add(f.queued.message().topic().name()));
    queue.forEach(m -> topics.add(m.message().topic().name()));
    return topics;
  }

  void dropTopics(Set<String> topics) {
    for (Iterator<Map.Entry<Integer, Flight>> all = inFlight.entrySet().iterator();
        all.hasNext(); ) {
      Flight f = all.next().getValue();
      if (!f.released && topics.contains(f.queued.message().topic().name())) {
        all.remove();
        settle(f.queued);
      }
    }
    dropIf(m -> topics.contains(m.message().topic().name()));
  }

  private void dropIf(Predicate<Queued> which) {
    queue.removeIf(
        m -> {
          boolean drop = which.test(m);
          if (drop) {
            settle(m);
          }
          return drop;
        });
    waiting = queue.size();
  }

  private void owe(Queued m) {
    int weight = m.message().weight();
    owedBytes += weight;
    counters.queuedMessages.incrementAndGet();
    counters.queuedBytes.addAndGet(weight);
  }

  private void unowe(Queued m) {
    int weight = m.message().weight();
    owedBytes -= weight;
    counters.queuedMessages.decrementAndGet();
    counters.queuedBytes.addAndGet(-weight);
  }

  private void settle(Queued m) {
    unowe(m);
    if (m.sequence() > 0) {
      journal.settled(incarnation, m.sequence());
    }
  }

  // ---- snapshot ----

  /** What of it is stored. */
  Journal.Owing owing(Set<Integer> received) {
    LinkedHashMap<Integer, Journal.InFlight> flying = new LinkedHashMap<>();
    inFlight.forEach(
        (packetId, f) -> {
          if (f.queued.sequence() > 0) {
            flying.put(
                packetId,
                new Journal.InFlight(
                    f.queued, f.released ? Journal.Phase.RELEASED : Journal.Phase.SENT));
          }
        });
    return new Journal.Owing(flying, received, storedOnes(queue));
  }

  private static List<Queued> storedOnes(Collection<Queued> all) {
    List<Queued> result = new ArrayList<>(all);
    result.removeIf(m -> m.sequence() == 0);
    return result;
  }
}
