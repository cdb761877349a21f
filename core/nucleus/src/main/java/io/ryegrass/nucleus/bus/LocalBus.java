package io.ryegrass.nucleus.bus;

import io.ryegrass.nucleus.Bus;
import io.ryegrass.nucleus.BusMetrics;
import io.ryegrass.nucleus.CloudMessaging;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.Participant;
import io.ryegrass.nucleus.PublishResult;
import io.ryegrass.nucleus.Receiver;
import io.ryegrass.nucleus.ReservingReceiver;
import io.ryegrass.nucleus.RouteSource;
import io.ryegrass.nucleus.Subscription;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The bus of this core. */
public final class LocalBus implements Bus, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LocalBus.class);
  private static final int SUBSCRIPTION_CAPACITY = 1024;

  private sealed interface Target {}

  private record Direct(Receiver receiver) implements Target {}

  private record Queued(Mailbox mailbox) implements Target {}

  /** A subscription of local pub/sub: where its messages go and what ends with it. */
  private static final class Local {
    final Participant who;
    final boolean ownMessages;
    final Predicate<Message> queue;
    final Runnable end;

    Local(Participant who, boolean ownMessages, Predicate<Message> queue, Runnable end) {
      this.who = who;
      this.ownMessages = ownMessages;
      this.queue = queue;
      this.end = end;
    }
  }

  private final CloudMessaging cloud;
  private final Map<Participant, Target> attached = new ConcurrentHashMap<>();
  private final Map<Participant, Participant> otherNames = new ConcurrentHashMap<>();
  private final Map<Participant, Participant> byOtherName = new ConcurrentHashMap<>();
  private final Map<String, RouteSource> routes = new ConcurrentHashMap<>();
  private final Map<String, Map<String, AutoCloseable>> cloudSubscriptions = new HashMap<>();
  private final FilterTree<Local> locals = new FilterTree<>(false);
  private final Set<Local> openLocals = ConcurrentHashMap.newKeySet();
  private final ReentrantLock routeLock = new ReentrantLock();

  private final LongAdder published = new LongAdder();
  private final LongAdder delivered = new LongAdder();
  private final LongAdder dropped = new LongAdder();
  private final LongAdder unrouted = new LongAdder();
  private final LongAdder failed = new LongAdder();

  public LocalBus(CloudMessaging cloud) {
    this.cloud = cloud;
    attach(Participant.CLOUD, m -> cloud.publish(m.topic(), m.payload(), 1), 0);
  }

  @Override
  public PublishResult publish(Message m) {
    return deliver(m, targets(m));
  }

  /** Each once, though several rows name it, or name it in two ways. */
  private Set<Participant> targets(Message m) {
    Set<Participant> targets = new LinkedHashSet<>();
    Participant name = otherNames.get(m.source());
    Message named =
        name == null
            ? null
            : new Message(name, m.space(), m.topic(), m.payload(), m.qos(), m.format());
    for (RouteSource r : routes.values()) {
      r.targets(m, p -> targets.add(byOtherName.getOrDefault(p, p)));
      if (named != null) {
        r.targets(named, p -> targets.add(byOtherName.getOrDefault(p, p)));
      }
    }
    return targets;
  }

  private PublishResult deliver(Message m, Set<Participant> targets) {
    published.increment();
    Tally tally = new Tally();
    for (Participant p : targets) {
      if (p.equals(Participant.CLOUD) && m.source().equals(Participant.CLOUD)) {
        continue;
      }
      tally.targets++;
      hand(m, p, tally);
    }
    if (m.space() == Message.Space.PUBSUB) {
      locals.match(
          m.topic(),
          s -> {
            if (s.ownMessages || !s.who.equals(m.source())) {
              tally.targets++;
              tally.queued(s.queue.test(m));
            }
          });
    } else if (tally.targets == 0) {
      noRoute(m);
    }
    return counted(tally);
  }

  /** SUB-01, E04: the words are V1's. */
  private void noRoute(Message m) {
    unrouted.increment();
    LOG.debug(
        "Failed to get routes. Discarding message. source={} {} topic={}",
        m.source().kind(),
        m.source().id(),
        m.topic());
  }

  @Override
  public PublishResult publishToAllOrNone(Message m) {
    Set<Participant> targets = targets(m);
    published.increment();
    if (targets.isEmpty()) {
      noRoute(m);
      return new PublishResult(0, 0, 0, 0, null);
    }
    List<ReservingReceiver.Reservation> held = new ArrayList<>();
    List<Participant> others = new ArrayList<>();
    Tally tally = new Tally();
    for (Participant p : targets) {
      Target target = attached.get(p);
      if (target instanceof Queued q) {
        tally.held(held, q.mailbox().reserve(m) ? reservation(q.mailbox(), m) : null, null);
      } else if (target instanceof Direct(ReservingReceiver receiver)) {
        ReservingReceiver.Reservation room = receiver.reserve(m);
        tally.held(held, room, room == null ? receiver.refusal() : null);
      } else {
        others.add(p);
      }
    }
    tally.targets = targets.size();
    for (Participant p : others) {
      if (tally.dropped + tally.failed > 0) {
        break;
      }
      hand(m, p, tally);
    }
    boolean all = tally.dropped + tally.failed == 0;
    for (ReservingReceiver.Reservation room : held) {
      if (all) {
        room.commit();
        tally.delivered++;
      } else {
        room.cancel();
      }
    }
    return counted(tally);
  }

  private static ReservingReceiver.Reservation reservation(Mailbox mailbox, Message m) {
    return new ReservingReceiver.Reservation() {
      @Override
      public void commit() {
        mailbox.commit(m);
      }

      @Override
      public void cancel() {
        mailbox.cancel(m);
      }
    };
  }

  private PublishResult counted(Tally tally) {
    delivered.add(tally.delivered);
    dropped.add(tally.dropped);
    failed.add(tally.failed);
    return new PublishResult(
        tally.targets, tally.delivered, tally.dropped, tally.failed, tally.failure);
  }

  private void hand(Message m, Participant p, Tally tally) {
    Target target = attached.get(p);
    switch (target) {
      case Direct d -> {
        try {
          d.receiver().receive(m);
          tally.delivered++;
        } catch (RuntimeException e) {
          tally.failed++;
          tally.failure = tally.failure == null ? e : tally.failure;
          LOG.debug("{} refused a message on {}: {}", p.id(), m.topic(), e.getMessage());
        }
      }
      case Queued q -> tally.queued(q.mailbox().offer(m));
      case null -> {
        if (p.kind() == Participant.Kind.COMPONENT) {
          int before = tally.delivered + tally.dropped;
          locals.match(
              m.topic(),
              s -> {
                if (s.who.equals(p)) {
                  tally.queued(s.queue.test(m));
                }
              });
          if (tally.delivered + tally.dropped > before) {
            return;
          }
        }
        tally.failed++;
        LOG.debug("{} {} is not there to take a message on {}", p.kind(), p.id(), m.topic());
      }
    }
  }

  private static final class Tally {
    int targets;
    int delivered;
    int dropped;
    int failed;
    @Nullable RuntimeException failure;

    void held(
        List<ReservingReceiver.Reservation> held,
        ReservingReceiver.@Nullable Reservation room,
        @Nullable RuntimeException refusal) {
      if (room != null) {
        held.add(room);
      } else {
        dropped++;
        failure = failure == null ? refusal : failure;
      }
    }

    void queued(boolean taken) {
      if (taken) {
        delivered++;
      } else {
        dropped++;
      }
    }
  }

  @Override
  public void addRoutes(String name, RouteSource r) {
    routeLock.lock();
    try {
      routes.put(name, r);
      setCloudFilters(name, r.cloudFilters());
    } finally {
      routeLock.unlock();
    }
  }

  @Override
  public void removeRoutes(String name) {
    routeLock.lock();
    try {
      routes.remove(name);
      setCloudFilters(name, Set.of());
    } finally {
      routeLock.unlock();
    }
  }

  private void setCloudFilters(String name, Set<String> filters) {
    Map<String, AutoCloseable> open =
        cloudSubscriptions.computeIfAbsent(name, n -> new HashMap<>());
    for (String gone : new HashSet<>(open.keySet())) {
      if (!filters.contains(gone)) {
        AutoCloseable subscription = open.remove(gone);
        if (subscription != null) {
          closeCloud(gone, subscription);
        }
      }
    }
    for (String filter : filters) {
      if (!open.containsKey(filter)) {
        try {
          open.put(
              filter,
              cloud.subscribe(
                  filter,
                  1,
                  c ->
                      fromCloud(
                          name,
                          filter,
                          new Message(
                              Participant.CLOUD,
                              Message.Space.ROUTED,
                              c.topic(),
                              c.payload(),
                              c.qos()))));
        } catch (RuntimeException e) {
          LOG.warn("Cannot subscribe to {} in the cloud for {}: {}", filter, name, e.getMessage());
        }
      }
    }
  }

  private void fromCloud(String name, String filter, Message m) {
    RouteSource r = routes.get(name);
    if (r == null) {
      return;
    }
    Set<Participant> targets = new LinkedHashSet<>();
    r.targetsOfCloud(filter, m, p -> targets.add(byOtherName.getOrDefault(p, p)));
    deliver(m, targets);
  }

  private static void closeCloud(String filter, AutoCloseable subscription) {
    try {
      subscription.close();
    } catch (Exception e) {
      LOG.warn("The cloud subscription to {} did not end properly: {}", filter, e.getMessage());
    }
  }

  @Override
  public void attach(Participant p, Receiver r, int capacity) {
    Target next = capacity == 0 ? new Direct(r) : new Queued(new Mailbox(p.id(), r, capacity));
    end(attached.put(p, next));
  }

  @Override
  public void detach(Participant p) {
    end(attached.remove(p));
    Participant name = otherNames.remove(p);
    if (name != null) {
      byOtherName.remove(name, p); // unless somebody else has it by now
    }
  }

  @Override
  public void alsoCalled(Participant p, Participant name) {
    otherNames.put(p, name);
    byOtherName.put(name, p);
  }

  private static void end(@Nullable Target target) {
    if (target instanceof Queued q) {
      q.mailbox().close();
    }
  }

  @Override
  public Subscription subscribe(Participant who, String filter, boolean ownMessages, Receiver r) {
    Mailbox mailbox = new Mailbox(who.id(), r, SUBSCRIPTION_CAPACITY);
    return add(filter, new Local(who, ownMessages, mailbox::offer, mailbox::close));
  }

  @Override
  public Subscription subscribeUnqueued(
      Participant who, String filter, boolean ownMessages, Predicate<Message> taken) {
    return add(filter, new Local(who, ownMessages, taken, () -> {}));
  }

  private Subscription add(String filter, Local local) {
    locals.add(filter, local);
    openLocals.add(local);
    AtomicBoolean open = new AtomicBoolean(true);
    return () -> {
      if (open.compareAndSet(true, false)) {
        locals.remove(filter, local);
        openLocals.remove(local);
        local.end.run();
      }
    };
  }

  @Override
  public BusMetrics metrics() {
    return new BusMetrics(
        published.sum(), delivered.sum(), dropped.sum(), unrouted.sum(), failed.sum());
  }

  /** Ends all deliveries and cloud subscriptions. */
  @Override
  public void close() {
    for (String name : Set.copyOf(routes.keySet())) {
      removeRoutes(name);
    }
    for (Participant p : Set.copyOf(attached.keySet())) {
      detach(p);
    }
    openLocals.forEach(l -> l.end.run());
  }
}
