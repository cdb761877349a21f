package io.ryegrass.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.store.testing.OnBothDatabases;
import io.ryegrass.store.testing.TestDatabase;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@OnBothDatabases
class CloudStoreTest {
  private static final Migration FIRST =
      new Migration(
          "test",
          1,
          "CREATE TABLE t (k TEXT PRIMARY KEY, v BIGINT); -- a; b\nINSERT INTO t VALUES ('semi;colon', 1)");

  @TempDir Path folder;
  private CloudStore store;

  @BeforeEach
  void open() {
    store = TestDatabase.open(folder, List.of(FIRST));
  }

  @AfterEach
  void close() {
    store.close();
  }

  private int put(String key) {
    return store.write(sql -> sql.update("INSERT INTO t (k, v) VALUES (?, ?)", key, 1L));
  }

  private List<String> keys() {
    return store.read(
        sql ->
            sql.list("SELECT k FROM t WHERE k <> 'semi;colon' ORDER BY k", row -> row.text("k")));
  }

  @Test
  void whatWasWrittenIsThereAfterReopening() {
    put("a");
    store.close();
    store = TestDatabase.open(folder, List.of(FIRST));
    assertThat(keys()).containsExactly("a");
  }

  @Test
  void aWriteThatThrowsLeavesNothingAndRunsNoAction() {
    List<String> ran = new ArrayList<>();
    assertThatThrownBy(
            () ->
                store.write(
                    sql -> {
                      put("a");
                      store.afterCommit(() -> ran.add("action"));
                      throw new IllegalStateException("no");
                    }))
        .hasMessage("no");
    assertThat(keys()).isEmpty();
    assertThat(ran).isEmpty();
    put("b");
    assertThat(keys()).containsExactly("b");
  }

  @Test
  void anInnerWriteThatFailsUndoesOnlyItself() {
    List<String> ran = new ArrayList<>();
    store.write(
        sql -> {
          put("outer");
          store.afterCommit(() -> ran.add("outer"));
          assertThatThrownBy(
                  () ->
                      store.write(
                          inner -> {
                            put("inner");
                            store.afterCommit(() -> ran.add("inner"));
                            throw new IllegalStateException("no");
                          }))
              .hasMessage("no");
          return true;
        });
    assertThat(keys()).containsExactly("outer");
    assertThat(ran).containsExactly("outer");
  }

  @Test
  void theFirstTransactionThatCommitsTakesItsCompanionAlongOnceAndOneThatFailsDoesNot() {
    store.withFirstCommit(
        sql -> sql.update("INSERT INTO t (k, v) VALUES ('record', 1)"),
        () -> {
          assertThatThrownBy(
                  () ->
                      store.write(
                          sql -> {
                            put("undone");
                            throw new IllegalStateException("no");
                          }))
              .hasMessage("no");
          assertThat(keys()).isEmpty();
          put("first");
          assertThat(keys()).containsExactly("first", "record");
          return put("second");
        });
    put("later");
    assertThat(keys()).containsExactly("first", "later", "record", "second");
    store.withFirstCommit(sql -> sql.update("INSERT INTO t (k, v) VALUES ('x', 1)"), this::keys);
    put("after");
    assertThat(keys()).doesNotContain("x");
  }

  @Test
  void aReadInsideAWriteSeesItsChanges() {
    store.write(
        sql -> {
          put("a");
          assertThat(keys()).containsExactly("a");
          return true;
        });
  }

  @Test
  void aWriteInsideAReadIsRefused() {
    assertThatThrownBy(() -> store.read(sql -> put("a"))).isInstanceOf(StoreException.class);
    assertThat(keys()).isEmpty();
  }

  @Test
  void anActionAfterCommitMayWriteAndAddActions() {
    List<String> ran = new ArrayList<>();
    store.write(
        sql -> {
          store.afterCommit(
              () -> {
                put("from-action");
                store.write(
                    again -> {
                      store.afterCommit(() -> ran.add("second"));
                      return true;
                    });
                ran.add("first");
              });
          return true;
        });
    assertThat(keys()).containsExactly("from-action");
    assertThat(ran).containsExactly("first", "second");
  }

