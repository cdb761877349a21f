package io.ryegrass.cloudlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.SegmentedLog;
import io.ryegrass.durable.crash.CrashDisk;
import io.ryegrass.nucleus.CloudMessage;
import io.ryegrass.nucleus.CloudMessageProperties;
import io.ryegrass.nucleus.CloudMessagingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The spool without a connection: bounds, damage, power cuts (NUC-15, LESSON-09, LESSON-10). */
class SpoolTest {
  private static final long NOW = 1_790_000_000_000L;

  @TempDir Path folder;

  private static SpoolMessage message(long number, int qos, int bytes) {
    byte[] payload = Arrays.copyOf((number + " ").getBytes(StandardCharsets.UTF_8), bytes);
    return new SpoolMessage(new CloudMessage("t", payload, qos), NOW);
  }

  private static long number(byte[] record) {
    String text =
        new String(SpoolMessage.decode(record).message().payload(), StandardCharsets.UTF_8);
    return Long.parseLong(text.substring(0, text.indexOf(' ')));
  }

  /** What a sender would get: damage is passed over. */
  private static List<Long> all(Spool spool) {
    List<Long> numbers = new ArrayList<>();
    try (SegmentedLog.Reader reader = spool.reader()) {
      while (reader.hasNext()) {
        try {
          numbers.add(number(reader.next().data()));
        } catch (DurableException e) {
          long unused = spool.skip(reader, e);
        }
      }
    }
    return numbers;
  }

  private static List<Long> upTo(long from, long to) {
    return LongStream.range(from, to).boxed().toList();
  }

  @Test
  void everythingThatMqtt5CarriesComesBackFromTheDisk() {
    CloudMessage full =
        new CloudMessage(
            "a/ü",
            new byte[] {1, 2},
            1,
            true,
            new CloudMessageProperties(
                false,
                77,
                "text/plain",
                "re/ply",
                new byte[] {0, 9},
                List.of(
                    new CloudMessageProperties.UserProperty("k", "v"),
                    new CloudMessageProperties.UserProperty("k", "ü"))));
    assertThat(SpoolMessage.decode(new SpoolMessage(full, NOW).encode()))
        .usingRecursiveComparison()
        .isEqualTo(new SpoolMessage(full, NOW));
    SpoolMessage plain = message(5, 1, 10);
    assertThat(SpoolMessage.decode(plain.encode())).usingRecursiveComparison().isEqualTo(plain);
    assertThat(plain.encode()[0]).as("an older core can read it").isEqualTo((byte) 1);
  }

  @Test
  void aMessageExpiresByTheTimeItHasWaitedUnlessTheClockWasNotSet() {
    CloudMessage m =
        new CloudMessage(
            "t",
            new byte[0],
            1,
            false,
            new CloudMessageProperties(null, 60, null, null, null, List.of()));
    assertThat(new SpoolMessage(m, NOW).isExpired(NOW + 60_000)).isFalse();
    assertThat(new SpoolMessage(m, NOW).isExpired(NOW + 61_000)).isTrue();
    assertThat(new SpoolMessage(m, NOW).isExpired(NOW - 1_000_000)).as("clock set back").isFalse();
    assertThat(new SpoolMessage(m, 5_000).isExpired(NOW)).as("LESSON-25").isFalse();
  }

  @Test
  void aFullSpoolDropsItsOldestMessagesOfQos0FirstAndCountsThem() {
    try (Spool spool = Spool.open(folder, 1 << 20)) {
      for (long i = 0; i < 300; i++) {
        spool.append(message(i, 0, 2000));
      }
      for (long i = 0; i < 300; i++) {
        spool.append(message(i, 1, 2000));
      }
      assertThat(spool.urgent()).as("QoS 1 lost nothing").isEqualTo(300);
      assertThat(spool.dropped()).isEqualTo(300 - spool.others()).isPositive();
      long afterOthers = spool.dropped() + spool.others();
      for (long i = 300; i < 700; i++) {
        spool.append(message(i, 1, 2000));
      }
      assertThat(spool.others()).isZero();
      assertThat(spool.dropped()).isGreaterThan(afterOthers);
      assertThat(spool.sizeInBytes()).isLessThanOrEqualTo(1 << 20);
      List<Long> kept = all(spool);
      assertThat(kept).isEqualTo(upTo(700 - kept.size(), 700)); // the newest, in order
      assertThatThrownBy(() -> spool.append(message(0, 0, 100_000)))
          .isInstanceOf(CloudMessagingException.class)
          .hasMessageContaining("mqtt.spooler.maxSizeInBytes");
      assertThat(all(spool)).isEqualTo(kept);
    }
  }

  private Path firstSegment() throws Exception {
    try (Stream<Path> files = Files.list(folder.resolve("messages"))) {
      return files.sorted().findFirst().orElseThrow();
    }
  }

