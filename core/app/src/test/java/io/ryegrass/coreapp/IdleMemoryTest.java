package io.ryegrass.coreapp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** When a core at rest gives its heap back, and when it does not. */
class IdleMemoryTest {
  private static final long MB = 1 << 20;

  private final Heap heap = new Heap();
  private long cpu;
  private final IdleMemory memory = new IdleMemory(() -> cpu, heap);

  private static final class Heap implements IdleMemory.Heap {
    private long used = 20 * MB;
    private long committed = 30 * MB;
    private int collections;

    @Override
    public long used() {
      return used;
    }

    @Override
    public long committed() {
      return committed;
    }

    @Override
    public void collect() {
      collections++;
      used = 8 * MB;
      committed = 9 * MB;
    }
  }

  private void look(int times, long cpuEach) {
    for (int i = 0; i < times; i++) {
      cpu += cpuEach;
      memory.look();
    }
  }

  @Test
  void whatTheStartLeftBehindIsGivenBackOnce() {
    look(100, 0);
    assertThat(heap.collections).isEqualTo(1);
  }

  @Test
  void aBusyCoreIsNotStopped() {
    look(20, IdleMemory.PERIOD.toNanos());
    assertThat(heap.collections).isZero();
    look(1, 0);
    assertThat(heap.collections).isEqualTo(1);
  }

  @Test
  void afterALoadTheHeapIsGivenBackAgain() {
    look(10, 0);
    heap.committed = 40 * MB;
    look(1, IdleMemory.PERIOD.toNanos());
    look(10, 0);
    assertThat(heap.collections).isEqualTo(2);
    assertThat(heap.committed).isEqualTo(9 * MB);
  }

  @Test
  void littleGarbageIsNoReason() {
    look(10, 0);
    heap.used += MB;
    look(10, 0);
    assertThat(heap.collections).isEqualTo(1);
  }

  @Test
  void collectionsStandApart() {
    look(1, 0);
    heap.committed = 40 * MB;
    look(4, 0);
    assertThat(heap.collections).isEqualTo(1);
    look(4, 0);
    assertThat(heap.collections).isEqualTo(2);
  }
}
