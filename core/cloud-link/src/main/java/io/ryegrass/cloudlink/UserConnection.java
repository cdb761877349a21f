package io.ryegrass.cloudlink;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.Topics;
import io.ryegrass.mqtt.MqttMessage;
import io.ryegrass.nucleus.CloudMessage;
import io.ryegrass.nucleus.CloudUnavailableException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection for user traffic with at most fifty subscriptions, AWS IoT Core's limit per
 * connection.
 *
 * <p>What is wanted is a table; a thread of its own brings the session into line with it, after
 * every change and every connect, so nobody waits for the cloud. A filter the cloud refuses is told
 * once and tried again every few minutes. The cloud may also close the connection over a filter:
 * then filters go out one at a time, and one that ends the connection three times rests, too
 * (LESSON-07).
 *
 * <p>The session in the cloud is a durable one, so QoS 1 messages wait there while the core is
 * away. The cloud sends them as soon as it is connected, often before the component that they are
 * for has subscribed again. So filters are remembered in a file, and for a while after the start a
 * QoS 1 message for a remembered filter whose subscriber is not back yet is held: it is not
 * acknowledged, so it is lost neither here nor there. After that, a remembered filter is ended when
 * a message comes that nobody wanted. A filter whose last subscriber leaves lingers for as long: a
 * component that is restarted, or a core that stops in order (components first), loses nothing.
 */
final class UserConnection implements MqttConnection.Listener, AutoCloseable {
  static final int MOST_FILTERS = 50;
  private static final int BATCH = 8;
  private static final int STRIKES = 3;
  private static final Duration REST = Duration.ofMinutes(2);

  /** How long messages wait for their subscriber after the start, or after it left. */
  static final Duration HOLD = Duration.ofSeconds(60);

  private static final Logger LOG = LoggerFactory.getLogger(UserConnection.class);

  /** One filter and those who wait for its messages. */
  static final class Wanted {
    final String filter;
    final String bare;
    final List<Consumer<CloudMessage>> consumers = new CopyOnWriteArrayList<>();
    volatile int qos;

    Wanted(String filter, int qos) {
      this.filter = filter;
      this.bare = CloudTopics.bare(filter);
      this.qos = qos;
    }
  }

  private final MqttConnection connection;
  private final Path memory;
  private final LongAdder unwanted;
  private final Runnable onConnected;
  private final Consumer<Boolean> onLost;
  private final Map<String, Wanted> wanted = new ConcurrentHashMap<>();

  /** Filters of the earlier run whose subscriber is not back; shrinks on the messages' thread. */
  private final Set<String> stale = ConcurrentHashMap.newKeySet();

  /**
   * Filters whose subscriber left, by the time until which they linger; shrinks on the messages'
   * thread.
   */
  private final Map<String, Long> leaving = new ConcurrentHashMap<>();

  private final HeldMessages waiting; // messages' thread
  private boolean holding = true; // messages' thread
  private final Duration hold;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Map<String, Integer> held = new HashMap<>(); // lock

  /** To be ended in the cloud; each stays until the cloud has said that it is. */
  private final Set<String> over = new HashSet<>(); // lock

  private final Map<String, Long> restsUntil = new HashMap<>(); // lock
  private final Map<String, Integer> strikes = new HashMap<>(); // lock
  private List<String> asked = List.of(); // lock
  private boolean dirty = true; // lock
  private boolean cautious; // lock
  private boolean closed; // lock
  private Set<String> remembered; // worker
  private final Thread worker;

  UserConnection(
      LinkSettings settings,
      MqttNetwork network,
      int number,
      Duration hold,
      LongAdder unwanted,
      Runnable onConnected,
      Consumer<Boolean> onLost) {
    this.connection =
        new MqttConnection(
            settings, network, settings.identity().thingName() + "#" + number, false, this);
    this.memory = memory(settings, number);
    this.hold = hold;
    this.unwanted = unwanted;
    this.waiting = new HeldMessages(unwanted);
    this.onConnected = onConnected;
    this.onLost = onLost;
    this.remembered = new TreeSet<>(remembered(memory));
    this.stale.addAll(remembered);
    this.worker =
        Thread.ofVirtual().name("subscriptions-" + connection.clientId()).unstarted(this::run);
  }

  private static Path memory(LinkSettings settings, int number) {
    return settings.spoolFolder().resolve("subscriptions-" + number);
  }

  private static List<String> remembered(Path memory) {
    return DurableFiles.read(memory)
        .map(b -> new String(b, StandardCharsets.UTF_8).lines().toList())
        .orElse(List.of());
  }

  /** Whether the connection of this number had subscriptions in the earlier run. */
  static boolean wasInUse(LinkSettings settings, int number) {
    return !remembered(memory(settings, number)).isEmpty();
  }

  void start() {
    worker.start();
    connection.start();
    later(this::endHolding);
  }

  /** Whether the session in the cloud has this filter, of the earlier run or lingering. */
  boolean remembers(String filter) {
    return stale.contains(filter) || leaving.containsKey(filter);
  }

  MqttConnection mqtt() {
    return connection;
  }

