package io.ryegrass.crashtests;

import io.ryegrass.crashtests.core.CoreCrash;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/** The command: many worlds, some at a time, until the rounds are done or a promise is broken. */
public final class CrashMain {
  private static final String USAGE =
      """
      usage: ryegrass crash mqtt [--rounds N] [--seed S] [options]

      Kills the MQTT engine with SIGKILL N times at random moments under load, restarts it on its
      data folder, and checks what its clients saw: nothing acknowledged is lost, QoS 2 exactly
      once, order per topic, retained messages, sessions.

        --rounds N        kills in all (default 200)
        --seed S          repeats a run as far as timing allows (default: from the clock)
        --world W         only this world of the run
        --qos 0|1|2       highest QoS (default 2)
        --mqtt 3.1.1|5|both   what the clients speak (default both)
        --lanes N         worlds at the same time (default: 2, or 1 on one processor)
        --world-rounds N  rounds per world and data folder (default 20)
        --drain-every N   rounds between two checks (default 5)
        --messages N      at most per round (default 300)
        --compact-after N bytes of journal that make the engine compact (default 60000)
        --orderly         SIGTERM instead of SIGKILL
        --broker NAME     ryegrass, mosquitto, mosquitto-memory (default ryegrass)
        --dir DIR         where the data folders go (default: a temporary folder)
        --keep-going      do not stop at the first broken promise

      Exit code 0: all kept; 1: a promise was broken, its story is printed and the data folder kept;
      2: wrong arguments.
      """;

  private static final int LOG_EVERY = 20;
  private static final int STORIES = 3;

  private final CrashOptions options;
  private final PrintStream out;
  private final ReentrantLock reporting = new ReentrantLock();
  private final long begin = System.nanoTime();
  private int rounds;
  private long published;
  private long delivered;
  private int violations;

  private CrashMain(CrashOptions options, PrintStream out) {
    this.options = options;
    this.out = out;
  }

  public static void main(String[] args) throws IOException, InterruptedException {
    System.exit(run(args, System.out, System.err));
  }

  static int run(String[] args, PrintStream out, PrintStream err)
      throws IOException, InterruptedException {
    List<String> words = Arrays.asList(args);
    int end = words.indexOf("--");
    List<String> own = end < 0 ? words : words.subList(0, end);
    if (!own.isEmpty() && own.getFirst().equals("core")) {
      return CoreCrash.run(
          own.subList(1, own.size()),
          end < 0 ? List.of() : words.subList(end + 1, words.size()),
          out,
          err);
    }
    if (own.contains("--help") || own.contains("-h")) {
      out.print(USAGE);
      return 0;
    }
    CrashOptions options;
    try {
      options = CrashOptions.parse(own, end < 0 ? List.of() : words.subList(end + 1, words.size()));
    } catch (IllegalArgumentException e) {
      err.println("ryegrass crash: " + e.getMessage());
      err.print(USAGE);
      return 2;
    }
    return new CrashMain(options, out).run();
  }

  private int run() throws IOException, InterruptedException {
    Path folder =
        options.dir() == null
            ? Files.createTempDirectory("ryegrass-crash-")
            : Files.createDirectories(options.dir());
    out.printf(
        "crash test: %d rounds, seed %d, broker %s, %d at a time, folder %s%n",
        options.rounds(),
        options.settings().seed(),
        options.broker().name(),
        options.lanes(),
        folder);
    Broker broker = options.broker();
    if (broker instanceof Brokers.Ryegrass ours) {
      broker = ours.train(folder, options.settings().maxQos());
    }
    boolean clean = runLanes(broker, folder);
    out.printf(
        Locale.ROOT,
        "crash test %s: %d kills, %d messages published, %d delivered, %d violations, %.1f s%n",
        clean ? "passed" : "FAILED",
        rounds,
        published,
        delivered,
        violations,
        seconds());
    if (clean) {
      delete(folder);
    }
    return clean ? 0 : 1;
  }

  private boolean runLanes(Broker broker, Path folder) throws IOException, InterruptedException {
    AtomicInteger next = new AtomicInteger(options.firstWorld());
    List<Callable<Boolean>> lanes = new ArrayList<>();
    for (int i = 0; i < options.lanes(); i++) {
      lanes.add(() -> runLane(next, broker, folder));
    }
    try (ExecutorService threads = Executors.newFixedThreadPool(options.lanes())) {
      for (Future<Boolean> lane : threads.invokeAll(lanes)) {
        lane.get();
      }
    } catch (ExecutionException e) {
      throw new IOException("a world could not go on; its folder is in " + folder, e.getCause());
    }
    return violations == 0;
  }

  private boolean runLane(AtomicInteger next, Broker broker, Path folder)
      throws IOException, InterruptedException {
    while (true) {
      int number = next.getAndIncrement();
      int count = options.roundsOf(number);
      if (count == 0 || (!options.keepGoing() && failed())) {
        return true;
      }
      Path own = folder.resolve("world-" + number);
      report(number, own, new World(options.settings(), number, broker, own).run(count));
    }
  }

  private boolean failed() {
    reporting.lock();
    try {
      return violations > 0;
    } finally {
      reporting.unlock();
    }
  }

  private void report(int number, Path own, World.Outcome outcome) throws IOException {
    reporting.lock();
    try {
      int before = rounds;
      rounds += outcome.rounds();
      published += outcome.published();
      delivered += outcome.delivered();
      violations += outcome.violations().size();
      if (before / LOG_EVERY != rounds / LOG_EVERY || !outcome.violations().isEmpty()) {
        out.printf(
            Locale.ROOT,
            "%d/%d rounds, %d published, %d delivered, %d violations, %.2f rounds/s%n",
            rounds,
            options.rounds(),
            published,
            delivered,
            violations,
            rounds / seconds());
      }
      if (outcome.violations().isEmpty()) {
        delete(own);
        return;
      }
      out.printf(
          "%n%d violations in world %d; again with: --seed %d --world %d; data and broker.log: %s%n",
          outcome.violations().size(), number, options.settings().seed(), number, own);
      for (Violation v : outcome.violations().stream().limit(STORIES).toList()) {
        out.println(v.story(outcome.history()));
      }
      outcome.violations().stream()
          .skip(STORIES)
          .limit(20)
          .forEach(v -> out.println(v.kind() + ": " + v.what()));
      Files.write(
          own.resolve("history.txt"),
          outcome.history().stream().map(History.Entry::toString).toList());
    } finally {
      reporting.unlock();
    }
  }

  private double seconds() {
    return (System.nanoTime() - begin) / 1e9;
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
