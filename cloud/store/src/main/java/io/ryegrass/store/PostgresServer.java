package io.ryegrass.store;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.postgresql.Driver;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A PostgreSQL database, used as SQLite is: one writer at a time, and readers on snapshots
 * (docs/decisions/024).
 *
 * <p>Each writing transaction starts with an advisory lock that ends with it. All processes on one
 * database and schema share that lock, so that writes are serial over all of them; READ COMMITTED
 * then gives each statement the newest state, which nobody else can change.
 */
final class PostgresServer implements Engine {
  private static final Logger log = LoggerFactory.getLogger(PostgresServer.class);
  private static final int READERS = 8;

  /** A connection that was idle for longer is asked whether it lives before it is used. */
  private static final long TRUSTED_MILLIS = 500;

  private static final Duration RECONNECT = Duration.ofSeconds(10);
  private static final String LOCK =
      "SELECT pg_advisory_xact_lock(1383695715, hashtext(current_schema()))";

  private static final Pattern TYPES =
      Pattern.compile("(?i)\\b(TEXT|VARCHAR\\s*\\(\\s*\\d+\\s*\\)|INTEGER|BLOB)(?=[\\s,)]|$)");

  private final PostgresUrl url;
  private final Driver driver = new Driver();
  private volatile boolean checked;

  PostgresServer(PostgresUrl url) {
    this.url = url;
  }

  @Override
  public String label() {
    return url.toString();
  }

  @Override
  public int readers() {
    return READERS;
  }

  @Override
  public Connection openWriter() {
    Connection connection = open();
    return prepared(connection, Connection.TRANSACTION_READ_COMMITTED, false);
  }

  @Override
  public Connection openReader() {
    return prepared(open(), Connection.TRANSACTION_REPEATABLE_READ, true);
  }

  /** Connects; a server that is restarting gets some seconds to come back. */
  private Connection open() {
    long end = System.nanoTime() + RECONNECT.toNanos();
    for (int tries = 1; ; tries++) {
      try {
        return Objects.requireNonNull(driver.connect(url.url(), url.properties()));
      } catch (SQLException e) {
        if (!lost(e) || System.nanoTime() > end) {
          throw unreachable(e);
        }
        pause(Math.min(1000, 50L << Math.min(tries, 5)));
      }
    }
  }

  private StoreException unreachable(SQLException e) {
    return new StoreException(
        "Cannot reach the database "
            + url
            + ": "
            + e.getMessage()
            + "; check that the server runs and lets this user in",
        e);
  }

  private void pause(long millis) {
    try {
      Thread.sleep(ThreadLocalRandom.current().nextLong(millis / 2, millis + 1));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException("Interrupted while connecting to " + url, e);
    }
  }

  private Connection prepared(Connection connection, int isolation, boolean readOnly) {
    try {
      connection.setTransactionIsolation(isolation);
      connection.setReadOnly(readOnly);
      try (Statement statement = connection.createStatement()) {
        statement.execute(
            "SET lock_timeout = '30s'; SET idle_in_transaction_session_timeout = '60s'");
      }
      if (!readOnly) {
        check(connection);
      }
      return connection;
    } catch (SQLException e) {
      close(connection);
      throw unreachable(e);
    } catch (RuntimeException e) {
      close(connection);
      throw e;
    }
  }

  /**
   * A commit that is not on disk is no commit: a session that would not wait for the disk is made
   * to; other settings of the operator, as waiting for a standby, stay.
   */
  private void check(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT current_setting('server_encoding') AS encoding, current_setting('fsync') AS"
                    + " fsync, current_schema() AS place, CASE WHEN"
                    + " current_setting('synchronous_commit') = 'off' THEN"
                    + " set_config('synchronous_commit', 'on', false) END AS changed")) {
      row.next();
      if (!"UTF8".equals(row.getString("encoding"))) {
        throw new StoreException(
            "The database "
                + url
                + " is not in UTF-8 but in "
                + row.getString("encoding")
                + "; create one with: createdb -E UTF8 -T template0 NAME");
      }
      if (row.getString("place") == null) {
        throw new StoreException(
            "The schema that the search path of the database " + url + " names does not exist");
      }
      if (!checked && "off".equals(row.getString("fsync"))) {
        log.warn(
            "the server of {} runs with fsync=off: a power cut may lose what it confirmed", url);
      }
      checked = true;
    }
  }

  @Override
  public void lockForWriting(Connection writer) throws SQLException {
    try (PreparedStatement statement = writer.prepareStatement(LOCK)) {
      statement.execute();
    }
  }

  /** The driver keeps 256 of them. */
  @Override
  public boolean keepsStatements() {
    return false;
  }

  @Override
  public boolean usable(Connection idle, long idleMillis) {
    if (idleMillis < TRUSTED_MILLIS) {
      return true;
    }
    try {
      return idle.isValid(5);
    } catch (SQLException e) {
      log.debug("a connection to {} is gone: {}", url, e.getMessage());
      return false;
    }
  }

  /** Class 08 is the connection, 57P01 to 57P03 a server that goes down or comes up, 53300 full. */
  @Override
  public boolean lost(SQLException e) {
    String state = e.getSQLState();
    return state != null
        && (state.startsWith("08") || state.startsWith("57P0") || state.equals("53300"));
  }

  /**
   * Texts compare by their bytes and have no length, integers have 64 bits, as in SQLite. Without
   * {@code COLLATE "C"} the order of names, which pages of lists follow, would be the locale's.
   */
  @Override
  public String schema(String statement) {
    String head = statement.toUpperCase(Locale.ROOT);
    if (!head.startsWith("CREATE TABLE") && !head.startsWith("ALTER TABLE")) {
      return statement;
    }
    StringBuilder result = new StringBuilder();
    String[] parts = statement.split("'", -1);
    for (int i = 0; i < parts.length; i++) {
      result.append(i == 0 ? "" : "'").append(i % 2 == 1 ? parts[i] : types(parts[i]));
    }
    return result.toString();
  }

  private static String types(String sql) {
    return TYPES
        .matcher(sql)
        .replaceAll(
            found ->
                Matcher.quoteReplacement(
                    switch (found.group(1).toUpperCase(Locale.ROOT).charAt(0)) {
                      case 'I' -> "BIGINT";
                      case 'B' -> "BYTEA";
                      default -> "TEXT COLLATE \"C\"";
                    }));
  }

  private void close(Connection connection) {
    try {
      connection.close();
    } catch (SQLException e) {
      log.debug("closing a connection to {} failed: {}", url, e.getMessage());
    }
  }
}
