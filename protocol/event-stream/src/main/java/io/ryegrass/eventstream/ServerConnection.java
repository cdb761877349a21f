package io.ryegrass.eventstream;

import static io.ryegrass.eventstream.EventStreamException.Code.PROTOCOL;
import static io.ryegrass.eventstream.EventStreamException.Code.TIMEOUT;

import io.ryegrass.model.Json;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One client. The reading thread alone decides about the handshake and the numbering of streams:
 *
 * <pre>
 *  state      message                           action                                   next
 *  NEW        Connect, token known              ConnectAck 1                             OPEN
 *  NEW        Connect, anything wrong           ConnectAck 0                             closed
 *  NEW        anything else, or too late        ProtocolError                            closed
 *  OPEN       Connect, ConnectAck               ProtocolError                            closed
 *  OPEN       Ping                              PingResponse                             OPEN
 *  OPEN       PingResponse                      nothing                                  OPEN
 *  OPEN       ProtocolError, InternalError      nothing                                  closed
 *  OPEN       application, id = last + 1        new stream                               OPEN
 *  OPEN       application, live id              end of stream, or refused                OPEN
 *  OPEN       application, old id, terminate    nothing: both closed at once             OPEN
 *  OPEN       application, any other id         ProtocolError                            closed
 * </pre>
 */
final class ServerConnection {
  private static final Logger log = LoggerFactory.getLogger(ServerConnection.class);

  /** Nobody without a token makes the server hold more than this. */
  private static final int MAX_HANDSHAKE_BYTES = 4 * 1024;

  private static final int LARGE_BYTES = 64 * 1024;
  private static final int LARGE_SECONDS = 30;

  private final RpcServer server;
  private final RpcService service;
  private final SocketChannel channel;
  private final String user;
  private final long number;
  private final long opened = System.nanoTime();
  private final FrameWriter writer;
  private final ConcurrentHashMap<Integer, ServerStream> streams = new ConcurrentHashMap<>();
  private final AtomicBoolean closed = new AtomicBoolean();
  private volatile @Nullable String principal;
  private final AtomicInteger concurrent = new AtomicInteger();
  private int lastStreamId;

  ServerConnection(
      RpcServer server, RpcService service, SocketChannel channel, String user, long number) {
    this.server = server;
    this.service = service;
    this.channel = channel;
    this.user = user;
    this.number = number;
    RpcServer.Limits limits = server.limits();
    this.writer =
        new FrameWriter(
            channel,
            limits.maxQueuedBytes(),
            limits.writeDeadline(),
            this::closeChannel,
            server.events(),
            server.buffers());
  }

  String principal() {
    String name = principal;
    return name == null ? "(not authenticated)" : name;
  }

  long number() {
    return number;
  }

  /** The user of the host who opened the connection. */
  String user() {
    return user;
  }

  void start() {
    writer.start("ipc-write-" + number);
    Thread.ofVirtual().name("ipc-read-" + number).start(this::run);
  }

  void send(RpcMessage message) {
    writer.send(message.encode());
  }

  void send(byte[] frame) {
    writer.send(frame);
  }

  boolean offer(FrameTemplate template, int streamId, SharedEvent event) {
    return writer.offer(template, streamId, event);
  }

  FrameWriter writer() {
    return writer;
  }

  /** When it was accepted, by {@link System#nanoTime}. */
  long opened() {
    return opened;
  }

  /** Closes without a word; for a client that never said who it is. */
  void abort() {
    closeChannel();
  }

  void forget(int streamId) {
    streams.remove(streamId);
  }

  /** Ends the connection from the server's side; streams are told. */
  void close() {
    writer.drain();
    closeChannel();
  }

  private void closeChannel() {
    writer.close();
    try {
      channel.close();
    } catch (IOException e) {
      log.debug("closing connection {} of {}: {}", number, principal(), e.toString());
    }
  }

