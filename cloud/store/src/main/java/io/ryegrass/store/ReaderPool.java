package io.ryegrass.store;

import java.sql.SQLException;
import java.util.Deque;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A bounded number of reading connections, opened when first needed. */
final class ReaderPool {
  private static final Logger log = LoggerFactory.getLogger(ReaderPool.class);

  private record Idle(Session session, long sinceNanos) {}

  private final Engine engine;
  private final long waitSeconds;
  private final Semaphore permits;
  private final Deque<Idle> idle = new ConcurrentLinkedDeque<>();
  private volatile boolean closed;

  ReaderPool(Engine engine, long waitSeconds) {
    this.engine = engine;
    this.permits = new Semaphore(engine.readers(), true);
    this.waitSeconds = waitSeconds;
  }

  Session take() {
    try {
      if (!permits.tryAcquire(waitSeconds, TimeUnit.SECONDS)) {
        throw new StoreException(
            "All "
                + engine.readers()
                + " readers of "
                + engine.label()
                + " were busy for "
                + waitSeconds
                + " s");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException("Interrupted while waiting for a reader of " + engine.label(), e);
    }
    try {
      Session kept = usable();
      return kept == null ? new Session(engine.openReader(), engine.keepsStatements()) : kept;
    } catch (RuntimeException e) {
      permits.release();
      throw e;
    }
  }

  private @Nullable Session usable() {
    for (Idle next = idle.pollFirst(); next != null; next = idle.pollFirst()) {
      long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - next.sinceNanos());
      if (engine.usable(next.session().connection(), millis)) {
        return next.session();
      }
      close(next.session());
    }
    return null;
  }

  /** Takes a connection back; one that broke tells that the others are suspect, too. */
  void giveBack(Session session, boolean broken) {
    if (broken || closed) {
      close(session);
      closeIdle();
    } else {
      idle.addFirst(new Idle(session, System.nanoTime()));
    }
    permits.release();
  }

  void close() {
    closed = true;
    closeIdle();
  }

  private void closeIdle() {
    for (Idle next = idle.pollFirst(); next != null; next = idle.pollFirst()) {
      close(next.session());
    }
  }

  private void close(Session session) {
    try {
      session.close();
    } catch (SQLException e) {
      log.warn("Closing a reader of {} failed: {}", engine.label(), e.getMessage());
    }
  }
}
