package io.ryegrass.groups;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Things with immutable versions: the seven kinds of definitions and groups, all in two tables. The
 * content of a version is the JSON of the API; whoever writes it has checked it.
 *
 * <p>{@code seq} numbers rows in the order of their creation; it orders lists and is their paging
 * token.
 */
final class VersionedStore {
  static final JsonMapper JSON = JsonMapper.builder().build();

  static final Migration TABLES =
      new Migration(
          "groups",
          1,
          """
          CREATE TABLE gg_item (
            kind VARCHAR(20) NOT NULL,
            id VARCHAR(64) NOT NULL,
            seq BIGINT NOT NULL,
            name VARCHAR(1024),
            created BIGINT NOT NULL,
            updated BIGINT NOT NULL,
            latest_version VARCHAR(64),
            tags TEXT NOT NULL,
            PRIMARY KEY (kind, id));
          CREATE UNIQUE INDEX gg_item_seq ON gg_item (seq);
          CREATE TABLE gg_version (
            kind VARCHAR(20) NOT NULL,
            id VARCHAR(64) NOT NULL,
            version VARCHAR(64) NOT NULL,
            seq BIGINT NOT NULL,
            created BIGINT NOT NULL,
            content TEXT NOT NULL,
            PRIMARY KEY (kind, id, version));
          CREATE UNIQUE INDEX gg_version_seq ON gg_version (seq)
          """);

  private final CloudStore store;
  private final Clock clock;

  record Item(
      Kind kind,
      String id,
      long seq,
      @Nullable String name,
      Instant created,
      Instant updated,
      @Nullable String latestVersion,
      ObjectNode tags) {}

  record Version(
      Kind kind, String id, String version, long seq, Instant created, ObjectNode content) {}

  VersionedStore(CloudStore store, Clock clock) {
    this.store = store;
    this.clock = clock;
  }

  Item create(
      Kind kind, @Nullable String name, @Nullable ObjectNode initialVersion, ObjectNode tags) {
    return store.write(
        sql -> {
          String id = UUID.randomUUID().toString();
          Instant now = clock.instant();
          sql.update(
              "INSERT INTO gg_item (kind, id, seq, name, created, updated, latest_version, tags)"
                  + " VALUES (?, ?, (SELECT COALESCE(MAX(seq), 0) + 1 FROM gg_item), ?, ?, ?, NULL, ?)",
              kind,
              id,
              name,
              now,
              now,
              tags.toString());
          if (initialVersion != null) {
            insertVersion(sql, kind, id, initialVersion, now);
          }
          return get(sql, kind, id);
        });
  }

  Version createVersion(Kind kind, String id, ObjectNode content) {
    return store.write(
        sql -> {
          require(find(sql, kind, id), V1Errors.noParent(kind));
          return insertVersion(sql, kind, id, content, clock.instant());
        });
  }

  private static Version insertVersion(
      Sql sql, Kind kind, String id, ObjectNode content, Instant now) {
    String version = UUID.randomUUID().toString();
    sql.update(
        "INSERT INTO gg_version (kind, id, version, seq, created, content)"
            + " VALUES (?, ?, ?, (SELECT COALESCE(MAX(seq), 0) + 1 FROM gg_version), ?, ?)",
        kind,
        id,
        version,
        now,
        content.toString());
    sql.update(
        "UPDATE gg_item SET latest_version = ?, updated = ? WHERE kind = ? AND id = ?",
        version,
        now,
        kind,
        id);
    return new Version(kind, id, version, 0, now, content);
  }

  Item get(Kind kind, String id) {
    return store.read(sql -> get(sql, kind, id));
  }

  private static Item get(Sql sql, Kind kind, String id) {
    return find(sql, kind, id).orElseThrow(() -> V1Errors.noDefinition(kind));
  }

  private static Optional<Item> find(Sql sql, Kind kind, String id) {
    return sql.one(
        "SELECT * FROM gg_item WHERE kind = ? AND id = ?", VersionedStore::item, kind, id);
  }

