package io.ryegrass.store;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The database of one cloud: a file in its data folder, or PostgreSQL. Safe for any number of
 * threads.
 *
 * <p>Writes of several threads share a commit ({@link Batch}): whoever has had its part while
 * others wait for the writer leaves the transaction open for them, and the last one commits for
 * all.
 *
 * <p>Order of locks: the after-commit lock before the writer lock, never the other way round. A
 * thread that commits leaves the writer lock first and then runs what was asked to happen after the
 * commit, so that actions run in the order of commits and may write again themselves.
 */
public final class CloudStore implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CloudStore.class);

  /** How long a transaction may wait for the writer or for a free reader. */
  private static final long WAIT_SECONDS = 30;

  /** Bounds of what is committed together: they bound how long the first of them waits. */
  private static final int WRITES_AT_ONCE = 64;

  private static final long BATCH_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  /** After so long a write looks itself whether somebody is still coming to commit for it. */
  private static final long LOOK_MILLIS = 5;

  private final Path dataFolder;
  private final Engine engine;
  private final ReaderPool readers;

  /** Guarded by the writer lock; null after it was lost, until the next write. */
  private @Nullable Session writer;

  private final LongAdder commits = new LongAdder();

  /** What is written and not yet committed; guarded by the writer lock. */
  private @Nullable Batch batch;

  private final ReentrantLock writerLock = new ReentrantLock();
  private final ReentrantLock afterCommitLock = new ReentrantLock();
  private final Queue<Runnable> committed = new ConcurrentLinkedQueue<>();
  private final ThreadLocal<@Nullable Transaction> current = new ThreadLocal<>();
  private final ThreadLocal<@Nullable Consumer<Sql>> companion = new ThreadLocal<>();
  private volatile boolean closed;

  private record Transaction(Session session, boolean writing, List<Runnable> afterCommit) {}

  private CloudStore(Path dataFolder, Engine engine) {
    this.dataFolder = dataFolder;
    this.engine = engine;
    this.readers = new ReaderPool(engine, WAIT_SECONDS);
    this.writer = openWriter();
  }

  /**
   * Opens {@code <dataFolder>/cloud.db}, creating it when absent, and applies pending migrations.
   *
   * @throws StoreException when the file cannot be opened, was written by a newer version, or a
   *     published migration was changed
   */
  public static CloudStore open(Path dataFolder, List<Migration> migrations) {
    return open(dataFolder.toAbsolutePath(), SqliteFile.in(dataFolder), migrations);
  }

  /**
   * Opens a PostgreSQL database instead, and applies pending migrations; of several processes that
   * start at once, one does it.
   *
   * @param dataFolder where what is no table stays, see {@link #dataFolder()}
   * @throws StoreException when the server cannot be reached within seconds, the tables are of a
   *     newer version, or a published migration was changed
   */
  public static CloudStore open(Path dataFolder, PostgresUrl database, List<Migration> migrations) {
    return open(dataFolder.toAbsolutePath(), new PostgresServer(database), migrations);
  }

  private static CloudStore open(Path dataFolder, Engine engine, List<Migration> migrations) {
    CloudStore store = new CloudStore(dataFolder, engine);
    try {
      Schema.migrate(store, engine, migrations);
      return store;
    } catch (RuntimeException e) {
      store.close();
      throw e;
    }
  }

  /** The folder of files that belong to the database, as keys that must not be in it. */
  public Path dataFolder() {
    return dataFolder;
  }

  /**
   * Runs a function on one consistent snapshot. Inside a {@code write} of the same thread it joins
   * that transaction and sees its changes.
   */
  public <T extends @Nullable Object> T read(Function<Sql, T> function) {
    Transaction open = current.get();
    if (open != null) {
      return function.apply(new Sql(open.session()));
    }
    checkOpen();
    Session reader = readers.take();
    try {
      current.set(new Transaction(reader, false, List.of()));
      reader.connection().setAutoCommit(false);
      return function.apply(new Sql(reader));
    } catch (SQLException e) {
      throw failed("read", e);
    } finally {
      current.remove();
      readers.giveBack(reader, !undone(reader.connection()));
    }
  }

  /**
   * Runs a function in a transaction: all of it is on disk when this returns, or nothing when it
   * throws. A {@code write} inside a {@code write} joins it; if only the inner one throws and the
   * outer one catches, only the inner one's changes are undone. Not allowed inside {@code read}.
   */
  public <T extends @Nullable Object> T write(Function<Sql, T> function) {
    Transaction open = current.get();
    if (open != null) {
      return nested(open, function);
    }
    T result;
    Batch mine;
    lockWriter();
    try {
      checkOpen();
      mine = openBatch();
      result = takePart(mine, function);
    } finally {
      commitUnlessOthersWait();
      writerLock.unlock();
    }
    settle(mine);
    companion.remove();
    runCommitted();
    return result;
  }

  /**
   * Runs a body in which the first transaction of this thread that commits also does something
   * else: a record of what is done, on disk together with it or not at all. When nothing commits in
   * the body, it is not done.
   *
   * @param also run at the end of that transaction; again in the next one when it did not commit
   */
  public <T extends @Nullable Object> T withFirstCommit(Consumer<Sql> also, Supplier<T> body) {
    companion.set(also);
    try {
      return body.get();
    } finally {
      companion.remove();
    }
  }

  /**
   * Registers an action for after the commit of this thread's transaction. Without a transaction it
   * runs at once. It does not run when the transaction is undone. An action that throws is logged
   * and does not disturb the others.
   */
  public void afterCommit(Runnable action) {
    Transaction open = current.get();
    if (open != null && open.writing()) {
      open.afterCommit().add(action);
    } else {
      run(action);
    }
  }

  /** How often the disk was waited for. */
  long commits() {
    return commits.sum();
  }

  /** Whether somebody waits for the writer. */
  boolean writersWait() {
    return writerLock.hasQueuedThreads();
  }

  boolean isWriting() {
    return writerLock.isLocked();
  }

  @Override
  public void close() {
    lockWriter();
    try {
      if (closed) {
        return;
      }
      closed = true;
      commit();
      readers.close();
      dropWriter();
    } finally {
      writerLock.unlock();
    }
  }

  /** Holding the writer lock: the batch that the next write has its part in. */
  private Batch openBatch() {
    Batch open = batch;
    if (open == null) {
      open = new Batch(begin());
      batch = open;
    }
    return open;
  }

  private <T extends @Nullable Object> T takePart(Batch open, Function<Sql, T> function) {
    Transaction transaction = new Transaction(open.session(), true, new ArrayList<>());
    Savepoint mark = null;
    boolean marked = false;
    boolean done = false;
    try {
      mark = open.mark();
      marked = true;
      current.set(transaction);
      T result = function.apply(new Sql(open.session()));
      Consumer<Sql> also = companion.get();
      if (also != null) {
        also.accept(new Sql(open.session()));
      }
      open.wrote(mark, transaction.afterCommit());
      done = true;
      return result;
    } catch (SQLException e) {
      marked = false; // the transaction itself is broken
      throw failed("write", e);
    } finally {
      current.remove();
      if (!done) {
        undo(open, mark, marked);
      }
    }
  }

  /** Takes back what a write did that threw; all of the batch when that cannot be told apart. */
  private void undo(Batch open, @Nullable Savepoint mark, boolean marked) {
    try {
      if (marked && mark != null) {
        open.undo(mark);
        return;
      }
    } catch (SQLException e) {
      broken(e);
    }
    batch = null;
    open.end(
        new StoreException(
            "The store "
                + engine.label()
                + " undid this write, because its connection failed before the commit; try again"));
    if (!undone(open.session().connection())) {
      dropWriter();
    }
  }

  /** Holding the writer lock, before leaving it. */
  private void commitUnlessOthersWait() {
    Batch open = batch;
    if (open != null
        && (open.writes() == 0
            || open.writes() >= WRITES_AT_ONCE
            || open.ageNanos() >= BATCH_NANOS
            || !writerLock.hasQueuedThreads())) {
      commit();
    }
  }

  /** Holding the writer lock: everything written since the last commit is on disk, or is not. */
  private void commit() {
    Batch open = batch;
    if (open == null) {
      return;
    }
    batch = null;
    Connection connection = open.session().connection();
    StoreException failure = null;
    boolean reusable;
    try {
      connection.commit();
      commits.increment();
      committed.addAll(open.afterCommit());
      reusable = ended(connection);
    } catch (SQLException e) {
      failure =
          failed(engine.lost(e) ? "commit (whether it was written is not known)" : "commit", e);
      reusable = undone(connection);
    }
    if (!reusable) {
      dropWriter();
    }
    open.end(failure);
  }

  /**
   * Waits until the batch is committed. Those who waited for the writer may have given up
   * meanwhile; so now and then this thread looks whether it has to do it itself.
   */
  private void settle(Batch mine) {
    boolean interrupted = false;
    while (!mine.isOver()) {
      try {
        if (!mine.await(LOOK_MILLIS) && writerLock.tryLock()) {
          try {
            if (batch == mine) {
              commit();
            }
          } finally {
            writerLock.unlock();
          }
        }
      } catch (InterruptedException e) {
        interrupted = true; // what is written is committed in a moment, whoever is in a hurry
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    mine.outcome();
  }

  private Session openWriter() {
    return new Session(engine.openWriter(), engine.keepsStatements());
  }

  /**
   * The writer, with a transaction begun. A connection that went away while it was idle is replaced
   * here, before the function has run; the function itself runs once at most.
   */
  private Session begin() {
    for (int tries = 1; ; tries++) {
      Session session = writer;
      if (session == null) {
        session = openWriter();
        writer = session;
      }
      try {
        session.connection().setAutoCommit(false);
        engine.lockForWriting(session.connection());
        return session;
      } catch (SQLException e) {
        dropWriter();
        if (!engine.lost(e) || tries == 3) {
          throw failed("begin a write", e);
        }
      }
    }
  }

  /** False when the connection is of no more use. */
  private boolean undone(Connection connection) {
    try {
      connection.rollback();
      return ended(connection);
    } catch (SQLException e) {
      return broken(e);
    }
  }

  private boolean ended(Connection connection) {
    try {
      connection.setAutoCommit(true);
      return true;
    } catch (SQLException e) {
      return broken(e);
    }
  }

  private boolean broken(SQLException e) {
    log.warn("A connection to {} broke: {}", engine.label(), e.getMessage());
    return false;
  }

  private void dropWriter() {
    Session session = writer;
    writer = null;
    try {
      if (session != null) {
        session.close();
      }
    } catch (SQLException e) {
      log.warn("Closing the writer of {} failed: {}", engine.label(), e.getMessage());
    }
  }

  private <T extends @Nullable Object> T nested(Transaction open, Function<Sql, T> function) {
    if (!open.writing()) {
      throw new StoreException("A write was started inside a read; start it outside");
    }
    int before = open.afterCommit().size();
    try {
      Savepoint savepoint = open.session().connection().setSavepoint();
      boolean done = false;
      try {
        T result = function.apply(new Sql(open.session()));
        done = true;
        return result;
      } finally {
        if (!done) {
          open.session().connection().rollback(savepoint);
          open.afterCommit().subList(before, open.afterCommit().size()).clear();
        }
        open.session().connection().releaseSavepoint(savepoint);
      }
    } catch (SQLException e) {
      throw failed("nested write", e);
    }
  }

  private void runCommitted() {
    if (afterCommitLock.isHeldByCurrentThread()) {
      return; // an action wrote again: the loop below, further up this stack, runs what it added
    }
    afterCommitLock.lock();
    try {
      for (Runnable next = committed.poll(); next != null; next = committed.poll()) {
        run(next);
      }
    } finally {
      afterCommitLock.unlock();
    }
  }

  private static void run(Runnable action) {
    try {
      action.run();
    } catch (RuntimeException e) {
      log.error("An action after a commit failed", e);
    }
  }

  private void lockWriter() {
    try {
      if (!writerLock.tryLock(WAIT_SECONDS, TimeUnit.SECONDS)) {
        throw new StoreException(
            "The store " + engine.label() + " was busy for " + WAIT_SECONDS + " s; try again");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException("Interrupted while waiting for the store " + engine.label(), e);
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new StoreException("The store " + engine.label() + " is closed");
    }
  }

  private StoreException failed(String what, SQLException e) {
    return new StoreException(
        "The store " + engine.label() + " failed to " + what + ": " + e.getMessage(), e);
  }
}
