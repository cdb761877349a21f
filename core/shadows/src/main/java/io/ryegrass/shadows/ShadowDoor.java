package io.ryegrass.shadows;

import io.ryegrass.model.Json;
import io.ryegrass.model.shadow.ShadowException;
import io.ryegrass.model.shadow.ShadowTopics;
import io.ryegrass.nucleus.Bus;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.Participant;
import io.ryegrass.nucleus.Subscription;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The shadow service on the bus: requests on {@code $aws/things/…/shadow/get|update|delete}, in
 * local pub/sub from whoever may publish there (SHM-07), and from V1's subscription table with the
 * target {@code GGShadowService}; its announcements in both.
 *
 * <p>Requests wait in lanes, those for one shadow in one lane and so in order. A full lane answers
 * {@code rejected} with 429.
 */
final class ShadowDoor implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ShadowDoor.class);
  private static final Participant COMPONENT = Participant.component(ShadowManager.NAME);
  private static final int LANES = 4;
  private static final int WAITING = 256;

  private record Request(ShadowKey key, String operation, byte[] payload) {}

  private final Bus bus;
  private final LocalShadows shadows;
  private final List<ArrayBlockingQueue<Request>> lanes = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private final List<Subscription> subscriptions = new ArrayList<>();
  private final LongAdder refused = new LongAdder();
  private volatile boolean closed;

  ShadowDoor(Bus bus, LocalShadows shadows) {
    this.bus = bus;
    this.shadows = shadows;
  }

  /** Announces to subscribers of local pub/sub and by V1's table. */
  static LocalShadows.Announcer announcer(Bus bus) {
    return (topic, payload) -> {
      bus.publish(new Message(Participant.SHADOW_SERVICE, Message.Space.ROUTED, topic, payload, 1));
      bus.publish(new Message(COMPONENT, Message.Space.PUBSUB, topic, payload, 1));
    };
  }

  void open() {
    for (int i = 0; i < LANES; i++) {
      ArrayBlockingQueue<Request> lane = new ArrayBlockingQueue<>(WAITING);
      lanes.add(lane);
      threads.add(Thread.ofVirtual().name("shadows-" + i).start(() -> run(lane)));
    }
    bus.attach(
        Participant.SHADOW_SERVICE,
        m -> {
          boolean _ = take(m);
        },
        0);
    for (String shadow : List.of("shadow", "shadow/name/+")) {
      for (String operation : List.of("get", "update", "delete")) {
        subscriptions.add(
            bus.subscribeUnqueued(
                COMPONENT, "$aws/things/+/" + shadow + "/" + operation, false, this::take));
      }
    }
  }

  private boolean take(Message m) {
    Optional<ShadowTopics> topic = ShadowTopics.parse(m.topic());
    if (topic.isEmpty()) {
      LOG.debug("Topic {} is no request for a shadow", m.topic());
      return false;
    }
    String operation = topic.get().operation();
    ShadowKey key;
    try {
      key = ShadowKey.of(topic.get().thing(), topic.get().shadowName());
    } catch (ShadowException e) {
      LOG.debug("A request on {} is refused: {}", m.topic(), e.getMessage());
      shadows.reject(m.topic(), e, Json.object());
      return true;
    }
    Request request = new Request(key, operation, m.payload());
    if (lanes.get(Math.floorMod(key.hashCode(), LANES)).offer(request)) {
      return true;
    }
    refused.increment();
    shadows.reject(m.topic(), new ShadowException(429, "Too Many Requests"), Json.object());
    return false;
  }

  private void run(ArrayBlockingQueue<Request> lane) {
    while (!closed) {
      Request request;
      try {
        request = lane.take();
      } catch (InterruptedException e) {
        continue; // closed, or nothing of ours
      }
      try {
        var unused = shadows.serve(request.key(), request.operation(), request.payload());
      } catch (ShadowException e) {
        // whoever asked has heard it on …/rejected
        LOG.debug("{} of {} is refused: {}", request.operation(), request.key(), e.getMessage());
      } catch (RuntimeException e) {
        LOG.error("{} of {} failed", request.operation(), request.key(), e);
      }
    }
  }

  /** Requests that found no room. */
  long refused() {
    return refused.sum();
  }

  /** Requests that still wait are not served any more; they were not answered. */
  @Override
  public void close() {
    bus.detach(Participant.SHADOW_SERVICE);
    subscriptions.forEach(Subscription::close);
    subscriptions.clear();
    closed = true;
    threads.forEach(Thread::interrupt);
    if (refused() > 0) {
      LOG.info("{} requests found no room since the start", refused());
    }
  }
}
