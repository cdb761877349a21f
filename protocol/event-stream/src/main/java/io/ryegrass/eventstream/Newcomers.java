package io.ryegrass.eventstream;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Connections that have not yet said who they are. Every local user may open the socket, so these
 * are few: a bound for all and a smaller one for each user of the host, as the kernel tells it
 * (SO_PEERCRED). At a bound the user who has most of them loses his oldest one, and nobody takes
 * the places of another user. A burst of honest clients is let through: up to a third bound, nobody
 * is closed who has not had {@link #GRACE_NANOS} to speak.
 */
final class Newcomers {
  private static final long GRACE_NANOS = 250_000_000;

  private final int max;
  private final int maxPerUser;
  private final int maxInBurst;
  private final LongSupplier nanoTime;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, LinkedHashSet<ServerConnection>> byUser = new HashMap<>();
  private int count;

  Newcomers(int max, int maxPerUser, int maxInBurst, LongSupplier nanoTime) {
    this.max = max;
    this.maxPerUser = maxPerUser;
    this.maxInBurst = maxInBurst;
    this.nanoTime = nanoTime;
  }

  /**
   * @return a connection that has to be closed to make room, or null
   */
  @Nullable ServerConnection add(ServerConnection connection) {
    lock.lock();
    try {
      LinkedHashSet<ServerConnection> own =
          byUser.computeIfAbsent(connection.user(), u -> new LinkedHashSet<>());
      ServerConnection evicted = null;
      if (own.size() >= maxPerUser) {
        evicted = own.getFirst();
      } else if (count >= max) {
        for (LinkedHashSet<ServerConnection> each : byUser.values()) {
          if (evicted == null || each.size() > sizeOf(evicted)) {
            evicted = each.isEmpty() ? evicted : each.getFirst();
          }
        }
      }
      own.add(connection);
      count++;
      if (evicted == null
          || count <= maxInBurst && nanoTime.getAsLong() - evicted.opened() < GRACE_NANOS) {
        return null;
      }
      drop(evicted);
      return evicted;
    } finally {
      lock.unlock();
    }
  }

  /** The connection is known by name now, or gone. */
  void remove(ServerConnection connection) {
    lock.lock();
    try {
      drop(connection);
    } finally {
      lock.unlock();
    }
  }

  int count() {
    lock.lock();
    try {
      return count;
    } finally {
      lock.unlock();
    }
  }

  private int sizeOf(ServerConnection connection) {
    LinkedHashSet<ServerConnection> own = byUser.get(connection.user());
    return own == null ? 0 : own.size();
  }

  private void drop(ServerConnection connection) {
    LinkedHashSet<ServerConnection> own = byUser.get(connection.user());
    if (own != null && own.remove(connection)) {
      count--;
      if (own.isEmpty()) {
        byUser.remove(connection.user());
      }
    }
  }
}