  private void run() {
    try {
      MessageReader reader =
          new MessageReader(new BufferedInputStream(Channels.newInputStream(channel), 16 * 1024));
      if (handshake(reader)) {
        log.debug("{} connected ({})", principal(), number);
        serve(reader);
      }
    } catch (EventStreamException e) {
      breach(e);
    } catch (IOException e) {
      log.debug("connection {} of {} ended: {}", number, principal(), e.toString());
    } catch (RuntimeException e) {
      log.error("connection {} of {} failed", number, principal(), e);
      lastWord(RpcMessage.protocolError(RpcMessage.Type.INTERNAL_ERROR, "internal server error"));
    } finally {
      end();
    }
  }

  private void end() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    writer.drain();
    closeChannel();
    for (ServerStream stream : List.copyOf(streams.values())) {
      stream.closedByPeer();
    }
    server.forget(this);
  }

  /** Damaged bytes end the connection in silence; a breach of the rules is named first. */
  private void breach(EventStreamException e) {
    switch (e.code()) {
      case PROTOCOL, MALFORMED -> {
        log.warn("connection of {} breaks the protocol: {}", principal(), e.getMessage());
        lastWord(
            RpcMessage.protocolError(
                RpcMessage.Type.PROTOCOL_ERROR, String.valueOf(e.getMessage())));
      }
      case CHECKSUM, TOO_LARGE ->
          log.warn("connection of {} sent a damaged message: {}", principal(), e.getMessage());
      case TIMEOUT -> log.warn("connection of {} is closed: {}", principal(), e.getMessage());
      default -> log.debug("connection {} of {} ended: {}", number, principal(), e.getMessage());
    }
  }

  private void lastWord(RpcMessage message) {
    try {
      send(message);
    } catch (EventStreamException e) {
      log.debug("client {} left before the last word: {}", principal(), e.getMessage());
    }
  }

  private boolean handshake(MessageReader reader) throws IOException {
    Future<?> deadline =
        server
            .timer()
            .schedule(
                this::closeChannel,
                server.limits().handshakeDeadline().toMillis(),
                TimeUnit.MILLISECONDS);
    EventStreamMessage first;
    try {
      first = reader.read(MAX_HANDSHAKE_BYTES);
    } finally {
      deadline.cancel(false);
    }
    if (first == null) {
      return false;
    }
    RpcMessage message = RpcMessage.of(first);
    if (message.type() != RpcMessage.Type.CONNECT) {
      throw new EventStreamException(PROTOCOL, "the first message must be Connect");
    }
    Optional<String> name = authenticate(message);
    if (name.isPresent()) {
      principal = name.get();
      boolean admitted = server.admit(this);
      send(RpcMessage.connectAck(admitted));
      return admitted;
    }
    server.refused();
    log.warn("a client was refused: wrong protocol version or unknown authentication token");
    send(RpcMessage.connectAck(false));
    return false;
  }

  private Optional<String> authenticate(RpcMessage connect) {
    if (!RpcMessage.VERSION.equals(connect.text(":version"))) {
      return Optional.empty();
    }
    try {
      JsonNode token = Payloads.object(connect.payload()).path("authToken");
      return token.isString() && !token.stringValue().isEmpty()
          ? service.authenticate(token.stringValue())
          : Optional.empty();
    } catch (EventStreamException e) {
      log.debug("handshake payload: {}", e.getMessage());
      return Optional.empty();
    }
  }

  private void serve(MessageReader reader) throws IOException {
    MessageCodec.Prelude next;
    boolean more = true;
    while (more && (next = reader.prelude(server.limits().maxMessageBytes())) != null) {
      more =
          next.totalBytes() <= LARGE_BYTES
              ? handle(RpcMessage.of(reader.rest(next)))
              : large(reader, next);
    }
  }

  /**
   * A large request waits until the others in memory leave room for it, and must then arrive in
   * time, because it keeps that room from others.
   */
  private boolean large(MessageReader reader, MessageCodec.Prelude next) throws IOException {
    int kib = Math.min(next.totalBytes(), server.limits().maxLargeBytes()) / 1024;
    try {
      if (!server.largeKib().tryAcquire(kib, LARGE_SECONDS, TimeUnit.SECONDS)) {
        throw new EventStreamException(
            TIMEOUT, "no memory for a message of " + next.totalBytes() + " bytes");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
    try {
      Future<?> deadline =
          server.timer().schedule(this::closeChannel, LARGE_SECONDS, TimeUnit.SECONDS);
      EventStreamMessage message;
      try {
        message = reader.rest(next);
      } finally {
        deadline.cancel(false);
      }
      return handle(RpcMessage.of(message));
    } finally {
      server.largeKib().release(kib);
    }
  }

  /** False when the client says that it leaves. */
  private boolean handle(RpcMessage message) {
    switch (message.type()) {
      case PING -> send(RpcMessage.pong(message));
      case PING_RESPONSE -> {}
      case CONNECT, CONNECT_ACK ->
          throw new EventStreamException(PROTOCOL, "the connection is already established");
      case PROTOCOL_ERROR, INTERNAL_ERROR -> {
        log.warn("{} reports a protocol error and leaves", principal());
        return false;
      }
      case APPLICATION_MESSAGE, APPLICATION_ERROR -> application(message);
    }
    return true;
  }

  private void application(RpcMessage message) {
    int id = message.streamId();
    ServerStream live = streams.get(id);
    if (live != null) {
      if (message.has(RpcMessage.TERMINATE)) {
        live.closedByPeer();
      } else {
        live.fail(
            RpcError.modelled(
                "aws#UnsupportedOperation",
                Json.object()
                    .put("message", live.operation().name() + " takes no further messages")));
      }
      return;
    }
    if (id <= lastStreamId) {
      if (message.has(RpcMessage.TERMINATE)) {
        return;
      }
      throw new EventStreamException(PROTOCOL, "stream " + id + " is closed");
    }
    if (id != lastStreamId + 1) {
      throw new EventStreamException(
          PROTOCOL, "stream " + id + " follows " + lastStreamId + "; ids must not leave gaps");
    }
    lastStreamId = id;
    if (message.has(RpcMessage.TERMINATE)) {
      return;
    }
    open(id, message);
  }

  private void open(int id, RpcMessage message) {
    String name = message.text("operation");
    if (name == null) {
      throw new EventStreamException(PROTOCOL, "the first message of a stream names no operation");
    }
    Optional<RpcOperation> found = service.operation(name);
    if (found.isEmpty()) {
      send(RpcMessage.error(id, RpcError.unknownOperation(name)));
      return;
    }
    RpcOperation operation = found.get();
    int limit = server.limits().maxStreamsPerConnection();
    if (streams.size() >= limit) {
      send(RpcMessage.error(id, service.tooManyStreams(limit)));
      return;
    }
    ObjectNode request;
    try {
      request = Payloads.object(message.payload());
    } catch (EventStreamException e) {
      send(RpcMessage.error(id, service.malformedRequest(name, String.valueOf(e.getMessage()))));
      return;
    }
    ServerStream stream = new ServerStream(this, id, operation);
    streams.put(id, stream);
    switch (operation.order()) {
      case IN_ORDER -> handle(stream, request);
      case CONCURRENT -> handleConcurrently(stream, request);
    }
  }

  private void handleConcurrently(ServerStream stream, ObjectNode request) {
    int limit = server.limits().maxConcurrentPerConnection();
    if (concurrent.incrementAndGet() > limit) {
      concurrent.decrementAndGet();
      stream.fail(service.tooManyRequests(limit));
      return;
    }
    Thread.ofVirtual()
        .name("ipc-" + stream.key())
        .start(
            () -> {
              try {
                handle(stream, request);
              } finally {
                concurrent.decrementAndGet();
              }
            });
  }

  private void handle(ServerStream stream, ObjectNode request) {
    try {
      stream.operation().handler().handle(stream, request);
    } catch (RpcError e) {
      stream.fail(e);
    } catch (RuntimeException e) {
      log.error("{} of {} failed", stream.operation().name(), principal(), e);
      stream.fail(RpcError.internal());
    }
  }
}
