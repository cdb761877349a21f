package io.ryegrass.mqtt;

import static java.util.Objects.requireNonNull;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.concurrent.Future;
import io.ryegrass.mqtt.MqttClientException.Kind;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** The client's side of one connection; all state belongs to the channel's event loop. */
final class ClientConnection extends ChannelInboundHandlerAdapter {
  /** Messages of QoS 1 that wait until the server takes more. */
  static final int MOST_WAITING = 1000;

  /** Received messages that the listener has not taken; beyond that, reading stops. */
  private static final int MOST_UNTAKEN = 1000;

  private static final long MOST_UNTAKEN_BYTES = 8L << 20;

  private enum State {
    GREETING,
    OPEN,
    ENDED
  }

  /** What waits for an acknowledgement; exactly one of the two futures is there. */
  private record Pending(
      @Nullable CompletableFuture<Integer> message,
      @Nullable CompletableFuture<MqttClient.Answer> request,
      boolean subscribe,
      int filters) {}

  private record Waiting(MqttMessage message, CompletableFuture<Integer> result) {}

  private final MqttClientOptions options;
  private final Executor messages;
  private final MqttClient.Listener listener;
  private final CompletableFuture<ServerGrants> greeting = new CompletableFuture<>();
  private final Map<Integer, Pending> pending = new HashMap<>();
  private final Deque<Waiting> waiting = new ArrayDeque<>();

  private @Nullable ChannelHandlerContext context;
  private State state = State.GREETING;
  private @Nullable ServerGrants grants;
  private int inFlight;
  private int lastId;
  private int owedAcks;
  private int untaken;
  private long untakenBytes;
  private boolean paused;
  private boolean flushing;
  private long lastReadNanos;
  private long lastWriteNanos;
  private long pingNanos;
  private boolean pinged;
  private @Nullable Future<?> timer;

  ClientConnection(MqttClientOptions options, Executor messages, MqttClient.Listener listener) {
    this.options = options;
    this.messages = messages;
    this.listener = listener;
  }

  CompletableFuture<ServerGrants> greeting() {
    return greeting;
  }

  void unreachable(@Nullable Throwable cause) {
    greeting.completeExceptionally(failure(Kind.UNREACHABLE, 0, words(cause), cause));
  }

  CompletableFuture<Integer> publish(MqttMessage message) {
    CompletableFuture<Integer> result = new CompletableFuture<>();
    onLoop(result, () -> publish(message, result));
    return result;
  }

  CompletableFuture<MqttClient.Answer> subscribe(List<MqttClient.Filter> filters) {
    CompletableFuture<MqttClient.Answer> result = new CompletableFuture<>();
    onLoop(
        result,
        () ->
            request(
                new Pending(null, result, true, filters.size()),
                id ->
                    ClientPacketEncoder.subscribe(ctx().alloc(), options.version(), id, filters)));
    return result;
  }

  CompletableFuture<MqttClient.Answer> unsubscribe(List<String> filters) {
    CompletableFuture<MqttClient.Answer> result = new CompletableFuture<>();
    onLoop(
        result,
        () ->
            request(
                new Pending(null, result, false, filters.size()),
                id ->
                    ClientPacketEncoder.unsubscribe(
                        ctx().alloc(), options.version(), id, filters)));
    return result;
  }

  void abort(String reason) {
    onLoop(null, () -> end(reason, 0, false));
  }

  void disconnect() {
    onLoop(null, () -> bye(ReasonCode.SUCCESS, "closed"));
  }

  private void onLoop(@Nullable CompletableFuture<?> result, Runnable task) {
    ChannelHandlerContext c = context;
    try {
      if (c != null) {
        c.executor()
            .execute(
                () -> {
                  if (state == State.OPEN) {
                    task.run();
                  } else if (result != null) {
                    result.completeExceptionally(ended("it is closed"));
                  }
                });
        return;
      }
    } catch (RejectedExecutionException e) {
      // the event loop is gone: answered below
    }
    if (result != null) {
      result.completeExceptionally(ended("it is closed"));
    }
  }

  private ChannelHandlerContext ctx() {
    return requireNonNull(context);
  }

  // ---- sending, on the event loop

