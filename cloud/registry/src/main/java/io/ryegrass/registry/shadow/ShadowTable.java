package io.ryegrass.registry.shadow;

import io.ryegrass.model.shadow.ShadowDocument;
import io.ryegrass.store.Migration;
import io.ryegrass.store.Sql;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The shadows in the store. A deleted one leaves its version behind for {@link #REMEMBERED}. */
final class ShadowTable {
  /**
   * "If you create a shadow that has the same name as one that was deleted within the past 48
   * hours, the version number will follow that of the deleted one" (AWS IoT Core developer guide,
   * Interacting with shadows).
   */
  static final Duration REMEMBERED = Duration.ofHours(48);

  private static final JsonMapper JSON = JsonMapper.shared();

  private ShadowTable() {}

  static List<Migration> migrations() {
    return List.of(
        new Migration(
            "shadow",
            1,
            """
            CREATE TABLE shadows (
              thing TEXT NOT NULL,
              name TEXT NOT NULL,
              state TEXT NOT NULL,
              metadata TEXT NOT NULL,
              version BIGINT NOT NULL,
              updated BIGINT NOT NULL,
              present INTEGER NOT NULL,
              PRIMARY KEY (thing, name))
            """),
        new Migration(
            "shadow",
            2,
            """
            CREATE INDEX shadows_deleted ON shadows (updated) WHERE present = 0
            """));
  }

  /**
   * @param present false for a deleted one, whose version counts on
   */
  record Stored(ShadowDocument document, boolean present) {}

  static Optional<Stored> find(Sql sql, String thing, @Nullable String shadowName, Instant now) {
    return sql.one(
            "SELECT state, metadata, version, updated, present FROM shadows WHERE thing = ? AND name"
                + " = ?",
            row -> {
              boolean present = row.flag("present");
              if (!present && row.instant("updated").isBefore(now.minus(REMEMBERED))) {
                return Optional.<Stored>empty();
              }
              return Optional.of(
                  new Stored(
                      new ShadowDocument(
                          (ObjectNode) JSON.readTree(row.text("state")),
                          (ObjectNode) JSON.readTree(row.text("metadata")),
                          row.number("version")),
                      present));
            },
            thing,
            shadowName == null ? "" : shadowName)
        .flatMap(found -> found);
  }

  static void save(
      Sql sql,
      String thing,
      @Nullable String shadowName,
      ShadowDocument document,
      boolean present,
      Instant now) {
    sql.update(
        "INSERT INTO shadows (thing, name, state, metadata, version, updated, present)"
            + " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (thing, name) DO UPDATE SET"
            + " state = excluded.state, metadata = excluded.metadata, version = excluded.version,"
            + " updated = excluded.updated, present = excluded.present",
        thing,
        shadowName == null ? "" : shadowName,
        document.state().toString(),
        document.metadata().toString(),
        document.version(),
        now,
        present);
  }

  /** Forgets the versions of what was deleted long ago. */
  static void forgetDeleted(Sql sql, Instant now) {
    sql.update("DELETE FROM shadows WHERE present = 0 AND updated < ?", now.minus(REMEMBERED));
  }

  /** Names of a thing's named shadows after this one, in order. */
  static List<String> names(Sql sql, String thing, String after, int most) {
    return sql.list(
        "SELECT name FROM shadows WHERE thing = ? AND name > ? AND present = 1 ORDER BY name LIMIT"
            + " ?",
        row -> row.text("name"),
        thing,
        after,
        most);
  }
}
