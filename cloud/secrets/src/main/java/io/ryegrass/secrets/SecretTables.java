package io.ryegrass.secrets;

import io.ryegrass.store.Migration;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The tables of this module. */
final class SecretTables {
  private static final JsonMapper JSON = JsonMapper.shared();

  static final List<Migration> MIGRATIONS =
      List.of(
          new Migration(
              "secrets",
              1,
              """
              CREATE TABLE secret_keys (
                key_id TEXT NOT NULL PRIMARY KEY,
                proof TEXT NOT NULL);
              CREATE TABLE secrets (
                name TEXT NOT NULL PRIMARY KEY,
                arn TEXT NOT NULL UNIQUE,
                description TEXT,
                kms_key_id TEXT,
                tags TEXT NOT NULL,
                policy TEXT,
                created BIGINT NOT NULL,
                changed BIGINT NOT NULL,
                accessed BIGINT,
                deleted BIGINT,
                purge BIGINT);
              CREATE INDEX secrets_by_creation ON secrets (created, name);
              CREATE INDEX secrets_by_purge ON secrets (purge);
              CREATE TABLE secret_versions (
                arn TEXT NOT NULL,
                version_id TEXT NOT NULL,
                seq BIGINT NOT NULL,
                created BIGINT NOT NULL,
                accessed BIGINT,
                is_binary INTEGER NOT NULL,
                key_id TEXT NOT NULL,
                data_key TEXT NOT NULL,
                value TEXT NOT NULL,
                PRIMARY KEY (arn, version_id));
              CREATE INDEX secret_versions_by_key ON secret_versions (key_id);
              CREATE TABLE secret_stages (
                arn TEXT NOT NULL,
                stage TEXT NOT NULL,
                version_id TEXT NOT NULL,
                PRIMARY KEY (arn, stage))
              """));

  private SecretTables() {}

  /**
   * @param deleted when deletion was asked for
   * @param purge when it happens
   */
  record Secret(
      String name,
      String arn,
      @Nullable String description,
      @Nullable String kmsKeyId,
      ObjectNode tags,
      @Nullable String policy,
      Instant created,
      Instant changed,
      @Nullable Instant accessed,
      @Nullable Instant deleted,
      @Nullable Instant purge) {}

  record Version(
      String arn,
      String id,
      Instant created,
      @Nullable Instant accessed,
      boolean binary,
      Vault.Sealed sealed) {

    /** What the envelope is bound to. */
    String owner() {
      return owner(arn, id, binary);
    }

    static String owner(String arn, String id, boolean binary) {
      return arn + "\n" + id + "\n" + (binary ? "binary" : "string");
    }
  }

  static Optional<Secret> byName(Sql sql, String name) {
    return sql.one("SELECT * FROM secrets WHERE name = ?", SecretTables::secret, name);
  }

  static Optional<Secret> byArn(Sql sql, String arn) {
    return sql.one("SELECT * FROM secrets WHERE arn = ?", SecretTables::secret, arn);
  }

  /** Some secrets behind a place in the order of their creation. */
  static List<Secret> after(Sql sql, long created, String name, boolean ascending, int limit) {
    String compare = ascending ? ">" : "<";
    String order = ascending ? "ASC" : "DESC";
    return sql.list(
        "SELECT * FROM secrets WHERE created "
            + compare
            + " ? OR (created = ? AND name "
            + compare
            + " ?) ORDER BY created "
            + order
            + ", name "
            + order
            + " LIMIT "
            + limit,
        SecretTables::secret,
        created,
        created,
        name);
  }

  static void insert(Sql sql, Secret s) {
    sql.update(
        "INSERT INTO secrets (name, arn, description, kms_key_id, tags, created, changed) VALUES"
            + " (?, ?, ?, ?, ?, ?, ?)",
        s.name(),
        s.arn(),
        s.description(),
        s.kmsKeyId(),
        s.tags().toString(),
        s.created(),
        s.changed());
  }

