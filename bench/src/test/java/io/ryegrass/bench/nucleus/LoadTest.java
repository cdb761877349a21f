package io.ryegrass.bench.nucleus;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;

/** What a load counts, with a bus of some lines in place of a core. */
class LoadTest {
  private final List<LongAdder> subscribers = new CopyOnWriteArrayList<>();
  private final List<Memory> closed = new ArrayList<>();
  private int lostOfEach;

  /** Delivers at once, and loses what it is told to. */
  private final class Memory implements LoadClient {
    @Override
    public void subscribe(String topic, LongAdder heard) {
      subscribers.add(heard);
    }

    @Override
    public long publish(String topic, byte[] payload, long untilNanos) {
      for (int i = lostOfEach; i < 1000; i++) {
        subscribers.forEach(LongAdder::increment);
      }
      return 1000;
    }

    @Override
    public void publishOnce(String topic, byte[] payload) {
      subscribers.forEach(LongAdder::increment);
    }

    @Override
    public long call(Call call, long untilNanos) {
      return 0;
    }

    @Override
    public void close() {
      closed.add(this);
    }
  }

  @Test
  void everyDeliveryCountsAndNothingIsLost() throws Exception {
    PubSub.Outcome outcome = new PubSub("x", 2, 3, 10, 0).run(Memory::new, 0.1);
    assertThat(outcome.lost()).isZero();
    assertThat(outcome.perSecond()).isPositive();
    assertThat(closed).hasSize(5);
  }

  @Test
  void whatNeverArrivesIsToldAsLost() throws Exception {
    lostOfEach = 1;
    assertThat(new PubSub("x", 1, 2, 10, 0).run(Memory::new, 0.1).lost()).isEqualTo(2);
  }
}
