package io.ryegrass.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import org.sqlite.SQLiteConfig;

/** The database file and how connections to it are made. */
record SqliteFile(Path path) implements Engine {
  private static final int READERS = 4;
  private static final int BUSY_MILLIS = 10_000;

  static SqliteFile in(Path dataFolder) {
    try {
      Files.createDirectories(dataFolder);
    } catch (IOException e) {
      throw new StoreException(
          "Cannot create the data folder "
              + dataFolder
              + ": "
              + e.getMessage()
              + "; choose another",
          e);
    }
    NativeSqlite.prepare(dataFolder);
    return new SqliteFile(dataFolder.resolve("cloud.db").toAbsolutePath());
  }

  @Override
  public String label() {
    return path.toString();
  }

  @Override
  public int readers() {
    return READERS;
  }

  @Override
  public Connection openWriter() {
    SQLiteConfig config = new SQLiteConfig();
    config.setTransactionMode(SQLiteConfig.TransactionMode.IMMEDIATE);
    return open(config);
  }

  @Override
  public Connection openReader() {
    SQLiteConfig config = new SQLiteConfig();
    config.setTransactionMode(SQLiteConfig.TransactionMode.DEFERRED);
    return open(config);
  }

  private Connection open(SQLiteConfig config) {
    config.setJournalMode(SQLiteConfig.JournalMode.WAL);
    config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
    config.enforceForeignKeys(true);
    config.setBusyTimeout(BUSY_MILLIS);
    config.setTempStore(SQLiteConfig.TempStore.MEMORY);
    try {
      return config.createConnection("jdbc:sqlite:" + path);
    } catch (SQLException e) {
      throw new StoreException(
          "Cannot open the database "
              + path
              + ": "
              + e.getMessage()
              + "; check that the folder is writable and the file is not damaged",
          e);
    }
  }

  /** Nothing to do: IMMEDIATE transactions take SQLite's write lock with their first statement. */
  @Override
  public void lockForWriting(Connection writer) {}

  @Override
  public boolean keepsStatements() {
    return true;
  }

  @Override
  public boolean usable(Connection idle, long idleMillis) {
    return true;
  }

  @Override
  public boolean lost(SQLException e) {
    return false;
  }

  /** Migrations are written in SQLite's words. */
  @Override
  public String schema(String statement) {
    return statement;
  }
}
