package io.ryegrass.lambda;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection: a request is read on the port's thread, then nothing more is looked at until it
 * is answered. The answer is written by the thread that has it; what the socket does not take is
 * written by the port's thread when it does.
 */
final class HttpConnection {
  private static final Logger LOG = LoggerFactory.getLogger(HttpConnection.class);
  private static final int LARGEST_HEAD = 64 * 1024;
  private static final int COPIED = 16 * 1024;

  /** At most so much at once: the JDK keeps a direct buffer of that size for each thread. */
  private static final int WRITTEN_AT_ONCE = 128 * 1024;

  /** A refused body is read and thrown away up to here, so that its sender reads the refusal. */
  private static final long DRAINED = 64L << 20;

  private static final byte[] NOTHING = {};
  private static final byte[] CONTINUE =
      "HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

  private enum Reading {
    HEAD,
    BODY,
    CHUNKS,
    REFUSED_BODY,
    REFUSED_CHUNKS
  }

  private final HttpPort port;
  private final SocketChannel channel;
  private final SelectionKey key;

  // ---- reading: the port's thread only
  private Reading reading = Reading.HEAD;
  private byte[] kept = NOTHING;
  private @Nullable HttpRequest request;
  private byte[] body = NOTHING;
  private int bodyAt;
  private long left;
  private long begunNanos;
  private @Nullable Chunks chunks;
  private boolean closed;

  /** What is answered while one read is looked at goes out together. */
  private boolean corked;

  /** A request is with the handler; more bytes wait. */
  private volatile boolean busy;

  private volatile boolean keeps;
  private volatile boolean closeWhenWritten;

  // ---- writing
  private final ReentrantLock lock = new ReentrantLock();
  private final ArrayDeque<ByteBuffer> unwritten = new ArrayDeque<>();
  private boolean awaitsSocket;

  HttpConnection(HttpPort port, SocketChannel channel, SelectionKey key) {
    this.port = port;
    this.channel = channel;
    this.key = key;
  }

  long begunNanos() {
    return begunNanos;
  }

  // ---- reading

  void read(byte[] buffer) throws IOException {
    int length = channel.read(ByteBuffer.wrap(buffer));
    if (length < 0) {
      close();
      return;
    }
    if (length == 0) {
      return;
    }
    if (kept.length == 0) {
      look(buffer, 0, length);
    } else {
      byte[] both = Arrays.copyOf(kept, kept.length + length);
      System.arraycopy(buffer, 0, both, kept.length, length);
      keep(NOTHING);
      look(both, 0, both.length);
    }
  }

  /** Looks at what waited behind a request that is answered now, and writes what was left. */
  void proceed() {
    if (closed) {
      return;
    }
    try {
      flush();
      if (!busy && kept.length > 0) {
        byte[] all = kept;
        keep(NOTHING);
        look(all, 0, all.length);
      }
    } catch (IOException e) {
      LOG.debug("A worker went away while it was answered: {}", e.toString());
      close();
    }
  }

  private void keep(byte[] bytes) {
    kept = bytes;
    keeps = bytes.length > 0;
  }

  private void look(byte[] in, int from, int to) throws IOException {
    corked = true;
    try {
      lookAt(in, from, to);
    } finally {
      corked = false;
    }
    if (!closed && hasUnwritten()) {
      flush();
    }
  }

