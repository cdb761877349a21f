package io.ryegrass.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ryegrass.store.testing.OnBothDatabases;
import io.ryegrass.store.testing.TestDatabase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Writes of several threads that are committed together. */
@OnBothDatabases
class SharedCommitTest {
  private static final int THREADS = 16;
  private static final int WRITES = 25;
  private static final Duration DEADLINE = Duration.ofSeconds(60);
  private static final List<Migration> TABLES =
      List.of(
          new Migration(
              "test",
              1,
              "CREATE TABLE t (k TEXT PRIMARY KEY); CREATE TABLE n (n BIGINT NOT NULL);"
                  + " INSERT INTO n (n) VALUES (0)"));

  @TempDir Path folder;
  private CloudStore store;

  @BeforeEach
  void open() {
    store = TestDatabase.open(folder, TABLES);
  }

  @AfterEach
  void close() {
    store.close();
  }

  private Set<String> keys() {
    return Set.copyOf(
        store.<List<String>>read(sql -> sql.list("SELECT k FROM t", row -> row.text("k"))));
  }

  private static void put(Sql sql, String key) {
    sql.update("INSERT INTO t (k) VALUES (?)", key);
  }

  private void inParallel(IntConsumer write) throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> all = new ArrayList<>();
      for (int t = 0; t < THREADS; t++) {
        int first = t * WRITES;
        all.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < WRITES; i++) {
                    write.accept(first + i);
                  }
                }));
      }
      for (Future<?> one : all) {
        one.get(DEADLINE.toSeconds(), TimeUnit.SECONDS);
      }
    }
  }

  @Test
  void manyWritersWaitForFewCommitsAndEachFindsItsOwnWhenItReturns() throws Exception {
    long before = store.commits();
    inParallel(
        i -> {
          store.write(
              sql -> {
                put(sql, "k" + i);
                return 0;
              });
          assertThat(
                  store.<Long>read(
                      sql -> sql.count("SELECT COUNT(*) AS n FROM t WHERE k = ?", "k" + i)))
              .isEqualTo(1);
        });
    assertThat(store.commits() - before).isLessThan(THREADS * WRITES);
  }

  @Test
  void aWriteThatThrowsTakesNothingOfTheOthersWithIt() throws Exception {
    Set<String> expected = new ConcurrentSkipListSet<>();
    Set<String> told = new ConcurrentSkipListSet<>();
    inParallel(
        i -> {
          boolean fails = i % 3 == 0;
          try {
            store.write(
                sql -> {
                  put(sql, "k" + i);
                  store.afterCommit(() -> told.add("k" + i));
                  if (fails) {
                    put(sql, "k" + i); // the key is taken: a statement that fails
                  }
                  return 0;
                });
            assertThat(fails).isFalse();
            expected.add("k" + i);
          } catch (StoreException e) {
            assertThat(fails).as(e.getMessage()).isTrue();
          }
        });
    assertThat(keys()).isEqualTo(expected).isEqualTo(told);
  }

  @Test
  void actionsRunInTheOrderInWhichTheirWritesSawTheStore() throws Exception {
    List<Long> seen = Collections.synchronizedList(new ArrayList<>());
    inParallel(
        i ->
            store.write(
                sql -> {
                  sql.update("UPDATE n SET n = n + 1");
                  long now = sql.count("SELECT n FROM n");
                  store.afterCommit(() -> seen.add(now));
                  return 0;
                }));
    assertThat(seen)
        .containsExactlyElementsOf(LongStream.rangeClosed(1, THREADS * WRITES).boxed().toList());
  }

  @Test
  void whoSharesACommitWithAWriteThatEndsTheTransactionLearnsItAndLosesNothingElse()
      throws Exception {
    // What a full disk does on SQLite, and a server that goes away on PostgreSQL.
    String end =
        TestDatabase.kind() == TestDatabase.Kind.SQLITE
            ? "ROLLBACK"
            : "SELECT pg_terminate_backend(pg_backend_pid())";
    boolean kept;
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<?> first =
          threads.submit(
              () ->
                  store.write(
                      sql -> {
                        put(sql, "first");
                        await().atMost(DEADLINE).until(store::writersWait);
                        return 0;
                      }));
      await().atMost(DEADLINE).until(store::isWriting);
      Future<?> second =
          threads.submit(
              () ->
                  store.write(
                      sql -> {
                        put(sql, "second");
                        return sql.update(end);
                      }));
      assertThatThrownBy(() -> second.get(DEADLINE.toSeconds(), TimeUnit.SECONDS))
          .hasCauseInstanceOf(StoreException.class);
      kept = ended(first);
    }
    assertThat(keys()).isEqualTo(kept ? Set.of("first") : Set.of());
    store.write(
        sql -> {
          put(sql, "third");
          return 0;
        });
    assertThat(keys()).contains("third").doesNotContain("second");
  }

  private static boolean ended(Future<?> write) throws Exception {
    try {
      write.get(DEADLINE.toSeconds(), TimeUnit.SECONDS);
      return true;
    } catch (ExecutionException e) {
      assertThat(e.getCause()).isInstanceOf(StoreException.class);
      return false;
    }
  }
}
