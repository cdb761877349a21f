package io.ryegrass.mqtt;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;

/** Measures the journal: {@code java ... io.ryegrass.mqtt.JournalBench <folder>}. */
final class JournalBench {
  private JournalBench() {}

  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    append(folder.resolve("append"));
    groups(folder.resolve("groups"));
    for (int run = 0; run < 2; run++) {
      openTimes(folder.resolve("small" + run), 100, 10);
      openTimes(folder.resolve("large" + run), 100, 10_000);
      openTimes(folder.resolve("fanout" + run), -1_000, 1_000);
    }
  }

  /** Processor time of this thread: wall time says little on a machine with other work. */
  private static long cpu() {
    return java.lang.management.ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  private static Message message(int i) {
    byte[] payload = new byte[100];
    payload[i % 100] = 1;
    return new Message(Topic.of("sensors/room/" + i % 50), payload, 1, false, new byte[0], 0, null);
  }

  private static void append(Path folder) throws IOException {
    try (DurableJournal j = new DurableJournal(folder, new LongAdder(), 16 << 20, 1L << 40)) {
      List<Owed> owed = List.of(new Owed(1, 1, false, Queued.NO_IDENTIFIERS));
      Message m = message(1);
      for (int round = 0; round < 6; round++) {
        long start = cpu();
        int n = 300_000;
        for (int i = 0; i < n; i++) {
          j.enter();
          j.message(m, owed, 0, 0);
          j.exit();
        }
        long ns = (cpu() - start) / n;
        start = cpu();
        for (int i = 0; i < n; i++) {
          j.enter();
          j.settled(1, i);
          j.exit();
        }
        System.out.printf("append: message %d ns, settled %d ns%n", ns, (cpu() - start) / n);
      }
      long start = cpu();
      for (int i = 0; i < 20_000_000; i++) {
        j.enter();
        j.exit();
      }
      System.out.printf("enter+exit: %.1f ns%n", (cpu() - start) / 20e6);
    }
    delete(folder);
  }

  private static void groups(Path folder) throws Exception {
    try (DurableJournal j = new DurableJournal(folder, new LongAdder(), 16 << 20, 1L << 40)) {
      int writers = 8;
      int each = 2_000;
      List<Owed> owed = List.of(new Owed(1, 1, false, Queued.NO_IDENTIFIERS));
      for (int inFlight : new int[] {1, 100}) {
        long[] before = j.commits();
        long start = System.nanoTime();
        List<Thread> threads = new ArrayList<>();
        for (int w = 0; w < writers; w++) {
          threads.add(
              Thread.ofPlatform()
                  .start(
                      () -> {
                        for (int i = 0; i < each; i += inFlight) {
                          CountDownLatch done = new CountDownLatch(inFlight);
                          for (int k = 0; k < inFlight; k++) {
                            j.message(message(k), owed, 0, 0);
                            j.whenDurable(j.position(), e -> done.countDown());
                          }
                          try {
                            done.await();
                          } catch (InterruptedException e) {
                            throw new IllegalStateException(e);
                          }
                        }
                      }));
        }
        for (Thread t : threads) {
          t.join();
        }
        long[] after = j.commits();
        double seconds = (System.nanoTime() - start) / 1e9;
        System.out.printf(
            "group: 8 writers, %d in flight each: %.0f messages/s, %d fsyncs, %.1f per fsync%n",
            inFlight,
            writers * each / seconds,
            after[0] - before[0],
            (after[1] - before[1]) / (double) (after[0] - before[0]));
      }
    }
    delete(folder);
  }

  /** A negative number of sessions: every message goes to all of them. */
  private static void openTimes(Path folder, int sessions, int each) throws IOException {
    boolean fanOut = sessions < 0;
    int count = Math.abs(sessions);
    List<List<Queued>> queues = new ArrayList<>();
    try (DurableJournal j = new DurableJournal(folder, new LongAdder(), 16 << 20, 1L << 40)) {
      for (int s = 0; s < count; s++) {
        j.sessionCreated(j.nextNumber(), new SessionMeta("client" + s, 1_000_000, 0));
        queues.add(new ArrayList<>());
      }
      int checkpoints = 0;
      long slowest = 0;
      for (int i = 0; i < each; i++) {
        for (int s = 0; s < (fanOut ? 1 : count); s++) {
          Message m = message(i);
          List<Owed> owed = new ArrayList<>();
          if (fanOut) {
            for (int k = 0; k < count; k++) {
              owed.add(new Owed(k + 1, 1, false, Queued.NO_IDENTIFIERS));
            }
          } else {
            owed.add(new Owed(s + 1, 1, false, Queued.NO_IDENTIFIERS));
          }
          long sequence = j.message(m, owed, 0, 0);
          for (Owed o : owed) {
            queues
                .get((int) o.incarnation() - 1)
                .add(new Queued(sequence, m, 1, false, Queued.NO_IDENTIFIERS, 0));
          }
          if (j.compactionDue()) {
            long start = cpu();
            compact(j, queues);
            slowest = Math.max(slowest, cpu() - start);
            checkpoints++;
          }
        }
      }
      System.out.printf("%d checkpoints, slowest cpu %.1f ms%n", checkpoints, slowest / 1e6);
      compact(j, queues);
    }
    long disk;
    try (Stream<Path> files = Files.walk(folder)) {
      disk = files.filter(Files::isRegularFile).mapToLong(f -> f.toFile().length()).sum();
    }
    for (int round = 0; round < 6; round++) {
      long start = System.nanoTime();
      long startCpu = cpu();
      try (DurableJournal j = new DurableJournal(folder, new LongAdder(), 16 << 20, 1L << 40)) {
        Journal.State state = j.recovered();
        double opened = (System.nanoTime() - start) / 1e6;
        double openedCpu = (cpu() - startCpu) / 1e6;
        long messages = state.sessions().stream().mapToLong(s -> s.stored().messages()).sum();
        start = System.nanoTime();
        startCpu = cpu();
        Journal.Owing owing = state.sessions().get(count / 2).stored().load();
        System.out.printf(
            "%s: open %.1f ms (cpu %.1f) with %d owed (%.1f MB on disk); load of %d: %.1f ms (cpu %.1f)%n",
            folder.getFileName(),
            opened,
            openedCpu,
            messages,
            disk / 1e6,
            owing.queue().size(),
            (System.nanoTime() - start) / 1e6,
            (cpu() - startCpu) / 1e6);
        if (round >= 3) {
          start = System.nanoTime();
          int log = 0;
          for (Queued q : owing.queue()) {
            j.settled(state.sessions().get(count / 2).incarnation(), q.sequence());
            log++;
            break;
          }
          if (round == 4) {
            for (int i = 0; i < 110_000; i++) { // a log of nearly 16 MB
              j.message(
                  message(i),
                  List.of(new Owed(1 + i % count, 1, false, Queued.NO_IDENTIFIERS)),
                  0,
                  0);
            }
          }
        }
      }
    }
    delete(folder);
  }

  private static void compact(DurableJournal j, List<List<Queued>> queues) {
    j.compact(
        () -> {
          List<Journal.CapturedSession> sessions = new ArrayList<>();
          for (int s = 0; s < queues.size(); s++) {
            sessions.add(
                new Journal.CapturedSession(
                    s + 1,
                    new SessionMeta("client" + s, 1_000_000, 0),
                    Map.of(),
                    new Journal.Owing(new LinkedHashMap<>(), Set.of(), List.copyOf(queues.get(s))),
                    false));
          }
          return new Journal.Captured(sessions, List.of(), j.nextNumber());
        });
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.delete(file);
      }
    }
  }
}
