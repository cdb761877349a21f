package io.ryegrass.mqtt;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes one checkpoint beside the one that counts.
 *
 * <p>The lists of the sessions are written whole each time, a handful of bytes per message owed.
 * The messages themselves are written once, in the order in which the sessions have them, and stay
 * where they are; later lists refer to the same place. A file of messages goes when nothing refers
 * to it. One of which less than half is still owed, and small ones when there are many, are copied
 * together into a new one; so what is written is a small multiple of what the log had, and the disk
 * holds about twice what is owed at most.
 *
 * <p>Everything is gone through twice: first to see what each file still is needed for, then to
 * write.
 */
final class Checkpointer {
  private static final Logger LOG = LoggerFactory.getLogger(Checkpointer.class);
  private static final int MANY_SMALL_FILES = 8;
  private static final int MANY_RETAINED_FILES = 8;
  private static final int LENGTH_BITS = 26;
  private static final long LENGTH_MASK = (1L << LENGTH_BITS) - 1;

  /** The state at one moment, and what the journal knows beside it. */
  record Moment(
      Journal.Captured captured, long offset, long nextNumber, Set<String> retainedSince) {}

  private final JournalFiles files;
  private final StoredMessages source;
  private final CheckpointFile.Directory previous;
  private final Map<Long, RecoveredSession> recovered;
  private final Moment moment;
  private final long smallBytes;

  private final Map<Integer, long[]> live = new HashMap<>();
  private final LongMap seenShared = new LongMap();

  /** How many are owed a message that no file has yet; once written, minus where. */
  private final LongMap fresh = new LongMap();

  private final LongMap movedShared = new LongMap();
  private final Set<Long> damaged = new HashSet<>();
  private final Set<Integer> moving = new LinkedHashSet<>();
  private final Map<Integer, MessageFile.Reader> movingFrom = new HashMap<>();
  private final ByteWriter body = new ByteWriter(4096);
  private final Map<Integer, Long> kept = new LinkedHashMap<>();
  private int nextFile;
  private int freshFile;
  private int movedFile;
  private MessageFile.@Nullable Writer freshOut;
  private MessageFile.@Nullable Writer movedOut;

  Checkpointer(
      JournalFiles files,
      StoredMessages source,
      CheckpointFile.Directory previous,
      Map<Long, RecoveredSession> recovered,
      Moment moment,
      int nextFile,
      long smallBytes) {
    this.files = files;
    this.source = source;
    this.previous = previous;
    this.recovered = recovered;
    this.moment = moment;
    this.nextFile = nextFile;
    this.smallBytes = smallBytes;
  }

  /** Numbers below it may have been used, also when {@link #write} threw. */
  int nextFile() {
    return nextFile;
  }

  /** When it returns, all files are on the disk, and nothing names them yet. */
  CheckpointFile.Directory write() throws IOException {
    try {
      for (Journal.CapturedSession s : moment.captured().sessions()) {
        if (!walk(s, new Count())) {
          damaged.add(s.incarnation());
        }
      }
      chooseWhatMoves();
      return writeAll();
    } finally {
      close();
    }
  }

  private void close() throws IOException {
    for (MessageFile.Reader reader : movingFrom.values()) {
      reader.close();
    }
    if (freshOut != null) {
      freshOut.close();
    }
    if (movedOut != null) {
      movedOut.close();
    }
  }

  // ---- what is owed to a session ----

  /** False when what was stored of an untouched session cannot be read. */
  private boolean walk(Journal.CapturedSession s, OwedSink sink) {
    RecoveredSession stored = s.untouched() ? recovered.get(s.incarnation()) : null;
    boolean readable = stored == null || stored.walk(sink);
    Journal.Owing owing = s.owing();
    owing.received().forEach(sink::received);
    if (owing.inFlight().isEmpty() && owing.queue().isEmpty()) {
      return readable;
    }
    StoredList list = previous.lists().getOrDefault(s.incarnation(), StoredList.NONE);
    byte[] places = list.length() > 0 ? source.list(list) : null;
    Places known =
        new Places(places == null ? new byte[0] : places, stored == null ? 0 : stored.before());
    OwedItem item = new OwedItem();
    owing
        .inFlight()
        .forEach(
            (packetId, f) -> {
              if (f.queued().sequence() > 0) {
                known.place(item, f.queued());
                sink.inFlight(packetId, f.phase() == Journal.Phase.RELEASED, item);
              }
            });
    for (Queued q : owing.queue()) {
      if (q.sequence() > 0) {
        known.place(item, q);
        sink.queued(item);
      }
    }
    return readable;
  }

  /**
   * Finds where messages lie, from the list of the checkpoint before. Both are in nearly the same
   * order, so one look forward mostly does; what is passed on the way is kept for later.
   */
  private static final class Places {
    private final OwedList.Reader in;
    private final Map<Long, OwedItem> passed = new HashMap<>();
    private final long from;
    private boolean inFlight = true;
    private boolean more = true;

