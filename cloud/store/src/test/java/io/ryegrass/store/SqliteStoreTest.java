package io.ryegrass.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is of SQLite alone; the rest is in {@link CloudStoreTest}. */
class SqliteStoreTest {
  @TempDir Path folder;
  private CloudStore store;

  @BeforeEach
  void open() {
    store = CloudStore.open(folder, List.of());
  }

  @AfterEach
  void close() {
    store.close();
  }

  @Test
  void theDatabaseUsesWriteAheadLogAndFullSynchronisation() {
    String mode =
        store.write(sql -> sql.one("PRAGMA journal_mode", r -> r.text("journal_mode")).get());
    long sync =
        store.write(sql -> sql.one("PRAGMA synchronous", r -> r.number("synchronous")).get());
    assertThat(mode).isEqualTo("wal");
    assertThat(sync).as("2 is FULL").isEqualTo(2);
  }

  @Test
  void theNativeLibraryIsUnpackedOnceIntoTheDataFolder() throws Exception {
    Path kept = Path.of(System.getProperty("org.sqlite.lib.path"));
    assertThat(kept.getParent().getFileName()).hasToString("native");
    try (var files = Files.list(folder)) {
      assertThat(files.map(f -> f.getFileName().toString())).contains("cloud.db");
    }
  }
}
