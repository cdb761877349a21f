package io.ryegrass.objects;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;

/**
 * An object opened for reading. It keeps what it was when it was opened, also when the key is
 * replaced or deleted meanwhile. Must be closed.
 */
public final class StoredObject implements AutoCloseable {

  /** Gives the bytes of a range. */
  @FunctionalInterface
  interface Data {
    InputStream range(long from, long length) throws IOException;
  }

  private final ObjectInfo info;
  private final Data data;
  private final AutoCloseable source;

  StoredObject(ObjectInfo info, FileChannel channel) {
    this(info, (from, length) -> new ChannelStream(channel, from, length), channel);
  }

  StoredObject(ObjectInfo info, Data data, AutoCloseable source) {
    this.info = info;
    this.data = data;
    this.source = source;
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
    try {
      return data.range(from, length);
    } catch (IOException e) {
      throw S3Exception.io("reading object '" + info.key() + "'", e);
    }
  }

  /** The whole object. */
  public InputStream stream() {
    return range(0, info.size());
  }

  /** Reads a small object whole and closes it. */
  byte[] readAll() {
    try (this;
        InputStream in = stream()) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw S3Exception.io("reading object '" + info.key() + "'", e);
    }
  }

  /** Reads the object through for its SHA-256 and closes it. */
  byte[] sha256() {
    try (this;
        InputStream in = stream()) {
      MessageDigest digest = Checksums.digest("SHA-256");
      byte[] buffer = new byte[1 << 16];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
      return digest.digest();
    } catch (IOException e) {
      throw S3Exception.io("reading object '" + info.key() + "'", e);
    }
  }

  @Override
  public void close() {
    try {
      source.close();
    } catch (Exception e) {
      throw S3Exception.io("closing object '" + info.key() + "'", e);
    }
  }

  private static final class ChannelStream extends InputStream {
    private final FileChannel channel;
    private final long end;
    private long position;

    ChannelStream(FileChannel channel, long from, long length) {
      this.channel = channel;
      this.position = from;
      this.end = from + length;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int offset, int count) throws IOException {
      if (count == 0) {
        return 0;
      }
      if (position >= end) {
        return -1;
      }
      int most = (int) Math.min(count, end - position);
      int n = channel.read(ByteBuffer.wrap(buffer, offset, most), position);
      if (n > 0) {
        position += n;
      }
      return n;
    }
  }
}
