package io.ryegrass.crashtests.core;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The moment of one kill, found by looking at the core's folder from outside.
 *
 * @param state for {@link Moment#STATE}: the deployment's state
 * @param amount milliseconds, or a number of new files
 * @param extraMicros on top, so that it can fall between any two instructions
 */
record CoreKill(Moment moment, String state, int amount, int extraMicros) {
  enum Moment {
    /** Some milliseconds from now. */
    TIME,
    /** The record of the newest deployment names a state. */
    STATE,
    /** A file or folder has just appeared in the store, among generations or deployments. */
    NEW_FILE
  }

  private static final List<String> STATES =
      List.of(
          "RECEIVED",
          "RESOLVED",
          "DOWNLOADED",
          "VALIDATED",
          "AGREED",
          "STAGED",
          "APPLIED",
          "APPLIED",
          "HEALTHY",
          "ROLLING_BACK",
          "ROLLING_BACK",
          "SUCCEEDED",
          "FAILED");
  private static final Set<String> FINAL = Set.of("SUCCEEDED", "FAILED", "REJECTED", "CANCELED");
  private static final Pattern STATE_OF = Pattern.compile("\"state\"\\s*:\\s*\"([A-Z_]+)\"");
  private static final long LONGEST_MILLIS = 15_000;

  static CoreKill duringDeployment(SplittableRandom random) {
    int dice = random.nextInt(100);
    int extra = random.nextInt(3_000);
    if (dice < 25) {
      return new CoreKill(Moment.TIME, "", random.nextInt(1_500), extra);
    }
    if (dice < 50) {
      return new CoreKill(Moment.NEW_FILE, "", 1 + random.nextInt(16), random.nextInt(500));
    }
    return new CoreKill(
        Moment.STATE, STATES.get(random.nextInt(STATES.size())), 0, random.nextInt(2) * extra);
  }

  static CoreKill duringStart(SplittableRandom random, int typicalMillis) {
    return new CoreKill(
        Moment.TIME, "", random.nextInt(Math.max(1, typicalMillis)), random.nextInt(1_000));
  }

  static CoreKill soon(SplittableRandom random, int withinMillis) {
    return new CoreKill(Moment.TIME, "", random.nextInt(withinMillis), random.nextInt(1_000));
  }

  /** Returns when it is time, or when the deployment has ended before. */
  void await(Path root) throws InterruptedException, IOException {
    switch (moment) {
      case TIME -> TimeUnit.MILLISECONDS.sleep(amount);
      case STATE -> awaitState(root);
      case NEW_FILE -> awaitNewFile(root);
    }
    LockSupport.parkNanos(extraMicros * 1_000L);
  }

  private void awaitState(Path root) throws InterruptedException, IOException {
    long deadline = deadline();
    while (System.nanoTime() < deadline) {
      String now = newestState(root);
      if (now.equals(state) || FINAL.contains(now)) {
        return;
      }
      pause();
    }
  }

  private void awaitNewFile(Path root) throws InterruptedException, IOException {
    Set<Path> known = files(root);
    long deadline = deadline();
    for (int seen = 0; seen < amount && System.nanoTime() < deadline; ) {
      Set<Path> now = files(root);
      if (!known.containsAll(now)) {
        seen++;
      }
      known = now;
      if (FINAL.contains(newestState(root))) {
        return;
      }
      pause();
    }
  }

  private static long deadline() {
    return System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LONGEST_MILLIS);
  }

  private static void pause() throws InterruptedException {
    LockSupport.parkNanos(300_000);
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
  }

  /** State of the deployment that was asked for last; empty when there is none. */
  static String newestState(Path root) throws IOException {
    Path folder = root.resolve("deployments");
    if (!Files.isDirectory(folder)) {
      return "";
    }
    try (Stream<Path> files = Files.list(folder)) {
      Path newest =
          files
              .filter(p -> String.valueOf(p.getFileName()).matches("\\d{10}\\.json"))
              .max(Path::compareTo)
              .orElse(null);
      if (newest == null) {
        return "";
      }
      Matcher m = STATE_OF.matcher(Files.readString(newest));
      return m.find() ? m.group(1) : "";
    } catch (java.nio.file.NoSuchFileException | java.io.UncheckedIOException e) {
      return "";
    }
  }

  private static Set<Path> files(Path root) throws IOException {
    Set<Path> found = new HashSet<>();
    for (String top : List.of("packages", "generations", "deployments")) {
      if (!Files.isDirectory(root.resolve(top))) {
        continue;
      }
      Files.walkFileTree(
          root.resolve(top),
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path p, BasicFileAttributes a) {
              found.add(p);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path p, BasicFileAttributes a) {
              found.add(p);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path p, IOException e) {
              return FileVisitResult.CONTINUE; // it went while we looked
            }

            @Override
            public FileVisitResult postVisitDirectory(
                Path p, @org.jspecify.annotations.Nullable IOException e) {
              return FileVisitResult.CONTINUE;
            }
          });
    }
    return found;
  }

  @Override
  public String toString() {
    return switch (moment) {
      case TIME -> "after " + amount + " ms";
      case STATE -> "at " + state + " and " + extraMicros + " us";
      case NEW_FILE -> "at new file " + amount;
    };
  }
}
