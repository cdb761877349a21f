package io.ryegrass.logs;

import io.ryegrass.store.Migration;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The tables of this module. Events are ordered by (time, id); ids of everything come from one
 * sequence and are never given twice, so events of a deleted stream belong to nobody until they are
 * swept.
 */
final class LogTables {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final int ROWS_PER_INSERT = 100;
  private static final int CHUNK_EVENTS = 1000;
  private static final long CHUNK_BYTES = 4 << 20;

  static final List<Migration> MIGRATIONS =
      List.of(
          new Migration(
              "logs",
              1,
              """
              CREATE TABLE log_sequence (next_id BIGINT NOT NULL);
              INSERT INTO log_sequence (next_id) VALUES (1);
              CREATE TABLE log_groups (
                id BIGINT NOT NULL PRIMARY KEY,
                name TEXT NOT NULL UNIQUE,
                created BIGINT NOT NULL,
                retention INTEGER,
                class TEXT NOT NULL,
                kms_key_id TEXT,
                tags TEXT NOT NULL,
                bytes BIGINT NOT NULL);
              CREATE TABLE log_streams (
                id BIGINT NOT NULL PRIMARY KEY,
                group_id BIGINT NOT NULL,
                name TEXT NOT NULL,
                created BIGINT NOT NULL,
                first_event BIGINT,
                last_event BIGINT,
                last_ingestion BIGINT,
                UNIQUE (group_id, name));
              CREATE INDEX log_streams_by_event ON log_streams (group_id, last_event, name);
              CREATE TABLE log_dropped_streams (
                id BIGINT NOT NULL PRIMARY KEY,
                group_id BIGINT NOT NULL);
              CREATE TABLE log_events (
                stream_id BIGINT NOT NULL,
                time BIGINT NOT NULL,
                id BIGINT NOT NULL,
                group_id BIGINT NOT NULL,
                ingested BIGINT NOT NULL,
                size INTEGER NOT NULL,
                message TEXT NOT NULL,
                PRIMARY KEY (stream_id, time, id));
              CREATE INDEX log_events_by_group ON log_events (group_id, time, id)
              """));

  private LogTables() {}

  /**
   * @param retention in days
   * @param bytes of all its events
   */
  record Group(
      long id,
      String name,
      long created,
      @Nullable Long retention,
      String logClass,
      @Nullable String kmsKeyId,
      ObjectNode tags,
      long bytes) {

    /** Events before this moment are expired. */
    long expiry(long now) {
      return retention == null ? Long.MIN_VALUE : now - retention * 86_400_000L;
    }
  }

  record Stream(
      long id,
      String name,
      long created,
      @Nullable Long firstEvent,
      @Nullable Long lastEvent,
      @Nullable Long lastIngestion) {}

  /**
   * @param size by AWS's count: bytes of the message and 26
   */
  record Event(long streamId, long time, long id, long ingested, int size, String message) {}

  /** The first of some new ids. */
  static long allocate(Sql sql, int count) {
    sql.update("UPDATE log_sequence SET next_id = next_id + ?", count);
    return sql.count("SELECT next_id AS n FROM log_sequence") - count;
  }

  // ---- groups

  static Optional<Group> group(Sql sql, String name) {
    return sql.one("SELECT * FROM log_groups WHERE name = ?", LogTables::group, name);
  }

  static List<Group> groups(Sql sql, String after, int limit) {
    return sql.list(
        "SELECT * FROM log_groups WHERE name > ? ORDER BY name LIMIT " + limit,
        LogTables::group,
        after);
  }

  private static Group group(Row r) {
    return new Group(
        r.number("id"),
        r.text("name"),
        r.number("created"),
        r.numberOrNull("retention"),
        r.text("class"),
        r.textOrNull("kms_key_id"),
        (ObjectNode) JSON.readTree(r.text("tags")),
        r.number("bytes"));
  }

  static void insert(Sql sql, Group g) {
    sql.update(
        "INSERT INTO log_groups (id, name, created, class, kms_key_id, tags, bytes) VALUES (?, ?,"
            + " ?, ?, ?, ?, 0)",
        g.id(),
        g.name(),
        g.created(),
        g.logClass(),
        g.kmsKeyId(),
        g.tags().toString());
  }

  static void addBytes(Sql sql, long groupId, long bytes) {
    sql.update("UPDATE log_groups SET bytes = bytes + ? WHERE id = ?", bytes, groupId);
  }

  static long bytes(Sql sql) {
    return sql.count("SELECT COALESCE(SUM(bytes), 0) AS n FROM log_groups");
  }

