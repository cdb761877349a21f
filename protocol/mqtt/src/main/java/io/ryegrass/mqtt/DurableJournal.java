package io.ryegrass.mqtt;

import io.ryegrass.durable.DataFolderLock;
import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.SegmentedLog;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The journal on disk: a log of changes, and a checkpoint with the state before some offset of it.
 *
 * <p><b>Start.</b> Only the checkpoint's directory is read (what is known of each session, and how
 * much it is owed) and the log behind it, which checkpoints keep short. What is owed is read when
 * the session's client asks ({@link RecoveredSession#load}); so a start takes the same time whether
 * a thousand messages are owed or a million.
 *
 * <p><b>Checkpoint.</b> {@link #compact} captures the state while nobody changes it (references
 * only, so briefly), writes it aside ({@link Checkpointer}), syncs the log, names the new
 * checkpoint in {@code current} and truncates the log. The sync comes before the switch: otherwise
 * a crash could leave a log that ends before the offset its checkpoint names, and new records would
 * be written where a replay does not look. A crash before the switch leaves files that nothing
 * names; they are removed at the next start.
 *
 * <p><b>Damage.</b> What does not fit its checksum is told with the file's name, at the start for
 * the directory and the log, and when a client asks for its session otherwise; nothing is passed
 * over.
 */
final class DurableJournal implements Journal {
  private static final Logger LOG = LoggerFactory.getLogger(DurableJournal.class);
  private static final int SCRATCH_BYTES = 1 << 10;
  private static final int SCRATCH_KEPT = 64 << 10;
  private static final long MOST_SEGMENT_BYTES = 4 << 20;
  private static final byte[] NO_TAIL = new byte[0];

  private final Path folder;
  private final JournalFiles files;
  private final DataFolderLock folderLock;
  private final SegmentedLog log;
  private final JournalCommitter committer;
  private final LongAdder failures;
  private final long compactAfterBytes;
  private final long maxBytes;
  private final AtomicLong numbers = new AtomicLong(1);
  private final JournalGate gate = new JournalGate();
  private final ThreadLocal<ByteWriter> scratch =
      ThreadLocal.withInitial(() -> new ByteWriter(SCRATCH_BYTES));

  private final ReentrantLock compacting = new ReentrantLock();
  private final StoredMessages source;
  private final Map<Long, RecoveredSession> recoveredSessions = new HashMap<>();
  private final Set<String> retainedSince = ConcurrentHashMap.newKeySet();

  /** Files of a checkpoint that {@code current} may name though naming it failed. */
  private final Set<String> perhapsCurrent = new HashSet<>();

  private CheckpointFile.Directory directory;
  private int nextFile;
  private volatile long bytesAside;
  private volatile long dueAt;
  private @Nullable State recovered;

  /**
   * @param failures counts records and syncs that the disk refused
   * @param compactAfterBytes a checkpoint is due when the log has reached this size
   * @param maxBytes most that the folder holds, but for a checkpoint while it is written; messages
   *     and sessions are refused beyond it, acknowledgements for a while longer
   */
  DurableJournal(Path folder, LongAdder failures, long compactAfterBytes, long maxBytes) {
    this(folder, failures, compactAfterBytes, maxBytes, () -> {});
  }

  DurableJournal(
      Path folder,
      LongAdder failures,
      long compactAfterBytes,
      long maxBytes,
      Runnable afterFileStep) {
    this.folder = folder;
    this.failures = failures;
    this.compactAfterBytes = compactAfterBytes;
    this.maxBytes = maxBytes;
    this.files = new JournalFiles(folder, afterFileStep);
    this.folderLock = DataFolderLock.acquire(folder);
    SegmentedLog opened = null;
    try {
      long segment = Math.max(4 << 10, Math.min(MOST_SEGMENT_BYTES, compactAfterBytes / 4));
      opened =
          SegmentedLog.open(
              files.log(), new SegmentedLog.Options(segment, maxBytes + maxBytes / 8));
      this.log = opened;
      this.source = new StoredMessages(files, folder);
      this.directory = CheckpointFile.Directory.NONE;
      this.recovered = recover(files.current());
    } catch (RuntimeException e) {
      if (opened != null) {
        opened.close();
      }
      folderLock.close();
      throw e instanceof DurableException
          ? JournalFiles.failed("be opened in " + folder, folder, e)
          : e;
    }
    this.committer = new JournalCommitter("mqtt-journal", this::commit, log.nextOffset());
  }

