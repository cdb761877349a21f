package io.ryegrass.crashtests;

import io.ryegrass.crashtests.Control.Phase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One data folder, one population, a number of kills. Used once. */
final class World {
  private static final Duration START_DEADLINE = Duration.ofSeconds(90);
  private static final long DRAIN_NANOS = TimeUnit.SECONDS.toNanos(60);
  private static final long QUIET_NANOS = TimeUnit.MILLISECONDS.toNanos(30);
  private static final long LATECOMERS_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** How a world ended; the history is there to tell the story of the violations. */
  record Outcome(
      int rounds,
      long published,
      long delivered,
      List<Violation> violations,
      List<History.Entry> history) {}

  private static final int CALM_PINGS = 8;

  private final Settings settings;
  private final Broker broker;
  private final Path folder;
  private final Path data;
  private final SplittableRandom random;
  private final History history = new History(System::nanoTime);
  private final Control control = new Control();
  private final Population population;
  private @Nullable BrokerProcess process;
  private int typicalStartMillis = 200;
  private int undrained;
  private int probes;

  World(Settings settings, int number, Broker broker, Path folder) throws IOException {
    this.settings = settings;
    this.broker = broker;
    this.folder = folder;
    this.data = Files.createDirectories(folder.resolve("data"));
    this.random = new SplittableRandom(settings.seed() * 1_000_003 + number);
    this.population = new Population(settings, broker, control, history, random.split());
  }

  Outcome run(int rounds) throws IOException, InterruptedException {
    int round = 0;
    List<Violation> found = List.of();
    try {
      population.start();
      while (round < rounds && found.isEmpty()) {
        round++;
        found = round(round);
      }
      if (found.isEmpty()) {
        found = start(round) ? drain(round) : stuck("the broker did not come up on its folder");
      }
    } finally {
      control.phase(Phase.STOP);
      population.join();
      if (process != null) {
        process.kill();
      }
    }
    List<History.Entry> entries = history.entries();
    return new Outcome(
        round,
        entries.stream().filter(e -> e.event() instanceof Event.Sent s && !s.dup()).count(),
        entries.stream().filter(e -> e.event() instanceof Event.Delivered).count(),
        found,
        entries);
  }

  private List<Violation> round(int round) throws IOException, InterruptedException {
    KillPlan plan = KillPlan.draw(random, typicalStartMillis, settings.messagesPerRound() * 8);
    if (plan.moment() == KillPlan.Moment.STARTING) {
      history.add(new Event.BrokerStarting(round));
      process = broker.start(data, folder.resolve("broker.log"));
      plan.await(history, data);
      kill(plan);
      undrained++;
      return List.of();
    }
    if (!start(round)) {
      return stuck("the broker did not come up on its folder");
    }
    if (undrained >= settings.drainEvery()) {
      List<Violation> found = drain(round);
      if (!found.isEmpty()) {
        return found;
      }
    }
    undrained++;
    control.allow(settings.messagesPerRound());
    Thread probe = Thread.ofVirtual().name("probe").start(() -> readRetained(false));
    plan.await(history, data);
    kill(plan);
    probe.join();
    return List.of();
  }

  private boolean start(int round) throws IOException, InterruptedException {
    history.add(new Event.BrokerStarting(round));
    long begin = System.nanoTime();
    BrokerProcess started = broker.start(data, folder.resolve("broker.log"));
    process = started;
    try {
      int port = started.awaitReady(START_DEADLINE);
      typicalStartMillis = (int) TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
      history.add(new Event.BrokerReady(port));
      control.port(port);
      return true;
    } catch (IOException e) {
      control.refused(String.valueOf(e.getMessage()));
      return false;
    }
  }

  private void kill(KillPlan plan) throws InterruptedException {
    BrokerProcess victim = process;
    if (victim == null) {
      return;
    }
    if (settings.orderly()) {
      victim.terminate();
    } else {
      victim.kill();
    }
    // Noted when it is dead for certain: what is delivered later comes from the next one.
    control.port(0);
    history.add(new Event.BrokerKilled(plan.toString()));
    process = null;
  }

  // ---- drain

  private List<Violation> drain(int round) throws InterruptedException {
    control.phase(Phase.DRAIN);
    long deadline = System.nanoTime() + DRAIN_NANOS;
    boolean quiet = awaitQuiet(deadline) && readRetained(true);
    history.add(new Event.Drained(round));
    List<Violation> found = Checker.check(history.entries(), broker.oneCopy());
    long lastChance = System.nanoTime() + LATECOMERS_NANOS;
    while (quiet
        && found.stream().anyMatch(v -> v.kind() == Violation.Kind.LOST)
        && System.nanoTime() < lastChance) {
      TimeUnit.MILLISECONDS.sleep(100);
      found = Checker.check(history.entries(), broker.oneCopy());
    }
    if (!quiet && found.isEmpty()) {
      return stuck("the clients did not come to rest: " + population.restless());
    }
    undrained = 0;
    control.allow(0);
    control.phase(Phase.LOAD);
    return found;
  }

  /**
   * Everybody connected, no handshake under way, nothing new for a while, and all pings answered.
   */
  private boolean awaitQuiet(long deadline) throws InterruptedException {
    long last = -1;
    long since = System.nanoTime();
    while (System.nanoTime() < deadline) {
      long now = history.last();
      if (now != last || !population.restless().isEmpty()) {
        last = now;
        since = System.nanoTime();
      } else if (System.nanoTime() - since > QUIET_NANOS) {
        if (population.clients().stream().allMatch(RecordingClient::ping)
            && history.last() == last) {
          return true;
        }
        since = System.nanoTime();
      }
      TimeUnit.MILLISECONDS.sleep(3);
    }
    return false;
  }

  /**
   * A fresh client asks for all retained messages. Not recorded when the broker died meanwhile.
   *
   * @param complete wait until no more come, so that what is missing can be judged as well
   * @return whether it was recorded
   */
  private boolean readRetained(boolean complete) {
    String id = "probe-" + ++probes;
    Manners prompt = new Manners(new SplittableRandom(probes), 0, 0);
    RecordingClient probe =
        new RecordingClient(id, settings.versions().getFirst(), true, 50, 1, history, prompt);
    try {
      probe.connect(control.port());
      long asked = history.last();
      if (!probe.subscribe(Population.RETAINED_FILTER, Math.min(1, settings.maxQos()))) {
        return false;
      }
      Map<String, Message> found = new HashMap<>();
      for (int calm = 0; calm < (complete ? CALM_PINGS : 1); calm++) {
        RecordingClient.pause(5);
        if (!probe.ping()) {
          return false;
        }
        Map<String, Message> now = retainedFor(id, asked);
        calm = now.equals(found) ? calm : 0;
        found = now;
      }
      history.add(new Event.RetainedRead(asked, complete, found));
      return true;
    } catch (IOException e) {
      return false;
    } finally {
      probe.disconnect(false, "has seen it");
    }
  }

  private Map<String, Message> retainedFor(String client, long asked) {
    Map<String, Message> found = new HashMap<>();
    for (History.Entry e : history.entriesAfter(asked)) {
      if (e.event() instanceof Event.Delivered d && d.client().equals(client) && d.retained()) {
        found.put(d.message().topic(), d.message());
      }
    }
    return found;
  }

  private List<Violation> stuck(String what) {
    String refusal = control.refusal();
    return List.of(
        new Violation(
            Violation.Kind.STUCK,
            null,
            null,
            history.last(),
            refusal == null ? what : what + "; last heard: " + refusal));
  }
}
