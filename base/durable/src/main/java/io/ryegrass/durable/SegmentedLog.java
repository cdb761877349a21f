package io.ryegrass.durable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An append-only log of records in a folder of segment files. Offsets number the records from 0
 * without gaps.
 *
 * <p><b>Form.</b> A segment is {@code <offset of its first record, 20 digits>.seg}: a header
 * (magic, base offset, first offset of the whole log at that time, checksum), then frames {@code
 * kind(1) length(4) crc32c(4) data}. The checksum covers the kind, the length, the record's offset
 * and the data, so neither zeros nor stale bytes of another place pass for a record. Kind 1 is a
 * record; kind 2 is a mark that says which offset the log now begins with.
 *
 * <p><b>Crash.</b> A segment is fsynced before the next one is begun, so only the last one can be
 * torn; opening reads that one alone, cuts it at the first frame that does not check, and fsyncs
 * it. The time to open therefore does not depend on how much is stored (LESSON-09). Everything
 * appended before a {@link #sync()} that returned is there afterwards.
 *
 * <p><b>Threads.</b> {@link #append} only fills a buffer. {@link #sync} commits for all: while one
 * thread waits for the disk others append, and the next fsync covers all of them. {@code stateLock}
 * guards buffer and segments, {@code syncLock} is held during fsync; order: syncLock before
 * stateLock. Where segments are large, the next one is begun by who waits for the disk anyway, and
 * truncated ones are deleted without stateLock, so that an append rarely meets the disk.
 */
public final class SegmentedLog implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SegmentedLog.class);

  /** Largest record in bytes (64 MiB). */
  public static final int MAX_RECORD_BYTES = 64 << 20;

  /**
   * @param segmentBytes a new segment is begun when one has reached this size; at most a quarter of
   *     {@code maxBytes} is used
   * @param maxBytes bound of all segments together; {@link #append} throws {@code LOG_FULL} beyond
   *     it
   */
  public record Options(long segmentBytes, long maxBytes) {
    public Options {
      if (segmentBytes < 1 || maxBytes < 1) {
        throw new IllegalArgumentException("segmentBytes and maxBytes must be positive");
      }
    }
  }

  private static final byte[] NOTHING = new byte[0];

  /** From this size on {@link #commit} begins the next segment before the last one is full. */
  private static final long LARGE_SEGMENT_BYTES = 1 << 20;

  /** One record as it was appended. */
  public record Entry(long offset, byte[] data) {}

  private final Path folder;
  private final Options options;
  private final long segmentBytes;
  private final ReentrantLock syncLock = new ReentrantLock();
  private final ReentrantLock stateLock = new ReentrantLock();

  /** Sealed segments: base offset to size in bytes. */
  private final TreeMap<Long, Long> sealed = new TreeMap<>();

  private long sealedBytes;
  private ActiveSegment active;

  /** Of all segments; changed under stateLock, read by anybody. */
  private volatile long size;

  private volatile long firstOffset;
  private volatile long nextOffset;
  private long appendCount;
  private long syncedCount;
  private long syncedOffset;
  private volatile @Nullable DurableException broken;
  private boolean closed;

  private SegmentedLog(Path folder, Options options) {
    this.folder = folder;
    this.options = options;
    this.segmentBytes = Math.max(1, Math.min(options.segmentBytes(), options.maxBytes() / 4));
    List<Long> bases = listSegments(folder);
    ActiveSegment last = null;
    while (last == null && !bases.isEmpty()) {
      long base = bases.removeLast();
      last = ActiveSegment.recover(folder, base);
      if (last == null) {
        // Its header never reached the disk whole, so no sync() that returned has put a record into
        // it.
        LOG.warn("Removed a segment without a valid header: {}", SegmentFile.path(folder, base));
        DurableFiles.delete(SegmentFile.path(folder, base));
      }
    }
    if (last == null) {
      last = ActiveSegment.create(folder, 0, 0);
    }
    this.active = last;
    this.nextOffset = last.base() + last.records();
    this.syncedOffset = nextOffset;
    this.firstOffset = last.firstOffset();
    for (long base : bases) {
      long size = SegmentFile.size(SegmentFile.path(folder, base));
      sealed.put(base, size);
      sealedBytes += size;
    }
    // A segment may be gone from the disk while the mark that it is not needed is not there yet.
    firstOffset = Math.max(firstOffset, sealed.isEmpty() ? last.base() : sealed.firstKey());
    delete(takeUnneeded());
  }

  /**
   * Opens the log, making the folder when it is missing; cuts a torn tail.
   *
   * @throws DurableException {@code IO_FAILED}, {@code CORRUPT}
   */
  public static SegmentedLog open(Path folder, Options options) {
    DurableFiles.createDirectories(folder);
    return new SegmentedLog(folder, options);
  }

  /**
   * Adds a record and gives its offset. It is durable only after {@link #sync()}.
   *
   * @throws DurableException {@code LOG_FULL} when the bound is reached (the log is unchanged),
   *     {@code IO_FAILED}
   */
  public long append(byte[] record) {
    return append(record, record.length, NOTHING);
  }

  /**
   * As {@link #append(byte[])}, the record being the first {@code headLength} bytes of {@code head}
   * and then all of {@code tail}: both are copied straight into the buffer, so a caller that keeps
   * one array for heads makes no garbage per record.
   */
  public long append(byte[] head, int headLength, byte[] tail) {
    long length = (long) headLength + tail.length;
    if (length > MAX_RECORD_BYTES) {
      throw new IllegalArgumentException(
          "A record of " + length + " bytes exceeds " + MAX_RECORD_BYTES);
    }
    int frameBytes = SegmentFile.FRAME_HEADER + (int) length;
    while (true) {
      stateLock.lock();
      try {
        checkUsable();
        if (sealedBytes + active.size() + frameBytes > options.maxBytes()) {
          throw full();
        }
        boolean roll = active.records() > 0 && active.size() + frameBytes > segmentBytes;
        if (active.hasBegun() || !roll && !active.mustBegin((int) length)) {
          if (roll) {
            roll();
          }
          long offset = nextOffset;
          active.append(SegmentFile.KIND_RECORD, offset, head, headLength, tail);
          nextOffset = offset + 1;
          appendCount++;
          size = sealedBytes + active.size();
          return offset;
        }
      } finally {
        stateLock.unlock();
      }
      beginActive();
    }
  }

  private DurableException full() {
    return new DurableException(
        DurableException.LOG_FULL,
        "The log "
            + folder
            + " holds its maximum of "
            + options.maxBytes()
            + " bytes; raise the bound or drop old records",
        null);
  }

  /** Waits until the active segment has its file, which {@link #commit} may be making. */
  private void beginActive() {
    syncLock.lock();
    try {
      active().begin();
    } finally {
      syncLock.unlock();
    }
  }

  private ActiveSegment active() {
    stateLock.lock();
    try {
      checkUsable();
      return active;
    } finally {
      stateLock.unlock();
    }
  }

  /**
   * Returns when everything appended before the call is on the disk. Callers that wait together
   * share one fsync.
   */
  public void sync() {
    commit();
  }

  /**
   * As {@link #sync}.
   *
   * @return all records below this offset are on the disk; often more than the caller asked for
   */
  public long commit() {
    stateLock.lock();
    long wanted;
    try {
      checkUsable();
      wanted = appendCount;
    } finally {
      stateLock.unlock();
    }
    syncLock.lock();
    try {
      active().begin();
      ActiveSegment segment;
      ActiveSegment next = null;
      long covered;
      long coveredOffset;
      stateLock.lock();
      try {
        if (syncedCount >= wanted) {
          return syncedOffset;
        }
        checkUsable();
        active.flush();
        segment = active;
        covered = appendCount;
        coveredOffset = nextOffset;
        segment.forcing(true);
        if (segmentBytes >= LARGE_SEGMENT_BYTES && segment.size() > segmentBytes / 4 * 3) {
          // A new segment, made here and now, so that no append has to wait for it later
          next = ActiveSegment.planned(folder, nextOffset, firstOffset);
          sealed.put(segment.base(), segment.size());
          sealedBytes += segment.size();
          active = next;
        }
      } finally {
        stateLock.unlock();
      }
      try {
        segment.force();
      } catch (DurableException e) {
        broken = e;
        throw e;
      }
      stateLock.lock();
      try {
        segment.forcing(false);
        syncedCount = Math.max(syncedCount, covered);
        syncedOffset = Math.max(syncedOffset, coveredOffset);
        if (next != null) {
          segment.close();
        }
      } finally {
        stateLock.unlock();
      }
      if (next != null) {
        beginLater(next);
      }
      return coveredOffset;
    } finally {
      syncLock.unlock();
    }
  }

  /** What was asked for is on the disk; whoever needs the new segment tries again and is told. */
  private void beginLater(ActiveSegment next) {
    try {
      next.begin();
    } catch (DurableException e) {
      LOG.warn("A new segment could not be begun yet: {}", e.getMessage());
    }
  }

  /** Offset of the oldest record that is kept; equals {@link #nextOffset()} when there is none. */
  public long firstOffset() {
    return firstOffset;
  }

  /** Offset that the next appended record gets. */
  public long nextOffset() {
    return nextOffset;
  }

  /**
   * A reader that begins at {@code fromOffset}, or at {@link #firstOffset()} when that is later. It
   * sees each record that is appended before it asks, goes on when more are appended after it ran
   * dry, and skips what is truncated meanwhile.
   */
  public Reader reader(long fromOffset) {
    return new Reader(fromOffset);
  }

  /**
   * Forgets the records below {@code offset}. The first offset is exact and comes back after a
   * restart (durable with the next {@link #sync()}); disk space is given back segment by segment.
   */
  public void truncateBefore(long offset) {
    syncLock.lock();
    try {
      active().begin();
      List<Long> unneeded;
      stateLock.lock();
      try {
        checkUsable();
        long first = Math.min(offset, nextOffset);
        if (first <= firstOffset) {
          return;
        }
        firstOffset = first;
        byte[] mark = SegmentFile.longBytes(first);
        active.append(SegmentFile.KIND_MARK, nextOffset, mark, mark.length, NOTHING);
        appendCount++;
        if (first == nextOffset && active.size() > Math.min(segmentBytes, 1 << 20)) {
          roll();
        }
        unneeded = takeUnneeded();
      } finally {
        stateLock.unlock();
      }
      delete(unneeded);
    } finally {
      syncLock.unlock();
    }
  }

  /** Bytes on disk and in the buffer, of all segments. */
  public long sizeInBytes() {
    return size;
  }

  /** Syncs and closes. */
  @Override
  public void close() {
    syncLock.lock();
    stateLock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      try {
        if (broken == null) {
          active.begin();
          active.flush();
          active.force();
        }
      } finally {
        active.close();
      }
    } finally {
      stateLock.unlock();
      syncLock.unlock();
    }
  }

  /**
   * Closes without writing what is only in memory: for an owner that has told its caller that the
   * records it could not sync are not there. Opening the folder again shows what is.
   */
  public void abandon() {
    syncLock.lock();
    stateLock.lock();
    try {
      if (!closed) {
        closed = true;
        active.close();
      }
    } finally {
      stateLock.unlock();
      syncLock.unlock();
    }
  }

  private void checkUsable() {
    if (closed) {
      throw new IllegalStateException("The log " + folder + " is closed");
    }
    DurableException reason = broken;
    if (reason != null) {
      throw new DurableException(
          DurableException.IO_FAILED,
          "The log "
              + folder
              + " stopped after a failed write to disk; restart to recover what is stored",
          reason);
    }
  }

  /** Seals the active segment (durably) and begins the next. Called under stateLock. */
  private void roll() {
    ActiveSegment full = active;
    full.flush();
    try {
      full.force();
    } catch (DurableException e) {
      broken = e;
      throw e;
    }
    active = ActiveSegment.create(folder, nextOffset, firstOffset);
    // A thread in sync() may still hold the old segment: closing only its file handle is safe,
    // force() then does nothing.
    full.close();
    syncedCount = appendCount;
    syncedOffset = nextOffset;
    sealed.put(full.base(), full.size());
    sealedBytes += full.size();
  }

  /** Takes segments off the list that nothing is needed of; their files still have to go. */
  private List<Long> takeUnneeded() {
    List<Long> unneeded = new ArrayList<>();
    while (!sealed.isEmpty()) {
      long base = sealed.firstKey();
      Long following = sealed.higherKey(base);
      long end = following == null ? active.base() : following;
      if (end > firstOffset) {
        break;
      }
      Long bytes = sealed.remove(base);
      sealedBytes -= bytes == null ? 0 : bytes;
      unneeded.add(base);
    }
    size = sealedBytes + active.size();
    return unneeded;
  }

  private void delete(List<Long> bases) {
    for (long base : bases) {
      DurableFiles.delete(SegmentFile.path(folder, base));
    }
  }

  private static List<Long> listSegments(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return new ArrayList<>(
          files
              .map(f -> SegmentFile.baseOf(f.getFileName()))
              .filter(b -> b >= 0)
              .sorted()
              .toList());
    } catch (IOException e) {
      throw DurableFiles.failed("list", folder, e);
    }
  }

  /**
   * Base offset of the segment that holds {@code offset}, after its buffered bytes were handed to
   * the file.
   */
  private long segmentFor(long offset) {
    long base = segmentOf(offset);
    while (base < 0) {
      beginActive();
      base = segmentOf(offset);
    }
    return base;
  }

  /** Offset behind the last record of a segment. */
  private long endOf(long base) {
    stateLock.lock();
    try {
      Long following = sealed.higherKey(base);
      return base >= active.base() ? nextOffset : following == null ? active.base() : following;
    } finally {
      stateLock.unlock();
    }
  }

  /** -1 when it lies in a segment that has no file yet. */
  private long segmentOf(long offset) {
    stateLock.lock();
    try {
      checkUsable();
      if (offset >= active.base()) {
        if (!active.hasBegun()) {
          return -1;
        }
        active.flush();
        return active.base();
      }
      Long base = sealed.floorKey(offset);
      return base == null ? sealed.isEmpty() ? active.base() : sealed.firstKey() : base;
    } finally {
      stateLock.unlock();
    }
  }

  /**
   * Reads records in order. For one thread.
   *
   * <p>{@link #hasNext()} may be false now and true later, when something was appended.
   */
  public final class Reader implements Iterator<Entry>, AutoCloseable {
    private long position;
    private @Nullable SegmentFile file;

    private Reader(long fromOffset) {
      this.position = Math.max(0, fromOffset);
    }

    /** Offset of the record that {@link #next()} gives, when there is one. */
    public long position() {
      return Math.max(position, firstOffset);
    }

    @Override
    public boolean hasNext() {
      return position() < nextOffset;
    }

    @Override
    public Entry next() {
      position = position();
      if (position >= nextOffset) {
        throw new NoSuchElementException(
            "The log " + folder + " has no record " + position + " yet");
      }
      SegmentFile current = file;
      long base = segmentFor(position);
      while (current == null || current.base() != base || current.nextOffset() > position) {
        close();
        current = null;
        if (base > position) {
          base = segmentAfterTruncation();
          continue;
        }
        try {
          current = SegmentFile.openForReading(folder, base);
        } catch (DurableException e) {
          if (firstOffset <= position) {
            throw e;
          }
          base = segmentAfterTruncation();
          continue;
        }
        file = current;
      }
      byte[] data = current.read(position);
      return new Entry(position++, data);
    }

    /** The log was truncated since its place was looked up: goes on at what is kept. */
    private long segmentAfterTruncation() {
      position = position();
      if (position >= nextOffset) {
        throw new NoSuchElementException("The log " + folder + " was truncated up to its end");
      }
      return segmentFor(position);
    }

    /**
     * After {@link #next} has failed with {@code CORRUPT}: goes on at the first record behind the
     * damage that can be read.
     *
     * @return how many records are lost, at least one
     */
    public long skipDamaged() {
      long damaged = position();
      close();
      long base = segmentFor(damaged);
      long end = endOf(base);
      SegmentSalvage.Place place =
          SegmentSalvage.after(SegmentFile.path(folder, base), damaged, end);
      if (place.position() >= 0) {
        file = SegmentFile.openAt(folder, base, place.position(), place.offset());
      }
      position = Math.max(damaged + 1, place.offset());
      return position - damaged;
    }

    @Override
    public void close() {
      SegmentFile current = file;
      if (current != null) {
        current.close();
        file = null;
      }
    }
  }
}