  /** What was found when the folder was opened; given once. */
  State recovered() {
    State state = recovered;
    if (state == null) {
      throw new IllegalStateException("The recovered state was taken already");
    }
    recovered = null;
    return state;
  }

  // ---- start ----

  private State recover(String current) {
    JournalReplay replay = new JournalReplay(source, files.log());
    Set<String> kept = new HashSet<>();
    long from = 0;
    boolean former = current.startsWith(JournalFiles.SNAPSHOT);
    if (former) {
      from = numberIn(current, JournalFiles.SNAPSHOT);
      kept.add(current);
      readFormer(folder.resolve(current), replay);
    } else if (!current.isEmpty()) {
      readCheckpoint(folder.resolve(current), numberIn(current, JournalFiles.CHECKPOINT), replay);
      from = directory.offset();
      kept.addAll(names(directory));
    }
    if (log.firstOffset() > from || log.nextOffset() < from) {
      throw new MqttBrokerException(
          MqttBrokerException.STORE_FAILED,
          "The MQTT journal's log "
              + files.log()
              + " has the records "
              + log.firstOffset()
              + " to "
              + (log.nextOffset() - 1)
              + ", but those from "
              + from
              + " on are needed ("
              + folder.resolve(JournalFiles.CURRENT)
              + (current.isEmpty() ? " is missing" : " names " + current)
              + "); restore the folder from a copy, or move it aside, which gives up all stored"
              + " sessions and retained messages",
          null);
    }
    files.removeAllBut(kept);
    try (SegmentedLog.Reader reader = log.reader(from)) {
      while (reader.hasNext()) {
        replay.apply(reader.next().data());
      }
    }
    if (from > log.firstOffset()) {
      log.truncateBefore(from);
    }
    recoveredSessions.putAll(replay.sessions());
    retainedSince.addAll(replay.retainedSince());
    nextFile = directory.nextFile();
    bytesAside = directory.bytesOnDisk();
    dueAt = former || replay.former() ? 0 : due(directory);
    State state = replay.state();
    numbers.set(state.nextNumber());
    return state;
  }

  private long numberIn(String current, String prefix) {
    if (current.startsWith(prefix)) {
      try {
        return Long.parseLong(current.substring(prefix.length()));
      } catch (NumberFormatException e) {
        LOG.debug("Not a number", e);
      }
    }
    throw new MqttBrokerException(
        MqttBrokerException.STORE_FAILED,
        "The MQTT journal's file "
            + folder.resolve(JournalFiles.CURRENT)
            + " names '"
            + current
            + "', which is no checkpoint of this version; use the version that wrote it, or restore"
            + " the folder from a copy",
        null);
  }

  private void readFormer(Path snapshot, JournalReplay replay) {
    try (SegmentedLog stored =
            SegmentedLog.open(snapshot, new SegmentedLog.Options(8 << 20, 4L << 30));
        SegmentedLog.Reader reader = stored.reader(0)) {
      while (reader.hasNext()) {
        replay.apply(reader.next().data());
      }
    }
    replay.retainedSince().addAll(replay.retained().keySet());
  }

  private void readCheckpoint(Path path, long number, JournalReplay replay) {
    source.checkpoint(path);
    List<CheckpointFile.Session> sessions = new ArrayList<>();
    directory = CheckpointFile.read(path, sessions);
    if (directory.number() != number) {
      throw JournalFiles.damaged(path, 0, "restore the folder from a copy");
    }
    replay.checkpoint(directory, sessions);
    for (RetainedFile f : directory.retainedFiles()) {
      Path file = files.retained(f.number());
      try {
        f.readInto(file, replay.retained(), replay.names());
      } catch (IOException e) {
        throw JournalFiles.failed("read retained messages from", file, e);
      }
    }
  }

  private static Set<String> names(CheckpointFile.Directory d) {
    Set<String> names = new HashSet<>();
    if (d.number() > 0) {
      names.add(JournalFiles.CHECKPOINT + d.number());
    }
    d.messageFiles().keySet().forEach(number -> names.add(JournalFiles.MESSAGES + number));
    d.retainedFiles().forEach(f -> names.add(JournalFiles.RETAINED + f.number()));
    return names;
  }

  // ---- changes ----

  @Override
  public boolean stores() {
    return true;
  }

  @Override
  public void enter() {
    gate.enter();
  }

  @Override
  public void exit() {
    gate.exit();
  }

  @Override
  public long nextNumber() {
    return numbers.getAndIncrement();
  }

