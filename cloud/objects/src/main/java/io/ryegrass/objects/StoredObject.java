package io.ryegrass.objects;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * An object opened for reading. It keeps what it was when it was opened, also when the key is
 * replaced or deleted meanwhile. Must be closed.
 */
public final class StoredObject implements AutoCloseable {
  private final ObjectInfo info;
  private final FileChannel channel;

  StoredObject(ObjectInfo info, FileChannel channel) {
    this.info = info;
    this.channel = channel;
  }

  /** Description of the object. */
  public ObjectInfo info() {
    return info;
  }

  /**
   * A stream over a part of the object; closing it does not close the object.
   *
   * @param from first byte
   * @param length number of bytes; from + length must not exceed the size
   */
  public InputStream range(long from, long length) {
    if (from < 0 || length < 0 || from + length > info.size()) {
      throw new IllegalArgumentException(
          "range " + from + "+" + length + " lies outside of the " + info.size() + " bytes");
    }
    return new InputStream() {
      private long position = from;

      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
      }

      @Override
      public int read(byte[] buffer, int offset, int count) throws IOException {
        long left = from + length - position;
        if (count == 0) {
          return 0;
        }
        if (left <= 0) {
          return -1;
        }
        int n =
            channel.read(ByteBuffer.wrap(buffer, offset, (int) Math.min(count, left)), position);
        if (n > 0) {
          position += n;
        }
        return n;
      }
    };
  }

  /** The whole object. */
  public InputStream stream() {
    return range(0, info.size());
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw S3Exception.io("closing object '" + info.key() + "'", e);
    }
  }
}
