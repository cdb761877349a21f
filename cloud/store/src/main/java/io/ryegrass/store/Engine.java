package io.ryegrass.store;

import java.sql.Connection;
import java.sql.SQLException;

/** One database: how connections to it are made, and where it differs from the other kind. */
interface Engine {
  /** What messages call it; holds no password. */
  String label();

  /** How many connections may read at once, beside the one that writes. */
  int readers();

  /**
   * A connection for writing.
   *
   * @throws StoreException when there is none, after a bounded number of tries
   */
  Connection openWriter();

  /** A connection for reading; each of its transactions sees one snapshot. */
  Connection openReader();

  /**
   * The first step of each writing transaction: waits until no other process writes. The connection
   * is not in auto-commit mode.
   */
  void lockForWriting(Connection writer) throws SQLException;

  /** Whether prepared statements are worth keeping; false where the driver does it. */
  boolean keepsStatements();

  /** Whether a connection that was idle for so long is still good. */
  boolean usable(Connection idle, long idleMillis);

  /** Whether the connection, not the statement, is what failed. */
  boolean lost(SQLException e);

  /** A statement of a migration in this database's words. */
  String schema(String statement);
}
