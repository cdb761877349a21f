package io.ryegrass.mqtt;

import io.ryegrass.durable.DataFolderLock;
import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import io.ryegrass.durable.SegmentedLog;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The journal on disk: {@code journal/} is the log of changes; {@code snapshot-<offset>/} the whole
 * state before that offset of the log, as records of the same kinds; {@code current} names the
 * snapshot that counts.
 *
 * <p>Compaction captures the state while nobody changes it (references only, so briefly), writes it
 * aside, syncs the log, switches {@code current} and truncates the log. The sync comes before the
 * switch: otherwise a crash could leave a log that ends before the offset its snapshot names, and
 * new records would be written where a replay does not look.
 */
final class DurableJournal implements Journal {
  private static final Logger LOG = LoggerFactory.getLogger(DurableJournal.class);
  private static final SegmentedLog.Options LOG_OPTIONS =
      new SegmentedLog.Options(8 << 20, 4L << 30);
  private static final String PREFIX = "snapshot-";

  private final Path folder;
  private final DataFolderLock folderLock;
  private final SegmentedLog log;
  private final Counters counters;
  private final long compactAfterBytes;
  private final AtomicLong numbers = new AtomicLong(1);

  /** Held shared by whoever changes state, exclusively while the state is captured. */
  private final ReentrantReadWriteLock gate = new ReentrantReadWriteLock();

  private final ReentrantLock compacting = new ReentrantLock();
  private volatile long snapshotBytes;
  private volatile String currentSnapshot = "";
  private final State recovered;

  DurableJournal(Path folder, Counters counters, long compactAfterBytes) {
    this.folder = folder;
    this.counters = counters;
    this.compactAfterBytes = compactAfterBytes;
    this.folderLock = DataFolderLock.acquire(folder);
    SegmentedLog opened = null;
    try {
      opened = SegmentedLog.open(folder.resolve("journal"), LOG_OPTIONS);
      this.log = opened;
      this.recovered = recover();
    } catch (RuntimeException e) {
      if (opened != null) {
        opened.close();
      }
      folderLock.close();
      throw e;
    }
    numbers.set(recovered.nextNumber());
  }

  /** What was found when the folder was opened. */
  State recovered() {
    return recovered;
  }

  private State recover() {
    JournalReplay replay = new JournalReplay();
    String current =
        DurableFiles.read(folder.resolve("current"))
            .map(b -> new String(b, StandardCharsets.UTF_8))
            .orElse("");
    long from = 0;
    if (!current.isEmpty()) {
      from = Long.parseLong(current.substring(PREFIX.length()));
      try (SegmentedLog snapshot = SegmentedLog.open(folder.resolve(current), LOG_OPTIONS)) {
        readAll(snapshot, 0, replay);
        snapshotBytes = snapshot.sizeInBytes();
      }
    }
    currentSnapshot = current;
    removeOtherSnapshots(current);
    readAll(log, from, replay);
    return replay.state();
  }

  private static void readAll(SegmentedLog source, long from, JournalReplay replay) {
    try (SegmentedLog.Reader reader = source.reader(from)) {
      while (reader.hasNext()) {
        replay.apply(JournalRecord.decode(reader.next().data()));
      }
    }
  }