  /** Secrets whose recovery window has passed are gone, with all that belongs to them. */
  static void purge(Sql sql, Instant now) {
    sql.list("SELECT arn FROM secrets WHERE purge <= ? LIMIT 1000", row -> row.text("arn"), now)
        .forEach(arn -> delete(sql, arn));
  }

  static void delete(Sql sql, String arn) {
    sql.update("DELETE FROM secret_stages WHERE arn = ?", arn);
    sql.update("DELETE FROM secret_versions WHERE arn = ?", arn);
    sql.update("DELETE FROM secrets WHERE arn = ?", arn);
  }

  private static Secret secret(Row r) {
    return new Secret(
        r.text("name"),
        r.text("arn"),
        r.textOrNull("description"),
        r.textOrNull("kms_key_id"),
        (ObjectNode) JSON.readTree(r.text("tags")),
        r.textOrNull("policy"),
        r.instant("created"),
        r.instant("changed"),
        r.instantOrNull("accessed"),
        r.instantOrNull("deleted"),
        r.instantOrNull("purge"));
  }

  static Optional<Version> version(Sql sql, String arn, String id) {
    return sql.one(
        "SELECT * FROM secret_versions WHERE arn = ? AND version_id = ?",
        SecretTables::version,
        arn,
        id);
  }

  static void deleteVersion(Sql sql, String arn, String id) {
    sql.update("DELETE FROM secret_versions WHERE arn = ? AND version_id = ?", arn, id);
  }

  /** The secret was changed now. */
  static void touch(Sql sql, String arn, Instant now) {
    sql.update("UPDATE secrets SET changed = ? WHERE arn = ?", now, arn);
  }

  /** All versions, the newest first; there are few hundred at most. */
  static List<Version> versions(Sql sql, String arn) {
    return sql.list(
        "SELECT * FROM secret_versions WHERE arn = ? ORDER BY seq DESC LIMIT 1000",
        SecretTables::version,
        arn);
  }

  static Version version(Row r) {
    return new Version(
        r.text("arn"),
        r.text("version_id"),
        r.instant("created"),
        r.instantOrNull("accessed"),
        r.flag("is_binary"),
        new Vault.Sealed(r.text("key_id"), r.text("data_key"), r.text("value")));
  }

  static void insert(Sql sql, Version v) {
    long last =
        sql.count("SELECT COALESCE(MAX(seq), 0) AS n FROM secret_versions WHERE arn = ?", v.arn());
    sql.update(
        "INSERT INTO secret_versions (arn, version_id, seq, created, is_binary, key_id, data_key,"
            + " value) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        v.arn(),
        v.id(),
        last + 1,
        v.created(),
        v.binary(),
        v.sealed().keyId(),
        v.sealed().dataKey(),
        v.sealed().value());
  }

  /** Version ids with their labels, both in order; versions without labels are not in it. */
  static TreeMap<String, TreeSet<String>> stages(Sql sql, String arn) {
    TreeMap<String, TreeSet<String>> found = new TreeMap<>();
    sql.list(
            "SELECT stage, version_id FROM secret_stages WHERE arn = ?",
            row -> new String[] {row.text("version_id"), row.text("stage")},
            arn)
        .forEach(pair -> found.computeIfAbsent(pair[0], id -> new TreeSet<>()).add(pair[1]));
    return found;
  }

  static Optional<String> staged(Sql sql, String arn, String stage) {
    return sql.one(
        "SELECT version_id FROM secret_stages WHERE arn = ? AND stage = ?",
        row -> row.text("version_id"),
        arn,
        stage);
  }

  /** Puts a label on a version; it is on no other then. */
  static void stage(Sql sql, String arn, String stage, String versionId) {
    unstage(sql, arn, stage);
    sql.update(
        "INSERT INTO secret_stages (arn, stage, version_id) VALUES (?, ?, ?)",
        arn,
        stage,
        versionId);
  }

  static void unstage(Sql sql, String arn, String stage) {
    sql.update("DELETE FROM secret_stages WHERE arn = ? AND stage = ?", arn, stage);
  }
}
