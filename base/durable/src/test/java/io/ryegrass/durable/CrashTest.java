package io.ryegrass.durable;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the disk may look like after the power went: any prefix of what was not yet synced, blocks
 * of it that never arrived, a file aside that was never renamed. LESSON-02.
 */
class CrashTest {
  private static final SegmentedLog.Options OPTIONS = new SegmentedLog.Options(300, 1 << 20);

  @TempDir Path folder;

  /** Files and their bytes, and how many records a sync() that returned had covered. */
  private record Moment(TreeMap<String, byte[]> files, int synced) {}

  @Test
  void cuttingTheLogAtEveryByteKeepsAllSyncedRecordsAndNothingHalfWritten() throws IOException {
    Path original = folder.resolve("original");
    List<String> written = new ArrayList<>();
    List<Moment> moments = new ArrayList<>();
    Random random = new Random(7);
    try (SegmentedLog log = SegmentedLog.open(original, OPTIONS)) {
      for (int i = 0; i < 24; i++) {
        String record = "record " + i + " " + "x".repeat(random.nextInt(60));
        log.append(SegmentedLogTest.bytes(record));
        written.add(record);
        if (i % 4 == 3) {
          log.sync();
          moments.add(new Moment(files(original), written.size()));
        }
      }
    }
    int cuts = 0;
    for (int m = 0; m + 1 < moments.size(); m++) {
      Moment before = moments.get(m);
      Moment after = moments.get(m + 1);
      // Files of "after" were written in this order; everything of "before" is on the disk, the
      // rest up to any byte.
      for (Map.Entry<String, byte[]> file : after.files().entrySet()) {
        int safe = before.files().getOrDefault(file.getKey(), new byte[0]).length;
        if (safe == file.getValue().length) {
          continue; // wholly synced before
        }
        for (int length = safe; length <= file.getValue().length; length++) {
          TreeMap<String, byte[]> disk = new TreeMap<>(after.files().headMap(file.getKey()));
          disk.put(file.getKey(), Arrays.copyOf(file.getValue(), length));
          check(disk, written, before.synced());
          // the file was extended, its data never arrived
          byte[] holes = Arrays.copyOf(disk.get(file.getKey()), file.getValue().length);
          disk.put(file.getKey(), holes);
          check(disk, written, before.synced());
          cuts++;
        }
      }
    }
    assertThat(cuts).isGreaterThan(500);
  }

  private void check(TreeMap<String, byte[]> disk, List<String> written, int synced)
      throws IOException {
    Path image = Files.createTempDirectory(folder, "image");
    for (Map.Entry<String, byte[]> file : disk.entrySet()) {
      Files.write(image.resolve(file.getKey()), file.getValue());
    }
    try (SegmentedLog log = SegmentedLog.open(image, OPTIONS)) {
      List<String> found = SegmentedLogTest.read(log, 0);
      assertThat(found.size()).isGreaterThanOrEqualTo(synced);
      assertThat(found).isEqualTo(written.subList(0, found.size()));
      log.append(SegmentedLogTest.bytes("after the crash"));
    }
    try (SegmentedLog log = SegmentedLog.open(image, OPTIONS)) {
      List<String> found = SegmentedLogTest.read(log, 0);
      assertThat(found.getLast()).isEqualTo("after the crash");
      assertThat(found.subList(0, found.size() - 1))
          .isEqualTo(written.subList(0, found.size() - 1));
    }
    try (Stream<Path> files = Files.list(image)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(image);
  }

  private static TreeMap<String, byte[]> files(Path folder) throws IOException {
    TreeMap<String, byte[]> result = new TreeMap<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        result.put(file.getFileName().toString(), Files.readAllBytes(file));
      }
    }
    return result;
  }

  @Test
  void aTruncationThatWasSyncedIsNotUndoneByACrash() throws IOException {
    Path log = folder.resolve("log");
    SegmentedLog open = SegmentedLog.open(log, OPTIONS);
    for (int i = 0; i < 30; i++) {
      open.append(SegmentedLogTest.bytes("record " + i));
    }
    open.truncateBefore(29);
    open.sync();
    TreeMap<String, byte[]> disk = files(log);
    open.close();
    Path image = Files.createDirectory(folder.resolve("image"));
    for (Map.Entry<String, byte[]> file : disk.entrySet()) {
      Files.write(image.resolve(file.getKey()), file.getValue());
    }
    try (SegmentedLog recovered = SegmentedLog.open(image, OPTIONS)) {
      assertThat(SegmentedLogTest.read(recovered, 0)).containsExactly("record 29");
    }
  }

  @Test
  void aCrashBeforeTheRenameLeavesTheOldFileAndTheNextWriteSucceeds() throws IOException {
    Path file = folder.resolve("identity.json");
    DurableFiles.writeAtomically(file, SegmentedLogTest.bytes("old"));
    byte[] fresh = SegmentedLogTest.bytes("a new and longer content");
    Path aside = folder.resolve(".identity.json.~new");
    for (int length = 0; length <= fresh.length; length++) {
      Files.write(aside, Arrays.copyOf(fresh, length));
      assertThat(DurableFiles.read(file)).contains(SegmentedLogTest.bytes("old"));
    }
    DurableFiles.writeAtomically(file, fresh);
    assertThat(DurableFiles.read(file)).contains(fresh);
    assertThat(aside).doesNotExist();
  }
}
