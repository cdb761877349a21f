package io.ryegrass.mqtt;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;

/** Writes a new file from front to back; {@link #finish} returns when it is on the disk. */
final class FileOutput implements AutoCloseable {
  private final Path path;
  private final RandomAccessFile file;
  private final byte[] buffer = new byte[128 << 10];
  private int buffered;
  private long written;

  FileOutput(Path path) throws IOException {
    this.path = path;
    this.file = new RandomAccessFile(path.toFile(), "rw");
    file.setLength(0);
  }

  Path path() {
    return path;
  }

  long position() {
    return written + buffered;
  }

  void write(byte[] bytes, int from, int length) throws IOException {
    if (buffer.length - buffered < length) {
      flush();
      if (length > buffer.length) {
        file.write(bytes, from, length);
        written += length;
        return;
      }
    }
    System.arraycopy(bytes, from, buffer, buffered, length);
    buffered += length;
  }

  void write(ByteWriter bytes) throws IOException {
    write(bytes.array(), 0, bytes.size());
  }

  private void flush() throws IOException {
    file.write(buffer, 0, buffered);
    written += buffered;
    buffered = 0;
  }

  void finish() throws IOException {
    flush();
    file.getFD().sync();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
