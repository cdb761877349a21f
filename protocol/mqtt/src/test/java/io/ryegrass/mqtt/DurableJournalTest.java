package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
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

class DurableJournalTest {
  private static final SessionMeta META = new SessionMeta("client", 3_600, 0);

  @TempDir Path folder;

  private DurableJournal open() {
    return new DurableJournal(folder, new LongAdder(), 1 << 20, 64 << 20);
  }

  private static Message message(String topic, String payload) {
    return new Message(
        Topic.of(topic),
        payload.getBytes(StandardCharsets.UTF_8),
        2,
        false,
        new byte[] {1, 1},
        123_456_789_012L,
        "publisher");
  }

  private static Owed owed(long incarnation) {
    return new Owed(incarnation, 1, true, new int[] {7, 268_435_455});
  }

  private static List<String> payloads(List<Queued> queue) {
    return queue.stream()
        .map(q -> new String(q.message().payload(), StandardCharsets.UTF_8))
        .toList();
  }

  private static Journal.CapturedSession touched(long incarnation, Journal.Owing owing) {
    return new Journal.CapturedSession(incarnation, META, Map.of(), owing, false);
  }

  @Test
  void everythingThatWasWrittenComesBackFromTheLog() {
    Subscription subscription = new Subscription("a/#", 2, true, true, 2, 99);
    try (DurableJournal j = open()) {
      assertThat(j.recovered().sessions()).isEmpty();
      j.sessionCreated(j.nextNumber(), META);
      j.subscribed(1, subscription);
      j.subscribed(1, new Subscription("b", 0, false, false, 0, 0));
      j.unsubscribed(1, "b");
      j.sessionChanged(1, new SessionMeta("client", SessionMeta.NEVER, 77));
      long waiting = j.message(message("a/b", "waits"), List.of(owed(1)), 1, 65_535);
      long sent = j.message(message("a/b", "sent"), List.of(owed(1)), 0, 0);
      long released = j.message(message("a/b", "released"), List.of(owed(1)), 0, 0);
      long settled = j.message(message("a/b", "settled"), List.of(owed(1)), 0, 0);
      assertThat(j.message(message("a/b", "to nobody"), List.of(), 1, 5)).isZero();
      j.message(message("a/b", "done"), List.of(), 1, 6);
      j.receivedDone(1, 6);
      j.sent(1, sent, 1);
      j.sent(1, released, 2);
      j.released(1, released, 2);
      j.sent(1, settled, 3);
      j.settled(1, settled);
      j.retained(message("r/1", "kept"));
      j.retained(message("r/2", "gone"));
      j.retainedRemoved("r/2");
      j.sync();
      assertThat(j.durablePosition()).isEqualTo(j.position());
      assertThat(waiting).isLessThan(sent);
    }
    try (DurableJournal j = open()) {
      Journal.State state = j.recovered();
      assertThat(state.retained())
          .singleElement()
          .satisfies(
              m -> {
                assertThat(m.topic().name()).isEqualTo("r/1");
                assertThat(m.expiresAt()).isEqualTo(123_456_789_012L);
                assertThat(m.publisher()).isEqualTo("publisher");
                assertThat(m.properties()).containsExactly(1, 1);
                assertThat(m.qos()).isEqualTo(2);
              });
      Journal.SessionState s = state.sessions().getFirst();
      assertThat(s.meta()).isEqualTo(new SessionMeta("client", SessionMeta.NEVER, 77));
      assertThat(s.subscriptions()).containsExactly(subscription);
      assertThat(s.stored().messages()).isEqualTo(3);
      assertThat(s.stored().bytes()).isEqualTo(2 * (2 + 3) + 5 + 4);
      Journal.Owing owing = s.stored().load();
      assertThat(payloads(owing.queue())).containsExactly("waits");
      assertThat(owing.queue().getFirst().identifiers()).containsExactly(7, 268_435_455);
      assertThat(owing.queue().getFirst().retain()).isTrue();
      assertThat(owing.received()).containsExactly(65_535, 5);
      assertThat(owing.inFlight().keySet()).containsExactly(1, 2);
      assertThat(owing.inFlight().get(1).phase()).isEqualTo(Journal.Phase.SENT);
      assertThat(owing.inFlight().get(2).phase()).isEqualTo(Journal.Phase.RELEASED);
      assertThat(state.nextNumber()).isGreaterThan(5);
    }
  }

