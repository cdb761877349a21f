package io.ryegrass.store;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/** Brings the tables to the version the program knows, in one transaction. */
final class Schema {
  private record Applied(String module, int version, long checksum) {}

  private static final String OWN_TABLE =
      "CREATE TABLE IF NOT EXISTS schema_migrations (module TEXT NOT NULL, version INTEGER"
          + " NOT NULL, checksum BIGINT NOT NULL, PRIMARY KEY (module, version))";

  private Schema() {}

  /** In one transaction, and so by one process at a time, whoever else starts. */
  static void migrate(CloudStore store, Engine engine, List<Migration> migrations) {
    Map<String, List<Migration>> byModule = new TreeMap<>();
    for (Migration m : migrations) {
      byModule.computeIfAbsent(m.module(), name -> new ArrayList<>()).add(m);
    }
    byModule.values().forEach(Schema::checkNumbers);
    store.write(
        sql -> {
          sql.update(engine.schema(OWN_TABLE));
          List<Migration> pending = pending(sql, byModule);
          for (Migration m : pending) {
            statements(m.sql()).forEach(statement -> sql.update(engine.schema(statement)));
            sql.update(
                "INSERT INTO schema_migrations (module, version, checksum) VALUES (?, ?, ?)",
                m.module(),
                m.version(),
                checksum(m));
          }
          return pending.size();
        });
  }

  private static List<Migration> pending(Sql sql, Map<String, List<Migration>> byModule) {
    List<Applied> applied =
        sql.list(
            "SELECT module, version, checksum FROM schema_migrations",
            row ->
                new Applied(
                    row.text("module"), (int) row.number("version"), row.number("checksum")));
    for (Applied old : applied) {
      checkKnown(old, byModule.get(old.module()));
    }
    Set<String> done = new HashSet<>();
    applied.forEach(a -> done.add(a.module() + "/" + a.version()));
    return byModule.values().stream()
        .flatMap(List::stream)
        .filter(m -> !done.contains(m.module() + "/" + m.version()))
        .toList();
  }

  private static void checkNumbers(List<Migration> steps) {
    steps.sort(Comparator.comparingInt(Migration::version));
    for (int i = 0; i < steps.size(); i++) {
      if (steps.get(i).version() != i + 1) {
        throw new StoreException(
            "Migrations of module "
                + steps.get(i).module()
                + " must be numbered 1, 2, 3 … once each");
      }
    }
  }

  private static void checkKnown(
      Applied old, @org.jspecify.annotations.Nullable List<Migration> steps) {
    if (steps == null) {
      return; // a module that this program does not start keeps its tables
    }
    if (old.version() > steps.size()) {
      throw new StoreException(
          "The database was written by a newer Ryegrass (module "
              + old.module()
              + ", schema "
              + old.version()
              + "); start that version or a newer one");
    }
    if (checksum(steps.get(old.version() - 1)) != old.checksum()) {
      throw new StoreException(
          "Migration "
              + old.version()
              + " of module "
              + old.module()
              + " differs from the one this database was made with; use the version of Ryegrass"
              + " that made it, or a new database");
    }
  }

  private static long checksum(Migration m) {
    CRC32C crc = new CRC32C();
    crc.update(m.sql().strip().replaceAll("\\s+", " ").getBytes(StandardCharsets.UTF_8));
    return crc.getValue();
  }

  /** Splits at {@code ;} outside of quotes and {@code --} comments. */
  static List<String> statements(String sql) {
    List<String> found = new ArrayList<>();
    StringBuilder statement = new StringBuilder();
    char quote = 0;
    for (int i = 0; i < sql.length(); i++) {
      char c = sql.charAt(i);
      if (quote != 0) {
        quote = c == quote ? 0 : quote;
      } else if (c == '\'' || c == '"') {
        quote = c;
      } else if (c == '-' && sql.startsWith("--", i)) {
        int end = sql.indexOf('\n', i);
        i = end < 0 ? sql.length() : end;
        statement.append('\n');
        continue;
      } else if (c == ';') {
        add(found, statement);
        continue;
      }
      statement.append(c);
    }
    add(found, statement);
    return found;
  }

  private static void add(List<String> found, StringBuilder statement) {
    String text = statement.toString().strip();
    statement.setLength(0);
    if (!text.isEmpty()) {
      found.add(text);
    }
  }
}