    /** Only messages from this number on are looked for. */
    private Places(byte[] list, long from) {
      this.from = from;
      in = new OwedList.Reader(list);
      while (in.nextReceived() != 0) {
        // only the messages are wanted
      }
    }

    private boolean next() {
      if (inFlight && in.nextInFlight()) {
        return true;
      }
      inFlight = false;
      more = in.nextQueued();
      return more;
    }

    private @Nullable OwedItem find(long sequence) {
      OwedItem known = passed.remove(sequence);
      if (known != null) {
        return known;
      }
      while (more && next()) {
        if (in.item.sequence == sequence) {
          return in.item;
        }
        if (in.item.sequence >= from) {
          passed.put(in.item.sequence, in.item.copy());
        }
      }
      return null;
    }

    private void place(OwedItem item, Queued q) {
      item.sequence = q.sequence();
      item.qos = q.qos();
      item.retain = q.retain();
      item.identifiers = q.identifiers();
      item.message = q.message();
      item.weight = q.message().weight();
      item.file = OwedItem.NO_FILE;
      item.shared = false;
      OwedItem known = find(q.sequence());
      if (known != null && known.file != OwedItem.NO_FILE) {
        item.file = known.file;
        item.position = known.position;
        item.length = known.length;
        item.weight = known.weight;
        item.shared = known.shared;
      }
    }
  }

  // ---- first time: what is needed ----

  private final class Count implements OwedSink {
    @Override
    public void received(int packetId) {}

    @Override
    public void inFlight(int packetId, boolean released, OwedItem item) {
      if (!released) {
        queued(item);
      }
    }

    @Override
    public void queued(OwedItem item) {
      if (item.file == OwedItem.NO_FILE) {
        fresh.put(item.sequence, fresh.get(item.sequence) + 1);
        return;
      }
      long[] needed = live.computeIfAbsent(item.file, unused -> new long[1]);
      if (!item.shared || seenShared.get(item.sequence) != item.file) {
        needed[0] += MessageFile.FRAME_HEAD + item.length;
      }
      if (item.shared) {
        seenShared.put(item.sequence, item.file);
      }
    }
  }

  private void chooseWhatMoves() {
    Set<Integer> small = new LinkedHashSet<>();
    previous
        .messageFiles()
        .forEach(
            (number, bytes) -> {
              long[] needed = live.get(number);
              if (needed == null) {
                return; // nothing refers to it: it goes
              }
              kept.put(number, bytes);
              if (needed[0] * 2 < bytes) {
                moving.add(number);
              } else if (bytes < smallBytes) {
                small.add(number);
              }
            });
    if (small.size() >= MANY_SMALL_FILES) {
      moving.addAll(small);
    }
    moving.forEach(kept::remove);
  }

  // ---- second time: write ----

  private final class Write implements OwedSink {
    private final OwedList.Writer list = new OwedList.Writer();
    private @Nullable IOException failure;

    @Override
    public void received(int packetId) {
      list.received(packetId);
    }

    @Override
    public void inFlight(int packetId, boolean released, OwedItem given) {
      OwedItem item = given.logged == null ? given : given.copy(); // needed if this attempt fails
      if (released || store(item)) {
        list.inFlight(packetId, released, item);
      }
    }

    @Override
    public void queued(OwedItem given) {
      OwedItem item = given.logged == null ? given : given.copy();
      if (store(item)) {
        list.queued(item);
      }
    }

    private boolean store(OwedItem item) {
      try {
        if (item.file == OwedItem.NO_FILE) {
          writeFresh(item);
        } else if (moving.contains(item.file)) {
          move(item);
        }
        return true;
      } catch (IOException e) {
        failure = e;
        return false;
      }
    }
  }

  private void writeFresh(OwedItem item) throws IOException {
    long known = fresh.get(item.sequence);
    if (known < 0) {
      item.shared = true;
      place(item, freshFile, -known);
      return;
    }
    MessageFile.Writer out = freshOut;
    if (out == null) {
      freshFile = nextFile++;
      out = new MessageFile.Writer(files.messages(freshFile));
      freshOut = out;
    }
    LoggedMessage logged = item.logged;
    Message message = item.message;
    body.clear();
    if (logged != null) {
      logged.copyTo(body);
    } else if (message != null) {
      MessageCodec.head(body, message);
      body.raw(message.payload(), 0, message.payload().length);
    }
    long place = out.add(item.sequence, body) << LENGTH_BITS | body.size();
    if (known > 1) {
      fresh.put(item.sequence, -place);
    }
    item.shared = known > 1;
    place(item, freshFile, place);
  }

  private static void place(OwedItem item, int file, long place) {
    item.file = file;
    item.position = place >>> LENGTH_BITS;
    item.length = (int) (place & LENGTH_MASK);
  }

