package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.durable.SegmentedLog;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Full, damaged and old folders. */
class JournalDamageTest {
  private static final SessionMeta META = new SessionMeta("client", 3_600, 0);
  private static final LinkedHashMap<Integer, Journal.InFlight> NONE = new LinkedHashMap<>();

  @TempDir Path folder;
  private final LongAdder failures = new LongAdder();

  private DurableJournal open() {
    return new DurableJournal(folder, failures, 20_000, 400_000);
  }

  private static Message message(int size) {
    return new Message(Topic.of("t"), new byte[size], 1, false, Message.NO_PROPERTIES, 0, null);
  }

  private static Queued publish(DurableJournal j, int size, Owed... owed) {
    Message m = message(size);
    return new Queued(j.message(m, List.of(owed), 0, 0), m, 1, false, Queued.NO_IDENTIFIERS, 0);
  }

  private static Owed owed(long incarnation) {
    return new Owed(incarnation, 1, false, Queued.NO_IDENTIFIERS);
  }

  private static void compact(
      DurableJournal j, Map<Long, List<Queued>> queues, Message... retained) {
    List<Journal.CapturedSession> sessions = new ArrayList<>();
    queues.forEach(
        (incarnation, queue) ->
            sessions.add(
                new Journal.CapturedSession(
                    incarnation,
                    META,
                    Map.of(),
                    new Journal.Owing(NONE, Set.of(), List.copyOf(queue)),
                    false)));
    j.compact(() -> new Journal.Captured(sessions, List.of(retained), j.nextNumber()));
  }