  private static void require(Optional<Item> item, AwsException otherwise) {
    if (item.isEmpty()) {
      throw otherwise;
    }
  }

  boolean exists(Kind kind, String id) {
    return store.read(sql -> find(sql, kind, id)).isPresent();
  }

  void rename(Kind kind, String id, String name) {
    store.write(
        sql ->
            found(
                kind,
                sql.update(
                    "UPDATE gg_item SET name = ?, updated = ? WHERE kind = ? AND id = ?",
                    name,
                    clock.instant(),
                    kind,
                    id)));
  }

  void tag(Kind kind, String id, ObjectNode tags) {
    store.write(
        sql ->
            found(
                kind,
                sql.update(
                    "UPDATE gg_item SET tags = ? WHERE kind = ? AND id = ?",
                    tags.toString(),
                    kind,
                    id)));
  }

  /**
   * Removes it with its versions. Group versions that refer to it keep the ARN; they cannot be
   * deployed any more.
   */
  void delete(Kind kind, String id) {
    store.write(
        sql -> {
          found(kind, sql.update("DELETE FROM gg_item WHERE kind = ? AND id = ?", kind, id));
          return sql.update("DELETE FROM gg_version WHERE kind = ? AND id = ?", kind, id);
        });
  }

  private static int found(Kind kind, int rows) {
    if (rows == 0) {
      throw V1Errors.notFound(kind);
    }
    return rows;
  }

  /** Up to {@code limit} items created after the one numbered {@code after}. */
  List<Item> list(Kind kind, long after, int limit) {
    return store.read(
        sql ->
            sql.list(
                "SELECT * FROM gg_item WHERE kind = ? AND seq > ? ORDER BY seq LIMIT ?",
                VersionedStore::item,
                kind,
                after,
                limit));
  }

  List<Version> versions(Kind kind, String id, long after, int limit) {
    return store.read(
        sql -> {
          require(find(sql, kind, id), V1Errors.notFound(kind));
          return sql.list(
              "SELECT * FROM gg_version WHERE kind = ? AND id = ? AND seq > ? ORDER BY seq LIMIT ?",
              VersionedStore::version,
              kind,
              id,
              after,
              limit);
        });
  }

  Version version(Kind kind, String id, String version) {
    return store.read(
        sql -> {
          require(find(sql, kind, id), V1Errors.notFound(kind));
          return find(sql, kind, id, version)
              .orElseThrow(() -> V1Errors.versionNotFound(kind, id, version));
        });
  }

  /** The version that an ARN names, if it is of this kind and exists. */
  Optional<Version> find(Kind kind, String versionArn) {
    return GroupArns.parse(versionArn)
        .filter(named -> named.kind() == kind)
        .flatMap(
            named -> {
              String version = named.version();
              return version == null
                  ? Optional.empty()
                  : store.read(sql -> find(sql, kind, named.id(), version));
            });
  }

  private static Optional<Version> find(Sql sql, Kind kind, String id, String version) {
    return sql.one(
        "SELECT * FROM gg_version WHERE kind = ? AND id = ? AND version = ?",
        VersionedStore::version,
        kind,
        id,
        version);
  }

  private static Item item(Row row) {
    return new Item(
        Kind.valueOf(row.text("kind")),
        row.text("id"),
        row.number("seq"),
        row.textOrNull("name"),
        Instant.ofEpochMilli(row.number("created")),
        Instant.ofEpochMilli(row.number("updated")),
        row.textOrNull("latest_version"),
        (ObjectNode) JSON.readTree(row.text("tags")));
  }

  private static Version version(Row row) {
    return new Version(
        Kind.valueOf(row.text("kind")),
        row.text("id"),
        row.text("version"),
        row.number("seq"),
        Instant.ofEpochMilli(row.number("created")),
        (ObjectNode) JSON.readTree(row.text("content")));
  }
}
