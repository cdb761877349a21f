package io.ryegrass.logs;

import io.ryegrass.logs.LogTables.Group;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes what nobody may see any longer, and the oldest events when there are too many. Small
 * transactions, so that writers get their turn in between.
 */
final class Sweeper {
  private static final Logger LOG = LoggerFactory.getLogger(Sweeper.class);
  private static final int BATCH = 2000;
  private static final int GROUPS = 1000;

  private final CloudStore store;
  private final Clock clock;
  private final long maxBytes;
  private final AtomicLong dropped = new AtomicLong();
  private final AtomicLong reported = new AtomicLong();

  /** One sweep at a time; whoever finds one under way leaves the work to it. */
  private final ReentrantLock turn = new ReentrantLock();

  /**
   * @param maxBytes of all events, by AWS's count
   */
  Sweeper(CloudStore store, Clock clock, long maxBytes) {
    this.store = store;
    this.clock = clock;
    this.maxBytes = maxBytes;
  }

  /** Events that were deleted because the store was full. */
  long dropped() {
    return dropped.get();
  }

  /** Deletes all that is expired, dropped or too much. */
  void sweep() {
    turn.lock();
    try {
      sweepDropped();
      sweepExpired();
      bound();
    } finally {
      turn.unlock();
    }
    long now = dropped.get();
    long before = reported.getAndSet(now);
    if (now > before) {
      LOG.warn(
          "the log store is full ({} bytes): its {} oldest events were deleted, {} since the start;"
              + " give groups a retention",
          maxBytes,
          now - before,
          now);
    }
  }

  /** Called after each write; the bound holds but for what is written meanwhile. */
  void keepBound() {
    if (store.<Long>read(LogTables::bytes) > maxBytes && turn.tryLock()) {
      try {
        bound();
      } finally {
        turn.unlock();
      }
    }
  }

  private void sweepDropped() {
    record Dropped(long id, long group) {}
    while (true) {
      List<Dropped> some =
          store.read(
              sql ->
                  sql.list(
                      "SELECT id, group_id FROM log_dropped_streams ORDER BY id LIMIT 100",
                      row -> new Dropped(row.number("id"), row.number("group_id"))));
      for (Dropped stream : some) {
        while (deleted("stream_id", stream.id(), stream.group(), Long.MAX_VALUE, Long.MAX_VALUE)
            > 0) {
          LOG.debug("swept events of the deleted stream {}", stream.id());
        }
        store.write(sql -> sql.update("DELETE FROM log_dropped_streams WHERE id = ?", stream.id()));
      }
      if (some.isEmpty()) {
        return;
      }
    }
  }

  private void sweepExpired() {
    String last = "";
    while (true) {
      String after = last;
      List<Group> groups = store.read(sql -> LogTables.groups(sql, after, GROUPS));
      for (Group group : groups) {
        long expiry = group.expiry(clock.millis());
        while (group.retention() != null
            && deleted("group_id", group.id(), group.id(), expiry - 1, Long.MAX_VALUE) > 0) {
          LOG.debug("swept expired events of {}", group.name());
        }
        last = group.name();
      }
      if (groups.size() < GROUPS) {
        return;
      }
    }
  }

  private void bound() {
    while (true) {
      long excess = store.<Long>read(LogTables::bytes) - maxBytes;
      Optional<Long> oldest = excess > 0 ? store.read(Sweeper::groupOfOldest) : Optional.empty();
      int count =
          oldest.isEmpty()
              ? 0
              : deleted("group_id", oldest.get(), oldest.get(), Long.MAX_VALUE, excess);
      if (count == 0) {
        return;
      }
      dropped.addAndGet(count);
    }
  }

  private static Optional<Long> groupOfOldest(Sql sql) {
    return sql
        .list(
            "SELECT id, COALESCE((SELECT MIN(e.time) FROM log_events e WHERE e.group_id = g.id),"
                + " 9223372036854775807) AS oldest"
                + " FROM log_groups g WHERE bytes > 0 ORDER BY oldest LIMIT 1",
            row -> row.number("id"))
        .stream()
        .findFirst();
  }

  /**
   * Deletes a batch of the oldest events, with all of the same millisecond as its last one.
   *
   * @param until time of the last one that may go
   * @param enough bytes after which the batch ends
   */
  private int deleted(String column, long id, long groupId, long until, long enough) {
    record Old(long time, long size) {}
    return store.write(
        sql -> {
          List<Old> oldest =
              sql.list(
                  "SELECT time, size FROM log_events WHERE "
                      + column
                      + " = ? AND time <= ? ORDER BY time LIMIT "
                      + BATCH,
                  row -> new Old(row.number("time"), row.number("size")),
                  id,
                  until);
          if (oldest.isEmpty()) {
            return 0;
          }
          long last = 0;
          long sum = 0;
          for (int i = 0; i < oldest.size() && sum < enough; i++) {
            sum += oldest.get(i).size();
            last = oldest.get(i).time();
          }
          String which = " FROM log_events WHERE " + column + " = ? AND time <= ?";
          long bytes = sql.count("SELECT COALESCE(SUM(size), 0) AS n" + which, id, last);
          int count = sql.update("DELETE" + which, id, last);
          LogTables.addBytes(sql, groupId, -bytes);
          return count;
        });
  }
}
