package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(180)
class JournalCommitterTest {
  private static final Duration LONG = Duration.ofSeconds(60);

  private final AtomicLong appended = new AtomicLong();
  private final Semaphore disk = new Semaphore(0);
  private final AtomicInteger waiting = new AtomicInteger();

  /** A disk that needs a permit for each commit. */
  private long commit() {
    long covered = appended.get();
    waiting.incrementAndGet();
    disk.acquireUninterruptibly();
    return covered;
  }

  private void awaitCommit(int number) {
    Awaitility.await().atMost(LONG).until(() -> waiting.get() >= number);
  }

  @Test
  void oneCommitServesAllWhoCameMeanwhileInTheOrderOfPositions() {
    JournalCommitter committer = new JournalCommitter("test", this::commit, 0);
    List<Long> called = new CopyOnWriteArrayList<>();
    appended.set(1);
    committer.whenDurable(1, e -> called.add(1L));
    awaitCommit(1);
    appended.set(9);
    for (long position : new long[] {5, 3, 9, 3, 7}) {
      committer.whenDurable(position, e -> called.add(position));
    }
    assertThat(called).isEmpty();
    disk.release();
    awaitCommit(2);
    assertThat(called).containsExactly(1L);
    assertThat(committer.durable()).isEqualTo(1);
    disk.release();
    Awaitility.await().atMost(LONG).until(() -> called.size() == 6);
    assertThat(called).containsExactly(1L, 3L, 3L, 5L, 7L, 9L);
    committer.close();
    assertThat(committer.commits()).isEqualTo(2);
    assertThat(committer.served()).isEqualTo(6);
  }

  @Test
  void whatIsDurableWhenCalledBackCoversThePositionAndACallbackMayAskAgain() throws Exception {
    JournalCommitter committer = new JournalCommitter("test", this::commit, 0);
    CompletableFuture<Long> first = new CompletableFuture<>();
    CompletableFuture<Boolean> second = new CompletableFuture<>();
    appended.set(4);
    committer.whenDurable(
        4,
        e -> {
          first.complete(committer.durable());
          committer.whenDurable(4, again -> second.complete(again == null));
        });
    disk.release();
    assertThat(first.get(60, TimeUnit.SECONDS)).isEqualTo(4);
    assertThat(second.get(60, TimeUnit.SECONDS)).isTrue();
    committer.close();
  }

  @Test
  void aCommitThatFailsTellsEverybodyWhoWaits() {
    AtomicBoolean broken = new AtomicBoolean(true);
    JournalCommitter committer =
        new JournalCommitter(
            "test",
            () -> {
              if (broken.get()) {
                throw new IllegalStateException("no disk");
              }
              return 2;
            },
            0);
    assertThatThrownBy(() -> committer.await(1)).hasMessage("no disk");
    assertThatThrownBy(() -> committer.await(2)).hasMessage("no disk");
    assertThat(committer.durable()).isZero();
    broken.set(false);
    committer.await(2);
    assertThat(committer.durable()).isEqualTo(2);
    committer.close();
    assertThatThrownBy(() -> committer.await(3)).isInstanceOf(MqttBrokerException.class);
  }

  @Test
  void nobodyIsForgottenWhenManyWaitAtOnce() throws Exception {
    JournalCommitter committer = new JournalCommitter("test", appended::get, 0);
    int threads = 6;
    int each = 20_000;
    CountDownLatch calls = new CountDownLatch(threads * each);
    List<Thread> writers = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      boolean blocking = t % 2 == 0;
      writers.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = 0; i < each; i++) {
                      long position = appended.incrementAndGet();
                      if (blocking) {
                        committer.await(position);
                        calls.countDown();
                      } else {
                        committer.whenDurable(position, e -> calls.countDown());
                      }
                    }
                  }));
    }
    assertThat(calls.await(150, TimeUnit.SECONDS)).isTrue();
    for (Thread writer : writers) {
      writer.join();
    }
    committer.close();
    assertThat(committer.durable()).isEqualTo((long) threads * each);
  }
}
