package io.ryegrass.mqtt;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;

/** At most one INFO line a second; what was left out is counted in the next. */
final class QuietLog {
  private static final long PAUSE_NANOS = 1_000_000_000L;

  private final Logger log;
  private final AtomicLong next = new AtomicLong(System.nanoTime());
  private final LongAdder leftOut = new LongAdder();

  QuietLog(Logger log) {
    this.log = log;
  }

  void info(String what) {
    long now = System.nanoTime();
    long due = next.get();
    if (now - due < 0 || !next.compareAndSet(due, now + PAUSE_NANOS)) {
      leftOut.increment();
      return;
    }
    long others = leftOut.sumThenReset();
    if (others == 0) {
      log.info("{}", what);
    } else {
      log.info("{} (and {} more of this kind since the last line)", what, others);
    }
  }
}
