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
import java.util.concurrent.TimeUnit;
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

  private final Path socket;
  private final RpcService service;
  private final Limits limits;
  private final ServerSocketChannel listener;
  private final ScheduledThreadPoolExecutor timer;
  private final Set<ServerConnection> connections = ConcurrentHashMap.newKeySet();
  private volatile boolean closing;

  /**
   * Bounds of the server.
   *
   * @param maxConnections beyond this, a new connection is closed at once
   * @param maxStreamsPerConnection beyond this, a new stream is answered with an error
   * @param maxQueuedBytes bytes that may wait to be written to one client
   * @param writeDeadline how long a sender waits for a client that does not read (5 s in AWS's
   *     nucleus)
   * @param handshakeDeadline how long a client may take to say who it is
   */
  public record Limits(
      int maxConnections,
      int maxStreamsPerConnection,
      int maxQueuedBytes,
      Duration writeDeadline,
      Duration handshakeDeadline) {
    public static Limits defaults() {
      return new Limits(512, 2048, 1 << 20, Duration.ofSeconds(5), Duration.ofSeconds(10));
    }
  }

  private RpcServer(Path socket, RpcService service, Limits limits, ServerSocketChannel listener) {
    this.socket = socket;
    this.service = service;
    this.limits = limits;
    this.listener = listener;
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
        listener.bind(path.address());
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

  /** Live connections, for metrics. */
  public int connections() {
    return connections.size();
  }

  Limits limits() {
    return limits;
  }

  ScheduledThreadPoolExecutor timer() {
    return timer;
  }

  void forget(ServerConnection connection) {
    connections.remove(connection);
  }

  private void accept() {
    long number = 0;
    while (!closing) {
      try {
        SocketChannel channel = listener.accept();
        if (connections.size() >= limits.maxConnections()) {
          log.warn("refused a connection: {} are open already", limits.maxConnections());
          channel.close();
          continue;
        }
        ServerConnection connection = new ServerConnection(this, service, channel, ++number);
        connections.add(connection);
        connection.start();
      } catch (ClosedChannelException e) {
        return;
      } catch (IOException e) {
        log.warn("accepting a connection on {} failed: {}", socket, e.toString());
        pause();
      }
    }
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
