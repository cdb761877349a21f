package io.ryegrass.store;

import io.ryegrass.store.testing.PostgresProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;

/**
 * Measures the store on both databases, each on the disk of the temporary folder with commits that
 * wait for it; no test. Prints {@code name value unit} lines. To run it, after {@code mvn -pl
 * cloud/store test-compile dependency:build-classpath -Dmdep.outputFile=target/cp}: {@code java -cp
 * target/test-classes:target/classes:$(cat target/cp) io.ryegrass.store.StoreFigures}.
 */
final class StoreFigures {
  private static final int THREADS = 8;
  private static final long SECONDS = 5;
  private static final List<Migration> TABLES =
      List.of(
          new Migration(
              "figures",
              1,
              "CREATE TABLE items (id TEXT PRIMARY KEY, content TEXT NOT NULL);"
                  + " CREATE TABLE versions (id TEXT PRIMARY KEY, content TEXT NOT NULL)"));

  private StoreFigures() {}

  public static void main(String[] args) throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory("ryegrass-figures-");
    long before = System.nanoTime();
    try (CloudStore store = CloudStore.open(folder, TABLES)) {
      measure("sqlite", store, before);
    }
    try (PostgresProgram server = PostgresProgram.start(true)) {
      PostgresUrl url = PostgresUrl.parse(server.newSchema(), null);
      before = System.nanoTime();
      try (CloudStore store = CloudStore.open(folder, url, TABLES)) {
        measure("postgresql", store, before);
      }
    }
  }

  private static void measure(String name, CloudStore store, long before)
      throws InterruptedException {
    print(name + "_open", (System.nanoTime() - before) / 1_000_000, "ms");
    String content = "x".repeat(500);
    AtomicLong last = new AtomicLong();
    print(
        name + "_creates",
        perSecond(
            n -> {
              store.write(
                  sql -> {
                    sql.update("INSERT INTO items (id, content) VALUES (?, ?)", "i" + n, content);
                    return sql.update(
                        "INSERT INTO versions (id, content) VALUES (?, ?)", "i" + n, content);
                  });
              last.accumulateAndGet(n, Math::max);
            }),
        "1/s");
    print(
        name + "_reads",
        perSecond(
            n ->
                store.read(
                    sql ->
                        sql.one(
                            "SELECT * FROM items WHERE id = ?",
                            row -> row.text("content"),
                            "i" + n % last.get()))),
        "1/s");
  }

  private static long perSecond(LongConsumer once) throws InterruptedException {
    AtomicLong number = new AtomicLong();
    AtomicLong done = new AtomicLong();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < THREADS; i++) {
        threads.submit(
            () -> {
              while (System.nanoTime() < end) {
                once.accept(number.incrementAndGet());
                done.incrementAndGet();
              }
            });
      }
    }
    return done.get() / SECONDS;
  }

  private static void print(String name, long value, String unit) {
    System.out.println(name + " " + value + " " + unit);
  }
}
