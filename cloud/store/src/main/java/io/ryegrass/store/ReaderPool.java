package io.ryegrass.store;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Deque;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** At most {@value #SIZE} reading connections, opened when first needed. */
final class ReaderPool {
  private static final Logger log = LoggerFactory.getLogger(ReaderPool.class);
  static final int SIZE = 4;

  private final SqliteFile sqlite;
  private final long waitSeconds;
  private final Semaphore permits = new Semaphore(SIZE, true);
  private final Deque<Connection> idle = new ConcurrentLinkedDeque<>();
  private volatile boolean closed;

  ReaderPool(SqliteFile sqlite, long waitSeconds) {
    this.sqlite = sqlite;
    this.waitSeconds = waitSeconds;
  }

  Connection take() {
    try {
      if (!permits.tryAcquire(waitSeconds, TimeUnit.SECONDS)) {
        throw new StoreException(
            "All "
                + SIZE
                + " readers of "
                + sqlite.path()
                + " were busy for "
                + waitSeconds
                + " s");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException("Interrupted while waiting for a reader of " + sqlite.path(), e);
    }
    Connection connection = idle.pollFirst();
    if (connection != null) {
      return connection;
    }
    try {
      return sqlite.openReader();
    } catch (RuntimeException e) {
      permits.release();
      throw e;
    }
  }

  void giveBack(Connection connection, boolean broken) {
    if (broken || closed) {
      close(connection);
    } else {
      idle.addFirst(connection);
    }
    permits.release();
  }

  void close() {
    closed = true;
    for (Connection next = idle.pollFirst(); next != null; next = idle.pollFirst()) {
      close(next);
    }
  }

  private void close(Connection connection) {
    try {
      connection.close();
    } catch (SQLException e) {
      log.warn("Closing a reader of {} failed: {}", sqlite.path(), e.getMessage());
    }
  }
}