  private void removeOtherSnapshots(String current) {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        String name = String.valueOf(file.getFileName());
        if (name.startsWith(PREFIX) && !name.equals(current)) {
          deleteFolder(file);
        }
      }
    } catch (IOException e) {
      LOG.warn(
          "Old snapshots in {} could not be removed; they only take space: {}",
          folder,
          e.toString());
    }
  }

  private static void deleteFolder(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(directory);
  }

  @Override
  public void enter() {
    gate.readLock().lock();
  }

  @Override
  public void exit() {
    gate.readLock().unlock();
  }

  @Override
  public long nextNumber() {
    return numbers.getAndIncrement();
  }

  @Override
  public void sessionCreated(long incarnation, String clientId) {
    write(new JournalRecord.SessionCreated(incarnation, clientId));
  }

  @Override
  public void sessionRemoved(long incarnation) {
    write(new JournalRecord.SessionRemoved(incarnation));
  }

  @Override
  public void subscribed(long incarnation, String filter, int qos) {
    write(new JournalRecord.Subscribed(incarnation, filter, qos));
  }

  @Override
  public void unsubscribed(long incarnation, String filter) {
    write(new JournalRecord.Unsubscribed(incarnation, filter));
  }

  @Override
  public long message(String topic, byte[] payload, boolean retain, List<Long> incarnations) {
    long sequence = nextNumber();
    write(new JournalRecord.MessageOwed(sequence, topic, payload, retain, incarnations));
    return sequence;
  }

  @Override
  public void sent(long incarnation, long sequence, int packetId) {
    tryToWrite(new JournalRecord.Sent(incarnation, sequence, packetId));
  }

  @Override
  public void settled(long incarnation, long sequence) {
    tryToWrite(new JournalRecord.Settled(incarnation, sequence));
  }

  @Override
  public void retained(RetainedMessage message) {
    write(new JournalRecord.Retained(message));
  }

  @Override
  public void retainedRemoved(String topic) {
    write(new JournalRecord.RetainedRemoved(topic));
  }

  private void write(JournalRecord record) {
    try {
      log.append(record.encode());
    } catch (DurableException | IllegalStateException e) {
      counters.journalFailures.increment();
      throw new MqttBrokerException(
          MqttBrokerException.STORE_FAILED,
          "The MQTT journal in " + folder + " refuses a record: " + e.getMessage(),
          e);
    }
  }

  private void tryToWrite(JournalRecord record) {
    try {
      log.append(record.encode());
    } catch (DurableException | IllegalStateException e) {
      if (counters.journalFailures.sum() == 0) {
        LOG.warn(
            "The MQTT journal in {} misses an acknowledgement, a message may be sent twice: {}",
            folder,
            e.getMessage());
      }
      counters.journalFailures.increment();
    }
  }

  @Override
  public void sync() {
    try {
      log.sync();
    } catch (DurableException | IllegalStateException e) {
      counters.journalFailures.increment();
      throw new MqttBrokerException(
          MqttBrokerException.STORE_FAILED,
          "The MQTT journal in " + folder + " cannot be synced: " + e.getMessage(),
          e);
    }
  }

  @Override
  public boolean compactionDue() {
    return log.sizeInBytes() > Math.max(compactAfterBytes, 2 * snapshotBytes)
        && !compacting.isLocked();
  }

  @Override
  public void compact(Supplier<State> capture) {
    if (!compacting.tryLock()) {
      return;
    }
    try {
      State state;
      long offset;
      gate.writeLock().lock();
      try {
        state = capture.get();
        offset = log.nextOffset();
      } finally {
        gate.writeLock().unlock();
      }
      String name = PREFIX + offset;
      if (name.equals(currentSnapshot)) {
        return; // nothing was written since
      }
      long size = writeSnapshot(folder.resolve(name), state);
      log.sync();
      DurableFiles.writeAtomically(
          folder.resolve("current"), name.getBytes(StandardCharsets.UTF_8));
      log.truncateBefore(offset);
      snapshotBytes = size;
      currentSnapshot = name;
      removeOtherSnapshots(name);
    } finally {
      compacting.unlock();
    }
  }

  private static long writeSnapshot(Path target, State state) {
    try (SegmentedLog snapshot = SegmentedLog.open(target, LOG_OPTIONS)) {
      snapshot.truncateBefore(snapshot.nextOffset()); // of an attempt that failed
      append(snapshot, new JournalRecord.Numbers(state.nextNumber()));
      Map<Long, Queued> messages = new TreeMap<>();
      Map<Long, List<Long>> owedTo = new LinkedHashMap<>();
      for (SessionState s : state.sessions()) {
        append(snapshot, new JournalRecord.SessionCreated(s.incarnation(), s.clientId()));
        s.subscriptions()
            .forEach(
                (filter, qos) ->
                    append(snapshot, new JournalRecord.Subscribed(s.incarnation(), filter, qos)));
        note(s.inFlight().values(), s.incarnation(), messages, owedTo);
        note(s.queue(), s.incarnation(), messages, owedTo);
      }
      messages.forEach(
          (sequence, m) ->
              append(
                  snapshot,
                  new JournalRecord.MessageOwed(
                      sequence,
                      m.topic(),
                      m.payload(),
                      m.retain(),
                      owedTo.getOrDefault(sequence, List.of()))));
      for (SessionState s : state.sessions()) {
        s.inFlight()
            .forEach(
                (packetId, m) ->
                    append(
                        snapshot, new JournalRecord.Sent(s.incarnation(), m.sequence(), packetId)));
      }
      state.retained().forEach(m -> append(snapshot, new JournalRecord.Retained(m)));
      snapshot.sync();
      return snapshot.sizeInBytes();
    }
  }

  private static void note(
      Collection<Queued> owed,
      long incarnation,
      Map<Long, Queued> messages,
      Map<Long, List<Long>> owedTo) {
    for (Queued m : owed) {
      if (m.sequence() > 0) {
        messages.put(m.sequence(), m);
        owedTo.computeIfAbsent(m.sequence(), unused -> new ArrayList<>()).add(incarnation);
      }
    }
  }

  private static void append(SegmentedLog target, JournalRecord record) {
    target.append(record.encode());
  }

  @Override
  public void close() {
    try {
      log.close();
    } finally {
      folderLock.close();
    }
  }
}
