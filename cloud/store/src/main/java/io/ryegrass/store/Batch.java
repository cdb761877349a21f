package io.ryegrass.store;

import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One transaction of the database in which several writes have their part: they wait for the disk
 * together, once, and none of them returns before that. Each but the first has a savepoint, so that
 * one that throws takes nothing of the others with it. The writer lock guards all of it but {@link
 * #await} and {@link #outcome}.
 */
final class Batch {
  private final Session session;
  private final List<Runnable> afterCommit = new ArrayList<>();
  private final CountDownLatch over = new CountDownLatch(1);
  private int writes;
  private long firstNanos;

  /** Set before {@link #over}; null when all of it is on disk. */
  private volatile @Nullable StoreException failure;

  Batch(Session session) {
    this.session = session;
  }

  Session session() {
    return session;
  }

  /** How many writes have had their part. */
  int writes() {
    return writes;
  }

  /** How long the first of them has been waiting. */
  long ageNanos() {
    return writes == 0 ? 0 : System.nanoTime() - firstNanos;
  }

  List<Runnable> afterCommit() {
    return afterCommit;
  }

  /** What the next write can be undone to; null when that is the whole transaction. */
  @Nullable Savepoint mark() throws SQLException {
    return writes == 0 ? null : session.connection().setSavepoint();
  }

  void wrote(@Nullable Savepoint mark, List<Runnable> actions) throws SQLException {
    if (mark != null) {
      session.connection().releaseSavepoint(mark);
    }
    if (writes++ == 0) {
      firstNanos = System.nanoTime();
    }
    afterCommit.addAll(actions);
  }

  void undo(Savepoint mark) throws SQLException {
    session.connection().rollback(mark);
    session.connection().releaseSavepoint(mark);
  }

  /** Everybody who has a part in it may go on. */
  void end(@Nullable StoreException why) {
    failure = why;
    over.countDown();
  }

  /** False when it did not end within that time. */
  boolean await(long millis) throws InterruptedException {
    return over.await(millis, TimeUnit.MILLISECONDS);
  }

  boolean isOver() {
    return over.getCount() == 0;
  }

  /**
   * @throws StoreException when it is not on disk
   */
  void outcome() {
    StoreException why = failure;
    if (why != null) {
      throw new StoreException(String.valueOf(why.getMessage()), why);
    }
  }
}
