package io.ryegrass.crashtests;

import io.ryegrass.crashtests.Control.Phase;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/** What one client does all day. Runs on a virtual thread until the world stops. */
abstract class Driver implements Runnable {
  /** A filter and the QoS that is asked for. */
  record Wish(String filter, int qos) {}

  final RecordingClient client;
  final Control control;
  final SplittableRandom random;
  private final List<Wish> wishes;
  private final boolean clean;
  private final Set<Wish> granted = new HashSet<>();

  Driver(
      RecordingClient client,
      boolean clean,
      List<Wish> wishes,
      Control control,
      SplittableRandom random) {
    this.client = client;
    this.clean = clean;
    this.wishes = wishes;
    this.control = control;
    this.random = random;
  }

  /** One step under load, connected and subscribed. */
  abstract void step();

  @Override
  public final void run() {
    while (control.phase() != Phase.STOP) {
      boolean drain = control.phase() == Phase.DRAIN;
      client.manners().prompt(drain);
      if (!drain && staysAway() && granted.containsAll(wishes)) {
        client.disconnect(true, "stays away");
        RecordingClient.pause(1);
      } else if (ready()) {
        if (drain) {
          RecordingClient.pause(1);
        } else {
          step();
        }
      }
    }
    client.disconnect(false, "the world ends");
  }

  /** Away under load, as soon as it has its subscriptions. */
  boolean staysAway() {
    return false;
  }

  private boolean ready() {
    return (client.isConnected() || connect()) && subscribeAll();
  }

  final boolean connect() {
    int port = control.port();
    if (port == 0) {
      RecordingClient.pause(1);
      return false;
    }
    try {
      client.connect(port);
      if (clean) {
        granted.clear();
      }
      return true;
    } catch (IOException e) {
      if (port == control.port()) {
        control.refused(client.id() + ": " + e.getMessage());
      }
      RecordingClient.pause(2);
      return false;
    }
  }

  private boolean subscribeAll() {
    for (Wish wish : wishes) {
      if (!granted.contains(wish)) {
        if (!client.subscribe(wish.filter, wish.qos)) {
          return false;
        }
        granted.add(wish);
      }
    }
    return true;
  }

  /** A disturbance of its own making: a take-over, a connection cut, an orderly goodbye. */
  final void disturb() {
    switch (random.nextInt(3)) {
      case 0 -> connect();
      case 1 -> client.disconnect(false, "cut");
      default -> client.disconnect(true, "goodbye");
    }
  }

  /** Publishes as fast as its window allows. */
  static final class Publisher extends Driver {
    private final List<String> topics;
    private final int lowestQos;
    private final int highestQos;
    private final boolean retained;
    private long number;

    Publisher(
        RecordingClient client,
        boolean clean,
        List<String> topics,
        int lowestQos,
        int highestQos,
        boolean retained,
        Control control,
        SplittableRandom random) {
      super(client, clean, List.of(), control, random);
      this.topics = topics;
      this.lowestQos = lowestQos;
      this.highestQos = highestQos;
      this.retained = retained;
    }

    @Override
    void step() {
      if (!control.mayPublish()) {
        RecordingClient.pause(1);
        return;
      }
      int pick = random.nextInt(topics.size());
      // One QoS per retained topic: only then is there a last one.
      int qos = retained ? pick % (highestQos + 1) : random.nextInt(lowestQos, highestQos + 1);
      boolean erasing = retained && random.nextInt(8) == 0;
      client.publish(new Message(client.id(), ++number, topics.get(pick), qos, retained, erasing));
      if (random.nextInt(150) == 0) {
        disturb();
      }
    }
  }

  /** Receives; comes and goes when it roams. */
  static final class Subscriber extends Driver {
    private final boolean roams;
    private final boolean away;

    Subscriber(
        RecordingClient client,
        boolean clean,
        List<Wish> wishes,
        boolean roams,
        boolean away,
        Control control,
        SplittableRandom random) {
      super(client, clean, wishes, control, random);
      this.roams = roams;
      this.away = away;
    }

    @Override
    boolean staysAway() {
      return away;
    }

    @Override
    void step() {
      RecordingClient.pause(1 + random.nextInt(roams ? 15 : 3));
      if (roams && control.phase() == Phase.LOAD) {
        disturb();
        RecordingClient.pause(random.nextInt(10));
      }
    }
  }

  /** Holds some filters and takes up and gives up another one all the time. */
  static final class Churner extends Driver {
    private final List<Wish> held;
    private final Wish fickle;

    Churner(
        RecordingClient client,
        List<Wish> held,
        Wish fickle,
        Control control,
        SplittableRandom random) {
      super(client, false, held, control, random);
      this.held = held;
      this.fickle = fickle;
    }

    @Override
    void step() {
      RecordingClient.pause(random.nextInt(4));
      switch (random.nextInt(3)) {
        case 0 -> client.subscribe(fickle.filter(), fickle.qos());
        case 1 -> client.unsubscribe(fickle.filter());
        default -> {
          // Asking again replaces a subscription and must not lose what comes meanwhile.
          Wish again = held.get(random.nextInt(held.size()));
          client.subscribe(again.filter(), again.qos());
        }
      }
    }
  }
}
