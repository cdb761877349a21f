package io.ryegrass.cloudlink;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.SegmentedLog;
import io.ryegrass.nucleus.CloudMessagingException;
import io.ryegrass.nucleus.NucleusException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Messages for the cloud on disk, first in, first out (LESSON-09, LESSON-10): a segmented log whose
 * first offset is the cursor. What the cloud has acknowledged is cut off at the front, and the log
 * remembers where it begins, so no second file can disagree with it.
 *
 * <p>Bounded: a full spool drops its oldest messages, a segment's worth at a time (a sixteenth of
 * the bound), and counts them. Opening takes the same time however much is stored.
 */
final class Spool implements AutoCloseable {
  private static final byte FORMAT = 1;
  private static final int SEGMENTS = 16;

  /** One message as it is stored. */
  record Message(String topic, byte[] payload, int qos, long acceptedMillis) {
    byte[] encode() {
      byte[] t = topic.getBytes(StandardCharsets.UTF_8);
      return ByteBuffer.allocate(12 + t.length + payload.length)
          .put(FORMAT)
          .put((byte) qos)
          .putLong(acceptedMillis)
          .putShort((short) t.length)
          .put(t)
          .put(payload)
          .array();
    }

    static Message decode(byte[] record) {
      ByteBuffer in = ByteBuffer.wrap(record);
      byte format = in.get();
      if (format != FORMAT) {
        throw new NucleusException(
            "SPOOL_FORMAT",
            "The spool holds a message of format "
                + format
                + ", written by a newer core; start that one to empty it");
      }
      int qos = in.get();
      long accepted = in.getLong();
      byte[] topic = new byte[in.getShort() & 0xffff];
      in.get(topic);
      byte[] payload = new byte[in.remaining()];
      in.get(payload);
      return new Message(new String(topic, StandardCharsets.UTF_8), payload, qos, accepted);
    }
  }

  private final SegmentedLog log;
  private final ReentrantLock appending = new ReentrantLock();
  private final AtomicLong dropped = new AtomicLong();

  private Spool(SegmentedLog log) {
    this.log = log;
  }

  static Spool open(Path folder, long maxBytes) {
    return new Spool(
        SegmentedLog.open(folder, new SegmentedLog.Options(maxBytes / SEGMENTS, maxBytes)));
  }

  /** Returns when the message is on the disk; callers that come together share one fsync. */
  void append(Message message) {
    byte[] record = message.encode();
    appending.lock();
    try {
      while (true) {
        try {
          log.append(record);
          break;
        } catch (DurableException e) {
          if (!e.code().equals(DurableException.LOG_FULL) || !dropOldest()) {
            throw e;
          }
        }
      }
    } catch (DurableException e) {
      throw new CloudMessagingException(
          e.code().equals(DurableException.LOG_FULL) ? "SPOOLER_FULL" : "SPOOLER_FAILED",
          "The message for topic '"
              + message.topic()
              + "' could not be stored: "
              + e.getMessage()
              + ".",
          e);
    } finally {
      appending.unlock();
    }
    sync();
  }

  private boolean dropOldest() {
    long first = log.firstOffset();
    long next = log.nextOffset();
    if (first == next) {
      return false;
    }
    long target = first + Math.max(1, (next - first) / (4 * SEGMENTS));
    log.truncateBefore(target);
    dropped.addAndGet(target - first);
    return true;
  }

  /** All messages before {@code offset} are done with; durable with the next {@link #sync}. */
  void doneBefore(long offset) {
    log.truncateBefore(offset);
  }

  void sync() {
    log.sync();
  }

  SegmentedLog.Reader reader() {
    return log.reader(log.firstOffset());
  }

  long firstOffset() {
    return log.firstOffset();
  }

  long size() {
    return log.nextOffset() - log.firstOffset();
  }

  long sizeInBytes() {
    return log.sizeInBytes();
  }

  /** Messages that were dropped because the spool was full, since the process started. */
  long dropped() {
    return dropped.get();
  }

  @Override
  public void close() {
    log.close();
  }
}
