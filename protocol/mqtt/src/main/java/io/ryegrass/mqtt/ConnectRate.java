package io.ryegrass.mqtt;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/** When each client id last connected, as far back as that matters, for the last so many. */
final class ConnectRate {
  private final long interval;
  private final int most;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Long> last = new LinkedHashMap<>();

  ConnectRate(Duration interval, int most) {
    this.interval = interval.toNanos();
    this.most = most;
  }

  /** Whether this client may connect now; if so that counts as its last time. */
  boolean allows(String clientId, long now) {
    if (interval == 0) {
      return true;
    }
    lock.lock();
    try {
      var eldest = last.entrySet().iterator();
      while (eldest.hasNext()) {
        boolean over = now - eldest.next().getValue() >= interval;
        if (!over && last.size() <= most) {
          break;
        }
        eldest.remove();
      }
      return last.putIfAbsent(clientId, now) == null;
    } finally {
      lock.unlock();
    }
  }
}
