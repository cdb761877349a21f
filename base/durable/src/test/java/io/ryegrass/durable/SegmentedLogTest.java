package io.ryegrass.durable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SegmentedLogTest {
  private static final SegmentedLog.Options SMALL = new SegmentedLog.Options(200, 1 << 20);

  @TempDir Path folder;

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static List<String> read(SegmentedLog log, long from) {
    List<String> result = new ArrayList<>();
    try (SegmentedLog.Reader reader = log.reader(from)) {
      while (reader.hasNext()) {
        result.add(new String(reader.next().data(), StandardCharsets.UTF_8));
      }
    }
    return result;
  }

  @Test
  void recordsComeBackInOrderWithTheirOffsetsAfterReopening() {
    try (SegmentedLog log = SegmentedLog.open(folder, SMALL)) {
      for (int i = 0; i < 100; i++) {
        assertThat(log.append(bytes("record " + i))).isEqualTo(i);
      }
    }
    try (SegmentedLog log = SegmentedLog.open(folder, SMALL)) {
      assertThat(log.firstOffset()).isZero();
      assertThat(log.nextOffset()).isEqualTo(100);
      assertThat(read(log, 0))
          .isEqualTo(IntStream.range(0, 100).mapToObj(i -> "record " + i).toList());
      assertThat(read(log, 57)).startsWith("record 57").hasSize(43);
      assertThat(log.append(bytes("more"))).isEqualTo(100);
    }
  }

  @Test
  void aReaderSeesWhatIsAppendedAfterItRanDry() {
    try (SegmentedLog log = SegmentedLog.open(folder, SMALL);
        SegmentedLog.Reader reader = log.reader(0)) {
      assertThat(reader.hasNext()).isFalse();
      for (int i = 0; i < 60; i++) {
        log.append(bytes("r" + i));
        assertThat(reader.next()).matches(e -> true);
        assertThat(reader.hasNext()).isFalse();
      }
      log.append(new byte[100_000]);
      assertThat(reader.next().data()).hasSize(100_000);
    }
  }

  @Test
  void truncationIsExactSurvivesReopeningAndGivesSpaceBack() throws Exception {
    try (SegmentedLog log = SegmentedLog.open(folder, SMALL)) {
      for (int i = 0; i < 100; i++) {
        log.append(bytes("record " + i));
      }
      long before = log.sizeInBytes();
      log.truncateBefore(53);
      assertThat(log.firstOffset()).isEqualTo(53);
      assertThat(log.sizeInBytes()).isLessThan(before);
      log.truncateBefore(20);
      assertThat(log.firstOffset()).isEqualTo(53);
    }
    try (SegmentedLog log = SegmentedLog.open(folder, SMALL)) {
      assertThat(log.firstOffset()).isEqualTo(53);
      assertThat(read(log, 0)).startsWith("record 53").hasSize(47);
      log.truncateBefore(1000);
      assertThat(log.firstOffset()).isEqualTo(100);
      for (int i = 0; i < 40; i++) {
        log.append(bytes("later " + i));
      }
    }
    try (SegmentedLog log = SegmentedLog.open(folder, SMALL)) {
      assertThat(read(log, 0)).startsWith("later 0").hasSize(40);
    }
    try (var files = Files.list(folder)) {
      assertThat(files.count()).isLessThan(8);
    }
  }

  @Test
  void aFullLogRefusesAndTakesRecordsAgainAfterTruncation() {
    try (SegmentedLog log = SegmentedLog.open(folder, new SegmentedLog.Options(1 << 20, 4000))) {
      long count = 0;
      DurableException full = null;
      while (full == null) {
        try {
          log.append(new byte[100]);
          count++;
        } catch (DurableException e) {
          full = e;
        }
      }
      assertThat(full.code()).isEqualTo(DurableException.LOG_FULL);
      assertThat(log.sizeInBytes()).isBetween(3500L, 4000L);
      log.truncateBefore(count / 2);
      log.append(new byte[100]);
      assertThat(log.nextOffset()).isEqualTo(count + 1);
    }
  }

  @Test
  void concurrentSyncsAreSharedAndLoseNothing() throws Exception {
    int threads = 16;
    int each = 50;
    AtomicInteger failures = new AtomicInteger();
    try (SegmentedLog log = SegmentedLog.open(folder, new SegmentedLog.Options(5_000, 1 << 24))) {
      CountDownLatch done = new CountDownLatch(threads);
      try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int t = 0; t < threads; t++) {
          int id = t;
          executor.execute(
              () -> {
                try {
                  for (int i = 0; i < each; i++) {
                    log.append(bytes(id + ":" + i));
                    log.sync();
                  }
                } catch (RuntimeException e) {
                  failures.incrementAndGet();
                } finally {
                  done.countDown();
                }
              });
        }
        done.await();
      }
      assertThat(failures).hasValue(0);
      List<String> all = read(log, 0);
      assertThat(all).hasSize(threads * each).doesNotHaveDuplicates();
    }
  }

  @Test
  void largeSegmentsChangeUnderAppendsReadsAndTruncationsAndKeepEveryRecord() throws Exception {
    int threads = 3;
    int each = 25_000;
    SegmentedLog.Options large = new SegmentedLog.Options(1 << 20, 1 << 30);
    String filler = "x".repeat(100);
    try (SegmentedLog log = SegmentedLog.open(folder, large)) {
      AtomicInteger running = new AtomicInteger(threads);
      try (var executor = Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())) {
        List<Future<?>> tasks = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
          int id = t;
          tasks.add(
              executor.submit(
                  () -> {
                    try {
                      for (int i = 0; i < each; i++) {
                        byte[] head = bytes(id + ":" + i + ":and more");
                        log.append(head, head.length - 8, bytes(filler));
                      }
                    } finally {
                      running.decrementAndGet();
                    }
                  }));
        }
        tasks.add(
            executor.submit(
                () -> {
                  long durable = 0;
                  while (running.get() > 0) {
                    long next = log.nextOffset();
                    long committed = log.commit();
                    assertThat(committed).isGreaterThanOrEqualTo(Math.max(next, durable));
                    durable = committed;
                    log.truncateBefore(durable / 4);
                  }
                }));
        tasks.add(
            executor.submit(
                () -> {
                  try (SegmentedLog.Reader reader = log.reader(0)) {
                    long last = -1;
                    while (running.get() > 0) {
                      while (reader.hasNext()) {
                        SegmentedLog.Entry entry = reader.next();
                        assertThat(entry.offset()).isGreaterThan(last);
                        last = entry.offset();
                      }
                    }
                  }
                }));
        for (Future<?> task : tasks) {
          task.get();
        }
      }
      log.sync();
    }
    try (SegmentedLog log = SegmentedLog.open(folder, large)) {
      assertThat(log.nextOffset()).isEqualTo((long) threads * each);
      assertThat(log.sizeInBytes()).isEqualTo(sizeOf(folder));
      int[] next = new int[threads];
      Arrays.fill(next, -1);
      List<String> kept = read(log, 0);
      assertThat(kept).hasSize((int) (log.nextOffset() - log.firstOffset()));
      for (String record : kept) {
        String[] parts = record.split(":");
        int id = Integer.parseInt(parts[0]);
        int number = Integer.parseInt(parts[1]);
        assertThat(next[id] < 0 || next[id] == number).as(record.substring(0, 10)).isTrue();
        next[id] = number + 1;
        assertThat(parts[2]).isEqualTo(filler);
      }
      assertThat(next).containsOnly(each);
    }
  }

  @Test
  void aReaderThatIsOvertakenByTruncationsGoesOnAtWhatIsKept() throws Exception {
    SegmentedLog.Options small = new SegmentedLog.Options(1024, 1 << 24);
    ExecutorService executor =
        Executors.newThreadPerTaskExecutor(Thread.ofPlatform().daemon().factory());
    try (SegmentedLog log = SegmentedLog.open(folder, small)) {
      AtomicBoolean done = new AtomicBoolean();
      int records = 80_000;
      List<Future<Long>> readers = new ArrayList<>();
      for (int r = 0; r < 4; r++) {
        readers.add(executor.submit(() -> readUntil(done, log)));
      }
      for (int i = 0; i < records; i++) {
        log.append(bytes("a record of some length, number " + i));
        if (i % 40 == 0) {
          log.truncateBefore(log.nextOffset() - 1);
        }
      }
      done.set(true);
      for (Future<Long> last : readers) {
        assertThat(last.get(60, TimeUnit.SECONDS)).isEqualTo(records - 1);
      }
    } finally {
      executor.shutdown();
    }
  }

  /** The offset of the last record. */
  private static long readUntil(AtomicBoolean done, SegmentedLog log) {
    long before = -1;
    try (SegmentedLog.Reader reader = log.reader(0)) {
      while (!done.get() || reader.hasNext()) {
        if (reader.hasNext()) {
          long offset = reader.next().offset();
          assertThat(offset).isGreaterThan(before);
          before = offset;
        }
      }
    }
    return before;
  }

  private static long sizeOf(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.mapToLong(f -> f.toFile().length()).sum();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void anInterruptedThreadDoesNotCloseTheLog() {
    try (SegmentedLog log = SegmentedLog.open(folder, SMALL)) {
      Thread.currentThread().interrupt();
      for (int i = 0; i < 50; i++) {
        log.append(bytes("r" + i));
        log.sync();
      }
      assertThat(Thread.interrupted()).isTrue();
      assertThat(read(log, 0)).hasSize(50);
    }
  }

  @Test
  void damageInASealedSegmentIsToldAndNotSkipped() throws Exception {
    try (SegmentedLog log = SegmentedLog.open(folder, SMALL)) {
      for (int i = 0; i < 60; i++) {
        log.append(bytes("record " + i));
      }
    }
    Path first = folder.resolve("00000000000000000000.seg");
    byte[] content = Files.readAllBytes(first);
    content[60] ^= 1;
    Files.write(first, content);
    try (SegmentedLog log = SegmentedLog.open(folder, SMALL)) {
      assertThatThrownBy(() -> read(log, 0))
          .isInstanceOf(DurableException.class)
          .hasMessageContaining("damaged at byte")
          .hasMessageContaining(first.getFileName().toString());
    }
  }
}
