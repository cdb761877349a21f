package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A random run against a model. After each step on files, also within a checkpoint while others go
 * on writing, the folder is copied as a crash would leave it: what was not synced is torn at any
 * byte, files that nothing names yet are cut. Each copy is opened and compared with the model at
 * exactly the record up to which the copy's log goes; everything synced must be there. Then the run
 * goes on from one of the copies, as a restarted program would. LESSON-02.
 */
class JournalCrashTest {
  private static final long COMPACT_AFTER = 12_000;

  private Path temporary = Path.of(".");

  /**
   * In memory where there is such a folder: what a crash leaves is told by the model, not by fsync.
   */
  @BeforeEach
  void makeFolder() throws IOException {
    Path memory = Path.of("/dev/shm");
    temporary =
        Files.isWritable(memory)
            ? Files.createTempDirectory(memory, "ryegrass-journal")
            : Files.createTempDirectory("ryegrass-journal");
  }

  @AfterEach
  void removeFolder() throws IOException {
    delete(temporary);
  }

  private Random random = new Random();
  private Path folder = Path.of(".");
  private DurableJournal journal;
  private JournalModel model = new JournalModel();
  private Map<Long, Journal.Stored> stored = new LinkedHashMap<>();

  /** The model after each record, by the log's position. */
  private final TreeMap<Long, JournalModel> history = new TreeMap<>();

  private long synced;
  private Map<String, Long> syncedLengths = Map.of();
  private boolean compacting;
  private int folders;
  private int crashes;
  private int checkpoints;

