package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(180)
class JournalGateTest {
  private static final int THREADS = 4;

  @Test
  void whoeverIsAloneNeverSeesHalfOfAChange() throws Exception {
    JournalGate gate = new JournalGate();
    AtomicIntegerArray left = new AtomicIntegerArray(THREADS);
    AtomicIntegerArray right = new AtomicIntegerArray(THREADS);
    AtomicBoolean stop = new AtomicBoolean();
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < THREADS; t++) {
      int id = t;
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    while (!stop.get()) {
                      gate.enter();
                      left.incrementAndGet(id);
                      gate.enter(); // while somebody may be waiting to be alone
                      Thread.onSpinWait();
                      gate.exit();
                      right.incrementAndGet(id);
                      gate.exit();
                    }
                  }));
    }
    for (int t = 0; t < THREADS; t++) {
      int id = t;
      Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> right.get(id) > 0);
    }
    for (int i = 0; i < 300; i++) {
      boolean whole =
          gate.alone(
              () -> {
                for (int t = 0; t < THREADS; t++) {
                  if (left.get(t) != right.get(t)) {
                    return false;
                  }
                }
                return true;
              });
      assertThat(whole).isTrue();
    }
    stop.set(true);
    for (Thread thread : threads) {
      thread.join();
    }
  }

  @Test
  void aThreadThatIsInsideIsToldInsteadOfWaitingForItself() {
    JournalGate gate = new JournalGate();
    gate.enter();
    assertThatThrownBy(() -> gate.alone(() -> 1)).isInstanceOf(IllegalStateException.class);
    gate.exit();
    assertThat(gate.alone(() -> 1)).isEqualTo(1);
    assertThatThrownBy(gate::exit).isInstanceOf(IllegalStateException.class);
  }
}