  private void fill(int messages) {
    try (Spool spool = Spool.open(folder, 1 << 20)) { // segments of 64 KiB
      for (long i = 0; i < messages; i++) {
        spool.append(message(i, 1, 1000));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"payload", "length", "kind", "block", "header", "tail"})
  void damageInAnOlderSegmentCostsWhatIsDamagedAndNothingElse(String where) throws Exception {
    fill(200);
    Path segment = firstSegment();
    byte[] bytes = Files.readAllBytes(segment);
    int frame = 9 + message(0, 1, 1000).encode().length;
    int third = 24 + 3 * frame;
    int inSegment = (bytes.length - 24) / frame;
    List<Long> expected = new ArrayList<>(upTo(0, 200));
    switch (where) {
      case "payload" -> {
        bytes[third + 500] ^= 1;
        expected.remove(3);
      }
      case "length" -> {
        bytes[third + 2] ^= 1;
        expected.remove(3);
      }
      case "kind" -> {
        bytes[third] = 77;
        expected.remove(3);
      }
      case "block" -> {
        Arrays.fill(bytes, third + 100, third + 100 + 4096, (byte) 0x55);
        expected.subList(3, 8).clear();
      }
      case "header" -> {
        bytes[5] ^= 1;
        expected.removeFirst();
      }
      case "tail" -> {
        bytes = Arrays.copyOf(bytes, bytes.length - 10); // nothing leads to its end any more
        expected.subList(inSegment - 1, inSegment).clear();
      }
      default -> throw new IllegalArgumentException(where);
    }
    Files.write(segment, bytes);
    try (Spool spool = Spool.open(folder, 1 << 20)) {
      assertThat(all(spool)).isEqualTo(expected);
      assertThat(spool.damaged()).isEqualTo(200 - expected.size());
    }
  }

  @Test
  void bytesThatWereChangedAtRandomNeverEndTheReadingNorBringAnythingThatWasNotStored()
      throws Exception {
    fill(200);
    Path segment = firstSegment();
    byte[] good = Files.readAllBytes(segment);
    Random random = new Random(20261121);
    for (int round = 0; round < 60; round++) {
      byte[] bytes = good.clone();
      for (int i = 0; i < 1 + random.nextInt(20); i++) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      Files.write(segment, bytes);
      try (Spool spool = Spool.open(folder, 1 << 20)) {
        List<Long> read = all(spool);
        assertThat(read).isSorted().doesNotHaveDuplicates().endsWith(199L);
        assertThat((long) read.size()).isEqualTo(200 - spool.damaged());
        assertThat(read.size()).isGreaterThanOrEqualTo(130); // the other segments are whole
      }
    }
  }

  @Test
  void aMillionMessagesOpenWithoutBeingRead() {
    int count = 1_000_000;
    Path place = folder.resolve("messages");
    try (SegmentedLog log =
        SegmentedLog.open(place, new SegmentedLog.Options(16L << 20, 256L << 20))) {
      byte[] record = message(1, 1, 100).encode();
      for (int i = 0; i < count; i++) {
        log.append(record);
      }
      log.sync();
    }
    long best = Long.MAX_VALUE;
    for (int i = 0; i < 5; i++) {
      long from = System.nanoTime();
      try (Spool spool = Spool.open(folder, 256L << 20)) {
        best = Math.min(best, System.nanoTime() - from);
        assertThat(spool.urgent()).isEqualTo(count);
      }
    }
    System.out.println("spool of 1,000,000 messages opened in " + best / 1000 + " us");
    assertThat(best).isLessThan(10_000_000_000L); // the figure is in docs; reading all takes longer
  }

  /** A number that was acknowledged to its publisher at a step, or done with. */
  private record Promise(int step, long stored, long done) {}

  @Test
  void afterAPowerCutAtAnyStepNothingAcknowledgedIsLostAndTheOrderIsKept() throws Exception {
    Path root = Files.createDirectories(folder.resolve("root"));
    List<Promise> promises = new ArrayList<>();
    CrashDisk disk = CrashDisk.record(root);
    Spool spool = Spool.open(root, 40_000); // segments of 2,500 bytes: many are begun and deleted
    promises.add(new Promise(disk.now(), 0, 0));
    long done = 0;
    for (long i = 0; i < 60; i++) {
      spool.append(message(i, 1, 300));
      if (i % 4 == 0) {
        spool.append(message(i, 0, 300));
      }
      if (i % 7 == 6) {
        done = i - 3; // the sender's commit
        spool.doneBefore(done);
        spool.sync();
      }
      promises.add(new Promise(disk.now(), i + 1, done));
    }
    assertThat(spool.urgent()).isEqualTo(60 - done);
    spool.close();
    disk.close();
    int images =
        disk.forEachCrash(
            folder.resolve("image"),
            1L,
            Integer.getInteger("crash.oneOf", 7),
            (image, cut, variant) -> {
              Promise p =
                  promises.stream()
                      .filter(x -> x.step() <= cut)
                      .reduce((a, b) -> b)
                      .orElse(new Promise(0, 0, 0));
              try (Spool after = Spool.open(image, 40_000)) {
                List<Long> read = all(after);
                assertThat(after.damaged()).isZero();
                assertThat(read)
                    .as("in order, without gaps")
                    .isEqualTo(
                        read.isEmpty() ? List.of() : upTo(read.getFirst(), read.getLast() + 1));
                if (p.stored() > p.done()) {
                  assertThat(read).as("%s after %d steps", variant, cut).contains(p.stored() - 1);
                }
                assertThat(after.firstOffset())
                    .as("what the cloud has is not sent again for ever")
                    .isGreaterThanOrEqualTo(p.done());
                if (!read.isEmpty()) {
                  assertThat(read.getFirst()).isEqualTo(after.firstOffset());
                }
                after.append(message(after.firstOffset() + after.urgent(), 1, 300));
                assertThat(all(after)).hasSize(read.size() + 1);
              }
            });
    assertThat(images).isGreaterThan(20);
  }
}