  int size() {
    return wanted.size();
  }

  void want(Wanted w) {
    wanted.put(w.filter, w);
    if (remembers(w.filter)) {
      connection.betweenMessages(() -> giveHeld(w));
    }
    if (inSession().size() > MOST_FILTERS) {
      connection.betweenMessages(this::makeRoom);
    }
    mark();
  }

  /** What the session in the cloud may have or get; the cloud counts those that linger, too. */
  private Set<String> inSession() {
    Set<String> all = new HashSet<>(wanted.keySet());
    all.addAll(leaving.keySet());
    all.addAll(stale);
    return all;
  }

  /** Those that linger longest, then those of the earlier run, end early for what is wanted. */
  private void makeRoom() {
    long now = System.nanoTime();
    while (inSession().size() > MOST_FILTERS) {
      Optional<Map.Entry<String, Long>> oldest =
          leaving.entrySet().stream()
              .filter(e -> !wanted.containsKey(e.getKey()))
              .min(Comparator.comparingLong(e -> e.getValue() - now));
      Optional<String> earlier =
          stale.stream().filter(filter -> !wanted.containsKey(filter)).findFirst();
      if (oldest.isPresent()) {
        endLingering(oldest.get().getKey(), oldest.get().getValue());
      } else if (earlier.isPresent() && stale.remove(earlier.get())) {
        var unused = noLongerFor(earlier.get());
        end(earlier.get());
      } else {
        return;
      }
    }
    mark();
  }

  void unwant(Wanted w) {
    if (w.qos > 0) {
      long until = System.nanoTime() + hold.toNanos();
      leaving.put(w.filter, until);
      later(() -> endLingering(w.filter, until));
    }
    wanted.remove(w.filter);
    mark();
  }

  private void later(Runnable task) {
    CompletableFuture.delayedExecutor(
            hold.toMillis(), TimeUnit.MILLISECONDS, Thread::startVirtualThread)
        .execute(() -> connection.betweenMessages(task));
  }

