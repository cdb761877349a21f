package io.ryegrass.functions;

import io.ryegrass.store.Migration;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The tables of this module. */
final class FunctionTables {
  private static final JsonMapper JSON = JsonMapper.shared();

  static final List<Migration> MIGRATIONS =
      List.of(
          new Migration(
              "functions",
              1,
              """
              CREATE TABLE functions (
                name TEXT NOT NULL PRIMARY KEY,
                last_version INTEGER NOT NULL,
                tags TEXT NOT NULL);
              CREATE TABLE function_versions (
                name TEXT NOT NULL,
                version INTEGER NOT NULL,
                configuration TEXT NOT NULL,
                code_key TEXT NOT NULL,
                PRIMARY KEY (name, version));
              CREATE TABLE function_aliases (
                name TEXT NOT NULL,
                alias TEXT NOT NULL,
                version TEXT NOT NULL,
                configuration TEXT NOT NULL,
                PRIMARY KEY (name, alias))
              """),
          new Migration(
              "functions",
              2,
              """
              CREATE TABLE function_permissions (
                name TEXT NOT NULL,
                qualifier TEXT NOT NULL,
                place INTEGER NOT NULL,
                sid TEXT NOT NULL,
                statement TEXT NOT NULL,
                PRIMARY KEY (name, qualifier, sid));
              CREATE TABLE function_policy_revisions (
                name TEXT NOT NULL,
                qualifier TEXT NOT NULL,
                revision TEXT NOT NULL,
                PRIMARY KEY (name, qualifier))
              """));

  private FunctionTables() {}

  /**
   * @param lastVersion number given last; 0 before the first publish
   */
  record FunctionRow(String name, int lastVersion, ObjectNode tags) {}

  /**
   * One version.
   *
   * @param version number; 0 is {@code $LATEST}
   * @param configuration members of shape FunctionConfiguration that belong to the version, without
   *     ARN and version
   */
  record VersionRow(String name, int version, ObjectNode configuration, String codeKey) {}

  record AliasRow(String name, String alias, String version, ObjectNode configuration) {}

  static Optional<FunctionRow> function(Sql sql, String name) {
    return sql.one("SELECT * FROM functions WHERE name = ?", FunctionTables::functionRow, name);
  }

  static List<FunctionRow> functions(Sql sql, String after, int limit) {
    return sql.list(
        "SELECT * FROM functions WHERE name > ? ORDER BY name LIMIT " + limit,
        FunctionTables::functionRow,
        after);
  }

  private static FunctionRow functionRow(Row r) {
    return new FunctionRow(r.text("name"), (int) r.number("last_version"), tree(r.text("tags")));
  }

  static Optional<VersionRow> version(Sql sql, String name, int version) {
    return sql.one(
        "SELECT * FROM function_versions WHERE name = ? AND version = ?",
        FunctionTables::versionRow,
        name,
        version);
  }

  static List<VersionRow> versions(Sql sql, String name, int from, int limit) {
    return sql.list(
        "SELECT * FROM function_versions WHERE name = ? AND version >= ? ORDER BY version LIMIT "
            + limit,
        FunctionTables::versionRow,
        name,
        from);
  }

  private static VersionRow versionRow(Row r) {
    return new VersionRow(
        r.text("name"),
        (int) r.number("version"),
        tree(r.text("configuration")),
        r.text("code_key"));
  }

  static void put(Sql sql, VersionRow v) {
    sql.update(
        "DELETE FROM function_versions WHERE name = ? AND version = ?", v.name(), v.version());
    sql.update(
        "INSERT INTO function_versions (name, version, configuration, code_key) VALUES (?, ?, ?, ?)",
        v.name(),
        v.version(),
        v.configuration().toString(),
        v.codeKey());
  }

  static void put(Sql sql, FunctionRow f) {
    sql.update("DELETE FROM functions WHERE name = ?", f.name());
    sql.update(
        "INSERT INTO functions (name, last_version, tags) VALUES (?, ?, ?)",
        f.name(),
        f.lastVersion(),
        f.tags().toString());
  }

  static Optional<AliasRow> alias(Sql sql, String name, String alias) {
    return sql.one(
        "SELECT * FROM function_aliases WHERE name = ? AND alias = ?",
        FunctionTables::aliasRow,
        name,
        alias);
  }

  static List<AliasRow> aliases(Sql sql, String name, String after, int limit) {
    return sql.list(
        "SELECT * FROM function_aliases WHERE name = ? AND alias > ? ORDER BY alias LIMIT " + limit,
        FunctionTables::aliasRow,
        name,
        after);
  }

  private static AliasRow aliasRow(Row r) {
    return new AliasRow(
        r.text("name"), r.text("alias"), r.text("version"), tree(r.text("configuration")));
  }

  static void put(Sql sql, AliasRow a) {
    sql.update("DELETE FROM function_aliases WHERE name = ? AND alias = ?", a.name(), a.alias());
    sql.update(
        "INSERT INTO function_aliases (name, alias, version, configuration) VALUES (?, ?, ?, ?)",
        a.name(),
        a.alias(),
        a.version(),
        a.configuration().toString());
  }

  private static ObjectNode tree(String json) {
    return (ObjectNode) JSON.readTree(json);
  }
}