  private void publish(MqttMessage message, CompletableFuture<Integer> result) {
    String fault = fault(message);
    if (fault != null) {
      result.completeExceptionally(
          failure(
              Kind.NOT_SENDABLE,
              0,
              "the message for '" + message.topic() + "' was not sent: " + fault,
              null));
    } else if (message.qos() == 0) {
      write(ClientPacketEncoder.publish(ctx().alloc(), options.version(), message, 0), result);
    } else if (inFlight < requireNonNull(grants).receiveMaximum() && waiting.isEmpty()) {
      send(message, result);
    } else if (waiting.size() < MOST_WAITING) {
      waiting.addLast(new Waiting(message, result));
    } else {
      result.completeExceptionally(
          failure(Kind.BUSY, 0, MOST_WAITING + " messages wait for the server already", null));
    }
  }

  private @Nullable String fault(MqttMessage m) {
    ServerGrants g = requireNonNull(grants);
    String topic = m.topic();
    if (topic.isEmpty()
        || topic.indexOf('#') >= 0
        || topic.indexOf('+') >= 0
        || MessageProperties.isNoText(topic)) {
      return "that is no topic name";
    }
    if (m.qos() < 0 || m.qos() > Math.min(1, g.maximumQos())) { // [MQTT5-3.2.2-11]
      return "QoS " + m.qos() + " is not available";
    }
    if (m.retain() && !g.retainAvailable()) { // [MQTT5-3.2.2-14]
      return "the server keeps no messages";
    }
    if (options.version() == 5) {
      String fault = m.properties().fault();
      if (fault != null) {
        return fault;
      }
    }
    long size = ClientPacketEncoder.publishSize(options.version(), m);
    long most = g.maximumPacketSize() == 0 ? 268_435_460 : g.maximumPacketSize();
    return size > most // [MQTT5-3.2.2-15]
        ? "its packet has " + size + " bytes, the server takes " + most
        : null;
  }

  private void send(MqttMessage message, CompletableFuture<Integer> result) {
    int id = nextId();
    pending.put(id, new Pending(result, null, false, 0));
    inFlight++;
    write(ClientPacketEncoder.publish(ctx().alloc(), options.version(), message, id), null);
  }

  private interface Packet {
    ByteBuf of(int packetId);
  }

  private void request(Pending p, Packet packet) {
    CompletableFuture<MqttClient.Answer> result = requireNonNull(p.request());
    if (p.filters() == 0) {
      result.completeExceptionally(failure(Kind.NOT_SENDABLE, 0, "no filter was given", null));
      return;
    }
    if (pending.size() >= 60_000) {
      result.completeExceptionally(failure(Kind.BUSY, 0, "too many requests wait", null));
      return;
    }
    int id = nextId();
    ByteBuf out = packet.of(id);
    long most = requireNonNull(grants).maximumPacketSize();
    if (most != 0 && out.readableBytes() > most) {
      out.release();
      result.completeExceptionally(
          failure(Kind.NOT_SENDABLE, 0, "the packet is larger than the server takes", null));
      return;
    }
    pending.put(id, p);
    write(out, null);
  }

  /** [MQTT5-2.2.1-3]: not zero and not in use; there are never that many in use. */
  private int nextId() {
    do {
      lastId = lastId == 65_535 ? 1 : lastId + 1;
    } while (pending.containsKey(lastId));
    return lastId;
  }

  private void write(ByteBuf packet, @Nullable CompletableFuture<Integer> written) {
    lastWriteNanos = System.nanoTime();
    var future = ctx().write(packet);
    if (written != null) {
      future.addListener(
          f -> {
            if (f.isSuccess()) {
              written.complete(0);
            } else {
              written.completeExceptionally(ended(words(f.cause())));
            }
          });
    }
    if (!flushing) { // one system call for what comes together
      flushing = true;
      ctx()
          .executor()
          .execute(
              () -> {
                flushing = false;
                ctx().flush();
              });
    }
  }

  /** DISCONNECT and the end. */
  private void bye(int reasonCode, String reason) {
    if (state == State.ENDED) {
      return;
    }
    ChannelHandlerContext c = ctx();
    c.writeAndFlush(ClientPacketEncoder.disconnect(c.alloc(), options.version(), reasonCode))
        .addListener(f -> c.close());
    finish(reason, 0, false);
  }

