package io.ryegrass.lambda;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * HTTP/1.1 on loopback for many patient clients (RFC 9112): one thread reads all of them and calls
 * the handler there; an answer is written by whoever has it, on its own thread, at once. A call
 * from one function to another so passes the core without a hand-over between threads
 * (docs/decisions/044). The handler must not block.
 *
 * <p>What is bounded: connections, the head of a request, its body (as the handler admits it), the
 * bodies that are being read at once, and the time between the first byte of a request and its
 * last.
 */
final class HttpPort implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HttpPort.class);
  private static final int MOST_CONNECTIONS = 4096;
  private static final int BUFFER = 64 * 1024;
  private static final long WATCHED_NANOS = 30_000;
  private static final Duration REQUEST_LIMIT = Duration.ofSeconds(30);
  private static final long MOST_BODY_BYTES = 24L << 20;

  /** Below this a body is not counted: the heads alone bound them. */
  private static final int SMALL_BODY = 16 * 1024;

  /** Who answers. Both are called on the port's thread. */
  interface Handler {
    /**
     * The head of a request is there.
     *
     * @return how many bytes of body are taken
     * @throws Refusal when the request is refused whatever its body is
     */
    int admit(HttpRequest head);

    /** The whole request is there; it is answered now or later. */
    void handle(HttpRequest request);

    /** Answers with a refusal, in the form that the path asks for. */
    void refuse(HttpRequest request, Refusal refusal);
  }

  private final Selector selector;
  private final ServerSocketChannel server;
  private final Handler handler;
  private final Thread thread;
  private final byte[] buffer = new byte[BUFFER];
  private final Queue<HttpConnection> toProceed = new ConcurrentLinkedQueue<>();
  private final Set<HttpConnection> unfinished = new LinkedHashSet<>();
  private final AtomicLong bodyBytes = new AtomicLong();
  private final boolean watches = Runtime.getRuntime().availableProcessors() > 1;
  private int connections;
  private volatile boolean closed;

  /**
   * Listens, and serves from the call of {@link #start} on.
   *
   * @throws IOException when the port cannot be had
   */
  HttpPort(InetSocketAddress address, Handler handler) throws IOException {
    this.handler = handler;
    this.selector = Selector.open();
    this.server = ServerSocketChannel.open();
    try {
      server.setOption(StandardSocketOptions.SO_REUSEADDR, true);
      server.bind(address, 256);
      server.configureBlocking(false);
      var unused = server.register(selector, SelectionKey.OP_ACCEPT);
    } catch (IOException e) {
      server.close();
      selector.close();
      throw e;
    }
    this.thread = Thread.ofPlatform().name("lambda-port").daemon().unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  int port() {
    return server.socket().getLocalPort();
  }

  Handler handler() {
    return handler;
  }

  @Override
  public void close() {
    closed = true;
    selector.wakeup();
    try {
      thread.join(Duration.ofSeconds(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    try (selector;
        server) {
      while (!closed) {
        try {
          int ignored = next();
          for (HttpConnection c = toProceed.poll(); c != null; c = toProceed.poll()) {
            c.proceed();
          }
          endOverdue();
        } catch (RuntimeException e) {
          LOG.error("The Lambda port failed at a connection and goes on", e);
        }
      }
      for (SelectionKey key : List.copyOf(selector.keys())) {
        if (key.attachment() instanceof HttpConnection c) {
          c.close();
        }
      }
    } catch (IOException | ClosedSelectorException e) {
      LOG.error("The Lambda port ends: {}", e.toString());
    }
  }

  /**
   * What comes next, often in answer to what was just written: so the thread looks again for a
   * short while before it sleeps. Being woken takes longer than that while (docs/decisions/044).
   */
  private int next() throws IOException {
    if (watches) {
      long begun = System.nanoTime();
      do {
        int count = selector.selectNow(this::ready);
        if (count > 0 || !toProceed.isEmpty() || closed) {
          return count;
        }
        Thread.yield(); // whoever it waits for may need this processor
      } while (System.nanoTime() - begun < WATCHED_NANOS);
    }
    return selector.select(this::ready, unfinished.isEmpty() ? 0 : REQUEST_LIMIT.toMillis() / 6);
  }

  private void ready(SelectionKey key) {
    try {
      if (key.attachment() instanceof HttpConnection c) {
        if (key.isWritable()) {
          c.flush();
        }
        if (key.isValid() && key.isReadable()) {
          c.read(buffer);
        }
      } else {
        accept();
      }
    } catch (CancelledKeyException e) {
      LOG.trace("A connection ended while it was looked at", e);
    } catch (IOException e) {
      LOG.debug("A connection to the Lambda port failed: {}", e.toString());
      if (key.attachment() instanceof HttpConnection c) {
        c.close();
      }
    }
  }

  private void accept() throws IOException {
    for (SocketChannel channel = server.accept(); channel != null; channel = server.accept()) {
      if (connections >= MOST_CONNECTIONS) {
        LOG.warn("More than {} connections to the Lambda port; one is closed", MOST_CONNECTIONS);
        channel.close();
        continue;
      }
      channel.configureBlocking(false);
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      connections++;
      SelectionKey key = channel.register(selector, SelectionKey.OP_READ);
      key.attach(new HttpConnection(this, channel, key));
    }
  }

  private void endOverdue() {
    if (unfinished.isEmpty()) {
      return;
    }
    long now = System.nanoTime();
    List<HttpConnection> overdue = new ArrayList<>();
    for (HttpConnection c : unfinished) {
      if (now - c.begunNanos() > REQUEST_LIMIT.toNanos()) {
        overdue.add(c);
      }
    }
    overdue.forEach(HttpConnection::close);
  }

  // ---- for connections

  boolean onItsThread() {
    return Thread.currentThread() == thread;
  }

  /** From any thread: more of this connection's bytes can be looked at, or written. */
  void wake(HttpConnection connection) {
    toProceed.add(connection);
    selector.wakeup();
  }

  /** A request has begun and is not whole, or is whole now. */
  void unfinished(HttpConnection connection, boolean yes) {
    if (yes) {
      unfinished.add(connection);
    } else if (!unfinished.isEmpty()) {
      unfinished.remove(connection);
    }
  }

  void gone(HttpConnection connection) {
    connections--;
    unfinished.remove(connection);
  }

  /** Room for a body; false when too many large ones are under way. */
  boolean reserveBody(int bytes) {
    if (bytes > SMALL_BODY && bodyBytes.addAndGet(bytes) > MOST_BODY_BYTES) {
      bodyBytes.addAndGet(-bytes);
      return false;
    }
    return true;
  }

  void releaseBody(int bytes) {
    if (bytes > SMALL_BODY) {
      bodyBytes.addAndGet(-bytes);
    }
  }
}
