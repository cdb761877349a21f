package io.ryegrass.cloudlink;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.SegmentedLog;
import io.ryegrass.nucleus.CloudMessagingException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Messages for the cloud on disk, first in, first out (LESSON-09, LESSON-10): segmented logs whose
 * first offset is the cursor. What the cloud has acknowledged is cut off at the front, and the log
 * remembers where it begins, so no second file can disagree with it.
 *
 * <p>Two logs, for two promises: a message of QoS 1 is on the disk when {@link #append} returns;
 * one of QoS 0 (only with {@code keepQos0WhenOffline}) outlives the process, but not a power cut,
 * and costs no fsync.
 *
 * <p>Bounded together: a full spool drops its oldest messages of QoS 0 first, then, for a message
 * of QoS 1, the oldest of QoS 1; a message of QoS 0 finds no room then (NUC-15). Drops go a part of
 * a segment at a time and are counted. Opening takes the same time however much is stored.
 */
final class Spool implements AutoCloseable {
  private static final int SEGMENTS = 16;

  /** More than a frame's header; what is counted for each record beside its bytes. */
  private static final int FRAME = 16;

  private static final Logger LOG = LoggerFactory.getLogger(Spool.class);

  private final SegmentedLog log;
  private final SegmentedLog low;
  private final long maxBytes;
  private final ReentrantLock appending = new ReentrantLock();
  private final AtomicLong dropped = new AtomicLong();
  private final AtomicLong damaged = new AtomicLong();
  private final AtomicLong expired = new AtomicLong();

  private Spool(SegmentedLog log, SegmentedLog low, long maxBytes) {
    this.log = log;
    this.low = low;
    this.maxBytes = maxBytes;
  }

  /**
   * Opens {@code messages} (QoS 1) and {@code messages-qos0} below a folder.
   *
   * @throws DurableException when the disk cannot be used
   */
  static Spool open(Path folder, long maxBytes) {
    SegmentedLog.Options options = new SegmentedLog.Options(maxBytes / SEGMENTS, maxBytes);
    SegmentedLog log = SegmentedLog.open(folder.resolve("messages"), options);
    return new Spool(log, SegmentedLog.open(folder.resolve("messages-qos0"), options), maxBytes);
  }

  /**
   * Returns when a message of QoS 1 is on the disk; callers that come together share one fsync.
   *
   * @throws CloudMessagingException {@code SPOOLER_FULL}, {@code SPOOLER_FAILED}
   */
  void append(SpoolMessage stored) {
    byte[] record = stored.encode();
    boolean first = stored.message().qos() > 0;
    appending.lock();
    try {
      while (log.sizeInBytes() + low.sizeInBytes() + record.length + FRAME > maxBytes) {
        if (!dropOldest(low) && !(first && dropOldest(log))) {
          throw full(stored, null);
        }
      }
      (first ? log : low).append(record);
    } catch (DurableException e) {
      throw failed(stored, e);
    } finally {
      appending.unlock();
    }
    if (first) {
      try {
        log.sync();
      } catch (DurableException e) {
        throw failed(stored, e);
      }
    }
  }

  private static CloudMessagingException failed(SpoolMessage stored, DurableException e) {
    return e.code().equals(DurableException.LOG_FULL)
        ? full(stored, e)
        : new CloudMessagingException(
            "SPOOLER_FAILED",
            "The message for topic '"
                + stored.message().topic()
                + "' could not be stored: "
                + e.getMessage()
                + ".",
            e);
  }

  private static CloudMessagingException full(
      SpoolMessage stored, @org.jspecify.annotations.Nullable DurableException e) {
    return new CloudMessagingException(
        "SPOOLER_FULL",
        "The message for topic '"
            + stored.message().topic()
            + "' found no room in the spool of messages for the cloud; raise"
            + " mqtt.spooler.maxSizeInBytes, or send less while the cloud cannot be reached.",
        e);
  }

  private boolean dropOldest(SegmentedLog from) {
    long first = from.firstOffset();
    long next = from.nextOffset();
    if (first == next) {
      return false;
    }
    long target = first + Math.max(1, (next - first) / (4 * SEGMENTS));
    from.truncateBefore(target);
    if (dropped.getAndAdd(target - first) == 0) {
      LOG.warn(
          "The spool of messages for the cloud is full ({} bytes): the oldest are dropped from now on,"
              + " QoS 0 before QoS 1",
          maxBytes);
    }
    return true;
  }

  /** All messages of QoS 1 before {@code offset} are done with; durable with the next sync. */
  void doneBefore(long offset) {
    log.truncateBefore(offset);
  }

  void sync() {
    log.sync();
  }

  /** From the oldest message of QoS 1 on. */
  SegmentedLog.Reader reader() {
    return log.reader(log.firstOffset());
  }

  long firstOffset() {
    return log.firstOffset();
  }

  /** Messages of QoS 1. */
  long urgent() {
    return log.nextOffset() - log.firstOffset();
  }

  /** Messages of QoS 0. */
  long others() {
    return low.nextOffset() - low.firstOffset();
  }

  long size() {
    return urgent() + others();
  }

  long sizeInBytes() {
    return log.sizeInBytes() + low.sizeInBytes();
  }

  /** The oldest messages of QoS 0, some of them. */
  List<SegmentedLog.Entry> oldestOthers(int most) {
    List<SegmentedLog.Entry> some = new java.util.ArrayList<>();
    try (SegmentedLog.Reader reader = low.reader(low.firstOffset())) {
      while (some.size() < most && reader.hasNext()) {
        next(reader, some);
      }
    }
    return some;
  }

  private void next(SegmentedLog.Reader reader, List<SegmentedLog.Entry> to) {
    try {
      to.add(reader.next());
    } catch (DurableException e) {
      var unused = skip(reader, e);
    }
  }

  void othersDoneBefore(long offset) {
    low.truncateBefore(offset);
  }

  /**
   * A reader has met damage: it goes on behind it, and what is lost is counted and told.
   *
   * @return offset of the message that comes next
   * @throws DurableException {@code failure}, when it tells of something else
   */
  long skip(SegmentedLog.Reader reader, DurableException failure) {
    if (!failure.code().equals(DurableException.CORRUPT)) {
      throw failure;
    }
    long from = reader.position();
    long lost = reader.skipDamaged();
    damaged.addAndGet(lost);
    LOG.error(
        "The spool of messages for the cloud is damaged: {} messages are lost (numbers {} to {}), the"
            + " others go on. {}",
        lost,
        from,
        from + lost - 1,
        failure.getMessage());
    return from + lost;
  }

  void countExpired() {
    expired.incrementAndGet();
  }

  /** Messages that were dropped because the spool was full, since the process started. */
  long dropped() {
    return dropped.get();
  }

  /** Messages that could not be read any more, since the process started. */
  long damaged() {
    return damaged.get();
  }

  /** Messages that were not sent because their time was over, since the process started. */
  long expired() {
    return expired.get();
  }

  @Override
  public void close() {
    try {
      log.close();
    } finally {
      low.close();
    }
  }
}