  private void move(OwedItem item) throws IOException {
    long known = item.shared ? movedShared.get(item.sequence) : 0;
    if (known == 0) {
      MessageFile.Writer out = movedOut;
      if (out == null) {
        movedFile = nextFile++;
        out = new MessageFile.Writer(files.messages(movedFile));
        movedOut = out;
      }
      MessageFile.Reader in = movingFrom.get(item.file);
      if (in == null) {
        in = new MessageFile.Reader(files.messages(item.file));
        movingFrom.put(item.file, in);
      }
      int length = MessageFile.FRAME_HEAD + item.length;
      int from = in.frame(item.position, length);
      // A frame that the file no longer has is written as zeros: reading it tells of the damage
      long position =
          from < 0
              ? out.addFrame(new byte[length], 0, length)
              : out.addFrame(in.window(), from, length);
      known = position << LENGTH_BITS | item.length;
      if (item.shared) {
        movedShared.put(item.sequence, known);
      }
    }
    place(item, movedFile, known);
  }

  private CheckpointFile.Directory writeAll() throws IOException {
    int number = nextFile++;
    Path path = files.checkpoint(number);
    try (FileOutput out = new FileOutput(path)) {
      List<CheckpointFile.Session> sessions = new ArrayList<>();
      Write sink = new Write();
      for (Journal.CapturedSession s : moment.captured().sessions()) {
        StoredList list =
            damaged.contains(s.incarnation()) ? carry(s, out) : writeList(s, sink, out);
        sessions.add(
            new CheckpointFile.Session(
                s.incarnation(), s.meta(), s.subscriptions().values(), list));
      }
      files.stepDone();
      finish(freshOut, freshFile);
      finish(movedOut, movedFile);
      List<RetainedFile> retained = retained();
      files.stepDone();
      return CheckpointFile.finish(
          out, number, moment.offset(), moment.nextNumber(), nextFile, kept, retained, sessions);
    }
  }

  private void finish(MessageFile.@Nullable Writer out, int number) throws IOException {
    if (out != null) {
      out.finish();
      files.stepDone();
      kept.put(number, out.position());
    }
  }

  private StoredList writeList(Journal.CapturedSession s, Write sink, FileOutput out)
      throws IOException {
    sink.list.clear();
    boolean readable = walk(s, sink);
    if (sink.failure != null) {
      throw sink.failure;
    }
    if (!readable) {
      throw new IOException("The list of client '" + s.meta().clientId() + "' changed on the disk");
    }
    ByteWriter list = sink.list.whole();
    if (list.size() == 0) {
      return StoredList.NONE;
    }
    long position = out.position();
    out.write(list);
    return new StoredList(
        position,
        list.size(),
        JournalFiles.crc(list.array(), 0, list.size()),
        sink.list.messages(),
        sink.list.bytes());
  }

  /**
   * A damaged list goes on as it is, with its checksum that does not fit, so that whoever asks for
   * it is told, and the rest of the journal goes on.
   */
  private StoredList carry(Journal.CapturedSession s, FileOutput out) throws IOException {
    StoredList list = previous.lists().getOrDefault(s.incarnation(), StoredList.NONE);
    LOG.error(
        "The MQTT journal's file {} is damaged at byte {}: what is owed to client '{}' cannot be"
            + " read. Restore the folder from a copy, or let the client connect once with a clean"
            + " session, which gives up what is stored for it",
        source.checkpoint(),
        list.position(),
        s.meta().clientId());
    byte[] bytes = source.rawList(list);
    long position = out.position();
    byte[] carried = bytes == null ? new byte[list.length()] : bytes;
    out.write(carried, 0, carried.length);
    return new StoredList(position, list.length(), list.crc(), list.messages(), list.bytes());
  }

  // ---- retained messages ----

  private List<RetainedFile> retained() throws IOException {
    Set<String> changed = moment.retainedSince();
    if (changed.isEmpty()) {
      return previous.retainedFiles();
    }
    Map<String, @Nullable Message> all = new LinkedHashMap<>();
    Map<String, @Nullable Message> since = new LinkedHashMap<>();
    changed.forEach(topic -> since.put(topic, null));
    long weight = 0;
    for (Message m : moment.captured().retained()) {
      String topic = m.topic().name();
      all.put(topic, m);
      weight += m.weight();
      if (changed.contains(topic)) {
        since.put(topic, m);
      }
    }
    long stored = 0;
    for (RetainedFile f : previous.retainedFiles()) {
      stored += f.bytes();
    }
    boolean whole =
        previous.retainedFiles().size() >= MANY_RETAINED_FILES || stored > 2 * weight + smallBytes;
    int number = nextFile++;
    List<RetainedFile> result =
        whole ? new ArrayList<>() : new ArrayList<>(previous.retainedFiles());
    result.add(RetainedFile.write(files.retained(number), number, whole ? all : since));
    return result;
  }
}
