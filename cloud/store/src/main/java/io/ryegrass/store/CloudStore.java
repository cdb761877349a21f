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
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The database of one cloud data folder. Safe for any number of threads.
 *
 * <p>Order of locks: the after-commit lock before the writer lock, never the other way round. A
 * thread that commits leaves the writer lock first and then runs what was asked to happen after the
 * commit, so that actions run in the order of commits and may write again themselves.
 */
public final class CloudStore implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CloudStore.class);

  /** How long a transaction may wait for the writer or for a free reader. */
  private static final long WAIT_SECONDS = 30;

  private final Path file;
  private final Connection writer;
  private final ReaderPool readers;
  private final ReentrantLock writerLock = new ReentrantLock();
  private final ReentrantLock afterCommitLock = new ReentrantLock();
  private final Queue<Runnable> committed = new ConcurrentLinkedQueue<>();
  private final ThreadLocal<@Nullable Transaction> current = new ThreadLocal<>();
  private volatile boolean closed;

  private record Transaction(Connection connection, boolean writing, List<Runnable> afterCommit) {}

  private CloudStore(Path file, Connection writer, ReaderPool readers) {
    this.file = file;
    this.writer = writer;
    this.readers = readers;
  }

  /**
   * Opens {@code <dataFolder>/cloud.db}, creating it when absent, and applies pending migrations.
   *
   * @throws StoreException when the file cannot be opened, was written by a newer version, or a
   *     published migration was changed
   */
  public static CloudStore open(Path dataFolder, List<Migration> migrations) {
    SqliteFile sqlite = SqliteFile.in(dataFolder);
    Connection writer = sqlite.openWriter();
    CloudStore store = new CloudStore(sqlite.path(), writer, new ReaderPool(sqlite, WAIT_SECONDS));
    try {
      Schema.migrate(store, migrations);
      return store;
    } catch (RuntimeException e) {
      store.close();
      throw e;
    }
  }

  /** The folder that the database lives in. */
  public Path dataFolder() {
    Path folder = file.getParent();
    return folder == null ? Path.of(".") : folder;
  }

  /**
   * Runs a function on one consistent snapshot. Inside a {@code write} of the same thread it joins
   * that transaction and sees its changes.
   */
  public <T extends @Nullable Object> T read(Function<Sql, T> function) {
    Transaction open = current.get();
    if (open != null) {
      return function.apply(new Sql(open.connection()));
    }
    checkOpen();
    Connection reader = readers.take();
    boolean broken = true;
    try {
      current.set(new Transaction(reader, false, List.of()));
      reader.setAutoCommit(false);
      T result;
      try {
        result = function.apply(new Sql(reader));
      } finally {
        reader.rollback();
        reader.setAutoCommit(true);
      }
      broken = false;
      return result;
    } catch (SQLException e) {
      throw failed("read", e);
    } catch (RuntimeException e) {
      broken = false;
      throw e;
    } finally {
      current.remove();
      readers.giveBack(reader, broken);
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
    lockWriter();
    try {
      checkOpen();
      result = transact(function);
    } finally {
      writerLock.unlock();
    }
    runCommitted();
    return result;
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

  @Override
  public void close() {
    lockWriter();
    try {
      if (closed) {
        return;
      }
      closed = true;
      readers.close();
      writer.close();
    } catch (SQLException e) {
      log.warn("Closing the store {} failed: {}", file, e.getMessage());
    } finally {
      writerLock.unlock();
    }
  }

  private <T extends @Nullable Object> T transact(Function<Sql, T> function) {
    Transaction transaction = new Transaction(writer, true, new ArrayList<>());
    current.set(transaction);
    boolean done = false;
    try {
      writer.setAutoCommit(false);
      T result = function.apply(new Sql(writer));
      writer.commit();
      done = true;
      committed.addAll(transaction.afterCommit());
      return result;
    } catch (SQLException e) {
      throw failed("commit", e);
    } finally {
      current.remove();
      finish(done);
    }
  }

  private void finish(boolean done) {
    try {
      if (!done) {
        writer.rollback();
      }
      writer.setAutoCommit(true);
    } catch (SQLException e) {
      log.error("Undoing a transaction in {} failed: {}", file, e.getMessage());
    }
  }

  private <T extends @Nullable Object> T nested(Transaction open, Function<Sql, T> function) {
    if (!open.writing()) {
      throw new StoreException("A write was started inside a read; start it outside");
    }
    int before = open.afterCommit().size();
    try {
      Savepoint savepoint = open.connection().setSavepoint();
      boolean done = false;
      try {
        T result = function.apply(new Sql(open.connection()));
        done = true;
        return result;
      } finally {
        if (!done) {
          open.connection().rollback(savepoint);
          open.afterCommit().subList(before, open.afterCommit().size()).clear();
        }
        open.connection().releaseSavepoint(savepoint);
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
            "The store " + file + " was busy for " + WAIT_SECONDS + " s; try again");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException("Interrupted while waiting for the store " + file, e);
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new StoreException("The store " + file + " is closed");
    }
  }

  private StoreException failed(String what, SQLException e) {
    return new StoreException(
        "The store " + file + " failed to " + what + ": " + e.getMessage(), e);
  }
}
