package io.ryegrass.durable;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** The form of a segment, and a cursor that reads one from front to back. */
final class SegmentFile implements AutoCloseable {
  static final byte KIND_RECORD = 1;
  static final byte KIND_MARK = 2;
  static final int FRAME_HEADER = 1 + 4 + 4;
  static final int HEADER = 4 + 8 + 8 + 4;
  private static final int MAGIC = 0x52594C31; // "RYL1"
  private static final String SUFFIX = ".seg";
  private static final int READ_BYTES = 64 << 10;

  private final Path path;
  private final long base;
  private final FileInputStream in;
  private final FrameChecksum checksum = new FrameChecksum();
  private long firstOffset;
  private long nextOffset;
  private long goodBytes;

  /** Bytes read ahead: those from {@code from} to {@code to} are still to be looked at. */
  private byte[] ahead = new byte[READ_BYTES];

  private int from;
  private int to;

  private SegmentFile(Path path, long base, FileInputStream in) {
    this.path = path;
    this.base = base;
    this.in = in;
    this.nextOffset = base;
  }

  static Path path(Path folder, long base) {
    return folder.resolve(String.format(Locale.ROOT, "%020d%s", base, SUFFIX));
  }

  /** The base offset that a file name tells, or -1 when it is not a segment's name. */
  static long baseOf(@Nullable Path name) {
    String text = String.valueOf(name);
    if (text.length() != 20 + SUFFIX.length() || !text.endsWith(SUFFIX)) {
      return -1;
    }
    try {
      return Long.parseLong(text.substring(0, 20));
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw DurableFiles.failed("read the size of", file, e);
    }
  }

  static byte[] longBytes(long value) {
    return ByteBuffer.allocate(8).putLong(value).array();
  }

  static byte[] header(long base, long firstOffset) {
    ByteBuffer buffer =
        ByteBuffer.allocate(HEADER).putInt(MAGIC).putLong(base).putLong(firstOffset);
    CRC32C crc = new CRC32C();
    crc.update(buffer.array(), 0, HEADER - 4);
    return buffer.putInt((int) crc.getValue()).array();
  }

  static SegmentFile openForReading(Path folder, long base) {
    SegmentFile file = open(folder, base);
    if (file == null) {
      throw corrupt(path(folder, base), 0);
    }
    return file;
  }

  /** Opens at the first frame; null when the header is not whole. */
  static @Nullable SegmentFile open(Path folder, long base) {
    Path path = path(folder, base);
    try {
      FileInputStream in = new FileInputStream(path.toFile());
      SegmentFile file = new SegmentFile(path, base, in);
      if (!file.readHeader()) {
        in.close();
        return null;
      }
      return file;
    } catch (IOException e) {
      throw DurableFiles.failed("open", path, e);
    }
  }

  /** Opens in the middle, at a frame whose place and offset are known. */
  static SegmentFile openAt(Path folder, long base, long position, long offset) {
    Path path = path(folder, base);
    try {
      FileInputStream in = new FileInputStream(path.toFile());
      in.skipNBytes(position);
      SegmentFile file = new SegmentFile(path, base, in);
      file.nextOffset = offset;
      file.goodBytes = position;
      return file;
    } catch (IOException e) {
      throw DurableFiles.failed("open", path, e);
    }
  }

  private boolean readHeader() throws IOException {
    if (!has(HEADER)) {
      return false;
    }
    byte[] head = Arrays.copyOf(ahead, HEADER);
    long first = ByteBuffer.wrap(head).getLong(12);
    byte[] expected = header(base, first);
    if (!Arrays.equals(head, expected)) {
      return false;
    }
    from = HEADER;
    firstOffset = first;
    goodBytes = HEADER;
    return true;
  }

  long base() {
    return base;
  }

  /** First offset of the whole log, as far as read. */
  long firstOffset() {
    return firstOffset;
  }

  /** Offset of the record that comes next in the file. */
  long nextOffset() {
    return nextOffset;
  }

  /** Bytes up to the end of the last frame that checked. */
  long goodBytes() {
    return goodBytes;
  }

  /**
   * Goes forward to the record; everything up to it was once complete, so what does not check is
   * corrupt.
   */
  byte[] read(long offset) {
    try {
      while (true) {
        byte[] data = nextRecord();
        if (data == null) {
          throw corrupt(path, goodBytes);
        }
        if (nextOffset == offset + 1) {
          return data;
        }
      }
    } catch (IOException e) {
      throw DurableFiles.failed("read", path, e);
    }
  }

  /**
   * The next record, or null at the end and at the first frame that does not check. Applies marks
   * on the way.
   */
  byte @Nullable [] nextRecord() throws IOException {
    while (has(FRAME_HEADER)) {
      byte kind = ahead[from];
      int length = intAt(from + 1);
      int crc = intAt(from + 5);
      if (kind != KIND_RECORD && kind != KIND_MARK
          || length < 0
          || length > SegmentedLog.MAX_RECORD_BYTES
          || !has(FRAME_HEADER + length)) {
        return null;
      }
      int start = from + FRAME_HEADER;
      if (checksum.of(kind, nextOffset, ahead, start, length) != crc) {
        return null;
      }
      from = start + length;
      goodBytes += FRAME_HEADER + length;
      if (kind == KIND_RECORD) {
        nextOffset++;
        return Arrays.copyOfRange(ahead, start, start + length);
      }
      firstOffset = Math.max(firstOffset, ByteBuffer.wrap(ahead, start, length).getLong());
    }
    return null;
  }

  private int intAt(int index) {
    return ByteBuffer.wrap(ahead).getInt(index);
  }

  /** Whether so many bytes follow; reads them ahead. Nothing is lost when it is false for now. */
  private boolean has(int bytes) throws IOException {
    while (to - from < bytes) {
      if (ahead.length - from < bytes) {
        if (to - from + (long) in.available() < bytes) {
          return false; // a length that was never written must not cost memory
        }
        byte[] room =
            ahead.length < bytes || (from == to && ahead.length > READ_BYTES)
                ? new byte[Math.max(READ_BYTES, bytes)]
                : ahead;
        System.arraycopy(ahead, from, room, 0, to - from);
        ahead = room;
        to -= from;
        from = 0;
      }
      int n = in.read(ahead, to, ahead.length - to);
      if (n <= 0) {
        return false;
      }
      to += n;
    }
    return true;
  }

  private static DurableException corrupt(Path path, long position) {
    return new DurableException(
        DurableException.CORRUPT,
        "The log file "
            + path
            + " is damaged at byte "
            + position
            + "; check the disk, then restore the folder from a copy",
        null);
  }

  @Override
  public void close() {
    try {
      in.close();
    } catch (IOException e) {
      throw DurableFiles.failed("close", path, e);
    }
  }
}
