package io.ryegrass.mqtt;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Messages that a checkpoint wrote aside, one frame after the other: {@code crc32c(4) message}. The
 * lists of the sessions know where each begins and how long it is. The checksum covers the sequence
 * number as well, so a frame in the wrong place is not taken for the message that was looked for.
 */
final class MessageFile {
  static final int FRAME_HEAD = 4;
  private static final byte[] MAGIC = {'R', 'Y', 'G', 'M', 'S', 'G', '0', '1'};

  private MessageFile() {}

  private static int checksum(CRC32C crc, long sequence, byte[] bytes, int from, int length) {
    crc.reset();
    for (int shift = 56; shift >= 0; shift -= 8) {
      crc.update((int) (sequence >>> shift) & 0xFF);
    }
    crc.update(bytes, from, length);
    return (int) crc.getValue();
  }

  static final class Writer implements AutoCloseable {
    private final FileOutput out;
    private final CRC32C crc = new CRC32C();
    private final ByteWriter frameHead = new ByteWriter(FRAME_HEAD);

    Writer(Path path) throws IOException {
      out = new FileOutput(path);
      out.write(MAGIC, 0, MAGIC.length);
    }

    long position() {
      return out.position();
    }

    /** Gives the position of the frame. */
    long add(long sequence, ByteWriter message) throws IOException {
      long position = out.position();
      frameHead.clear().fixed32(checksum(crc, sequence, message.array(), 0, message.size()));
      out.write(frameHead);
      out.write(message);
      return position;
    }

    /** A frame as another file has it, right or damaged. */
    long addFrame(byte[] bytes, int from, int length) throws IOException {
      long position = out.position();
      out.write(bytes, from, length);
      return position;
    }

    void finish() throws IOException {
      out.finish();
    }

    @Override
    public void close() throws IOException {
      out.close();
    }
  }

  /**
   * Reads frames. Those of one session lie mostly one behind the other, so when a frame begins
   * where the last one ended, more is read ahead each time.
   */
  static final class Reader implements AutoCloseable {
    private static final int LEAST = 1 << 10;
    private static final int MOST = 256 << 10;
    private final RandomAccessFile file;
    private final CRC32C crc = new CRC32C();
    private byte[] window = new byte[LEAST];
    private long windowStart;
    private int windowLength;
    private long expected;
    private int ahead = LEAST;

    Reader(Path path) throws IOException {
      file = new RandomAccessFile(path.toFile(), "r");
    }

    /** Where in {@link #window} the frame begins, or -1 when the file ends before its end. */
    int frame(long position, int frameLength) throws IOException {
      ahead = position == expected ? Math.min(MOST, ahead * 2) : LEAST;
      expected = position + frameLength;
      if (position < windowStart || expected > windowStart + windowLength) {
        int wanted = Math.max(ahead, frameLength);
        if (window.length < wanted) {
          window = new byte[wanted];
        }
        windowStart = position;
        windowLength = 0;
        file.seek(position);
        while (windowLength < frameLength) {
          int n = file.read(window, windowLength, wanted - windowLength);
          if (n < 0) {
            return -1;
          }
          windowLength += n;
        }
      }
      return (int) (position - windowStart);
    }

    byte[] window() {
      return window;
    }

    /** Null when it is not what was written. */
    @Nullable Message read(OwedItem item, MessageCodec.Names names) throws IOException {
      int start = frame(item.position, FRAME_HEAD + item.length);
      if (start < 0) {
        return null;
      }
      int stored = new ByteReader(window, start, start + FRAME_HEAD).fixed32();
      int from = start + FRAME_HEAD;
      if (stored != checksum(crc, item.sequence, window, from, item.length)) {
        return null;
      }
      return MessageCodec.read(new ByteReader(window, from, from + item.length), names);
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }
}
