package io.ryegrass.crashtests;

import io.ryegrass.crashtests.Driver.Wish;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The clients of one world. Publishers of every kind (persistent with one QoS, with mixed ones,
 * with a clean session, of retained messages) and subscribers of every habit.
 */
final class Population {
  static final String RETAINED_FILTER = "ret/#";
  private static final List<String> TOPICS = List.of("t/a/0", "t/a/1", "t/b/0", "t/b/1");

  private final List<RecordingClient> clients = new ArrayList<>();
  private final List<Driver> drivers = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private final Settings settings;
  private final Broker broker;
  private final Control control;
  private final History history;
  private final SplittableRandom random;

  Population(
      Settings settings, Broker broker, Control control, History history, SplittableRandom random) {
    this.settings = settings;
    this.broker = broker;
    this.control = control;
    this.history = history;
    this.random = random;
    publishers();
    subscribers();
  }

  private void publishers() {
    int top = settings.maxQos();
    publisher("pub-one", false, 8, TOPICS, Math.min(1, top), Math.min(1, top), false);
    publisher("pub-top", false, 4, TOPICS, top, top, false);
    publisher("pub-mixed", false, 16, TOPICS, 0, top, false);
    publisher("pub-clean", true, 8, TOPICS, 0, top, false);
    publisher("pub-retained", false, 8, retainedTopics(), 0, top, true);
  }

  private List<String> retainedTopics() {
    List<String> topics = new ArrayList<>();
    for (int i = 0; i < 3 * (settings.maxQos() + 1); i++) {
      topics.add("ret/" + i % (settings.maxQos() + 1) + "/" + i);
    }
    return topics;
  }

  private void publisher(
      String id,
      boolean clean,
      int window,
      List<String> topics,
      int lowest,
      int highest,
      boolean retained) {
    RecordingClient c = client(id, pickVersion(), clean, window, 0, 0);
    drivers.add(
        new Driver.Publisher(c, clean, topics, lowest, highest, retained, control, random.split()));
  }

  private void subscribers() {
    int top = settings.maxQos();
    List<Wish> all = List.of(new Wish("t/#", top));
    subscriber("steady", false, all, false, false, 0, 0);
    subscriber("away", false, all, false, true, 0, 0);
    subscriber("roaming", false, all, true, false, 0, 0);
    subscriber("late", false, List.of(new Wish("t/+/0", top)), false, false, 0.2, 0);
    subscriber("broken", false, List.of(new Wish("t/a/#", top)), false, false, 0, 0.02);
    subscriber("clean", true, all, true, false, 0, 0);
    subscriber("retained", false, List.of(new Wish(RETAINED_FILTER, top)), false, false, 0, 0);
    subscriber(
        "overlapping",
        false,
        List.of(new Wish("t/+/0", Math.min(1, top)), new Wish("t/a/#", top), new Wish("+/b/0", 0)),
        false,
        false,
        0.02,
        0.005);
    RecordingClient churning = client("churning", pickVersion(), false, 8, 0, 0);
    drivers.add(
        new Driver.Churner(
            churning,
            List.of(new Wish("t/a/1", top), new Wish("+/b/1", Math.min(1, top))),
            new Wish("t/b/0", top),
            control,
            random.split()));
    Version version = pickVersion();
    if (broker.sharesFor(version)) {
      List<Wish> shared = List.of(new Wish("$share/group/t/#", top));
      sharing("shared-steady", version, shared, false);
      sharing("shared-roaming", version, shared, true);
    }
  }

  private void subscriber(
      String id,
      boolean clean,
      List<Wish> wishes,
      boolean roams,
      boolean away,
      double late,
      double breaks) {
    RecordingClient c = client(id, pickVersion(), clean, 8, late, breaks);
    drivers.add(new Driver.Subscriber(c, clean, wishes, roams, away, control, random.split()));
  }

  private void sharing(String id, Version version, List<Wish> wishes, boolean roams) {
    RecordingClient c = client(id, version, false, 8, 0, 0);
    drivers.add(new Driver.Subscriber(c, false, wishes, roams, false, control, random.split()));
  }

  private Version pickVersion() {
    return settings.versions().get(random.nextInt(settings.versions().size()));
  }

  private RecordingClient client(
      String id, Version version, boolean clean, int window, double late, double breaks) {
    Manners manners = new Manners(random.split(), late, breaks);
    int receiveMaximum = 3 + random.nextInt(18);
    RecordingClient created =
        new RecordingClient(id, version, clean, receiveMaximum, window, history, manners);
    clients.add(created);
    return created;
  }

  void start() {
    drivers.forEach(d -> threads.add(Thread.ofVirtual().name(d.client.id()).start(d)));
  }

  /** After the control says stop; returns when all have gone. */
  void join() throws InterruptedException {
    for (Thread t : threads) {
      t.join(10_000);
    }
  }

  List<RecordingClient> clients() {
    return clients;
  }

  /** Who is not connected or has something under way. */
  List<String> restless() {
    return clients.stream()
        .filter(c -> !c.isConnected() || !c.isIdle())
        .map(c -> c.id() + (c.isConnected() ? " has handshakes under way" : " is not connected"))
        .toList();
  }
}
