package io.ryegrass.crashtests.core;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.logging.LogManager;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The command {@code crash core}: worlds one after the other until the kills are done. */
public final class CoreCrash {
  private static final String USAGE =
      """
      usage: ryegrass crash core [--rounds N] [--seed S] [options]

      Kills a core with SIGKILL N times: at the states of its deployments, while it starts, while
      files appear in its store, while it is asked, while its components change their configuration.
      After each restart the deployment must end, rolled back or applied as a whole; nothing that
      was answered may be lost.

        --rounds N        kills in all (default 50)
        --seed S          repeats deployments and kill plans of a run (default: from the clock)
        --world W         only this world of the run
        --world-rounds N  kills per world and root folder (default 10)
        --seconds N       ends after the kill at which so many seconds have passed
        --dir DIR         where the root folders go (default: a temporary folder)
        --keep-going      do not stop at the first broken promise
        --sabotage HOW    harm the folder at each kill, to see that it is found; 'x' lists how

      Exit code 0: all kept; 1: a promise was broken, its story is printed and the folder kept;
      2: wrong arguments.
      """;

  private int rounds = 50;
  private long seed = System.currentTimeMillis() % 1_000_000;
  private int onlyWorld;
  private int worldRounds = 10;
  private int seconds = Integer.MAX_VALUE;
  private boolean keepGoing;
  private @Nullable Path dir;
  private @Nullable Sabotage sabotage;

  private final List<String> command;
  private final PrintStream out;

  private CoreCrash(List<String> command, PrintStream out) {
    this.command = command;
    this.out = out;
  }

  /**
   * @param own the options after {@code core}
   * @param command starts a core, up to {@code --root}
   * @return the exit code
   */
  public static int run(List<String> own, List<String> command, PrintStream out, PrintStream err)
      throws IOException, InterruptedException {
    if (own.contains("--help") || own.contains("-h")) {
      out.print(USAGE);
      return 0;
    }
    LogManager.getLogManager().reset(); // the client tells of every connection
    CoreCrash crash = new CoreCrash(command, out);
    try {
      crash.read(own.iterator());
      if (command.isEmpty()) {
        throw new IllegalArgumentException("the command line of the core is missing after --");
      }
    } catch (IllegalArgumentException e) {
      err.println("ryegrass crash: " + e.getMessage());
      err.print(USAGE);
      return 2;
    }
    return crash.run();
  }

  private void read(Iterator<String> words) {
    while (words.hasNext()) {
      String option = words.next();
      switch (option) {
        case "--rounds" -> rounds = number(option, words, 1);
        case "--seed" -> seed = number(option, words, 0);
        case "--world" -> onlyWorld = number(option, words, 1);
        case "--world-rounds" -> worldRounds = number(option, words, 1);
        case "--seconds" -> seconds = number(option, words, 1);
        case "--keep-going" -> keepGoing = true;
        case "--dir" -> dir = Path.of(value(option, words)).toAbsolutePath();
        case "--sabotage" -> sabotage = Sabotage.parse(value(option, words));
        default -> throw new IllegalArgumentException("there is no option " + option);
      }
    }
  }

  private static String value(String option, Iterator<String> words) {
    if (!words.hasNext()) {
      throw new IllegalArgumentException(option + " needs a value");
    }
    return words.next();
  }

  private static int number(String option, Iterator<String> words, int least) {
    String word = value(option, words);
    if (!word.matches("\\d{1,9}") || Integer.parseInt(word) < least) {
      throw new IllegalArgumentException(
          option + " needs a number of at least " + least + ", not '" + word + "'");
    }
    return Integer.parseInt(word);
  }

  private int run() throws IOException, InterruptedException {
    Path folder =
        dir == null ? Files.createTempDirectory("ryegrass-crash-") : Files.createDirectories(dir);
    out.printf("crash test of the core: %d kills, seed %d, folder %s%n", rounds, seed, folder);
    long begin = System.nanoTime();
    int kills = 0;
    int deployments = 0;
    int updates = 0;
    int violations = 0;
    for (int world = Math.max(1, onlyWorld); kills < rounds; world++) {
      Path own = folder.resolve("world-" + world);
      int count = onlyWorld > 0 ? worldRounds : Math.min(worldRounds, rounds - kills);
      CoreWorld.Outcome outcome = new CoreWorld(command, own, seed, world, sabotage).run(count);
      kills += outcome.kills();
      deployments += outcome.deployments();
      updates += outcome.updates();
      violations += outcome.found().size();
      double passed = (System.nanoTime() - begin) / 1e9;
      if (outcome.found().isEmpty()) {
        delete(own);
        out.printf(
            Locale.ROOT,
            "%d/%d kills, %d deployments, %d changes, %d violations, %.0f s%n",
            kills,
            rounds,
            deployments,
            updates,
            violations,
            passed);
      } else {
        tell(world, own, outcome);
      }
      if (onlyWorld > 0 || (violations > 0 && !keepGoing) || passed > seconds) {
        break;
      }
    }
    out.printf(
        Locale.ROOT,
        "crash test of the core %s: %d kills, %d deployments, %d changes, %d violations, %.1f s%n",
        violations == 0 ? "passed" : "FAILED",
        kills,
        deployments,
        updates,
        violations,
        (System.nanoTime() - begin) / 1e9);
    if (violations == 0) {
      delete(folder);
    }
    return violations == 0 ? 0 : 1;
  }

  private void tell(int world, Path own, CoreWorld.Outcome outcome) throws IOException {
    Files.write(own.resolve("history.txt"), outcome.history());
    out.printf(
        "%n%d violations in world %d; again with: --seed %d --world %d --world-rounds %d; history.txt, core.log and root: %s%n",
        outcome.found().size(), world, seed, world, worldRounds, own);
    outcome.found().forEach(v -> out.println("  " + v));
    int from = Math.max(0, outcome.history().size() - 40);
    outcome.history().subList(from, outcome.history().size()).forEach(out::println);
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