  private boolean hasUnwritten() {
    lock.lock();
    try {
      return !unwritten.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  private void lookAt(byte[] in, int from, int to) throws IOException {
    int at = from;
    while (at < to && !closed) {
      if (busy) {
        if (to - at > LARGEST_HEAD) {
          close(); // nobody sends that much before it is answered
          return;
        }
        keep(Arrays.copyOfRange(in, at, to));
        if (busy) {
          return;
        }
        // It was answered just now, by another thread that may not have seen that bytes wait.
        keep(NOTHING);
        continue;
      }
      int next =
          switch (reading) {
            case HEAD -> head(in, at, to);
            case BODY -> body(in, at, to);
            case CHUNKS, REFUSED_CHUNKS -> chunks(in, at, to);
            case REFUSED_BODY -> thrownAway(at, to);
          };
      if (next < 0) {
        keep(Arrays.copyOfRange(in, at, to));
        return;
      }
      at = next;
    }
  }

  /** Returns where the body begins, or -1 when the head is not whole. */
  private int head(byte[] in, int from, int to) throws IOException {
    int at = from;
    while (at < to && (in[at] == '\r' || in[at] == '\n')) {
      at++; // RFC 9112 section 2.2: empty lines before a request
    }
    if (at == to) {
      return to;
    }
    int end = headEnd(in, at, to);
    if (end < 0) {
      if (to - at > LARGEST_HEAD) {
        close();
        return to;
      }
      begin();
      return -1;
    }
    begin();
    HttpRequest head;
    try {
      head = HttpRequest.parse(this, in, at, end - 2);
    } catch (Refusal e) {
      close(); // where its body would end is not known
      return to;
    }
    request = head;
    try {
      long length = head.contentLength();
      int most = port.handler().admit(head);
      if (length > most) {
        throw tooLarge(most);
      }
      if (head.header(HttpRequest.Header.EXPECT).equalsIgnoreCase("100-continue") && length != 0) {
        write(ByteBuffer.wrap(CONTINUE));
      }
      if (length < 0) {
        chunks = new Chunks(most);
        reading = Reading.CHUNKS;
      } else if (length == 0) {
        whole(head, NOTHING);
      } else {
        if (!port.reserveBody((int) length)) {
          throw new Refusal(
              503, "The core is reading too many large payloads at once; try again later.");
        }
        body = new byte[(int) length];
        bodyAt = 0;
        reading = Reading.BODY;
      }
    } catch (Refusal e) {
      refuse(head, e);
    }
    return end;
  }

  static Refusal tooLarge(int most) {
    return new Refusal(413, "Exceeded maximum allowed payload size (" + most + " bytes).");
  }

  private void begin() {
    if (begunNanos == 0) {
      begunNanos = System.nanoTime();
      port.unfinished(this, true);
    }
  }

  private static int headEnd(byte[] in, int from, int to) {
    for (int i = from + 3; i < to; i++) {
      if (in[i] == '\n' && in[i - 1] == '\r' && in[i - 2] == '\n' && in[i - 3] == '\r') {
        return i + 1;
      }
    }
    return -1;
  }

  /** The refusal goes out now; what the body still brings is thrown away. */
  private void refuse(HttpRequest head, Refusal refusal) {
    long length = -1;
    try {
      length = head.contentLength();
    } catch (Refusal e) {
      closeWhenWritten = true;
    }
    if (length > DRAINED) {
      closeWhenWritten = true;
    }
    if (length < 0 && !closeWhenWritten) {
      chunks = new Chunks(-1);
      reading = Reading.REFUSED_CHUNKS;
    } else {
      left = Math.max(0, length);
      reading = left == 0 ? Reading.HEAD : Reading.REFUSED_BODY;
    }
    if (reading == Reading.HEAD) {
      finished();
    }
    busy = true;
    port.handler().refuse(head, refusal);
  }

  private int body(byte[] in, int from, int to) {
    int some = Math.min(to - from, body.length - bodyAt);
    System.arraycopy(in, from, body, bodyAt, some);
    bodyAt += some;
    if (bodyAt == body.length) {
      byte[] all = body;
      body = NOTHING;
      port.releaseBody(all.length);
      HttpRequest whole = request;
      if (whole != null) {
        whole(whole, all);
      }
    }
    return from + some;
  }

  private int thrownAway(int from, int to) {
    int some = (int) Math.min(to - from, left);
    left -= some;
    if (left == 0) {
      finished();
    }
    return from + some;
  }

  private int chunks(byte[] in, int from, int to) {
    Chunks now = chunks;
    if (now == null) {
      throw new IllegalStateException("no chunks are read");
    }
    try {
      int next = now.read(in, from, to);
      if (now.complete()) {
        chunks = null;
        HttpRequest whole = request;
        if (reading == Reading.REFUSED_CHUNKS) {
          finished();
        } else if (whole != null) {
          whole(whole, now.all());
        }
      }
      return next;
    } catch (Refusal e) {
      HttpRequest head = request;
      if (head == null || reading == Reading.REFUSED_CHUNKS || e.status() != 413) {
        close();
        return to;
      }
      reading = Reading.REFUSED_CHUNKS;
      now.throwAway();
      busy = true;
      port.handler().refuse(head, e);
      return to - now.unread();
    }
  }

  private void finished() {
    reading = Reading.HEAD;
    begunNanos = 0;
    port.unfinished(this, false);
  }

  private void whole(HttpRequest now, byte[] content) {
    finished();
    now.body(content);
    if (now.header(HttpRequest.Header.CONNECTION).toLowerCase(Locale.ROOT).contains("close")) {
      closeWhenWritten = true;
    }
    busy = true;
    try {
      port.handler().handle(now);
    } catch (Refusal e) {
      port.handler().refuse(now, e);
    } catch (RuntimeException e) {
      LOG.error("{} failed", now.method(), e);
      port.handler().refuse(now, new Refusal(500, "The core failed to do this: " + e));
    }
  }

  // ---- writing

  /** From any thread. */
  void answer(HttpRequest of, HttpAnswer answer) {
    byte[] content = answer.body();
    boolean together = content.length <= COPIED;
    byte[] head = answer.head(closeWhenWritten, together ? content.length : 0);
    try {
      if (together) {
        System.arraycopy(content, 0, head, head.length - content.length, content.length);
        write(ByteBuffer.wrap(head));
      } else {
        write(ByteBuffer.wrap(head), ByteBuffer.wrap(content));
      }
    } catch (IOException e) {
      LOG.debug("A worker went away while it was answered: {}", e.toString());
      closeWhenWritten = true;
    }
    busy = false;
    if (keeps || closeWhenWritten) {
      if (port.onItsThread() && !keeps) {
        closeIfWritten();
      } else {
        port.wake(this);
      }
    }
  }

  private void write(ByteBuffer... buffers) throws IOException {
    lock.lock();
    try {
      for (ByteBuffer buffer : buffers) {
        unwritten.addLast(buffer);
      }
      if (port.onItsThread()) {
        if (!corked) {
          writeUnwritten();
        }
      } else if (unwritten.size() == buffers.length && !writeAll()) {
        port.wake(this);
      }
    } catch (CancelledKeyException e) {
      throw new IOException("the connection is closed", e);
    } finally {
      lock.unlock();
    }
  }

  /** With the lock, on the port's thread: what is left goes out when the socket takes it. */
  private void writeUnwritten() throws IOException {
    boolean all = writeAll();
    if (all == awaitsSocket) {
      awaitsSocket = !all;
      if (all) {
        key.interestOpsAnd(~SelectionKey.OP_WRITE);
      } else {
        key.interestOpsOr(SelectionKey.OP_WRITE);
      }
    }
  }

  /** Whether all of it is written. Never waits: the socket does not block. */
  private boolean writeAll() throws IOException {
    while (unwritten.size() > 1 && small()) {
      long written = channel.write(unwritten.toArray(ByteBuffer[]::new));
      while (!unwritten.isEmpty() && !unwritten.getFirst().hasRemaining()) {
        unwritten.removeFirst();
      }
      if (written == 0) {
        return false;
      }
    }
    while (!unwritten.isEmpty()) {
      if (!writeSome(unwritten.getFirst())) {
        return false;
      }
      unwritten.removeFirst();
    }
    return true;
  }

  private boolean small() {
    long size = 0;
    for (ByteBuffer buffer : unwritten) {
      size += buffer.remaining();
    }
    return size <= WRITTEN_AT_ONCE;
  }

  private boolean writeSome(ByteBuffer buffer) throws IOException {
    int end = buffer.limit();
    while (buffer.position() < end) {
      buffer.limit(Math.min(end, buffer.position() + WRITTEN_AT_ONCE));
      int written = channel.write(buffer);
      buffer.limit(end);
      if (written == 0) {
        return false;
      }
    }
    return true;
  }

  /** On the port's thread: writes what the socket takes now. */
  void flush() throws IOException {
    lock.lock();
    try {
      writeUnwritten();
    } catch (CancelledKeyException e) {
      throw new IOException("the connection is closed", e);
    } finally {
      lock.unlock();
    }
    closeIfWritten();
  }

  private void closeIfWritten() {
    lock.lock();
    boolean done;
    try {
      done = closeWhenWritten && !busy && unwritten.isEmpty();
    } finally {
      lock.unlock();
    }
    if (done) {
      close();
    }
  }

  /** On the port's thread. */
  void close() {
    if (closed) {
      return;
    }
    closed = true;
    port.gone(this);
    if (body.length > 0) {
      port.releaseBody(body.length);
      body = NOTHING;
    }
    key.cancel();
    try {
      channel.close();
    } catch (IOException e) {
      LOG.debug("A connection to the Lambda port does not close: {}", e.toString());
    }
    HttpRequest open = request;
    if (open != null && busy) {
      open.gone();
    }
  }
}