  @Test
  void aCheckpointHasTheMessagesAndTheLogBehindItRefersToThem() throws IOException {
    List<Queued> queue = new ArrayList<>();
    try (DurableJournal j = open()) {
      j.sessionCreated(j.nextNumber(), META);
      for (int i = 0; i < 10; i++) {
        Message m = message("t", "m" + i);
        queue.add(new Queued(j.message(m, List.of(owed(1)), 0, 0), m, 1, false, new int[0], 0));
      }
      j.retained(message("r", "kept"));
      LinkedHashMap<Integer, Journal.InFlight> inFlight = new LinkedHashMap<>();
      inFlight.put(9, new Journal.InFlight(queue.removeFirst(), Journal.Phase.SENT));
      Journal.Owing owing = new Journal.Owing(inFlight, Set.of(40), List.copyOf(queue));
      j.compact(
          () ->
              new Journal.Captured(
                  List.of(touched(1, owing)), List.of(message("r", "kept")), j.nextNumber()));
      j.released(1, 2, 9);
      j.sent(1, queue.get(3).sequence(), 10);
      j.settled(1, queue.get(0).sequence());
      j.receivedDone(1, 40);
      j.message(message("t", "later"), List.of(owed(1)), 1, 41);
      j.sync();
    }
    for (int round = 0; round < 3; round++) {
      try (DurableJournal j = open()) {
        Journal.State state = j.recovered();
        assertThat(state.retained()).hasSize(1);
        Journal.SessionState s = state.sessions().getFirst();
        assertThat(s.stored().messages()).isEqualTo(10);
        if (round == 1) {
          untouchedCheckpoint(j, state);
          untouchedCheckpoint(j, state);
        }
        Journal.Owing owing = s.stored().load();
        assertThat(payloads(owing.queue()))
            .containsExactly("m2", "m3", "m5", "m6", "m7", "m8", "m9", "later");
        assertThat(owing.inFlight().keySet()).containsExactly(9, 10);
        assertThat(owing.inFlight().get(9).phase()).isEqualTo(Journal.Phase.RELEASED);
        assertThat(new String(owing.inFlight().get(10).queued().message().payload()))
            .isEqualTo("m4");
        assertThat(owing.received()).containsExactly(41);
        long weight = owing.queue().stream().mapToLong(q -> q.message().weight()).sum();
        assertThat(s.stored().bytes())
            .isEqualTo(weight + owing.inFlight().get(10).queued().message().weight());
      }
    }
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.map(f -> f.getFileName().toString().replaceAll("[0-9]+", "")).toList())
          .contains("checkpoint-", "messages-", "retained-", "current", "journal");
    }
  }

  private static void untouchedCheckpoint(DurableJournal j, Journal.State state) {
    Message onTop = message("t", "on top");
    long sequence = j.message(onTop, List.of(owed(1)), 0, 0);
    Queued queued = new Queued(sequence, onTop, 1, false, new int[0], 0);
    j.compact(
        () ->
            new Journal.Captured(
                List.of(
                    new Journal.CapturedSession(
                        1,
                        META,
                        Map.of(),
                        new Journal.Owing(new LinkedHashMap<>(), Set.of(), List.of(queued)),
                        true)),
                state.retained(),
                j.nextNumber()));
    j.settled(1, sequence);
    j.sync();
  }

  @Test
  void aDamagedMessageIsToldWithFileAndRemedyAndNotSkipped() throws IOException {
    try (DurableJournal j = open()) {
      j.sessionCreated(j.nextNumber(), META);
      Message m = message("t", "will be damaged");
      Queued q = new Queued(j.message(m, List.of(owed(1)), 0, 0), m, 1, false, new int[0], 0);
      j.compact(
          () ->
              new Journal.Captured(
                  List.of(
                      touched(1, new Journal.Owing(new LinkedHashMap<>(), Set.of(), List.of(q)))),
                  List.of(),
                  j.nextNumber()));
    }
    Path file;
    try (Stream<Path> files = Files.list(folder)) {
      file = files.filter(f -> f.toString().contains("messages-")).findFirst().orElseThrow();
    }
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 1] ^= 1;
    Files.write(file, bytes);
    try (DurableJournal j = open()) {
      Journal.Stored stored = j.recovered().sessions().getFirst().stored();
      assertThat(stored.messages()).isEqualTo(1);
      assertThatThrownBy(stored::load)
          .isInstanceOf(MqttBrokerException.class)
          .hasMessageContaining(file.toString())
          .hasMessageContaining("client")
          .hasMessageContaining("clean session");
    }
  }
}
