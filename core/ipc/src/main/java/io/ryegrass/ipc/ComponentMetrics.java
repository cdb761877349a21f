package io.ryegrass.ipc;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Metrics that components of AWS's namespace put: summed by component and name until someone takes
 * them away (v2-ipc.md §7.10: namespace is the component, aggregation is Sum).
 */
public final class ComponentMetrics {
  private static final Logger log = LoggerFactory.getLogger(ComponentMetrics.class);
  private static final int MAX_NAMES = 1024;

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Key, Double> sums = new HashMap<>();
  private long dropped;

  private record Key(String component, String name, String unit) {}

  /** A sum since the last {@link #take}. */
  public record Sum(String component, String name, String unit, double value) {}

  void put(String component, String name, String unit, double value) {
    Key key = new Key(component, name, unit);
    lock.lock();
    try {
      if (sums.size() >= MAX_NAMES && !sums.containsKey(key)) {
        if (Long.bitCount(++dropped) == 1) {
          log.warn(
              "more than {} metrics wait to be sent; {} of {} is dropped ({} so far)",
              MAX_NAMES,
              name,
              component,
              dropped);
        }
        return;
      }
      sums.merge(key, value, Double::sum);
    } finally {
      lock.unlock();
    }
  }

  /** All sums; they begin again at nothing. */
  public List<Sum> take() {
    lock.lock();
    try {
      List<Sum> taken =
          sums.entrySet().stream()
              .map(
                  e ->
                      new Sum(
                          e.getKey().component(),
                          e.getKey().name(),
                          e.getKey().unit(),
                          e.getValue()))
              .toList();
      sums.clear();
      return taken;
    } finally {
      lock.unlock();
    }
  }
}