  /** Something about the wanted filters changed. */
  void mark() {
    lock.lock();
    try {
      dirty = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void connected(boolean sessionPresent) {
    lock.lock();
    try {
      held.clear();
      asked = List.of();
      dirty = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    onConnected.run();
  }

  @Override
  public void lost(boolean byServer) {
    lock.lock();
    try {
      held.clear();
      if (byServer && !asked.isEmpty()) {
        cautious = true;
        if (asked.size() == 1 && strikes.merge(asked.getFirst(), 1, Integer::sum) >= STRIKES) {
          strikes.remove(asked.getFirst());
          rest(asked.getFirst(), "closed the connection " + STRIKES + " times over");
        }
      }
      asked = List.of();
    } finally {
      lock.unlock();
    }
    connection.betweenMessages(waiting::clear); // the cloud sends them again
    onLost.accept(byServer);
  }

  @Override
  public void message(MqttMessage arrived, Runnable acknowledge) {
    String topic = arrived.topic();
    int qos = arrived.qos();
    CloudMessage message = CloudMessages.of(arrived);
    boolean taken = false;
    Set<String> absent = new HashSet<>();
    for (Wanted w : wanted.values()) {
      if (!Topics.matchesAws(w.bare, topic)) {
        continue;
      }
      if (w.consumers.isEmpty() && w.qos > 0) {
        absent.add(w.filter); // is leaving at this moment
      } else {
        giveHeld(w); // what came earlier goes first
        taken |= give(w, message);
      }
    }
    if (qos > 0) {
      int leavingNow = absent.size();
      if (holding) {
        addMatching(stale, topic, absent);
      }
      boolean returning = absent.size() > leavingNow;
      addMatching(leaving.keySet(), topic, absent);
      if (!absent.isEmpty()) {
        waiting.add(message, absent, returning, taken, acknowledge);
        return;
      }
    }
    acknowledge.run();
    if (!taken) {
      unwanted.increment();
      endStale(topic);
    }
  }

  private static void addMatching(Set<String> filters, String topic, Set<String> to) {
    for (String filter : filters) {
      if (Topics.matchesAws(CloudTopics.bare(filter), topic)) {
        to.add(filter);
      }
    }
  }

  private static boolean give(Wanted w, CloudMessage message) {
    boolean taken = false;
    for (Consumer<CloudMessage> c : w.consumers) {
      taken = true;
      try {
        c.accept(message);
      } catch (RuntimeException e) {
        // one receiver must not keep the message from the others
        LOG.warn(
            "A receiver of '{}' failed on a message on {}: {}",
            w.filter,
            message.topic(),
            e.toString());
      }
    }
    return taken;
  }

  /** The subscriber of a remembered filter is back. */
  private void giveHeld(Wanted w) {
    if (w.consumers.isEmpty()) {
      return; // gone again
    }
    boolean wasStale = stale.remove(w.filter);
    if (leaving.remove(w.filter) == null && !wasStale) {
      return;
    }
    waiting.give(w.filter, m -> give(w, m));
  }

  private void endHolding() {
    holding = false;
    int dropped = 0;
    for (String filter : stale) {
      dropped += noLongerFor(filter);
    }
    if (dropped > 0) {
      LOG.warn(
          "{} messages of the cloud waited {} s for subscribers of the earlier run, which did not come"
              + " back; they are dropped",
          dropped,
          hold.toSeconds());
    }
  }

  private void endLingering(String filter, long until) {
    if (!wanted.containsKey(filter) && leaving.remove(filter, until)) {
      var unused = noLongerFor(filter);
      end(filter);
    }
  }

  private void end(String filter) {
    lock.lock();
    try {
      over.add(filter);
      dirty = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private int noLongerFor(String filter) {
    List<String> nobodys = waiting.giveUp(filter);
    nobodys.forEach(this::endStale);
    return nobodys.size();
  }

  private void endStale(String topic) {
    for (String filter : stale) {
      if (wanted.containsKey(filter)) {
        stale.remove(filter);
      } else if (Topics.matchesAws(CloudTopics.bare(filter), topic)) {
        LOG.info("Ending the subscription '{}' of an earlier run, which nobody here wants", filter);
        end(filter);
        stale.remove(filter);
      }
    }
  }

  private void run() {
    try {
      while (awaitWork()) {
        try {
          reconcile();
        } catch (CloudUnavailableException e) {
          // still connected: it did not answer, so the connection is dead; a new one begins again
          connection.reset("a subscription was not answered");
          LOG.debug(
              "Subscriptions of {} wait for the next connection: {}",
              connection.clientId(),
              e.getMessage());
        }
        remember();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean awaitWork() throws InterruptedException {
    lock.lock();
    try {
      while (!closed && !(dirty && connection.connected())) {
        if (!changed.await(5, TimeUnit.SECONDS)) {
          long now = System.nanoTime();
          dirty |= restsUntil.values().removeIf(until -> until - now <= 0);
        }
      }
      dirty = false;
      return !closed;
    } finally {
      lock.unlock();
    }
  }

  private void reconcile() throws InterruptedException {
    List<String> toEnd = new ArrayList<>();
    List<MqttConnection.Filter> toAsk = new ArrayList<>();
    int batch;
    lock.lock();
    try {
      over.removeIf(f -> wanted.containsKey(f) || leaving.containsKey(f));
      for (String f : held.keySet()) {
        if (!wanted.containsKey(f) && !leaving.containsKey(f)) {
          over.add(f);
        }
      }
      held.keySet().removeAll(over);
      toEnd.addAll(over);
      Set<String> there = new HashSet<>(held.keySet());
      there.addAll(leaving.keySet());
      there.addAll(stale);
      for (Wanted w : wanted.values()) {
        boolean due = held.getOrDefault(w.filter, -1) < w.qos && !restsUntil.containsKey(w.filter);
        // what finds no room is asked for when makeRoom has made it
        if (due && (there.size() < MOST_FILTERS || there.contains(w.filter))) {
          there.add(w.filter);
          toAsk.add(new MqttConnection.Filter(w.filter, w.qos));
        }
      }
      batch = cautious ? 1 : BATCH;
    } finally {
      lock.unlock();
    }
    if (!toEnd.isEmpty()) {
      connection.unsubscribe(toEnd);
      lock.lock();
      try {
        over.removeAll(toEnd);
      } finally {
        lock.unlock();
      }
    }
    for (int from = 0; from < toAsk.size(); from += batch) {
      List<MqttConnection.Filter> part = toAsk.subList(from, Math.min(toAsk.size(), from + batch));
      lock.lock();
      try {
        asked = part.stream().map(MqttConnection.Filter::filter).toList();
      } finally {
        lock.unlock();
      }
      Set<String> refused = new HashSet<>(connection.subscribe(part));
      lock.lock();
      try {
        asked = List.of();
        for (MqttConnection.Filter f : part) {
          strikes.remove(f.filter());
          if (refused.contains(f.filter())) {
            rest(f.filter(), "refused");
          } else {
            held.put(f.filter(), f.qos());
          }
        }
        cautious = cautious && !strikes.isEmpty();
      } finally {
        lock.unlock();
      }
    }
  }

  private void rest(String filter, String what) {
    restsUntil.put(filter, System.nanoTime() + REST.toNanos());
    LOG.warn(
        "The cloud {} the subscription '{}'; allow iot:Subscribe and iot:Receive on it in the core's policy."
            + " It is tried again every {} minutes",
        what,
        filter,
        REST.toMinutes());
  }

  private void remember() {
    Set<String> now = new TreeSet<>(wanted.keySet());
    now.addAll(stale);
    now.addAll(leaving.keySet());
    lock.lock();
    try {
      now.addAll(over); // the session in the cloud may still have them
    } finally {
      lock.unlock();
    }
    if (!now.equals(remembered)) {
      try {
        DurableFiles.writeAtomically(
            memory, String.join("\n", now).getBytes(StandardCharsets.UTF_8));
        remembered = now;
      } catch (RuntimeException e) {
        LOG.warn("The subscriptions could not be remembered in {}: {}", memory, e.getMessage());
      }
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    connection.close();
    Ending.of(worker);
  }
}
