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

  private final Path path;
  private final long base;
  private final RandomAccessFile file;
  private final FrameChecksum checksum = new FrameChecksum();
  private ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
  private long flushedBytes;
  private long firstOffset;
  private long records;
  private volatile boolean sealed;

  private ActiveSegment(
      Path path,
      long base,
      RandomAccessFile file,
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
    Path path = SegmentFile.path(folder, base);
    try {
      RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
      file.setLength(0);
      file.write(SegmentFile.header(base, firstOffset));
      DiskWatch.Watcher watcher = DiskWatch.watcher();
      if (watcher != null) {
        watcher.made(path.toAbsolutePath());
        watcher.wrote(path.toAbsolutePath(), 0, SegmentFile.header(base, firstOffset));
      }
      file.getFD().sync();
      if (watcher != null) {
        watcher.synced(path.toAbsolutePath());
      }
      DurableFiles.syncDirectory(folder);
      return new ActiveSegment(path, base, file, SegmentFile.HEADER, firstOffset, 0);
    } catch (IOException e) {
      throw DurableFiles.failed("begin", path, e);
    }
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
      flush();
      if (buffer.capacity() < frame) {
        buffer = ByteBuffer.allocate(frame);
      }
    }
    int start = buffer.position() + SegmentFile.FRAME_HEADER;
    buffer.put(kind).putInt(length).putInt(0).put(head, 0, headLength).put(tail);
    int crc = checksum.of(kind, offset, buffer.array(), start, length);
    buffer.putInt(start - 4, crc);
    if (kind == SegmentFile.KIND_RECORD) {
      records++;
    }
  }

  /**
   * Hands the buffer to the operating system. When it throws, nothing is lost and it may be called
   * again.
   */
  void flush() {
    if (buffer.position() == 0) {
      return;
    }
    try {
      file.seek(flushedBytes);
      file.write(buffer.array(), 0, buffer.position());
    } catch (IOException e) {
      throw DurableFiles.failed("write", path, e);
    }
    DiskWatch.Watcher watcher = DiskWatch.watcher();
    if (watcher != null) {
      watcher.wrote(
          path.toAbsolutePath(), flushedBytes, Arrays.copyOf(buffer.array(), buffer.position()));
    }
    flushedBytes += buffer.position();
    if (buffer.capacity() > BUFFER_BYTES) {
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
    if (sealed) {
      return;
    }
    try {
      file.getFD().sync();
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
    try {
      file.close();
    } catch (IOException e) {
      throw DurableFiles.failed("close", path, e);
    }
  }
}
