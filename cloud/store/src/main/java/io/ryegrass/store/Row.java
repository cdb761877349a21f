package io.ryegrass.store;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** The current row of a query, read by column name. Valid only inside the {@link RowMapper}. */
public final class Row {
  private final ResultSet rows;

  Row(ResultSet rows) {
    this.rows = rows;
  }

  /** The text of a column that is never null. */
  public String text(String column) {
    String value = textOrNull(column);
    if (value == null) {
      throw new StoreException("Column " + column + " is null where a text was expected");
    }
    return value;
  }

  public @Nullable String textOrNull(String column) {
    try {
      return rows.getString(column);
    } catch (SQLException e) {
      throw failed(column, e);
    }
  }

  /** The number of a column; 0 when it is null. */
  public long number(String column) {
    try {
      return rows.getLong(column);
    } catch (SQLException e) {
      throw failed(column, e);
    }
  }

  public @Nullable Long numberOrNull(String column) {
    try {
      long value = rows.getLong(column);
      return rows.wasNull() ? null : value;
    } catch (SQLException e) {
      throw failed(column, e);
    }
  }

  /** A flag, stored as 0 or 1. */
  public boolean flag(String column) {
    return number(column) != 0;
  }

  /** A moment, stored as milliseconds since 1970. */
  public Instant instant(String column) {
    return Instant.ofEpochMilli(number(column));
  }

  public @Nullable Instant instantOrNull(String column) {
    Long value = numberOrNull(column);
    return value == null ? null : Instant.ofEpochMilli(value);
  }

  /** Bytes of a column that is never null. */
  public byte[] bytes(String column) {
    try {
      byte[] value = rows.getBytes(column);
      if (value == null) {
        throw new StoreException("Column " + column + " is null where bytes were expected");
      }
      return value;
    } catch (SQLException e) {
      throw failed(column, e);
    }
  }

  private static StoreException failed(String column, SQLException e) {
    return new StoreException("Cannot read column " + column + ": " + e.getMessage(), e);
  }
}
