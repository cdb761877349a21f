package io.ryegrass.store;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * A connection and, where the driver keeps none itself, its prepared statements: to parse and plan
 * a statement takes SQLite longer than to run it. Used by one thread at a time.
 */
final class Session {
  /** More different statements than one kind of call uses; there are some hundreds in all. */
  private static final int KEPT = 200;

  private final Connection connection;
  private final boolean keepsStatements;
  private final SequencedMap<String, PreparedStatement> idle = new LinkedHashMap<>();

  Session(Connection connection, boolean keepsStatements) {
    this.connection = connection;
    this.keepsStatements = keepsStatements;
  }

  Connection connection() {
    return connection;
  }

  /** A statement that nobody else uses until it is given back. */
  PreparedStatement take(String sql) throws SQLException {
    PreparedStatement kept = idle.remove(sql);
    return kept == null ? connection.prepareStatement(sql) : kept;
  }

  /** Takes back a statement whose rows are read; one that failed is not kept. */
  void giveBack(String sql, PreparedStatement statement, boolean failed) throws SQLException {
    if (!keepsStatements || failed || idle.containsKey(sql)) {
      statement.close();
      return;
    }
    statement.clearParameters();
    idle.put(sql, statement);
    if (idle.size() > KEPT) {
      idle.pollFirstEntry().getValue().close();
    }
  }

  /** Closes the connection, and with it all statements. */
  void close() throws SQLException {
    connection.close();
  }
}
