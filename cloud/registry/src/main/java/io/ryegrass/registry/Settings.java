package io.ryegrass.registry;

import io.ryegrass.store.Sql;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/** Settings of the account of which there is one each: a name and a JSON object. */
final class Settings {
  private Settings() {}

  static Optional<ObjectNode> find(Sql sql, String name) {
    return sql.one(
        "SELECT content FROM iot_settings WHERE name = ?",
        row -> Answers.parse(row.text("content")),
        name);
  }

  static void put(Sql sql, String name, ObjectNode content) {
    sql.update(
        "INSERT INTO iot_settings (name, content) VALUES (?, ?)"
            + " ON CONFLICT (name) DO UPDATE SET content = excluded.content",
        name,
        content.toString());
  }

  static void delete(Sql sql, String name) {
    sql.update("DELETE FROM iot_settings WHERE name = ?", name);
  }
}
