package io.ryegrass.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ryegrass.store.testing.PostgresProgram;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is of PostgreSQL alone; the rest is in {@link CloudStoreTest}. */
class PostgresStoreTest {
  private static final List<Migration> TABLES =
      List.of(
          new Migration(
              "test",
              1,
              "CREATE TABLE counters (name VARCHAR(3) PRIMARY KEY, n INTEGER NOT NULL);"
                  + " INSERT INTO counters (name, n) VALUES ('long name', 0)"),
          new Migration(
              "test",
              2,
              "CREATE TABLE rows_a (k TEXT PRIMARY KEY); CREATE TABLE rows_b (k TEXT PRIMARY KEY)"));

  private static PostgresProgram server;

  @TempDir Path folder;
  private String url;

  @BeforeAll
  static void startServer() {
    server = PostgresProgram.start(true);
  }

  @AfterAll
  static void stopServer() {
    if (server != null) {
      server.close();
    }
  }

  @BeforeEach
  void newSchema() {
    url = server.newSchema();
  }

  private CloudStore open() {
    return CloudStore.open(folder, PostgresUrl.parse(url, null), TABLES);
  }

  private static long count(CloudStore store, String table) {
    return store.read(sql -> sql.count("SELECT COUNT(*) AS n FROM " + table));
  }

  @Test
  void ofNodesThatStartAtOnceOneMakesTheTables() throws Exception {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<CloudStore>> nodes = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        nodes.add(threads.submit(this::open));
      }
      for (Future<CloudStore> node : nodes) {
        try (CloudStore store = node.get(60, TimeUnit.SECONDS)) {
          assertThat(count(store, "counters")).isEqualTo(1);
          assertThat(count(store, "schema_migrations")).isEqualTo(2);
        }
      }
    }
  }

  @Test
  void writesOfTwoNodesAreSerialSoThatNoneIsLostAndNoneIsRefused() throws Exception {
    try (CloudStore one = open();
        CloudStore two = open();
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> all = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        CloudStore node = i % 2 == 0 ? one : two;
        all.add(
            threads.submit(
                () ->
                    node.write(
                        sql -> {
                          long n = sql.count("SELECT n FROM counters");
                          return sql.update("UPDATE counters SET n = ?", n + 1);
                        })));
      }
      for (Future<Integer> write : all) {
        assertThat(write.get(60, TimeUnit.SECONDS)).isEqualTo(1);
      }
      assertThat(one.<Long>read(sql -> sql.count("SELECT n FROM counters"))).isEqualTo(200);
    }
  }

  @Test
  void aReadIsOneSnapshotWhateverOthersWrite() {
    try (CloudStore one = open();
        CloudStore two = open()) {
      one.read(
          sql -> {
            assertThat(sql.count("SELECT n FROM counters")).isZero();
            Thread writing =
                Thread.startVirtualThread(
                    () -> two.write(other -> other.update("UPDATE counters SET n = 7")));
            await().atMost(Duration.ofSeconds(20)).until(() -> !writing.isAlive());
            assertThat(sql.count("SELECT n FROM counters")).isZero();
            return true;
          });
      assertThat(one.<Long>read(sql -> sql.count("SELECT n FROM counters"))).isEqualTo(7);
    }
  }

  @Test
  void commitsWaitForTheDiskEvenWhereTheServerWouldNot() {
    url += "&options=-c%20synchronous_commit=off";
    try (CloudStore store = open()) {
      String setting =
          store.write(
              sql -> sql.one("SHOW synchronous_commit", r -> r.text("synchronous_commit")).get());
      assertThat(setting).isEqualTo("on");
    }
  }

  @Test
  void whatGoesWrongIsSaidWithoutThePassword() {
    String wrong = url.replace(PostgresProgram.PASSWORD, "a-wrong-secret");
    assertThatThrownBy(
            () -> CloudStore.open(folder, PostgresUrl.parse(wrong, null), TABLES).close())
        .isInstanceOf(StoreException.class)
        .hasMessageContaining(server.location())
        .hasMessageContaining("lets this user in")
        .hasMessageNotContainingAny("a-wrong-secret");
    assertThat(PostgresUrl.parse(wrong, "other-secret")).hasToString(server.location());
    for (String bad :
        List.of(
            "jdbc:mysql://h/d?password=s3cret",
            "jdbc:postgresql://me:s3cret@h/d",
            "jdbc:postgresql://h:5432/?password=s3cret")) {
      assertThatThrownBy(() -> PostgresUrl.parse(bad, null))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageNotContainingAny("s3cret");
    }
  }

  @Test
  void thePasswordMayComeFromElsewhereThanTheUrl() {
    String bare = url.replace("&password=" + PostgresProgram.PASSWORD, "");
    try (CloudStore store =
        CloudStore.open(folder, PostgresUrl.parse(bare, PostgresProgram.PASSWORD), TABLES)) {
      assertThat(count(store, "counters")).isEqualTo(1);
    }
  }

  /** SIGKILL of the database under load. Each write is in two tables, whole or not at all. */
  @Test
  void aServerThatIsKilledUnderLoadLosesNoConfirmedWriteAndTheStoreGoesOnByItself()
      throws Exception {
    Set<String> confirmed = ConcurrentHashMap.newKeySet();
    AtomicBoolean stop = new AtomicBoolean();
    try (CloudStore store = open();
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int t = 0; t < 4; t++) {
        String writer = "writer-" + t + "-";
        threads.submit(() -> writeUntil(stop, store, writer, confirmed));
      }
      for (int kill = 0; kill < 2; kill++) {
        int before = confirmed.size();
        await().atMost(Duration.ofSeconds(60)).until(() -> confirmed.size() > before + 50);
        server.kill();
        server.startAgain();
      }
      int before = confirmed.size();
      await().atMost(Duration.ofSeconds(60)).until(() -> confirmed.size() > before);
      stop.set(true);
      threads.shutdown();
      assertThat(threads.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
      List<String> first =
          store.read(sql -> sql.list("SELECT k FROM rows_a ORDER BY k", r -> r.text("k")));
      List<String> second =
          store.read(sql -> sql.list("SELECT k FROM rows_b ORDER BY k", r -> r.text("k")));
      assertThat(first).isEqualTo(second).containsAll(confirmed);
    }
  }

  private static void writeUntil(
      AtomicBoolean stop, CloudStore store, String writer, Set<String> confirmed) {
    for (int i = 0; !stop.get(); i++) {
      String key = writer + i;
      try {
        store.write(
            sql -> {
              sql.update("INSERT INTO rows_a (k) VALUES (?)", key);
              return sql.update("INSERT INTO rows_b (k) VALUES (?)", key);
            });
        confirmed.add(key);
      } catch (StoreException e) {
        assertThat(e).as("a write that fails says so").hasMessageContaining(server.location());
      }
    }
  }
}