  private Path file(String prefix) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(f -> f.getFileName().toString().startsWith(prefix))
          .findFirst()
          .orElseThrow();
    }
  }

  private static void flip(Path file, int at) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[at < 0 ? bytes.length + at : at] ^= 0x40;
    Files.write(file, bytes);
  }

  @Test
  void aFullJournalRefusesMessagesTakesAcknowledgementsAndGoesOnAfterACheckpoint() {
    try (DurableJournal j = open()) {
      j.sessionCreated(j.nextNumber(), META);
      List<Queued> queue = new ArrayList<>();
      assertThatThrownBy(
              () -> {
                while (true) {
                  queue.add(publish(j, 10_000, owed(1)));
                }
              })
          .isInstanceOf(MqttBrokerException.class)
          .hasMessageContaining(folder.toString())
          .hasMessageContaining("raise the bound")
          .extracting(e -> ((MqttBrokerException) e).code())
          .isEqualTo(MqttBrokerException.STORE_FAILED);
      assertThat(queue).hasSizeBetween(30, 39);
      assertThat(failures.sum()).isEqualTo(1);
      while (queue.size() > 3) {
        j.sent(1, queue.getFirst().sequence(), 1);
        j.settled(1, queue.removeFirst().sequence());
      }
      assertThat(failures.sum()).isEqualTo(1);
      assertThat(j.compactionDue()).isTrue();
      compact(j, Map.of(1L, queue));
      publish(j, 10_000, owed(1));
      j.sync();
    }
    try (DurableJournal j = open()) {
      assertThat(j.recovered().sessions().getFirst().stored().messages()).isEqualTo(4);
    }
  }

  @Test
  void aMessageOfManySessionsIsOnceOnTheDiskAndOnceInMemory() throws IOException {
    try (DurableJournal j = open()) {
      Map<Long, List<Queued>> queues = new LinkedHashMap<>();
      Owed[] owed = new Owed[20];
      for (int i = 0; i < 20; i++) {
        long incarnation = j.nextNumber();
        j.sessionCreated(incarnation, META);
        owed[i] = owed(incarnation);
      }
      Queued shared = publish(j, 9_000, owed);
      for (Owed o : owed) {
        queues.put(o.incarnation(), List.of(shared));
      }
      compact(j, queues);
    }
    assertThat(Files.size(file("messages-"))).isBetween(9_000L, 9_100L);
    try (DurableJournal j = open()) {
      List<Message> loaded =
          j.recovered().sessions().stream()
              .map(s -> s.stored().load().queue().getFirst().message())
              .toList();
      assertThat(loaded).hasSize(20).allSatisfy(m -> assertThat(m).isSameAs(loaded.getFirst()));
    }
  }

  @Test
  void aCheckpointThatCannotBeWrittenLeavesEverythingAsItWas() throws IOException {
    try (DurableJournal j = open()) {
      j.sessionCreated(j.nextNumber(), META);
      Queued one = publish(j, 100, owed(1));
      compact(j, Map.of(1L, List.of(one)));
      Queued two = publish(j, 100, owed(1));
      Path inTheWay = folder.resolve("checkpoint-3");
      Files.createDirectories(inTheWay);
      assertThatThrownBy(() -> compact(j, Map.of(1L, List.of(one, two))))
          .isInstanceOf(MqttBrokerException.class)
          .hasMessageContaining(folder.toString());
      compact(j, Map.of(1L, List.of(one, two)));
      j.settled(1, one.sequence());
    }
    try (DurableJournal j = open()) {
      assertThat(j.recovered().sessions().getFirst().stored().load().queue()).hasSize(1);
    }
  }

  @Test
  void aDamagedDirectoryListOrRetainedFileIsToldWithItsNameAndARemedy() throws IOException {
    try (DurableJournal j = open()) {
      j.sessionCreated(j.nextNumber(), META);
      Queued one = publish(j, 100, owed(1));
      Message retained = message(5);
      j.retained(retained);
      compact(j, Map.of(1L, List.of(one)), retained);
    }
    Path checkpoint = file("checkpoint-");
    flip(checkpoint, 0);
    try (DurableJournal j = open()) {
      Journal.State state = j.recovered();
      Journal.Stored stored = state.sessions().getFirst().stored();
      assertThat(stored.messages()).isEqualTo(1);
      assertThatThrownBy(stored::load)
          .hasMessageContaining(checkpoint.toString())
          .hasMessageContaining("'client'")
          .hasMessageContaining("clean session");
      // The damage stays known, and the others go on
      j.sessionCreated(50, META);
      Queued other = publish(j, 10, owed(50));
      j.compact(
          () ->
              new Journal.Captured(
                  List.of(
                      new Journal.CapturedSession(
                          1, META, Map.of(), new Journal.Owing(NONE, Set.of(), List.of()), true),
                      new Journal.CapturedSession(
                          50,
                          META,
                          Map.of(),
                          new Journal.Owing(NONE, Set.of(), List.of(other)),
                          false)),
                  state.retained(),
                  j.nextNumber()));
      assertThatThrownBy(stored::load).hasMessageContaining("damaged");
    }
    try (DurableJournal j = open()) {
      List<Journal.SessionState> sessions = j.recovered().sessions();
      assertThatThrownBy(sessions.getFirst().stored()::load).hasMessageContaining("damaged");
      assertThat(sessions.getLast().stored().load().queue()).hasSize(1);
    }
    Path again = file("checkpoint-");
    flip(again, -30);
    assertThatThrownBy(this::open)
        .isInstanceOf(MqttBrokerException.class)
        .hasMessageContaining(again.toString())
        .hasMessageContaining("restore");
    flip(again, -30);
    flip(file("retained-"), 3);
    assertThatThrownBy(this::open)
        .hasMessageContaining("retained-")
        .hasMessageContaining("restore");
  }

  @Test
  void aDamagedSealedPartOfTheLogIsToldAndSoIsACheckpointThatIsMissing() throws IOException {
    try (DurableJournal j = open()) {
      j.sessionCreated(j.nextNumber(), META);
      for (int i = 0; i < 5; i++) {
        publish(j, 4_000, owed(1));
      }
      compact(j, Map.of());
      for (int i = 0; i < 5; i++) {
        publish(j, 4_000, owed(1));
      }
    }
    Path segment;
    try (Stream<Path> files = Files.list(folder.resolve("journal"))) {
      List<Path> sorted = files.sorted().toList();
      segment = sorted.get(sorted.size() - 2);
    }
    flip(segment, 2_000);
    assertThatThrownBy(this::open)
        .isInstanceOf(MqttBrokerException.class)
        .hasMessageContaining(segment.toString())
        .hasMessageContaining("restore");
    flip(segment, 2_000);
    Path current = folder.resolve("current");
    byte[] name = Files.readAllBytes(current);
    Files.delete(current);
    assertThatThrownBy(this::open)
        .isInstanceOf(MqttBrokerException.class)
        .hasMessageContaining(current.toString())
        .hasMessageContaining("missing");
    Files.writeString(current, "something-7");
    assertThatThrownBy(this::open).hasMessageContaining("something-7");
    Files.write(current, name);
    open().close();
  }

  private static byte[] former(int kind, Object... fields) {
    ByteBuffer b = ByteBuffer.allocate(1_000).put((byte) kind);
    for (Object field : fields) {
      switch (field) {
        case Long n -> b.putLong(n);
        case Integer n -> b.putInt(n);
        case Boolean flag -> b.put((byte) (flag ? 1 : 0));
        case String text -> {
          byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
          b.putInt(utf8.length).put(utf8);
        }
        default -> throw new IllegalArgumentException(field.toString());
      }
    }
    byte[] record = new byte[b.position()];
    b.flip().get(record);
    return record;
  }

  @Test
  void aFolderOfTheFormerFormatIsTakenUpAndWrittenAnewByTheFirstCheckpoint() throws IOException {
    SegmentedLog.Options options = new SegmentedLog.Options(8 << 20, 4L << 30);
    try (SegmentedLog snapshot = SegmentedLog.open(folder.resolve("snapshot-2"), options)) {
      snapshot.append(former(10, 40L));
      snapshot.append(former(1, 3L, "old client"));
      snapshot.append(former(3, 3L, 1, "a/+"));
      snapshot.append(former(5, 10L, "a/b", "first", false, 1, 3L));
      snapshot.append(former(5, 11L, "a/b", "second", true, 1, 3L));
      snapshot.append(former(6, 3L, 10L, 77));
      snapshot.append(former(8, "r", 1, "kept"));
      snapshot.sync();
    }
    try (SegmentedLog log = SegmentedLog.open(folder.resolve("journal"), options)) {
      log.append(former(1, 1L, "not read any more"));
      log.append(former(2, 1L));
      log.append(former(5, 41L, "a/c", "third", false, 1, 3L));
      log.append(former(7, 3L, 11L));
      log.sync();
    }
    Files.writeString(folder.resolve("current"), "snapshot-2");
    for (int round = 0; round < 2; round++) {
      try (DurableJournal j = open()) {
        Journal.State state = j.recovered();
        assertThat(state.nextNumber()).isGreaterThan(41);
        assertThat(state.retained()).singleElement().matches(m -> m.topic().name().equals("r"));
        Journal.SessionState s = state.sessions().getFirst();
        assertThat(s.meta().clientId()).isEqualTo("old client");
        assertThat(s.meta().expirySeconds()).isEqualTo(SessionMeta.NEVER);
        assertThat(s.subscriptions())
            .containsExactly(new Subscription("a/+", 1, false, false, 0, 0));
        Journal.Owing owing = s.stored().load();
        assertThat(owing.inFlight().get(77).queued().message().payload())
            .isEqualTo("first".getBytes(StandardCharsets.UTF_8));
        assertThat(owing.queue())
            .singleElement()
            .satisfies(
                q -> {
                  assertThat(q.sequence()).isEqualTo(41);
                  assertThat(q.qos()).isEqualTo(1);
                  assertThat(q.message().payload())
                      .isEqualTo("third".getBytes(StandardCharsets.UTF_8));
                });
        if (round == 0) {
          assertThat(j.compactionDue()).isTrue();
          j.compact(
              () ->
                  new Journal.Captured(
                      List.of(
                          new Journal.CapturedSession(
                              3,
                              s.meta(),
                              Map.of("a/+", s.subscriptions().iterator().next()),
                              new Journal.Owing(NONE, Set.of(), List.of()),
                              true)),
                      state.retained(),
                      j.nextNumber()));
        }
      }
      assertThat(folder.resolve("snapshot-2")).doesNotExist();
    }
  }
}
