package io.ryegrass.store;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Statements inside one transaction. Arguments may be {@code String}, {@code Integer}, {@code
 * Long}, {@code Boolean} (0 or 1), {@code Instant} (milliseconds), {@code byte[]}, an enum (its
 * name) or null. Not usable after the function that received it has returned.
 */
public final class Sql {
  private final Session session;

  Sql(Session session) {
    this.session = session;
  }

  /** All rows of a query, in its order. The query itself must bound how many these are. */
  public <T> List<T> list(String sql, RowMapper<T> mapper, @Nullable Object... args) {
    return run(
        sql,
        args,
        statement -> {
          try (ResultSet rows = statement.executeQuery()) {
            List<T> result = new ArrayList<>();
            Row row = new Row(rows);
            while (rows.next()) {
              result.add(mapper.map(row));
            }
            return result;
          }
        });
  }

  /** The only row of a query; more than one is an error of the caller. */
  public <T> Optional<T> one(String sql, RowMapper<T> mapper, @Nullable Object... args) {
    List<T> found = list(sql, mapper, args);
    if (found.size() > 1) {
      throw new StoreException("Expected one row at most, found " + found.size() + ": " + sql);
    }
    return found.stream().findFirst();
  }

  /** The number in the first column named {@code n}; for counts. */
  public long count(String sql, @Nullable Object... args) {
    return one(sql, row -> row.number("n"), args).orElse(0L);
  }

  /** Runs a statement that changes rows and returns how many it changed. */
  public int update(String sql, @Nullable Object... args) {
    return run(sql, args, PreparedStatement::executeUpdate);
  }

  private interface Use<T> {
    T of(PreparedStatement statement) throws SQLException;
  }

  private <T> T run(String sql, @Nullable Object[] args, Use<T> use) {
    boolean done = false;
    try {
      PreparedStatement statement = session.take(sql);
      try {
        for (int i = 0; i < args.length; i++) {
          bind(statement, i + 1, args[i]);
        }
        T result = use.of(statement);
        done = true;
        return result;
      } finally {
        session.giveBack(sql, statement, !done);
      }
    } catch (SQLException e) {
      throw failed(sql, e);
    }
  }

  private static void bind(PreparedStatement statement, int at, @Nullable Object value)
      throws SQLException {
    switch (value) {
      case null -> statement.setObject(at, null);
      case String text -> statement.setString(at, text);
      case Integer number -> statement.setInt(at, number);
      case Long number -> statement.setLong(at, number);
      case Boolean flag -> statement.setInt(at, flag ? 1 : 0);
      case Instant moment -> statement.setLong(at, moment.toEpochMilli());
      case byte[] bytes -> statement.setBytes(at, bytes);
      case Enum<?> constant -> statement.setString(at, constant.name());
      default ->
          throw new StoreException(
              "Cannot store a value of type "
                  + value.getClass().getName()
                  + " (argument "
                  + at
                  + ")");
    }
  }

  private static StoreException failed(String sql, SQLException e) {
    return new StoreException("Statement failed (" + e.getMessage() + "): " + sql, e);
  }
}
