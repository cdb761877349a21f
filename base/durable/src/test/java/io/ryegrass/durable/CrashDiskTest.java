package io.ryegrass.durable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.durable.crash.CrashDisk;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The write paths of this module on a disk that loses, tears and reorders what was not synced. */
class CrashDiskTest {
  @TempDir Path temp;

  @Test
  void a_log_that_rolls_and_is_cut_off_at_its_front_never_loses_what_was_synced_LESSON_02()
      throws Exception {
    Path root = Files.createDirectories(temp.resolve("root"));
    List<String> written = new ArrayList<>();
    record Promise(int from, int synced, long first) {}
    List<Promise> promises = new ArrayList<>();
    SegmentedLog.Options options = new SegmentedLog.Options(300, 1 << 20);
    try (CrashDisk disk = CrashDisk.record(root)) {
      try (SegmentedLog log = SegmentedLog.open(root.resolve("log"), options)) {
        for (int i = 0; i < 30; i++) {
          String record = "record " + i + " " + "x".repeat(i);
          log.append(SegmentedLogTest.bytes(record));
          written.add(record);
          if (i % 3 == 2) {
            log.sync();
            promises.add(new Promise(disk.now(), written.size(), log.firstOffset()));
          }
          if (i == 20) {
            log.truncateBefore(12);
          }
        }
      }
      disk.close();
      int images =
          disk.forEachCrash(
              temp.resolve("image"),
              7,
              (image, cut, variant) -> {
                Promise p =
                    promises.stream()
                        .filter(x -> x.from() <= cut)
                        .reduce((a, b) -> b)
                        .orElse(new Promise(0, 0, 0));
                try (SegmentedLog log = SegmentedLog.open(image.resolve("log"), options)) {
                  long first = log.firstOffset();
                  List<String> found = SegmentedLogTest.read(log, first);
                  assertThat(first).isLessThanOrEqualTo(12);
                  assertThat(first + found.size()).isGreaterThanOrEqualTo(p.synced());
                  assertThat(found)
                      .isEqualTo(written.subList((int) first, (int) first + found.size()));
                }
              });
      assertThat(images).isGreaterThan(60);
    }
  }

  @Test
  void a_file_written_atomically_is_the_old_one_or_the_new_one_and_a_deleted_one_stays_away()
      throws Exception {
    Path root = Files.createDirectories(temp.resolve("root"));
    DurableFiles.writeAtomically(root.resolve("a/identity"), SegmentedLogTest.bytes("old"));
    DurableFiles.writeAtomically(root.resolve("a/other"), SegmentedLogTest.bytes("other"));
    CrashDisk disk = CrashDisk.record(root);
    int begun = disk.now();
    DurableFiles.writeAtomically(root.resolve("a/identity"), SegmentedLogTest.bytes("new one"));
    int replaced = disk.now();
    DurableFiles.delete(root.resolve("a/other"));
    int deleted = disk.now();
    DurableFiles.move(root.resolve("a"), root.resolve("b"));
    int moved = disk.now();
    disk.close();
    int images =
        disk.forEachCrash(
            temp.resolve("image"),
            1,
            (image, cut, variant) -> {
              Path folder = image.resolve(Files.exists(image.resolve("b")) ? "b" : "a");
              String text = Files.readString(folder.resolve("identity"));
              assertThat(text)
                  .isIn(cut >= replaced ? List.of("new one") : List.of("old", "new one"));
              if (cut >= deleted) {
                assertThat(folder.resolve("other")).doesNotExist();
              }
              if (cut >= moved) {
                assertThat(folder.getFileName()).hasToString("b");
              }
            });
    assertThat(begun).isZero();
    assertThat(images).isGreaterThan(6);
  }

  @Test
  void a_rename_of_bytes_that_nobody_synced_is_found_out() throws Exception {
    Path root = Files.createDirectories(temp.resolve("root"));
    CrashDisk disk = CrashDisk.record(root);
    Files.writeString(root.resolve("part"), "downloaded");
    DurableFiles.move(root.resolve("part"), root.resolve("artifact"));
    int done = disk.now();
    disk.close();
    assertThatThrownBy(
            () ->
                disk.forEachCrash(
                    temp.resolve("image"),
                    1,
                    (image, cut, variant) -> {
                      if (cut >= done) {
                        assertThat(image.resolve("artifact")).hasContent("downloaded");
                      }
                    }))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("After a power cut");
  }
}
