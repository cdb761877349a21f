package io.ryegrass.bench.nucleus;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** One load of local messages: so many publishers as fast as they can to so many subscribers. */
record PubSub(String name, int publishers, int subscribers, int bytes, double goal) {
  /**
   * What AWS's nucleus does, and two and a half times of it as the goal (docs/bench-nucleus.md).
   */
  static final List<PubSub> ALL =
      List.of(
          new PubSub("100B_1to1", 1, 1, 100, 2.5 * 11_400),
          new PubSub("100B_1to10", 1, 10, 100, 2.5 * 42_000),
          new PubSub("100B_10to1", 10, 1, 100, 2.5 * 20_000),
          new PubSub("10KB_1to1", 1, 1, 10_000, 2.5 * 2_600),
          new PubSub("10KB_1to10", 1, 10, 10_000, 2.5 * 6_200),
          new PubSub("10KB_10to1", 10, 1, 10_000, 2.5 * 900));

  /**
   * What came of it.
   *
   * @param perSecond deliveries, until the last one or until none came for a second
   */
  record Outcome(double perSecond, long lost) {}

  Outcome run(LoadClient.Maker maker, double seconds) throws Exception {
    String topic = "bench/" + name + "/" + System.nanoTime();
    LongAdder heard = new LongAdder();
    List<LoadClient> clients = new ArrayList<>();
    try {
      for (int i = 0; i < subscribers; i++) {
        LoadClient client = maker.connect();
        clients.add(client);
        client.subscribe(topic, heard);
      }
      List<LoadClient> speakers = new ArrayList<>();
      for (int i = 0; i < publishers; i++) {
        speakers.add(maker.connect());
      }
      clients.addAll(speakers);
      long start = System.nanoTime();
      long published = publish(speakers, topic, start + (long) (seconds * 1e9));
      long expected = published * subscribers;
      double took = awaitAll(start, heard, expected);
      return new Outcome(heard.sum() / took, expected - heard.sum());
    } finally {
      for (LoadClient client : clients) {
        client.close();
      }
    }
  }

  private long publish(List<LoadClient> speakers, String topic, long until) throws Exception {
    LongAdder published = new LongAdder();
    AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
    byte[] payload = new byte[bytes];
    List<Thread> threads = new ArrayList<>();
    for (LoadClient speaker : speakers) {
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      published.add(speaker.publish(topic, payload, until));
                    } catch (Exception e) {
                      failure.set(e);
                    }
                  }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    Exception failed = failure.get();
    if (failed != null) {
      throw failed;
    }
    return published.sum();
  }

  private static double awaitAll(long start, LongAdder heard, long expected)
      throws InterruptedException {
    long before = -1;
    long since = System.nanoTime();
    while (heard.sum() < expected) {
      long now = heard.sum();
      if (now != before) {
        before = now;
        since = System.nanoTime();
      } else if (System.nanoTime() - since > 1_000_000_000L) {
        return (since - start) / 1e9;
      }
      Thread.sleep(2);
    }
    return (System.nanoTime() - start) / 1e9;
  }
}
