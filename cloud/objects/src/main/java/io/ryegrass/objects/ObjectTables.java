package io.ryegrass.objects;

import io.ryegrass.store.Migration;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * The index of a folder of objects: a SQLite file beside them. Texts compare by their bytes, which
 * is S3's order. Of the versions of a key the one with the lowest {@code place} is the newest.
 */
final class ObjectTables {
  private static final JsonMapper JSON = JsonMapper.shared();

  static final List<Migration> MIGRATIONS =
      List.of(
          new Migration(
              "objects",
              1,
              """
              CREATE TABLE buckets (
                name TEXT NOT NULL PRIMARY KEY,
                created BIGINT NOT NULL,
                location TEXT NOT NULL,
                versioning TEXT NOT NULL);
              CREATE TABLE bucket_settings (
                bucket TEXT NOT NULL,
                kind TEXT NOT NULL,
                document TEXT NOT NULL,
                PRIMARY KEY (bucket, kind));
              CREATE TABLE object_versions (
                bucket TEXT NOT NULL,
                object_key TEXT NOT NULL,
                place BIGINT NOT NULL,
                version_id TEXT NOT NULL,
                is_latest INTEGER NOT NULL,
                is_marker INTEGER NOT NULL,
                file TEXT,
                size BIGINT NOT NULL,
                modified BIGINT NOT NULL,
                description TEXT NOT NULL,
                PRIMARY KEY (bucket, object_key, place));
              CREATE UNIQUE INDEX object_versions_by_id
                ON object_versions (bucket, object_key, version_id);
              CREATE INDEX object_versions_current
                ON object_versions (bucket, object_key) WHERE is_latest = 1 AND is_marker = 0;
              CREATE UNIQUE INDEX object_versions_by_file ON object_versions (file);
              CREATE TABLE uploads (
                id TEXT NOT NULL PRIMARY KEY,
                bucket TEXT NOT NULL,
                object_key TEXT NOT NULL,
                initiated BIGINT NOT NULL,
                completed BIGINT,
                description TEXT NOT NULL);
              CREATE INDEX uploads_by_key ON uploads (bucket, object_key, id);
              CREATE TABLE upload_parts (
                upload TEXT NOT NULL,
                number INTEGER NOT NULL,
                etag TEXT NOT NULL,
                size BIGINT NOT NULL,
                modified BIGINT NOT NULL,
                checksums TEXT NOT NULL,
                file TEXT NOT NULL,
                PRIMARY KEY (upload, number));
              CREATE UNIQUE INDEX upload_parts_by_file ON upload_parts (file)
              """));

  private ObjectTables() {}

  /**
   * One version of an object, or a mark that it was deleted.
   *
   * @param file name of its file; null for a mark
   */
  record Version(
      ObjectInfo info, boolean latest, boolean marker, @Nullable String file, long place) {}

  // ---- buckets

  static Optional<Bucket> bucket(Sql sql, String name) {
    return sql.one("SELECT * FROM buckets WHERE name = ?", ObjectTables::bucket, name);
  }

  static List<Bucket> buckets(Sql sql, String after, int limit) {
    return sql.list(
        "SELECT * FROM buckets WHERE name > ? ORDER BY name LIMIT " + limit,
        ObjectTables::bucket,
        after);
  }

  private static Bucket bucket(Row r) {
    return new Bucket(
        r.text("name"),
        r.instant("created"),
        r.text("location"),
        Bucket.Versioning.valueOf(r.text("versioning")));
  }

  static boolean insert(Sql sql, Bucket bucket) {
    return sql.update(
            "INSERT INTO buckets (name, created, location, versioning) VALUES (?, ?, ?, ?)"
                + " ON CONFLICT (name) DO NOTHING",
            bucket.name(),
            bucket.created(),
            bucket.location(),
            bucket.versioning())
        == 1;
  }

  static Optional<String> setting(Sql sql, String bucket, String kind) {
    return sql.one(
        "SELECT document FROM bucket_settings WHERE bucket = ? AND kind = ?",
        r -> r.text("document"),
        bucket,
        kind);
  }

  static void putSetting(Sql sql, String bucket, String kind, @Nullable String document) {
    sql.update("DELETE FROM bucket_settings WHERE bucket = ? AND kind = ?", bucket, kind);
    if (document != null) {
      sql.update(
          "INSERT INTO bucket_settings (bucket, kind, document) VALUES (?, ?, ?)",
          bucket,
          kind,
          document);
    }
  }

