package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Many threads, checkpoints all the time, restarts with sessions that nobody asks for at first. */
@Timeout(240)
class JournalConcurrencyTest {
  private static final int SESSIONS = 12;
  private static final int THREADS = 3;

  @TempDir Path folder;

  private static final class Client {
    final long incarnation;
    final List<Queued> queue = new ArrayList<>();
    final LinkedHashMap<Integer, Journal.InFlight> inFlight = new LinkedHashMap<>();
    Journal.Stored stored;

    Client(long incarnation) {
      this.incarnation = incarnation;
    }

    SessionMeta meta() {
      return new SessionMeta("client " + incarnation, 1_000, 0);
    }

    synchronized Journal.CapturedSession image() {
      return new Journal.CapturedSession(
          incarnation,
          meta(),
          Map.of(),
          new Journal.Owing(new LinkedHashMap<>(inFlight), Set.of(), List.copyOf(queue)),
          stored != null);
    }

    void load() {
      Journal.Stored s;
      synchronized (this) {
        s = stored;
      }
      if (s == null) {
        return;
      }
      Journal.Owing owing = s.load();
      synchronized (this) {
        queue.addAll(0, owing.queue());
        inFlight.putAll(owing.inFlight());
        stored = null;
      }
    }

    synchronized List<Long> owed() {
      List<Long> all = new ArrayList<>();
      inFlight.values().forEach(f -> all.add(f.queued().sequence()));
      queue.forEach(q -> all.add(q.sequence()));
      return all;
    }
  }

  @Test
  void checkpointsLoadsAndChangesAtTheSameTimeLoseAndInventNothing() throws Exception {
    Map<Long, List<Long>> expected = new TreeMap<>();
    for (int round = 0; round < 4; round++) {
      try (DurableJournal j = new DurableJournal(folder, new LongAdder(), 60_000, 64 << 20)) {
        List<Client> clients = clients(j, expected);
        AtomicInteger running = new AtomicInteger(THREADS);
        int seed = round;
        try (ExecutorService executor =
            Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())) {
          List<Future<?>> tasks = new ArrayList<>();
          for (int t = 0; t < THREADS; t++) {
            int id = t;
            tasks.add(
                executor.submit(
                    () -> {
                      try {
                        work(j, clients, id, new Random(seed * 10L + id));
                      } finally {
                        running.decrementAndGet();
                      }
                    }));
          }
          tasks.add(
              executor.submit(
                  () -> {
                    while (running.get() > 0) {
                      j.compact(
                          () ->
                              new Journal.Captured(
                                  clients.stream().map(Client::image).toList(),
                                  List.of(),
                                  j.nextNumber()));
                    }
                  }));
          for (Future<?> task : tasks) {
            task.get();
          }
        }
        j.sync();
        clients.forEach(Client::load);
        clients.forEach(c -> expected.put(c.incarnation, c.owed()));
      }
    }
    assertThat(expected.values().stream().mapToInt(List::size).sum()).isGreaterThan(1_000);
  }

  private static List<Client> clients(DurableJournal j, Map<Long, List<Long>> expected) {
    Journal.State state = j.recovered();
    List<Client> clients = new ArrayList<>();
    for (Journal.SessionState s : state.sessions()) {
      Client c = new Client(s.incarnation());
      c.stored = s.stored();
      assertThat(s.stored().messages()).isEqualTo(expected.get(s.incarnation()).size());
      Journal.Owing owing = s.stored().load();
      List<Long> found = new ArrayList<>();
      owing.inFlight().values().forEach(f -> found.add(f.queued().sequence()));
      owing.queue().forEach(q -> found.add(q.sequence()));
      // two publishers may write to the log and to a queue in different orders, one never does
      assertThat(found).containsExactlyInAnyOrderElementsOf(expected.get(s.incarnation()));
      clients.add(c);
    }
    while (clients.size() < SESSIONS) {
      Client c = new Client(j.nextNumber());
      j.sessionCreated(c.incarnation, c.meta());
      clients.add(c);
    }
    return clients;
  }

  private static void work(DurableJournal j, List<Client> clients, int id, Random random) {
    for (int i = 0; i < 3_000; i++) {
      int dice = random.nextInt(10);
      // one thread per client for what it acknowledges
      Client mine = clients.get(random.nextInt(SESSIONS / THREADS) * THREADS + id);
      if (dice == 0 && i > 500) {
        mine.load();
      }
      j.enter();
      try {
        if (dice < 4) {
          publish(j, clients, random);
        } else {
          acknowledge(j, mine, random);
        }
      } finally {
        j.exit();
      }
      if (i % 100 == 0) {
        j.sync();
      }
    }
  }

  private static void publish(DurableJournal j, List<Client> clients, Random random) {
    Message m =
        new Message(Topic.of("t"), new byte[random.nextInt(200)], 1, false, new byte[0], 0, null);
    List<Client> to = clients.stream().filter(c -> random.nextInt(4) == 0).toList();
    List<Owed> owed =
        to.stream().map(c -> new Owed(c.incarnation, 1, false, Queued.NO_IDENTIFIERS)).toList();
    long sequence = j.message(m, owed, 0, 0);
    for (Client c : to) {
      synchronized (c) {
        c.queue.add(new Queued(sequence, m, 1, false, Queued.NO_IDENTIFIERS, 0));
      }
    }
  }

  private static void acknowledge(DurableJournal j, Client c, Random random) {
    synchronized (c) {
      if (c.stored != null) {
        return;
      }
      if (!c.inFlight.isEmpty() && random.nextBoolean()) {
        Map.Entry<Integer, Journal.InFlight> first = c.inFlight.firstEntry();
        c.inFlight.remove(first.getKey());
        j.settled(c.incarnation, first.getValue().queued().sequence());
      } else if (!c.queue.isEmpty()) {
        Queued next = c.queue.removeFirst();
        int packetId = (int) (next.sequence() % 65_535) + 1;
        if (c.inFlight.containsKey(packetId)) {
          c.queue.addFirst(next);
          return;
        }
        c.inFlight.put(packetId, new Journal.InFlight(next, Journal.Phase.SENT));
        j.sent(c.incarnation, next.sequence(), packetId);
      }
    }
  }
}
