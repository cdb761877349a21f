package io.ryegrass.eventstream;

import static io.ryegrass.eventstream.EventStreamException.Code.ACCESS_DENIED;
import static io.ryegrass.eventstream.EventStreamException.Code.CLOSED;
import static io.ryegrass.eventstream.EventStreamException.Code.PROTOCOL;
import static io.ryegrass.eventstream.EventStreamException.Code.TIMEOUT;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A small client of the RPC protocol: calls, subscriptions, ping. Components use the official SDKs;
 * this one serves the command line and the tests. Safe for any thread.
 */
public final class RpcClient implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RpcClient.class);
  private static final Duration HANDSHAKE = Duration.ofSeconds(10);

  private final SocketChannel channel;
  private final FrameWriter writer;
  private final CompletableFuture<Boolean> accepted = new CompletableFuture<>();
  private final Map<Integer, Stream> streams = new ConcurrentHashMap<>();
  private final ReentrantLock opening = new ReentrantLock();
  private int lastStreamId;
  private volatile @Nullable CompletableFuture<byte[]> ping;
  private volatile boolean closed;

  private RpcClient(SocketChannel channel) {
    this.channel = channel;
    this.writer =
        new FrameWriter(
            channel,
            1 << 20,
            Duration.ofSeconds(5),
            this::closeChannel,
            new EventBudget(0, 0, 0),
            new WriteBuffers());
  }

  /**
   * Connects and authenticates.
   *
   * @throws EventStreamException ACCESS_DENIED for a wrong token, CLOSED when nobody listens,
   *     TIMEOUT
   */
  public static RpcClient connect(Path socket, String authToken) {
    RpcClient client;
    try (SocketPath path = SocketPath.of(socket)) {
      client = new RpcClient(SocketChannel.open(path.address()));
    } catch (IOException e) {
      throw new EventStreamException(
          CLOSED, "nobody answers on the socket " + socket + ": " + e.getMessage(), e);
    }
    try {
      client.writer.start("rpc-client-write");
      Thread.ofVirtual().name("rpc-client-read").start(client::read);
      client.writer.send(RpcMessage.connect(authToken).encode());
      if (!await(client.accepted, HANDSHAKE, "the handshake")) {
        throw new EventStreamException(
            ACCESS_DENIED, "the server refused the authentication token");
      }
      return client;
    } catch (RuntimeException e) {
      client.close();
      throw e;
    }
  }

  /**
   * A unary call.
   *
   * @param operation fully qualified, such as {@code aws.greengrass#GetConfiguration}
   * @throws RpcError what the operation answered
   * @throws EventStreamException CLOSED or TIMEOUT
   */
  public ObjectNode call(String operation, JsonNode request, Duration deadline) {
    Stream stream = open(operation, request, event -> {});
    try {
      return await(stream.response, deadline, operation);
    } finally {
      stream.close();
    }
  }

  /**
   * Opens a streaming operation and waits for its first response.
   *
   * @param events called on the connection's reading thread, one after the other
   */
  public Stream subscribe(
      String operation, JsonNode request, Duration deadline, Consumer<ObjectNode> events) {
    Stream stream = open(operation, request, events);
    try {
      await(stream.response, deadline, operation);
      return stream;
    } catch (RuntimeException e) {
      stream.close();
      throw e;
    }
  }

  /** Sends a ping and returns the payload that came back. One at a time. */
  public byte[] ping(byte[] payload, Duration deadline) {
    CompletableFuture<byte[]> answer = new CompletableFuture<>();
    ping = answer;
    writer.send(new RpcMessage(RpcMessage.Type.PING, 0, 0, List.of(), payload).encode());
    return await(answer, deadline, "ping");
  }

  private Stream open(String operation, JsonNode request, Consumer<ObjectNode> events) {
    // ids must reach the wire in their order
    opening.lock();
    try {
      if (closed) {
        throw new EventStreamException(CLOSED, "the connection is closed");
      }
      Stream stream = new Stream(++lastStreamId, events);
      streams.put(stream.id, stream);
      writer.send(
          RpcMessage.data(stream.id, false, operation, operation + "Request", request).encode());
      return stream;
    } finally {
      opening.unlock();
    }
  }

  private void read() {
    EventStreamException reason =
        new EventStreamException(CLOSED, "the server closed the connection");
    try {
      MessageReader reader =
          new MessageReader(new BufferedInputStream(Channels.newInputStream(channel), 16 * 1024));
      EventStreamMessage next;
      while ((next = reader.read(MessageCodec.MAX_MESSAGE_BYTES)) != null) {
        take(RpcMessage.of(next));
      }
    } catch (EventStreamException e) {
      reason = e;
    } catch (IOException e) {
      reason = new EventStreamException(CLOSED, "the connection broke: " + e.getMessage(), e);
    } finally {
      closed = true;
      closeChannel();
      accepted.completeExceptionally(reason);
      CompletableFuture<byte[]> waiting = ping;
      if (waiting != null) {
        waiting.completeExceptionally(reason);
      }
      for (Stream stream : List.copyOf(streams.values())) {
        stream.ended(reason);
      }
    }
  }

  private void take(RpcMessage message) {
    switch (message.type()) {
      case CONNECT_ACK -> accepted.complete(message.has(RpcMessage.CONNECTION_ACCEPTED));
      case PING -> writer.send(RpcMessage.pong(message).encode());
      case PING_RESPONSE -> {
        CompletableFuture<byte[]> waiting = ping;
        if (waiting != null) {
          waiting.complete(message.payload());
        }
      }
      case CONNECT -> throw new EventStreamException(PROTOCOL, "the server sent Connect");
      case PROTOCOL_ERROR, INTERNAL_ERROR ->
          throw new EventStreamException(
              PROTOCOL,
              Payloads.object(message.payload()).path("message").asString("(no message)"));
      case APPLICATION_MESSAGE, APPLICATION_ERROR -> {
        Stream stream = streams.get(message.streamId());
        if (stream != null) {
          stream.take(message);
        }
      }
    }
  }

  private static <T> T await(CompletableFuture<T> future, Duration deadline, String what) {
    try {
      return future.get(deadline.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new EventStreamException(
          TIMEOUT, "no answer to " + what + " within " + deadline.toMillis() + " ms", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new EventStreamException(CLOSED, "interrupted while waiting for " + what, e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new EventStreamException(CLOSED, what + " failed", e);
    }
  }

  private void closeChannel() {
    writer.close();
    try {
      channel.close();
    } catch (IOException e) {
      log.debug("closing a client connection: {}", e.toString());
    }
  }

  @Override
  public void close() {
    writer.drain();
    closeChannel();
  }

  /** The client's side of a stream. */
  public final class Stream implements AutoCloseable {
    private final int id;
    private final Consumer<ObjectNode> events;
    private final CompletableFuture<ObjectNode> response = new CompletableFuture<>();
    private final CompletableFuture<Void> end = new CompletableFuture<>();

    private Stream(int id, Consumer<ObjectNode> events) {
      this.id = id;
      this.events = events;
    }

    /** Completes when the stream ended: normally when a side closed it, else with the error. */
    public CompletableFuture<Void> end() {
      return end.copy();
    }

    private void take(RpcMessage message) {
      if (message.type() == RpcMessage.Type.APPLICATION_ERROR) {
        ended(RpcError.received(message));
        return;
      }
      if (message.text("service-model-type") != null) {
        ObjectNode body = Payloads.object(message.payload());
        if (!response.complete(body)) {
          deliver(body);
        }
      }
      if (message.has(RpcMessage.TERMINATE)) {
        streams.remove(id);
        end.complete(null);
        response.completeExceptionally(
            new EventStreamException(CLOSED, "the server closed the stream without a response"));
      }
    }

    private void deliver(ObjectNode event) {
      try {
        events.accept(event);
      } catch (RuntimeException e) {
        log.warn("a subscriber failed on an event", e);
      }
    }

    private void ended(RuntimeException reason) {
      streams.remove(id);
      response.completeExceptionally(reason);
      end.completeExceptionally(reason);
    }

    /** Tells the server that no more is wanted; does nothing on a stream that has ended. */
    @Override
    public void close() {
      if (streams.remove(id) != null && !closed) {
        writer.send(RpcMessage.close(id).encode());
        end.complete(null);
      }
    }
  }
}
