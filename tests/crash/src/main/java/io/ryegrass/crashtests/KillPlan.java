package io.ryegrass.crashtests;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * The moment of one kill. Mostly a number of events, not a time: so it falls into the load on a
 * slow machine as on a fast one, and a seed means the same on both.
 *
 * @param amount milliseconds of the start; milliseconds after it; or events
 * @param extraMicros on top, so that it can fall between any two instructions
 */
record KillPlan(Moment moment, int amount, int extraMicros) {
  enum Moment {
    /** Before the broker takes connections. */
    STARTING,
    /** While everybody reconnects. */
    RECONNECTING,
    /** A file or folder has just appeared in the data folder: a new segment, a compaction. */
    NEW_FILE,
    /** After a number of events. */
    LOAD
  }

  private static final long LONGEST_LOAD_MILLIS = 300;

  static KillPlan draw(SplittableRandom random, int typicalStartMillis, int mostEvents) {
    int dice = random.nextInt(100);
    int extra = random.nextInt(1_500);
    if (dice < 10) {
      return new KillPlan(Moment.STARTING, random.nextInt(Math.max(1, typicalStartMillis)), extra);
    }
    if (dice < 20) {
      return new KillPlan(Moment.RECONNECTING, random.nextInt(20), extra);
    }
    if (dice < 35) {
      return new KillPlan(Moment.NEW_FILE, 1 + random.nextInt(2), extra);
    }
    return new KillPlan(Moment.LOAD, 20 + random.nextInt(mostEvents), extra);
  }

  /** Returns when it is time. */
  void await(History history, Path data) throws InterruptedException, IOException {
    switch (moment) {
      case STARTING, RECONNECTING -> TimeUnit.MILLISECONDS.sleep(amount);
      case LOAD -> {
        try {
          history.after(amount).get(LONGEST_LOAD_MILLIS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
          return; // the load came to rest before; then it is as good as any moment
        } catch (ExecutionException e) {
          throw new IllegalStateException(e);
        }
      }
      case NEW_FILE -> awaitNewFile(data);
    }
    LockSupport.parkNanos(extraMicros * 1_000L);
  }

  private void awaitNewFile(Path data) throws IOException, InterruptedException {
    Set<Path> known = list(data);
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LONGEST_LOAD_MILLIS);
    for (int seen = 0; seen < amount && System.nanoTime() < deadline; ) {
      Set<Path> now = list(data);
      if (!known.containsAll(now)) {
        seen++;
      }
      known = now;
      LockSupport.parkNanos(300_000);
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
    }
  }

  private static Set<Path> list(Path data) throws IOException {
    Set<Path> found = new HashSet<>();
    try (Stream<Path> files = Files.list(data)) {
      for (Path file : files.toList()) {
        found.add(file);
        if (Files.isDirectory(file)) {
          try (Stream<Path> inside = Files.list(file)) {
            inside.forEach(found::add);
          } catch (java.nio.file.NoSuchFileException e) {
            continue; // a folder that goes while we look
          }
        }
      }
    }
    return found;
  }

  @Override
  public String toString() {
    return switch (moment) {
      case STARTING -> amount + " ms into its start";
      case RECONNECTING -> amount + " ms after its start";
      case NEW_FILE -> "at new file " + amount;
      case LOAD -> "after " + amount + " events";
    };
  }
}
