package io.ryegrass.durable;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The segment that is written. Frames gather in a buffer; {@link #flush} hands them to the
 * operating system at a known position, so a write that failed half-way (disk full) is simply
 * repeated over the same place.
 *
 * <p>{@link RandomAccessFile} and not a channel: a channel closes itself when the writing thread is
 * interrupted. All methods but {@link #force} are called under the log's state lock.
 */
final class ActiveSegment implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ActiveSegment.class);
  private static final int BUFFER_BYTES = 64 << 10;

  private static final int KEPT_BUFFER_BYTES = 256 << 10;

  /** The buffer grows to this while the disk is waited for, so that nobody else waits. */
  private static final int MOST_BUFFER_BYTES = 1 << 20;

  private final Path path;
  private final long base;
  private volatile @Nullable RandomAccessFile file;
  private final FrameChecksum checksum = new FrameChecksum();
  private ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
  private long flushedBytes;
  private long firstOffset;
  private long records;
  private boolean forcing;
  private volatile boolean sealed;

  private ActiveSegment(
      Path path,
      long base,
      @Nullable RandomAccessFile file,
      long flushedBytes,
      long firstOffset,
      long records) {
    this.path = path;
    this.base = base;
    this.file = file;
    this.flushedBytes = flushedBytes;
    this.firstOffset = firstOffset;
    this.records = records;
  }

  /** Begins a segment; its header and its name are on the disk when this returns. */
  static ActiveSegment create(Path folder, long base, long firstOffset) {
    ActiveSegment segment = planned(folder, base, firstOffset);
    segment.begin();
    return segment;
  }

  /**
   * A segment that takes records into its buffer already, and has no file until {@link #begin}: the
   * one before it has to be on the disk by then.
   */
  static ActiveSegment planned(Path folder, long base, long firstOffset) {
    return new ActiveSegment(
        SegmentFile.path(folder, base), base, null, SegmentFile.HEADER, firstOffset, 0);
  }

  boolean hasBegun() {
    return file != null;
  }

  /** Makes the file; nothing when it is there. Its header and its name are on the disk then. */
  void begin() {
    if (file != null) {
      return;
    }
    try {
      RandomAccessFile made = new RandomAccessFile(path.toFile(), "rw");
      boolean whole = false;
      try {
        byte[] header = SegmentFile.header(base, firstOffset);
        made.setLength(0);
        made.write(header);
        DiskWatch.Watcher watcher = DiskWatch.watcher();
        if (watcher != null) {
          watcher.made(path.toAbsolutePath());
          watcher.wrote(path.toAbsolutePath(), 0, header);
        }
        made.getFD().sync();
        if (watcher != null) {
          watcher.synced(path.toAbsolutePath());
        }
        DurableFiles.syncDirectory(folder());
        whole = true;
      } finally {
        if (!whole) {
          made.close();
        }
      }
      file = made;
    } catch (IOException e) {
      throw DurableFiles.failed("begin", path, e);
    }
  }

  private Path folder() {
    Path folder = path.toAbsolutePath().getParent();
    if (folder == null) {
      throw new IllegalStateException("A segment lies in a folder: " + path);
    }
    return folder;
  }

  /**
   * Opens the last segment after a stop or a crash: finds its end, cuts what is torn. Null when it
   * has no valid header.
   */
  static @Nullable ActiveSegment recover(Path folder, long base) {
    Path path = SegmentFile.path(folder, base);
    SegmentFile reader = SegmentFile.open(folder, base);
    if (reader == null) {
      return null;
    }
    try (reader) {
      while (reader.nextRecord() != null) {
        // only the end is wanted
      }
      RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
      if (file.length() > reader.goodBytes()) {
        LOG.warn(
            "{} ends in a torn record: cut {} bytes after record {}",
            path,
            file.length() - reader.goodBytes(),
            reader.nextOffset() - 1);
        file.setLength(reader.goodBytes());
        DiskWatch.Watcher watcher = DiskWatch.watcher();
        if (watcher != null) {
          watcher.truncated(path.toAbsolutePath(), reader.goodBytes());
        }
      }
      file.getFD().sync();
      DiskWatch.Watcher watcher = DiskWatch.watcher();
      if (watcher != null) {
        watcher.synced(path.toAbsolutePath());
      }
      return new ActiveSegment(
          path, base, file, reader.goodBytes(), reader.firstOffset(), reader.nextOffset() - base);
    } catch (IOException e) {
      throw DurableFiles.failed("recover", path, e);
    }
  }

  long base() {
    return base;
  }

  long records() {
    return records;
  }

  long firstOffset() {
    return firstOffset;
  }

  long size() {
    return flushedBytes + buffer.position();
  }

  /** Adds a frame whose data are the first {@code headLength} bytes of head and all of tail. */
  void append(byte kind, long offset, byte[] head, int headLength, byte[] tail) {
    int length = headLength + tail.length;
    int frame = SegmentFile.FRAME_HEADER + length;
    if (buffer.remaining() < frame) {
      makeRoom(frame);
    }
    int start = buffer.position() + SegmentFile.FRAME_HEADER;
    buffer.put(kind).putInt(length).putInt(0).put(head, 0, headLength).put(tail);
    int crc = checksum.of(kind, offset, buffer.array(), start, length);
    buffer.putInt(start - 4, crc);
    if (kind == SegmentFile.KIND_RECORD) {
      records++;
    }
  }

  /** Whether a record of this length has to wait until the segment has begun. */
  boolean mustBegin(int length) {
    return file == null
        && buffer.position() > 0
        && buffer.position() + SegmentFile.FRAME_HEADER + length > MOST_BUFFER_BYTES;
  }

  private void makeRoom(int frame) {
    int wanted = buffer.position() + frame;
    if (file == null || forcing && wanted <= MOST_BUFFER_BYTES) {
      int capacity = Math.max(wanted, Math.min(MOST_BUFFER_BYTES, buffer.capacity() * 2));
      buffer = ByteBuffer.allocate(capacity).put(buffer.flip());
      return;
    }
    flush();
    if (buffer.capacity() < frame) {
      buffer = ByteBuffer.allocate(frame);
    }
  }

  /** Under the log's state lock: the disk is waited for now, or no longer. */
  void forcing(boolean now) {
    forcing = now;
  }

  /**
   * Hands the buffer to the operating system. When it throws, nothing is lost and it may be called
   * again.
   */
  void flush() {
    if (buffer.position() == 0) {
      return;
    }
    RandomAccessFile open = file;
    if (open == null) {
      throw new IllegalStateException("The segment has not begun: " + path);
    }
    try {
      open.seek(flushedBytes);
      open.write(buffer.array(), 0, buffer.position());
    } catch (IOException e) {
      throw DurableFiles.failed("write", path, e);
    }
    DiskWatch.Watcher watcher = DiskWatch.watcher();
    if (watcher != null) {
      watcher.wrote(
          path.toAbsolutePath(), flushedBytes, Arrays.copyOf(buffer.array(), buffer.position()));
    }
    flushedBytes += buffer.position();
    if (buffer.capacity() > KEPT_BUFFER_BYTES) {
      buffer = ByteBuffer.allocate(BUFFER_BYTES);
    } else {
      buffer.clear();
    }
  }

  /**
   * Waits until the disk has what was flushed. Does nothing on a sealed segment, which was forced
   * when it was sealed.
   */
  void force() {
    RandomAccessFile open = file;
    if (sealed || open == null) {
      return;
    }
    try {
      open.getFD().sync();
      DiskWatch.Watcher watcher = DiskWatch.watcher();
      if (watcher != null) {
        watcher.synced(path.toAbsolutePath());
      }
    } catch (IOException e) {
      if (!sealed) {
        throw DurableFiles.failed("sync", path, e);
      }
    }
  }

  @Override
  public void close() {
    sealed = true;
    RandomAccessFile open = file;
    if (open == null) {
      return;
    }
    try {
      open.close();
    } catch (IOException e) {
      throw DurableFiles.failed("close", path, e);
    }
  }
}
