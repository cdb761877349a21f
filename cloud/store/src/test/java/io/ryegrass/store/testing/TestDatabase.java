package io.ryegrass.store.testing;

import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import io.ryegrass.store.PostgresUrl;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The database that the running test class is on. A folder stands for one empty database. */
public final class TestDatabase {
  /** The databases that a cloud may have. */
  public enum Kind {
    SQLITE,
    POSTGRESQL
  }

  private static final Map<Path, String> URLS = new ConcurrentHashMap<>();
  private static volatile Kind kind = Kind.SQLITE;
  private static @Nullable PostgresProgram server;

  private TestDatabase() {}

  static void use(Kind chosen) {
    kind = chosen;
  }

  public static Kind kind() {
    return kind;
  }

  /** Opens the store of a folder; the same folder again finds what it held. */
  public static CloudStore open(Path folder, List<Migration> migrations) {
    return url(folder)
        .map(url -> CloudStore.open(folder, PostgresUrl.parse(url, null), migrations))
        .orElseGet(() -> CloudStore.open(folder, migrations));
  }

  /** The URL of a folder's database on PostgreSQL; empty on SQLite, which is in the folder. */
  public static Optional<String> url(Path folder) {
    return kind == Kind.SQLITE
        ? Optional.empty()
        : Optional.of(URLS.computeIfAbsent(folder.toAbsolutePath(), f -> server().newSchema()));
  }

  /** The server that the tests of this process share; it does not sync its files. */
  private static synchronized PostgresProgram server() {
    PostgresProgram running = server;
    if (running == null) {
      running = PostgresProgram.start(false);
      server = running;
    }
    return running;
  }
}