  /** More of them with {@code -Djournal.seeds=50}. */
  static LongStream seeds() {
    return LongStream.rangeClosed(1, Integer.getInteger("journal.seeds", 2));
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void whateverACrashLeavesHasEverythingSyncedAndNothingElse(long seed) throws IOException {
    random = new Random(seed);
    folder = temporary.resolve("run" + folders++);
    open();
    for (int round = 0; round < 4; round++) {
      int operations = 150 + random.nextInt(350);
      for (int i = 0; i < operations; i++) {
        operation();
        if (random.nextInt(12) == 0) {
          sync();
        }
        if (random.nextInt(120) == 0) {
          crash(false);
        }
        if (journal.compactionDue()) {
          checkpoint();
        }
      }
      restart(round);
    }
    journal.close();
    assertThat(crashes).isGreaterThan(100);
    assertThat(checkpoints).isGreaterThan(3);
  }

  private void open() {
    journal = new DurableJournal(folder, new LongAdder(), COMPACT_AFTER, 64 << 20, this::step);
    Journal.State state = journal.recovered();
    stored = new LinkedHashMap<>();
    state.sessions().forEach(s -> stored.put(s.incarnation(), s.stored()));
    model.sessions.values().forEach(s -> s.untouched = true);
    assertThat(stored.keySet()).containsExactlyInAnyOrderElementsOf(model.sessions.keySet());
    assertThat(state.nextNumber()).isGreaterThan(model.highest);
    history.clear();
    written();
    synced = journal.position();
    syncedLengths = lengths();
  }

  private void written() {
    history.put(journal.position(), model.copy());
  }

  private void sync() {
    long position = journal.position();
    journal.sync();
    assertThat(journal.durablePosition()).isGreaterThanOrEqualTo(position);
    synced = position;
    syncedLengths = lengths();
  }

  // ---- what a broker would do ----

  private Message message() {
    byte[] payload = new byte[random.nextInt(4) == 0 ? random.nextInt(3_000) : random.nextInt(80)];
    random.nextBytes(payload);
    return new Message(
        Topic.of("t/" + random.nextInt(20)),
        payload,
        random.nextInt(3),
        random.nextBoolean(),
        new byte[random.nextInt(3)],
        random.nextInt(3) == 0 ? 1_700_000_000_000L : 0,
        random.nextBoolean() ? "publisher " + random.nextInt(3) : null);
  }

  private void operation() {
    journal.enter();
    try {
      int dice = random.nextInt(100);
      if (model.sessions.size() < 3 || dice < 2 && model.sessions.size() < 12) {
        create();
      } else if (dice < 40) {
        publish();
      } else if (dice < 46) {
        retain();
      } else {
        Long incarnation = oneOf(model.sessions.keySet().stream().toList());
        if (dice == 46 && random.nextInt(4) == 0) {
          journal.sessionRemoved(incarnation);
          model.sessions.remove(incarnation);
        } else {
          change(incarnation, model.sessions.get(incarnation), dice);
        }
      }
      written();
    } finally {
      journal.exit();
    }
  }

  private <T> T oneOf(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }

  private void create() {
    long incarnation = journal.nextNumber();
    SessionMeta meta = new SessionMeta("client " + incarnation, random.nextInt(1_000), 0);
    journal.sessionCreated(incarnation, meta);
    model.highest = incarnation;
    model.sessions.put(incarnation, new JournalModel.Session(meta));
  }

  private void publish() {
    Message m = message();
    List<Owed> owed = new ArrayList<>();
    for (long incarnation : model.sessions.keySet()) {
      if (random.nextInt(3) == 0) {
        int[] identifiers =
            random.nextInt(3) == 0 ? new int[] {random.nextInt(200) + 1} : new int[0];
        owed.add(new Owed(incarnation, 1 + random.nextInt(2), random.nextBoolean(), identifiers));
      }
    }
    List<Long> touched =
        model.sessions.keySet().stream().filter(i -> !model.sessions.get(i).untouched).toList();
    long publisher = touched.isEmpty() || random.nextBoolean() ? 0 : oneOf(touched);
    int packetId = 1 + random.nextInt(65_535);
    if (owed.isEmpty() && publisher == 0) {
      return;
    }
    long sequence = journal.message(m, owed, publisher, packetId);
    model.highest = Math.max(model.highest, sequence);
    for (Owed o : owed) {
      JournalModel.Session s = model.sessions.get(o.incarnation());
      JournalModel.Item item =
          new JournalModel.Item(sequence, m, o.qos(), o.retain(), o.identifiers());
      s.queue.add(item);
      if (s.untouched) {
        s.onTop.add(item);
      }
    }
    if (publisher != 0) {
      model.sessions.get(publisher).received.add(packetId);
    }
  }

  private void retain() {
    if (model.retained.size() > 5 && random.nextBoolean()) {
      String topic = oneOf(List.copyOf(model.retained.keySet()));
      journal.retainedRemoved(topic);
      model.retained.remove(topic);
    } else {
      Message m = message();
      journal.retained(m);
      model.retained.put(m.topic().name(), m);
    }
  }

  private void change(long incarnation, JournalModel.Session s, int dice) {
    if (dice < 50) {
      Subscription sub =
          new Subscription(
              "f/" + random.nextInt(4),
              random.nextInt(3),
              random.nextBoolean(),
              random.nextBoolean(),
              random.nextInt(3),
              random.nextInt(5));
      journal.subscribed(incarnation, sub);
      s.subscriptions.put(sub.filter(), sub);
    } else if (dice < 52) {
      String filter = "f/" + random.nextInt(4);
      journal.unsubscribed(incarnation, filter);
      s.subscriptions.remove(filter);
    } else if (dice < 54) {
      s.meta = new SessionMeta(s.meta.clientId(), random.nextInt(9), random.nextInt(9));
      journal.sessionChanged(incarnation, s.meta);
    } else if (dice < 58 && s.untouched && !s.onTop.isEmpty()) {
      // the queue is full: one of the new ones is dropped though nobody has loaded the old
      JournalModel.Item item = s.onTop.removeFirst();
      s.queue.remove(item);
      journal.settled(incarnation, item.sequence());
    } else {
      load(incarnation, s);
      progress(incarnation, s, dice);
    }
  }

  /** As a session whose client comes back; what it gets is what was owed at the start. */
  private void load(long incarnation, JournalModel.Session s) {
    if (!s.untouched) {
      return;
    }
    Journal.Stored store = stored.get(incarnation);
    assertThat(store).isNotNull();
    Journal.Owing owing = store.load();
    List<JournalModel.Item> before = new ArrayList<>(s.queue);
    before.removeAll(s.onTop);
    assertThat(owing.queue().stream().map(q -> JournalModel.text(q, false)))
        .containsExactlyElementsOf(
            before.stream().map(i -> JournalModel.text(i.queued(), false)).toList());
    assertThat(List.copyOf(owing.inFlight().keySet())).isEqualTo(List.copyOf(s.inFlight.keySet()));
    assertThat(new TreeSet<>(owing.received())).isEqualTo(s.received);
    s.untouched = false;
    s.onTop.clear();
  }

  private void progress(long incarnation, JournalModel.Session s, int dice) {
    if (dice < 75 && !s.queue.isEmpty()) {
      int packetId = 1 + random.nextInt(65_535);
      while (s.inFlight.containsKey(packetId)) {
        packetId++;
      }
      JournalModel.Item item = s.queue.removeFirst();
      s.inFlight.put(packetId, new JournalModel.Flight(item, false));
      journal.sent(incarnation, item.sequence(), packetId);
    } else if (dice < 80 && !s.inFlight.isEmpty()) {
      int packetId = oneOf(List.copyOf(s.inFlight.keySet()));
      JournalModel.Item item = s.inFlight.get(packetId).item();
      s.inFlight.put(packetId, new JournalModel.Flight(item, true));
      journal.released(incarnation, item.sequence(), packetId);
    } else if (dice < 94 && !s.inFlight.isEmpty()) {
      int packetId =
          random.nextInt(4) == 0
              ? oneOf(List.copyOf(s.inFlight.keySet()))
              : s.inFlight.firstEntry().getKey();
      journal.settled(incarnation, s.inFlight.remove(packetId).item().sequence());
    } else if (dice < 96 && !s.queue.isEmpty()) {
      journal.settled(incarnation, s.queue.remove(random.nextInt(s.queue.size())).sequence());
    } else if (!s.received.isEmpty()) {
      int packetId = oneOf(List.copyOf(s.received));
      s.received.remove(packetId);
      journal.receivedDone(incarnation, packetId);
    }
  }

  // ---- checkpoints and crashes ----

  private void checkpoint() {
    compacting = true;
    journal.compact(this::capture);
    compacting = false;
    checkpoints++;
    crash(false);
  }

  /** After each file operation of a checkpoint: others go on writing, then the power goes. */
  private void step() {
    if (!compacting) {
      return;
    }
    if (journal.durablePosition() > synced) {
      synced = journal.durablePosition();
      syncedLengths = lengths(); // nothing was handed to the file since
    }
    for (int n = random.nextInt(6); n > 0; n--) {
      operation();
    }
    if (random.nextInt(4) == 0) {
      sync();
    }
    crash(random.nextInt(12) == 0);
  }

  private Journal.Captured capture() {
    List<Journal.CapturedSession> sessions = new ArrayList<>();
    model.sessions.forEach(
        (incarnation, s) -> {
          LinkedHashMap<Integer, Journal.InFlight> inFlight = new LinkedHashMap<>();
          if (!s.untouched) {
            s.inFlight.forEach(
                (id, f) ->
                    inFlight.put(
                        id,
                        new Journal.InFlight(
                            f.item().queued(),
                            f.released() ? Journal.Phase.RELEASED : Journal.Phase.SENT)));
          }
          sessions.add(
              new Journal.CapturedSession(
                  incarnation,
                  s.meta,
                  new LinkedHashMap<>(s.subscriptions),
                  new Journal.Owing(
                      inFlight,
                      s.untouched ? new TreeSet<>() : new TreeSet<>(s.received),
                      (s.untouched ? s.onTop : s.queue)
                          .stream().map(JournalModel.Item::queued).toList()),
                  s.untouched));
        });
    return new Journal.Captured(
        sessions, List.copyOf(model.retained.values()), journal.nextNumber());
  }

  private Map<String, Long> lengths() {
    Map<String, Long> result = new TreeMap<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        result.put(folder.relativize(file).toString(), Files.size(file));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return result;
  }

  /** Copies what a crash leaves and compares; sometimes torn at every byte of the last records. */
  private void crash(boolean everyByte) {
    try {
      Path last = lastSegment(folder);
      long length = Files.size(last);
      String name = folder.relativize(last).toString();
      long safe = Math.min(length, syncedLengths.getOrDefault(name, 24L));
      if (everyByte) {
        for (long cut = Math.max(safe, length - 30); cut <= length; cut++) {
          check(copy(cut));
        }
      } else {
        check(copy(safe + (long) (random.nextDouble() * (length - safe + 1))));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path lastSegment(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("journal"))) {
      return files.max(Path::compareTo).orElseThrow();
    }
  }

  private Path copy(long cut) throws IOException {
    Path image = temporary.resolve("image" + folders++);
    Path last = lastSegment(folder);
    boolean cutUnnamed = random.nextBoolean();
    String current = "";
    if (Files.exists(folder.resolve("current"))) {
      current = Files.readString(folder.resolve("current"));
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path target = image.resolve(folder.relativize(file).toString());
        Files.createDirectories(target.getParent());
        byte[] bytes = Files.readAllBytes(file);
        String name = file.getFileName().toString();
        if (file.equals(last)) {
          bytes = Arrays.copyOf(bytes, (int) cut);
        } else if (cutUnnamed && name.startsWith("checkpoint-") && !name.equals(current)) {
          bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
        }
        Files.write(target, bytes);
      }
    }
    return image;
  }

  private void check(Path image) throws IOException {
    crashes++;
    try (DurableJournal copy = new DurableJournal(image, new LongAdder(), 1 << 20, 64 << 20)) {
      long position = copy.position();
      assertThat(position).isGreaterThanOrEqualTo(synced);
      JournalModel expected = history.get(position);
      assertThat(expected).as("model at " + position + " of " + history.keySet()).isNotNull();
      assertThat(JournalModel.text(copy.recovered())).isEqualTo(expected.text());
    }
    delete(image);
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.delete(file);
      }
    }
  }

  /** The program goes on from what a crash left, or from an orderly stop. */
  private void restart(int round) throws IOException {
    Path old = folder;
    if (round % 3 == 2) {
      journal.close();
    } else {
      Path last = lastSegment(folder);
      long length = Files.size(last);
      long safe =
          Math.min(length, syncedLengths.getOrDefault(folder.relativize(last).toString(), 24L));
      folder = copy(safe + (long) (random.nextDouble() * (length - safe + 1)));
      journal.close();
      long position;
      try (DurableJournal peek =
          new DurableJournal(folder, new LongAdder(), COMPACT_AFTER, 64 << 20)) {
        position = peek.position();
      }
      NavigableMap<Long, JournalModel> known = history;
      model = known.get(position).copy();
      delete(old);
    }
    open();
  }
}
