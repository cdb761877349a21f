package io.ryegrass.store;

/** Makes one value of one row. Must not keep the row. */
@FunctionalInterface
public interface RowMapper<T> {
  T map(Row row);
}