  @Override
  public void sessionCreated(long incarnation, SessionMeta meta) {
    ByteWriter r = record(JournalRecords.SESSION_CREATED).varint(incarnation);
    take(r.text(meta.clientId()).varint(meta.expirySeconds()).varint(meta.disconnectedAt()));
  }

  @Override
  public void sessionChanged(long incarnation, SessionMeta meta) {
    ByteWriter r = record(JournalRecords.SESSION_CHANGED).varint(incarnation);
    append(r.varint(meta.expirySeconds()).varint(meta.disconnectedAt()));
  }

  @Override
  public void sessionRemoved(long incarnation) {
    append(record(JournalRecords.SESSION_REMOVED).varint(incarnation));
  }

  @Override
  public void subscribed(long incarnation, Subscription subscription) {
    ByteWriter r = record(JournalRecords.SUBSCRIBED).varint(incarnation);
    JournalRecords.subscription(r, subscription);
    take(r);
  }

  @Override
  public void unsubscribed(long incarnation, String filter) {
    append(record(JournalRecords.UNSUBSCRIBED).varint(incarnation).text(filter));
  }

  @Override
  public long message(Message message, List<Owed> owed, long publisherIncarnation, int packetId) {
    if (owed.isEmpty()) {
      if (publisherIncarnation != 0) {
        take(record(JournalRecords.RECEIVED).varint(publisherIncarnation).varint(packetId));
      }
      return 0;
    }
    long sequence = nextNumber();
    ByteWriter r = record(JournalRecords.MESSAGE).varint(sequence).varint(publisherIncarnation);
    if (publisherIncarnation != 0) {
      r.varint(packetId);
    }
    JournalRecords.owed(r, owed);
    MessageCodec.head(r, message);
    take(r, message.payload());
    return sequence;
  }

  @Override
  public void receivedDone(long incarnation, int packetId) {
    append(record(JournalRecords.RECEIVED_DONE).varint(incarnation).varint(packetId));
  }

  @Override
  public void sent(long incarnation, long sequence, int packetId) {
    append(record(JournalRecords.SENT).varint(incarnation).varint(sequence).varint(packetId));
  }

  @Override
  public void released(long incarnation, long sequence, int packetId) {
    append(record(JournalRecords.RELEASED).varint(incarnation).varint(sequence).varint(packetId));
  }

  @Override
  public void settled(long incarnation, long sequence) {
    try {
      append(record(JournalRecords.SETTLED).varint(incarnation).varint(sequence));
    } catch (MqttBrokerException e) {
      // The receiver has it; after a restart it may get it once more, marked as such
      if (failures.sum() == 1) {
        LOG.warn("An acknowledgement is not stored, a message may be sent twice", e);
      }
    }
  }

  @Override
  public void retained(Message message) {
    ByteWriter r = record(JournalRecords.RETAINED);
    MessageCodec.head(r, message);
    take(r, message.payload());
    retainedSince.add(message.topic().name());
  }

  @Override
  public void retainedRemoved(String topic) {
    append(record(JournalRecords.RETAINED_REMOVED).text(topic));
    retainedSince.add(topic);
  }

  private ByteWriter record(int kind) {
    ByteWriter writer = scratch.get();
    if (writer.capacity() > SCRATCH_KEPT) {
      writer = new ByteWriter(SCRATCH_BYTES);
      scratch.set(writer);
    }
    return writer.clear().u8(kind);
  }

  private void take(ByteWriter record) {
    take(record, NO_TAIL);
  }

  /** Appends what makes the state grow. */
  private void take(ByteWriter record, byte[] tail) {
    if (log.sizeInBytes() + bytesAside + record.size() + tail.length > maxBytes) {
      throw full(null);
    }
    append(record, tail);
  }

  private void append(ByteWriter record) {
    append(record, NO_TAIL);
  }

  private void append(ByteWriter record, byte[] tail) {
    try {
      log.append(record.array(), record.size(), tail);
    } catch (DurableException e) {
      if (e.code().equals(DurableException.LOG_FULL)) {
        throw full(e);
      }
      throw refused("take a record", e);
    } catch (IllegalStateException | IllegalArgumentException e) {
      throw refused("take a record", e);
    }
  }

  private MqttBrokerException full(@Nullable Throwable cause) {
    failures.increment();
    return new MqttBrokerException(
        MqttBrokerException.STORE_FAILED,
        "The MQTT journal in "
            + folder
            + " holds its maximum of "
            + maxBytes
            + " bytes; let clients fetch what waits for them, remove sessions that nobody uses, or"
            + " raise the bound",
        cause);
  }