  // ---- streams

  static Optional<Stream> stream(Sql sql, long groupId, String name) {
    return sql.one(
        "SELECT * FROM log_streams WHERE group_id = ? AND name = ?",
        LogTables::stream,
        groupId,
        name);
  }

  static Stream stream(Row r) {
    return new Stream(
        r.number("id"),
        r.text("name"),
        r.number("created"),
        r.numberOrNull("first_event"),
        r.numberOrNull("last_event"),
        r.numberOrNull("last_ingestion"));
  }

  static void insert(Sql sql, long groupId, Stream s) {
    sql.update(
        "INSERT INTO log_streams (id, group_id, name, created) VALUES (?, ?, ?, ?)",
        s.id(),
        groupId,
        s.name(),
        s.created());
  }

  /** Streams are gone at once; their events are swept later. */
  static void drop(Sql sql, long groupId, @Nullable Long streamId) {
    String which = "group_id = ?" + (streamId == null ? "" : " AND id = " + streamId);
    sql.update(
        "INSERT INTO log_dropped_streams (id, group_id) SELECT id, group_id FROM log_streams WHERE "
            + which,
        groupId);
    sql.update("DELETE FROM log_streams WHERE " + which, groupId);
  }

  // ---- events

  static void insert(Sql sql, long groupId, List<Event> events) {
    for (int from = 0; from < events.size(); from += ROWS_PER_INSERT) {
      List<Event> some = events.subList(from, Math.min(events.size(), from + ROWS_PER_INSERT));
      List<@Nullable Object> args = new ArrayList<>(some.size() * 7);
      for (Event e : some) {
        args.addAll(
            List.of(e.streamId(), e.time(), e.id(), groupId, e.ingested(), e.size(), e.message()));
      }
      sql.update(
          "INSERT INTO log_events (stream_id, time, id, group_id, ingested, size, message) VALUES "
              + "(?, ?, ?, ?, ?, ?, ?), ".repeat(some.size() - 1)
              + "(?, ?, ?, ?, ?, ?, ?)",
          args.toArray());
    }
  }

  static Event event(Row r) {
    return new Event(
        r.number("stream_id"),
        r.number("time"),
        r.number("id"),
        r.number("ingested"),
        (int) r.number("size"),
        r.text("message"));
  }

  /** A place in the order of events. */
  record Place(long time, long id) {
    static final Place BEFORE_ALL = new Place(Long.MIN_VALUE, Long.MIN_VALUE);
    static final Place AFTER_ALL = new Place(Long.MAX_VALUE, Long.MAX_VALUE);
  }

  /**
   * Some events.
   *
   * @param last whether there are no more behind them
   */
  record Chunk(List<Event> events, boolean last) {}

  /**
   * Which events are meant.
   *
   * @param column {@code stream_id} or {@code group_id}
   * @param from time of the first one that counts
   * @param until time of the last one that counts
   */
  record Range(String column, long id, long from, long until) {}

  /**
   * Events behind (or, backwards, before) a place; backwards they come latest first. Messages may
   * be as large as a whole batch, so they are read only up to a number of bytes.
   *
   * @param most at least one
   */
  static Chunk events(Sql sql, Range range, Place place, boolean forward, int most) {
    String compare = forward ? ">" : "<";
    String order = forward ? "ASC" : "DESC";
    long low = forward ? Math.max(range.from(), place.time()) : range.from();
    long high = forward ? range.until() : Math.min(range.until(), place.time());
    // the bounds on time alone are what the index is searched by
    String rest =
        " FROM log_events WHERE "
            + range.column()
            + " = ? AND time >= ? AND time <= ? AND (time <> ? OR id "
            + compare
            + " ?) ORDER BY time "
            + order
            + ", id "
            + order
            + " LIMIT ";
    Object[] args = {range.id(), low, high, place.time(), place.id()};
    List<Long> sizes =
        sql.list(
            "SELECT time, id, size" + rest + Math.min(most, CHUNK_EVENTS),
            row -> row.number("size"),
            args);
    int count = 0;
    long bytes = 0;
    while (count < sizes.size() && (count == 0 || bytes + sizes.get(count) <= CHUNK_BYTES)) {
      bytes += sizes.get(count++);
    }
    List<Event> events =
        count == 0 ? List.of() : sql.list("SELECT *" + rest + count, LogTables::event, args);
    return new Chunk(events, count == sizes.size() && count < Math.min(most, CHUNK_EVENTS));
  }
}