  // ---- versions

  static Optional<Version> latest(Sql sql, String bucket, String key) {
    return sql.one(
        "SELECT * FROM object_versions WHERE bucket = ? AND object_key = ? ORDER BY place LIMIT 1",
        ObjectTables::version,
        bucket,
        key);
  }

  static Optional<Version> version(Sql sql, String bucket, String key, String id) {
    return sql.one(
        "SELECT * FROM object_versions WHERE bucket = ? AND object_key = ? AND version_id = ?",
        ObjectTables::version,
        bucket,
        key,
        id);
  }

  /** Current objects from a key on (or behind it), below an end. */
  static List<Version> current(
      Sql sql, String bucket, String from, boolean including, @Nullable String end, int limit) {
    String bounds = " AND object_key " + (including ? ">=" : ">") + " ?";
    String rest = " ORDER BY object_key LIMIT " + limit;
    String select =
        "SELECT * FROM object_versions WHERE is_latest = 1 AND is_marker = 0 AND bucket = ?";
    return end == null
        ? sql.list(select + bounds + rest, ObjectTables::version, bucket, from)
        : sql.list(
            select + bounds + " AND object_key < ?" + rest,
            ObjectTables::version,
            bucket,
            from,
            end);
  }

  /** All versions behind a place of a key, newest first, then those of the keys that follow. */
  static List<Version> versions(
      Sql sql, String bucket, String key, long behind, @Nullable String end, int limit) {
    String select = "SELECT * FROM object_versions WHERE bucket = ?";
    String bounds = " AND (object_key > ? OR object_key = ? AND place > ?) AND object_key >= ?";
    String rest = " ORDER BY object_key, place LIMIT " + limit;
    return end == null
        ? sql.list(select + bounds + rest, ObjectTables::version, bucket, key, key, behind, key)
        : sql.list(
            select + bounds + " AND object_key < ?" + rest,
            ObjectTables::version,
            bucket,
            key,
            key,
            behind,
            key,
            end);
  }

  /** Makes a version the newest of its key. */
  static void add(Sql sql, String bucket, ObjectInfo info, @Nullable String file) {
    long place =
        sql.count(
                "SELECT MIN(place) AS n FROM object_versions WHERE bucket = ? AND object_key = ?",
                bucket,
                info.key())
            - 1;
    sql.update(
        "UPDATE object_versions SET is_latest = 0"
            + " WHERE bucket = ? AND object_key = ? AND is_latest = 1",
        bucket,
        info.key());
    sql.update(
        "INSERT INTO object_versions (bucket, object_key, place, version_id, is_latest, is_marker,"
            + " file, size, modified, description) VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?)",
        bucket,
        info.key(),
        place,
        info.versionId(),
        file == null,
        file,
        info.size(),
        info.lastModified(),
        ObjectFile.describe(info).toString());
  }

  /** Replaces the description of a version. */
  static void describe(Sql sql, String bucket, Version version, ObjectInfo info) {
    sql.update(
        "UPDATE object_versions SET description = ?"
            + " WHERE bucket = ? AND object_key = ? AND place = ?",
        ObjectFile.describe(info).toString(),
        bucket,
        info.key(),
        version.place());
  }

  /** Removes a version; the next newest takes its place when it was the latest. */
  static void remove(Sql sql, String bucket, Version version) {
    String key = version.info().key();
    sql.update(
        "DELETE FROM object_versions WHERE bucket = ? AND object_key = ? AND place = ?",
        bucket,
        key,
        version.place());
    if (version.latest()) {
      sql.update(
          "UPDATE object_versions SET is_latest = 1 WHERE bucket = ? AND object_key = ? AND place ="
              + " (SELECT MIN(place) FROM object_versions WHERE bucket = ? AND object_key = ?)",
          bucket,
          key,
          bucket,
          key);
    }
  }

  private static Version version(Row r) {
    boolean marker = r.flag("is_marker");
    ObjectInfo info =
        ObjectFile.info(JSON.readTree(r.text("description")), r.number("size"))
            .withVersion(r.text("version_id"));
    return new Version(info, r.flag("is_latest"), marker, r.textOrNull("file"), r.number("place"));
  }

  /** A mark that a key was deleted. */
  static ObjectInfo marker(String key, String id, Instant now) {
    return new ObjectInfo(
        key,
        id,
        0,
        "",
        now,
        "",
        java.util.Map.of(),
        java.util.Map.of(),
        java.util.Map.of(),
        List.of());
  }
}
