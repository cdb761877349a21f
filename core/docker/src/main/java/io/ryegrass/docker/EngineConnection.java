package io.ryegrass.docker;

import io.ryegrass.nucleus.NucleusException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One HTTP/1.1 request to the engine on a connection of its own: the JDK's client does not know
 * Unix sockets. Closed after {@code idle} without a byte.
 */
final class EngineConnection implements AutoCloseable {
  private static final int MAX_HEAD = 64 << 10;

  /** An answer whose body is read by the caller. */
  record Answer(int status, Map<String, String> headers, InputStream body) {}

  private final SocketChannel channel;
  private final AtomicLong lastByte = new AtomicLong(System.nanoTime());
  private final Thread watch;
  private final Duration idle;

  private EngineConnection(SocketChannel channel, Duration idle) {
    this.channel = channel;
    this.idle = idle;
    this.watch = Thread.ofVirtual().name("engine-watch").start(this::watch);
  }

  /** Connects to the engine's address: {@code unix:///path} or {@code tcp://host:port}. */
  static EngineConnection open(String host, Duration idle) throws IOException {
    SocketAddress address;
    if (host.startsWith("unix://")) {
      address = UnixDomainSocketAddress.of(host.substring("unix://".length()));
    } else {
      String rest = host.substring("tcp://".length());
      int colon = rest.lastIndexOf(':');
      address =
          new InetSocketAddress(
              rest.substring(0, colon), Integer.parseInt(rest.substring(colon + 1)));
    }
    SocketChannel channel =
        SocketChannel.open(
            address instanceof UnixDomainSocketAddress
                ? java.net.StandardProtocolFamily.UNIX
                : java.net.StandardProtocolFamily.INET);
    boolean done = false;
    try {
      channel.connect(address);
      done = true;
      return new EngineConnection(channel, idle);
    } finally {
      if (!done) {
        channel.close();
      }
    }
  }

  /** An address that {@link #open} understands. */
  static boolean isValid(String host) {
    return host.matches("unix:///.+|tcp://[^:/]+:\\d{1,5}");
  }

  /**
   * @param headers names and values, in turns
   */
  Answer send(String method, String target, byte[] body, String... headers) throws IOException {
    StringBuilder head = new StringBuilder();
    head.append(method).append(' ').append(target).append(" HTTP/1.1\r\nHost: engine\r\n");
    for (int i = 0; i < headers.length; i += 2) {
      head.append(headers[i]).append(": ").append(headers[i + 1]).append("\r\n");
    }
    head.append("Content-Length: ").append(body.length).append("\r\nConnection: close\r\n\r\n");
    write(head.toString().getBytes(StandardCharsets.ISO_8859_1));
    write(body);
    InputStream in = new BufferedInputStream(new Watched(Channels.newInputStream(channel)));
    String first = line(in);
    String[] parts = first.split(" ", 3);
    if (parts.length < 2 || !parts[0].startsWith("HTTP/1.") || !parts[1].matches("\\d{3}")) {
      throw new IOException("what answers there is no engine");
    }
    Map<String, String> answered = new TreeMap<>();
    for (String l = line(in); !l.isEmpty(); l = line(in)) {
      int colon = l.indexOf(':');
      if (colon > 0) {
        answered.put(
            l.substring(0, colon).toLowerCase(Locale.ROOT), l.substring(colon + 1).strip());
      }
    }
    boolean chunked = answered.getOrDefault("transfer-encoding", "").contains("chunked");
    String length = answered.getOrDefault("content-length", "");
    InputStream content =
        chunked ? new Chunks(in) : length.isEmpty() ? in : new Bounded(in, Long.parseLong(length));
    return new Answer(Integer.parseInt(parts[1]), answered, content);
  }

  private void write(byte[] bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  private static String line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    while (true) {
      int b = in.read();
      if (b < 0) {
        throw new EOFException("the engine closed the connection");
      }
      if (b == '\n') {
        return line.toString(StandardCharsets.ISO_8859_1).stripTrailing();
      }
      line.write(b);
      if (line.size() > MAX_HEAD) {
        throw new IOException("the engine's answer has no end");
      }
    }
  }

  private void watch() {
    try {
      while (channel.isOpen()) {
        Duration left = idle.minusNanos(System.nanoTime() - lastByte.get());
        if (!left.isPositive()) {
          channel.close();
          return;
        }
        Thread.sleep(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the request ended
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** Whether the engine was silent for so long that the connection was given up. */
  boolean stalled() {
    return System.nanoTime() - lastByte.get() >= idle.toNanos();
  }

  @Override
  public void close() throws IOException {
    watch.interrupt();
    channel.close();
  }

  /**
   * What an engine that cannot be reached means.
   *
   * @param host its address
   */
  static NucleusException unreachable(String host, IOException e) {
    String text = String.valueOf(e.getMessage());
    if (e instanceof AccessDeniedException || text.contains("Permission denied")) {
      return new NucleusException(
          "USER_NOT_AUTHORIZED_FOR_DOCKER",
          "The core's user may not use the container engine at "
              + host
              + "; add the user to the group docker and start the core again.",
          e);
    }
    return new NucleusException(
        "DOCKER_SERVICE_UNAVAILABLE",
        "The container engine at "
            + host
            + " cannot be reached ("
            + text
            + "); start it, or set DOCKER_HOST for the core.",
        e);
  }

  /** Notes when the last byte came. */
  private final class Watched extends InputStream {
    private final InputStream in;

    Watched(InputStream in) {
      this.in = in;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] b, int off, int len) throws IOException {
      int n = in.read(b, off, len);
      lastByte.set(System.nanoTime());
      return n;
    }
  }

  /** A body of a known length. */
  private static final class Bounded extends InputStream {
    private final InputStream in;
    private long left;

    Bounded(InputStream in, long left) {
      this.in = in;
      this.left = left;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] b, int off, int len) throws IOException {
      if (left <= 0) {
        return -1;
      }
      int n = in.read(b, off, (int) Math.min(len, left));
      if (n < 0) {
        throw new EOFException("the engine closed the connection");
      }
      left -= n;
      return n;
    }
  }

  /** A body in chunks (RFC 9112 section 7.1). */
  private static final class Chunks extends InputStream {
    private final InputStream in;
    private long left;
    private boolean ended;

    Chunks(InputStream in) {
      this.in = in;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] b, int off, int len) throws IOException {
      if (left == 0 && !ended) {
        String size = line(in);
        if (size.isEmpty()) {
          size = line(in); // the end of the chunk before
        }
        try {
          left = Long.parseLong(size.split(";", 2)[0].strip(), 16);
        } catch (NumberFormatException e) {
          throw new IOException("the engine's answer cannot be read", e);
        }
        ended = left == 0;
      }
      if (ended) {
        return -1;
      }
      int n = in.read(b, off, (int) Math.min(len, left));
      if (n < 0) {
        throw new EOFException("the engine closed the connection");
      }
      left -= n;
      return n;
    }
  }
}