  private MqttBrokerException refused(String what, RuntimeException cause) {
    failures.increment();
    return new MqttBrokerException(
        MqttBrokerException.STORE_FAILED,
        "The MQTT journal in " + folder + " cannot " + what + ": " + cause.getMessage(),
        cause);
  }

  // ---- the disk ----

  @Override
  public long position() {
    return log.nextOffset();
  }

  @Override
  public long durablePosition() {
    return committer.durable();
  }

  @Override
  public void whenDurable(long position, Consumer<@Nullable RuntimeException> then) {
    committer.whenDurable(position, then);
  }

  @Override
  public void sync() {
    committer.await(log.nextOffset());
  }

  private long commit() {
    try {
      return log.commit();
    } catch (DurableException | IllegalStateException e) {
      throw refused("be synced", e);
    }
  }

  /** How many fsyncs served how many that waited, since the start. */
  long[] commits() {
    return new long[] {committer.commits(), committer.served()};
  }

  // ---- checkpoints ----

  private long due(CheckpointFile.Directory d) {
    return Math.max(compactAfterBytes, d.bytes());
  }

  @Override
  public boolean compactionDue() {
    return log.sizeInBytes() > dueAt && !compacting.isLocked();
  }

  @Override
  public void compact(Supplier<Captured> capture) {
    if (!compacting.tryLock()) {
      return;
    }
    try {
      Checkpointer.Moment moment =
          gate.alone(
              () -> {
                Captured captured = capture.get();
                Set<String> retained = Set.copyOf(retainedSince);
                retainedSince.clear();
                long next = Math.max(captured.nextNumber(), numbers.get());
                return new Checkpointer.Moment(captured, log.nextOffset(), next, retained);
              });
      boolean done = false;
      try {
        checkpoint(moment);
        done = true;
      } catch (IOException | DurableException e) {
        failures.increment();
        throw JournalFiles.failed("write a checkpoint in", folder, e);
      } finally {
        if (!done) {
          retainedSince.addAll(moment.retainedSince());
          Set<String> kept = names(directory);
          kept.addAll(perhapsCurrent);
          files.removeAllBut(kept);
          dueAt = log.sizeInBytes() + Math.max(1, compactAfterBytes / 4);
        }
      }
    } finally {
      compacting.unlock();
    }
  }

  private void checkpoint(Checkpointer.Moment moment) throws IOException {
    if (moment.offset() == directory.offset() && directory.bytes() > 0) {
      return; // nothing was written since
    }
    Checkpointer writer =
        new Checkpointer(
            files,
            source,
            directory,
            recoveredSessions,
            moment,
            nextFile,
            Math.max(1, compactAfterBytes / 4));
    CheckpointFile.Directory written;
    try {
      written = writer.write();
    } finally {
      nextFile = writer.nextFile();
    }
    files.stepDone();
    sync();
    files.stepDone();
    // If this throws, nobody knows which of the two a power cut would leave: both are kept
    perhapsCurrent.addAll(names(written));
    files.setCurrent(JournalFiles.CHECKPOINT + written.number());
    files.stepDone();
    files.reading.writeLock().lock();
    try {
      adopt(written, moment.captured());
    } finally {
      files.reading.writeLock().unlock();
    }
    perhapsCurrent.clear();
    files.removeAllBut(names(written));
    log.truncateBefore(moment.offset());
    files.stepDone();
  }

  private void adopt(CheckpointFile.Directory written, Captured captured) {
    Map<Long, RecoveredSession> still = new HashMap<>();
    for (CapturedSession s : captured.sessions()) {
      RecoveredSession session = recoveredSessions.get(s.incarnation());
      if (session != null && s.untouched()) {
        session.moved(written.lists().getOrDefault(s.incarnation(), StoredList.NONE));
        still.put(s.incarnation(), session);
      }
    }
    recoveredSessions.clear();
    recoveredSessions.putAll(still);
    directory = written;
    source.checkpoint(files.checkpoint(written.number()));
    bytesAside = written.bytesOnDisk();
    dueAt = due(written);
  }

  @Override
  public void close() {
    committer.close();
    compacting.lock(); // a checkpoint under way ends first
    try {
      log.close();
    } finally {
      compacting.unlock();
      folderLock.close();
    }
  }
}