  @Test
  void actionsRunInTheOrderOfCommitsAndOneThatThrowsStopsNoOther() throws Exception {
    List<Long> order = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch done = new CountDownLatch(8);
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int t = 0; t < 8; t++) {
        threads.submit(
            () -> {
              for (int i = 0; i < 20; i++) {
                store.write(
                    sql -> {
                      sql.update("UPDATE t SET v = v + 1 WHERE k = 'semi;colon'");
                      long v =
                          sql.one("SELECT v FROM t WHERE k = 'semi;colon'", r -> r.number("v"))
                              .get();
                      store.afterCommit(() -> order.add(v));
                      store.afterCommit(
                          () -> {
                            throw new IllegalStateException("an action that fails, on purpose");
                          });
                      return v;
                    });
              }
              done.countDown();
            });
      }
      assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(order).hasSize(160).isSorted();
  }

  @Test
  void aNewMigrationIsAppliedToAnOldDatabase() {
    put("a");
    store.close();
    var second = new Migration("test", 2, "ALTER TABLE t ADD COLUMN extra TEXT");
    store = TestDatabase.open(folder, List.of(FIRST, second));
    long rows = store.read(sql -> sql.count("SELECT count(*) AS n FROM t WHERE extra IS NULL"));
    assertThat(rows).isEqualTo(2);
    store.close();
    assertThatThrownBy(() -> TestDatabase.open(folder, List.of(FIRST)))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("newer Ryegrass");
    store = TestDatabase.open(folder, List.of(FIRST, second));
  }

  @Test
  void aFailingMigrationLeavesTheOldSchema() {
    store.close();
    var broken = new Migration("test", 2, "CREATE TABLE more (a TEXT); SELEKT");
    assertThatThrownBy(() -> TestDatabase.open(folder, List.of(FIRST, broken)))
        .isInstanceOf(StoreException.class);
    store = TestDatabase.open(folder, List.of(FIRST));
    long steps = store.read(sql -> sql.count("SELECT count(*) AS n FROM schema_migrations"));
    assertThat(steps).isEqualTo(1);
    store.write(sql -> sql.update("CREATE TABLE more (a TEXT)"));
  }

  @Test
  void anEditedMigrationIsRefused() {
    store.close();
    assertThatThrownBy(
            () ->
                TestDatabase.open(
                    folder, List.of(new Migration("test", 1, "CREATE TABLE u (a TEXT)"))))
        .hasMessageContaining("differs");
    store = TestDatabase.open(folder, List.of(FIRST));
  }

  private enum Colour {
    RED
  }

  private record Values(
      String text,
      byte[] bytes,
      long big,
      boolean flag,
      Instant moment,
      String colour,
      Long none) {}

  @Test
  void valuesComeBackAsTheyWent() {
    store.close();
    var types =
        new Migration(
            "test",
            2,
            "CREATE TABLE v (a VARCHAR(2), b BLOB NOT NULL, c INTEGER, d INTEGER NOT NULL, e BIGINT,"
                + " f TEXT NOT NULL DEFAULT 'a TEXT, a BLOB', g BIGINT)");
    store = TestDatabase.open(folder, List.of(FIRST, types));
    String text = "' \" \\ % ? é 🌾 {\"json\": \"\\u0000\"}\r\n";
    byte[] bytes = {0, 1, -1, 127, -128};
    Instant moment = Instant.ofEpochMilli(1_795_000_000_123L);
    store.write(
        sql ->
            sql.update(
                "INSERT INTO v (a, b, c, d, e, f, g) VALUES (?, ?, ?, ?, ?, ?, ?)",
                text,
                bytes,
                Long.MAX_VALUE,
                true,
                moment,
                Colour.RED,
                null));
    Values read =
        store.read(
            sql ->
                sql.one(
                        "SELECT * FROM v WHERE d = ? AND (? = '' OR a = ?)",
                        row ->
                            new Values(
                                row.text("a"),
                                row.bytes("b"),
                                row.number("c"),
                                row.flag("d"),
                                row.instant("e"),
                                row.text("f"),
                                row.numberOrNull("g")),
                        true,
                        text,
                        text)
                    .orElseThrow());
    assertThat(read)
        .usingRecursiveComparison()
        .isEqualTo(new Values(text, bytes, Long.MAX_VALUE, true, moment, "RED", null));
    store.write(sql -> sql.update("INSERT INTO v (b, d) VALUES (?, 0)", bytes));
    String untouched =
        store.read(sql -> sql.one("SELECT f FROM v WHERE a IS NULL", row -> row.text("f")).get());
    assertThat(untouched).isEqualTo("a TEXT, a BLOB");
  }

  @Test
  void namesAreOrderedByTheirBytesWhateverTheServersLocale() {
    List.of("b", "B", "a-1", "a1", "A", "_", "é").forEach(this::put);
    assertThat(keys()).containsExactly("A", "B", "_", "a-1", "a1", "b", "é");
    List<String> after =
        store.read(
            sql -> sql.list("SELECT k FROM t WHERE k > ? ORDER BY k", r -> r.text("k"), "a1"));
    assertThat(after).containsExactly("b", "semi;colon", "é");
  }
}