  // ---- receiving

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    lastWriteNanos = System.nanoTime();
    ctx.writeAndFlush(ClientPacketEncoder.connect(ctx.alloc(), options));
    ctx.fireChannelActive();
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object received) {
    if (state == State.ENDED) {
      return;
    }
    lastReadNanos = System.nanoTime();
    pinged = false;
    switch (received) {
      case MalformedPacketException fault -> {
        String what = "the server broke the protocol: " + fault.getMessage();
        if (state == State.GREETING) {
          end(what, 0, false);
        } else {
          bye(fault.reasonCode(), what);
        }
      }
      case ServerPacket.ConnAck ack -> greeted(ack);
      case ServerPacket.Publish p -> message(p);
      case ServerPacket.PubAck ack -> acknowledged(ack);
      case ServerPacket.Codes codes -> answered(codes);
      case ServerPacket.PingResponse p -> {
        // that something came is noted above
      }
      case ServerPacket.Disconnect d -> end(ReasonText.of(d.code(), d.reason()), d.code(), true);
      default -> throw new AssertionError(received);
    }
  }

  private void greeted(ServerPacket.ConnAck ack) {
    if (ack.code() != 0) {
      greeting.completeExceptionally(
          failure(
              Kind.CONNECT_REFUSED,
              ack.code(),
              options.version() == 5
                  ? ReasonText.of(ack.code(), ack.reason())
                  : ReasonText.ofReturnCode(ack.code()),
              null));
      end("refused", ack.code(), true);
      return;
    }
    if (ack.sessionPresent() && options.cleanStart()) { // [MQTT5-3.2.2-4]
      end(
          "the server broke the protocol: it has a session where a clean start was asked for",
          0,
          false);
      return;
    }
    ServerGrants g =
        new ServerGrants(
            ack.sessionPresent(),
            ack.receiveMaximum(),
            ack.maximumQos(),
            ack.retainAvailable(),
            ack.maximumPacketSize(),
            ack.serverKeepAliveSeconds() >= 0
                ? ack.serverKeepAliveSeconds()
                : options.keepAliveSeconds(),
            ack.sessionExpirySeconds() >= 0
                ? ack.sessionExpirySeconds()
                : options.sessionExpirySeconds(),
            ack.wildcardsAvailable(),
            ack.sharedAvailable(),
            ack.assignedClientId());
    grants = g;
    state = State.OPEN;
    if (g.keepAliveSeconds() > 0) {
      lookLater(TimeUnit.SECONDS.toNanos(g.keepAliveSeconds()));
    }
    greeting.complete(g);
  }

  private void message(ServerPacket.Publish p) {
    MqttMessage m = p.message();
    if (m.qos() > 0 && ++owedAcks > options.receiveMaximum() && options.version() == 5) {
      bye(
          ReasonCode.RECEIVE_MAXIMUM_EXCEEDED, // [MQTT5-3.3.4-9]
          "the server broke the protocol: more than "
              + options.receiveMaximum()
              + " unacknowledged messages");
      return;
    }
    long size = (long) m.payload().length + m.topic().length();
    untaken++;
    untakenBytes += size;
    if (!paused && (untaken >= MOST_UNTAKEN || untakenBytes >= MOST_UNTAKEN_BYTES)) {
      paused = true;
      ctx().channel().config().setAutoRead(false);
    }
    AtomicBoolean done = new AtomicBoolean(m.qos() == 0);
    Runnable acknowledge =
        () -> {
          if (done.compareAndSet(false, true)) {
            onLoop(null, () -> acknowledge(p.packetId()));
          }
        };
    try {
      messages.execute(
          () -> {
            try {
              listener.message(m, acknowledge);
            } finally {
              onLoop(null, () -> taken(size));
            }
          });
    } catch (RejectedExecutionException e) {
      // not acknowledged, so the server sends it again to the next connection
      end("nobody takes messages any more", 0, false);
    }
  }

  private void acknowledge(int packetId) {
    owedAcks--;
    write(ClientPacketEncoder.pubAck(ctx().alloc(), packetId), null);
  }

  private void taken(long size) {
    untaken--;
    untakenBytes -= size;
    if (paused && untaken <= MOST_UNTAKEN / 2 && untakenBytes <= MOST_UNTAKEN_BYTES / 2) {
      paused = false;
      lastReadNanos = System.nanoTime();
      pinged = false;
      ctx().channel().config().setAutoRead(true);
    }
  }

  private void acknowledged(ServerPacket.PubAck ack) {
    Pending p = pending.get(ack.packetId());
    if (p == null || p.message() == null) {
      bye(
          ReasonCode.PROTOCOL_ERROR,
          "the server broke the protocol: it acknowledged a message that was not sent");
      return;
    }
    pending.remove(ack.packetId());
    inFlight--;
    Waiting next = waiting.pollFirst();
    if (next != null) {
      send(next.message(), next.result());
    }
    if (ack.code() < 0x80) {
      p.message().complete(ack.code());
    } else {
      p.message()
          .completeExceptionally(
              failure(
                  Kind.PUBLISH_REFUSED, ack.code(), ReasonText.of(ack.code(), ack.reason()), null));
    }
  }

  private void answered(ServerPacket.Codes codes) {
    Pending p = pending.get(codes.packetId());
    if (p == null
        || p.request() == null
        || p.subscribe() != codes.subscribed()
        || (codes.codes().length != p.filters()
            && (codes.subscribed() || options.version() == 5))) {
      bye(
          ReasonCode.PROTOCOL_ERROR,
          "the server broke the protocol: it answered a request that was not made so");
      return;
    }
    pending.remove(codes.packetId());
    List<Integer> all = new ArrayList<>(codes.codes().length);
    for (int code : codes.codes()) {
      all.add(code);
    }
    p.request().complete(new MqttClient.Answer(List.copyOf(all), codes.reason()));
  }

  // ---- being alive

  private void lookLater(long nanos) {
    timer = ctx().executor().schedule(this::look, Math.max(1, nanos), TimeUnit.NANOSECONDS);
  }

  /**
   * A ping goes out when nothing was sent, or nothing came, for the time of the keep-alive: the one
   * keeps the server content [MQTT5-3.1.2-20], the other shows that it is there (LESSON-08). While
   * reading is paused, silence shows nothing.
   */
  private void look() {
    if (state != State.OPEN) {
      return;
    }
    long now = System.nanoTime();
    long period = TimeUnit.SECONDS.toNanos(requireNonNull(grants).keepAliveSeconds());
    if (pinged && !paused && now - pingNanos >= options.pingTimeout().toNanos()) {
      end("no answer to a ping in " + options.pingTimeout().toMillis() + " ms", 0, false);
      return;
    }
    long silent = Math.max(now - lastWriteNanos, paused ? 0 : now - lastReadNanos);
    if (silent >= period && (!pinged || now - lastWriteNanos >= period)) {
      if (!pinged) {
        pinged = true;
        pingNanos = now;
      }
      write(ClientPacketEncoder.pingRequest(ctx().alloc()), null);
    }
    long untilPing = period - Math.max(now - lastWriteNanos, pinged ? 0 : now - lastReadNanos);
    long untilDead = options.pingTimeout().toNanos() - (now - pingNanos);
    long floor = TimeUnit.MILLISECONDS.toNanos(20);
    lookLater(Math.max(floor, pinged ? Math.min(untilDead, untilPing) : untilPing));
  }

  // ---- the end

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof SslHandshakeCompletionEvent tls && !tls.isSuccess()) {
      end("TLS failed: " + words(tls.cause()), 0, false);
    }
    ctx.fireUserEventTriggered(event);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    // a server that closes with input unread resets the connection
    end(words(cause), 0, cause instanceof IOException && state == State.OPEN);
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    end("the other side closed the connection", 0, true);
    ctx.fireChannelInactive();
  }

  private void end(String reason, int reasonCode, boolean byServer) {
    if (state != State.ENDED) {
      finish(reason, reasonCode, byServer);
      ctx().close();
    }
  }

  private void finish(String reason, int reasonCode, boolean byServer) {
    boolean wasOpen = state == State.OPEN;
    state = State.ENDED;
    if (timer != null) {
      timer.cancel(false);
    }
    greeting.completeExceptionally(failure(Kind.UNREACHABLE, reasonCode, reason, null));
    if (wasOpen) {
      // before those who wait learn of it, so that they find the connection gone
      listener.ended(new MqttClient.End(reason, reasonCode, byServer));
    }
    MqttClientException failure = ended(reason);
    for (Pending p : pending.values()) {
      if (p.message() != null) {
        p.message().completeExceptionally(failure);
      } else if (p.request() != null) {
        p.request().completeExceptionally(failure);
      }
    }
    pending.clear();
    waiting.forEach(w -> w.result().completeExceptionally(failure));
    waiting.clear();
  }

  private static MqttClientException ended(String reason) {
    return failure(Kind.DISCONNECTED, 0, "the connection ended: " + reason, null);
  }

  private static MqttClientException failure(
      Kind kind, int code, String message, @Nullable Throwable cause) {
    return new MqttClientException(kind, code, message, cause);
  }

  /** The innermost cause says most. */
  private static String words(@Nullable Throwable cause) {
    Throwable root = cause;
    while (root != null && root.getCause() != null && root.getCause() != root) {
      root = root.getCause();
    }
    return root == null
        ? "unknown"
        : root.getMessage() == null ? root.toString() : root.getMessage();
  }
}
