package io.ryegrass.eventstream;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import jdk.net.ExtendedSocketOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves a {@link RpcService} on a Unix domain socket that every local user may open; who a client
 * is, its token tells.
 *
 * <p>A stale socket file is replaced: the caller holds the lock of the data folder, so no live
 * server can own it.
 */
public final class RpcServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RpcServer.class);

  private static final long EVENT_BYTES_IN_ANY_CASE = 64 * 1024;

  /** Connections that the kernel keeps for us while many come at once. */
  private static final int BACKLOG = 512;

  private final Path socket;
  private final RpcService service;
  private final Limits limits;
  private final ServerSocketChannel listener;
  private final ScheduledThreadPoolExecutor timer;
  private final Set<ServerConnection> connections = ConcurrentHashMap.newKeySet();
  private final Newcomers newcomers;
  private final EventBudget events;
  private final WriteBuffers buffers = new WriteBuffers();
  private final Semaphore largeKib;
  private final LongAdder refused = new LongAdder();
  private volatile boolean closing;

  /**
   * Bounds of the server.
   *
   * @param maxConnections authenticated ones; beyond this, a new connection is closed at once
   * @param maxNewcomers connections that have not said who they are; beyond this, the oldest of the
   *     user who has most of them is closed
   * @param maxNewcomersPerUser the same for one user of the host
   * @param handshakeDeadline how long a client may take to say who it is
   * @param maxStreamsPerConnection beyond this, a new stream is answered with an error
   * @param maxConcurrentPerConnection requests of one client in work at the same time, of the
   *     operations that have a thread each; beyond this, a request is answered with an error
   * @param maxQueuedBytes answers that may wait to be written to one client
   * @param maxEventBytes events that may wait for one client; beyond this, they are dropped
   * @param maxEventBytesTotal events that may wait for all clients together
   * @param writeDeadline how long a sender waits for a client that does not read (5 s in AWS's
   *     nucleus)
   * @param maxMessageBytes the largest request; a larger one ends its connection
   * @param maxLargeBytes requests of more than 64 KiB in memory at the same time, over all clients
   */
  public record Limits(
      int maxConnections,
      int maxNewcomers,
      int maxNewcomersPerUser,
      Duration handshakeDeadline,
      int maxStreamsPerConnection,
      int maxConcurrentPerConnection,
      int maxQueuedBytes,
      long maxEventBytes,
      long maxEventBytesTotal,
      Duration writeDeadline,
      int maxMessageBytes,
      int maxLargeBytes) {
    /** What fits into the memory that this process may use. */
    public static Limits defaults() {
      long heap = Runtime.getRuntime().maxMemory();
      int message = (int) Math.clamp(heap / 8, 1 << 20, (long) MessageCodec.MAX_MESSAGE_BYTES);
      return new Limits(
          512,
          128,
          64,
          Duration.ofSeconds(10),
          2048,
          64,
          1 << 20,
          Math.clamp(heap / 12, 1L << 20, 8L << 20),
          Math.clamp(heap / 5, 4L << 20, 64L << 20),
          Duration.ofSeconds(5),
          message,
          message + (1 << 20));
    }
  }

  /**
   * Counters since start, and what is open now.
   *
   * @param connections authenticated
   * @param newcomers not yet authenticated
   * @param refused connections closed because a bound was reached, or for a wrong token
   * @param droppedEvents events that found the queue of their client full
   * @param queuedEventBytes events that wait to be written
   */
  public record Metrics(
      int connections, int newcomers, long refused, long droppedEvents, long queuedEventBytes) {}

  private RpcServer(Path socket, RpcService service, Limits limits, ServerSocketChannel listener) {
    this.socket = socket;
    this.service = service;
    this.limits = limits;
    this.listener = listener;
    this.newcomers =
        new Newcomers(
            limits.maxNewcomers(),
            limits.maxNewcomersPerUser(),
            limits.maxConnections(),
            System::nanoTime);
    this.events =
        new EventBudget(
            limits.maxEventBytesTotal(), limits.maxEventBytes(), EVENT_BYTES_IN_ANY_CASE);
    this.largeKib = new Semaphore(limits.maxLargeBytes() / 1024);
    this.timer =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("ipc-timer").factory());
    timer.setRemoveOnCancelPolicy(true);
  }

  /**
   * Binds the socket and starts to accept.
   *
   * @throws UncheckedIOException naming the path, when it cannot be bound
   */
  public static RpcServer start(Path socket, RpcService service, Limits limits) {
    try {
      Files.deleteIfExists(socket);
      ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      try (SocketPath path = SocketPath.of(socket)) {
        listener.bind(path.address(), BACKLOG);
        Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw-rw-"));
      } catch (IOException | RuntimeException e) {
        listener.close();
        throw e;
      }
      RpcServer server = new RpcServer(socket, service, limits, listener);
      Thread.ofVirtual().name("ipc-accept").start(server::accept);
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot listen on the socket " + socket + ": " + e.getMessage(), e);
    }
  }

  /** Authenticated connections, for metrics. */
  public int connections() {
    return Math.max(0, connections.size() - newcomers.count());
  }

  /** What is open, and what was refused or dropped. */
  public Metrics metrics() {
    return new Metrics(
        connections(), newcomers.count(), refused.sum(), events.dropped(), events.used());
  }

  EventBudget events() {
    return events;
  }

  WriteBuffers buffers() {
    return buffers;
  }

  /** Kilobytes of large requests that may still be read. */
  Semaphore largeKib() {
    return largeKib;
  }

  void refused() {
    refused.increment();
  }

  /** False when there is no room for one more client that has a name. */
  boolean admit(ServerConnection connection) {
    newcomers.remove(connection);
    if (connections() > limits.maxConnections()) {
      refused.increment();
      log.warn("refused a connection: {} are open already", limits.maxConnections());
      return false;
    }
    return true;
  }

  Limits limits() {
    return limits;
  }

  ScheduledThreadPoolExecutor timer() {
    return timer;
  }

  void forget(ServerConnection connection) {
    newcomers.remove(connection);
    connections.remove(connection);
  }

  private void accept() {
    long number = 0;
    while (!closing) {
      try {
        SocketChannel channel = listener.accept();
        ServerConnection connection =
            new ServerConnection(this, service, channel, user(channel), ++number);
        connections.add(connection);
        ServerConnection evicted = newcomers.add(connection);
        if (evicted != null) {
          evict(evicted);
        }
        connection.start();
      } catch (ClosedChannelException e) {
        return;
      } catch (IOException e) {
        log.warn("accepting a connection on {} failed: {}", socket, e.toString());
        pause();
      }
    }
  }

  /** The user at the other end, as the kernel knows him. */
  private static String user(SocketChannel channel) throws IOException {
    return channel.getOption(ExtendedSocketOptions.SO_PEERCRED).user().getName();
  }

  private void evict(ServerConnection connection) {
    refused.increment();
    long count = refused.sum();
    if (Long.bitCount(count) == 1) {
      log.warn(
          "user {} opens connections without saying who he is; the oldest is closed ({} refused so"
              + " far)",
          connection.user(),
          count);
    }
    connection.abort();
  }

  /**
   * For example no file descriptor left: others give theirs back, so trying again makes sense, but
   * not at once.
   */
  private static void pause() {
    try {
      TimeUnit.MILLISECONDS.sleep(200);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Stops accepting, closes every connection, removes the socket file. */
  @Override
  public void close() {
    closing = true;
    try {
      listener.close();
      Files.deleteIfExists(socket);
    } catch (IOException e) {
      log.warn("closing the socket {}: {}", socket, e.toString());
    }
    List<Thread> closers =
        connections.stream().map(c -> Thread.ofVirtual().start(c::close)).toList();
    try {
      for (Thread closer : closers) {
        closer.join(limits.writeDeadline().plusSeconds(1));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    timer.shutdownNow();
  }
}
