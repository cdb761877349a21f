package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.CloudMessage;
import io.ryegrass.nucleus.CloudMessaging;
import io.ryegrass.nucleus.CloudMessagingException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * What components, functions and devices publish to and subscribe in the cloud. QoS 1 goes through
 * the spool, always, so it keeps its order; QoS 0 goes straight to the connection, and without one
 * is refused or, if configured, spooled. Connections are added as subscriptions grow: {@code
 * <thing>#2}, {@code #3} …; the first one sends.
 */
final class CloudMessagingLink implements CloudMessaging, AutoCloseable {
  private static final int FIRST_NUMBER = 2;
  private static final int MOST_CONNECTIONS = 9;

  /** QoS 0 messages handed to the connection and not written yet. */
  private static final int QOS0_ROOM = 1000;

  private record Place(UserConnection connection, UserConnection.Wanted wanted) {}

  private final LinkSettings settings;
  private final Duration hold;
  private final MqttNetwork network;
  private final Spool spool;
  private final SpoolSender sender;
  private final ReentrantLock lock = new ReentrantLock();
  private final List<UserConnection> connections =
      new CopyOnWriteArrayList<>(); // changed under lock
  private final Map<String, Place> places = new HashMap<>(); // lock
  private boolean started; // lock
  private final Semaphore qos0Room = new Semaphore(QOS0_ROOM);
  private final LongAdder qos0Refused = new LongAdder();
  private final LongAdder unwanted = new LongAdder();

  /**
   * @param hold how long messages wait for subscribers of the earlier run
   */
  CloudMessagingLink(LinkSettings settings, MqttNetwork network, Duration hold) {
    this.hold = hold;
    this.settings = settings;
    this.network = network;
    this.spool = Spool.open(settings.spoolFolder(), settings.spoolMaxBytes());
    UserConnection first =
        new UserConnection(
            settings,
            network,
            FIRST_NUMBER,
            hold,
            unwanted,
            this::wakeSender,
            this::tellSenderLost);
    connections.add(first);
    int last = FIRST_NUMBER;
    for (int number = FIRST_NUMBER + 1; number < FIRST_NUMBER + MOST_CONNECTIONS; number++) {
      last = UserConnection.wasInUse(settings, number) ? number : last;
    }
    while (FIRST_NUMBER + connections.size() <= last) {
      connections.add(another()); // messages may wait in its session
    }
    this.sender = new SpoolSender(spool, first.mqtt(), settings);
  }

  private void wakeSender() {
    sender.wake();
  }

  private void tellSenderLost(boolean byServer) {
    sender.lost(byServer);
  }

  void start() {
    lock.lock();
    try {
      started = true;
      connections.forEach(UserConnection::start);
    } finally {
      lock.unlock();
    }
    sender.start();
  }

  @Override
  public void publish(String topic, byte[] payload, int qos) {
    publish(new CloudMessage(topic, payload, qos));
  }

  @Override
  public void publish(CloudMessage message) {
    CloudTopics.checkPublish(message, settings.mqtt());
    if (message.qos() == 0 && publishNow(message)) {
      return;
    }
    spool.append(new SpoolMessage(message, settings.clock().millis()));
    sender.wake();
  }

  private boolean publishNow(CloudMessage message) {
    MqttConnection connection = connections.getFirst().mqtt();
    if (connection.connected() && spool.others() == 0 && qos0Room.tryAcquire()) {
      var unused =
          connection
              .publish(CloudMessages.of(message, 0))
              .whenComplete((ok, failure) -> qos0Room.release());
      return true;
    }
    if (settings.keepQos0WhenOffline()) {
      return false;
    }
    qos0Refused.increment();
    throw new CloudMessagingException(
        "NO_CONNECTION",
        "The message of QoS 0 for topic '"
            + message.topic()
            + "' was not sent: the cloud cannot be reached or is too slow at the moment. Use QoS 1, or set"
            + " mqtt.spooler.keepQos0WhenOffline, for messages that must wait.");
  }

  @Override
  public AutoCloseable subscribe(String filter, int qos, Consumer<CloudMessage> c) {
    CloudTopics.checkSubscribe(filter, qos);
    Place place;
    lock.lock();
    try {
      place = places.get(filter);
      if (place == null) {
        UserConnection.Wanted wanted = new UserConnection.Wanted(filter, qos);
        place = new Place(placeFor(filter), wanted);
        places.put(filter, place);
      }
      place.wanted().consumers.add(c);
      place.wanted().qos = Math.max(place.wanted().qos, qos);
      place.connection().want(place.wanted());
    } finally {
      lock.unlock();
    }
    Place taken = place;
    AtomicBoolean ended = new AtomicBoolean();
    return () -> {
      if (ended.compareAndSet(false, true)) {
        leave(taken, c);
      }
    };
  }

  private void leave(Place place, Consumer<CloudMessage> c) {
    lock.lock();
    try {
      place.wanted().consumers.remove(c);
      if (place.wanted().consumers.isEmpty() && places.remove(place.wanted().filter, place)) {
        place.connection().unwant(place.wanted());
      }
    } finally {
      lock.unlock();
    }
  }

  private UserConnection placeFor(String filter) {
    for (UserConnection u : connections) {
      if (u.remembers(filter) && u.size() < UserConnection.MOST_FILTERS) {
        return u;
      }
    }
    for (UserConnection u : connections) {
      if (u.size() < UserConnection.MOST_FILTERS) {
        return u;
      }
    }
    if (connections.size() >= MOST_CONNECTIONS) {
      throw new CloudMessagingException(
          "TOO_MANY_SUBSCRIPTIONS",
          "This core holds "
              + MOST_CONNECTIONS * UserConnection.MOST_FILTERS
              + " subscriptions in the cloud already; use wildcards.");
    }
    UserConnection next = another();
    connections.add(next);
    if (started) {
      next.start();
    }
    return next;
  }

  private UserConnection another() {
    return new UserConnection(
        settings,
        network,
        FIRST_NUMBER + connections.size(),
        hold,
        unwanted,
        () -> {},
        byServer -> {});
  }

  @Override
  public boolean connected() {
    return connections.getFirst().mqtt().connected();
  }

  /** The cloud can be reached again: no connection needs to wait for its back-off. */
  void nudge() {
    connections.forEach(u -> u.mqtt().nudge());
  }

  Spool spool() {
    return spool;
  }

  SpoolSender sender() {
    return sender;
  }

  long qos0Refused() {
    return qos0Refused.sum();
  }

  long unwanted() {
    return unwanted.sum();
  }

  long attempts() {
    return connections.stream().mapToLong(u -> u.mqtt().attempts()).sum();
  }

  @Override
  public void close() {
    boolean running;
    lock.lock();
    try {
      running = started;
    } finally {
      lock.unlock();
    }
    if (running) {
      sender.close();
    }
    new ArrayList<>(connections).forEach(UserConnection::close);
    spool.close();
  }
}
