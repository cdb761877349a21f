package io.ryegrass.mqtt;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.AttributeKey;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.EventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One socket: what comes in is handed to {@link ConnectionPackets} in its order, what goes out is
 * collected by {@link Output} and written once per batch.
 *
 * <p>A packet is handled on the event loop when that needs nobody else; what may block (host code,
 * the disk) goes through {@link Mailbox} to a virtual thread, and so does everything behind it
 * until the mailbox is empty again. When the mailbox is full, too many answers wait for the disk,
 * the client does not take what is written, or it sends faster than it may, nothing more is read
 * from it: the back-pressure is TCP's.
 */
final class Connection extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

  /** What {@link WebHost#admit} said. */
  static final AttributeKey<Object> ADMISSION = AttributeKey.valueOf("mqtt.admission");

  /** How long a client has to read why its connection ends. */
  private static final Duration LINGER = Duration.ofSeconds(1);

  private final Engine engine;
  private final Limits limits;
  private final LoopState loop;
  private final ConnectionPackets packets;
  private final Mailbox mailbox;
  private final AtomicReference<@Nullable String> endReason = new AtomicReference<>();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final AtomicBoolean pumpScheduled = new AtomicBoolean();

  private volatile @Nullable ChannelHandlerContext context;
  private @Nullable Output output;
  private @Nullable RateLimit rate;
  private volatile long lastReadNanos;
  private long unwritableSince;
  private boolean inBatch;
  private boolean touched;
  private boolean pumpWanted;
  private boolean held;

  Connection(Engine engine, LoopState loop) {
    this.engine = engine;
    this.limits = engine.limits();
    this.loop = loop;
    this.lastReadNanos = System.nanoTime();
    this.packets = new ConnectionPackets(engine, this);
    this.mailbox = new Mailbox(engine.threads(), limits.maxPendingPackets(), this);
    if (limits.publishesPerSecond() > 0 || limits.bytesPerSecond() > 0) {
      rate = new RateLimit(limits.publishesPerSecond(), limits.bytesPerSecond());
    }
  }

  // ---- event loop ----

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
    output = new Output(ctx, engine.counters(), loop.latencies());
    if (ctx.channel().isActive()) {
      begin(ctx);
    }
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    begin(ctx);
    ctx.fireChannelActive();
  }

  private boolean begun;
  private boolean registered;

  private void begin(ChannelHandlerContext ctx) {
    if (begun) {
      return;
    }
    begun = true;
    registered = engine.register(this);
    if (!registered) {
      ctx.close();
      return;
    }
    ctx.executor()
        .schedule(
            () -> {
              if (!packets.connectSeen()) {
                terminate(DisconnectReason.CONNECTION_LOST.name());
              }
            },
            limits.connectTimeout().toMillis(),
            TimeUnit.MILLISECONDS);
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object msg) {
    if (!inBatch) {
      inBatch = true;
      loop.begin();
      lastReadNanos = loop.nanos();
    }
    if (endReason.get() != null) {
      ReferenceCountUtil.release(msg);
    } else if (msg instanceof Packet packet) {
      if (packet instanceof Packet.Publish publish) {
        paceOf(publish);
      }
      packets.receive(packet);
      loop.packetDone();
    } else if (msg instanceof MalformedPacketException malformed) {
      packets.malformed(malformed);
    } else {
      ReferenceCountUtil.release(msg);
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    if (inBatch) {
      inBatch = false;
      loop.end();
    }
    ctx.fireChannelReadComplete();
  }

  private void paceOf(Packet.Publish publish) {
    RateLimit pace = rate;
    if (pace == null) {
      return;
    }
    long pause = pace.take(publish.bytes(), loop.nanos());
    ChannelHandlerContext ctx = context;
    if (pause > 0 && !held && ctx != null) {
      held = true;
      engine.counters().throttled.increment();
      if (pace.firstOfMinute(loop.nanos())) {
        LOG.info(
            "MQTT client {} sends more than {} messages or {} bytes per second and is read from more slowly",
            packets.describe(),
            limits.publishesPerSecond(),
            limits.bytesPerSecond());
      }
      updateReading(ctx.channel());
      ctx.executor().schedule(() -> readOn(ctx, pace), pause, TimeUnit.NANOSECONDS);
    }
  }

  /** What came with the same read was taken, too, and is to be waited for. */
  private void readOn(ChannelHandlerContext ctx, RateLimit pace) {
    long left = pace.left(System.nanoTime());
    if (left > 0) {
      ctx.executor().schedule(() -> readOn(ctx, pace), left, TimeUnit.NANOSECONDS);
    } else {
      held = false;
      updateReading(ctx.channel());
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    endReason.compareAndSet(null, DisconnectReason.CONNECTION_LOST.name());
    if (inBatch) {
      inBatch = false;
      loop.end();
    }
    if (registered) {
      registered = false;
      engine.socketClosed();
    }
    mailbox.end();
    Output out = output;
    if (out != null) {
      out.release();
    }
    ctx.fireChannelInactive();
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    if (ctx.channel().isWritable()) {
      unwritableSince = 0;
      wantsPump();
    } else if (unwritableSince == 0) {
      long since = System.nanoTime();
      unwritableSince = since;
      ctx.executor()
          .schedule(
              () -> {
                if (unwritableSince == since && ctx.channel().isActive()) {
                  engine.counters().stalledWriters.increment();
                  LOG.info("MQTT client {} takes no data and is disconnected", packets.describe());
                  terminate(DisconnectReason.CONNECTION_LOST.name());
                }
              },
              limits.stalledWriteTimeout().toMillis(),
              TimeUnit.MILLISECONDS);
    }
    updateReading(ctx.channel());
    ctx.fireChannelWritabilityChanged();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    Throwable root = cause.getCause() == null ? cause : cause.getCause();
    if (root instanceof SSLException) {
      LOG.info("TLS with {} failed: {}", ctx.channel().remoteAddress(), root.getMessage());
    } else if (!(cause instanceof IOException)) {
      LOG.warn("The connection of MQTT client {} failed and is closed", packets.describe(), cause);
    }
    terminate(DisconnectReason.CONNECTION_LOST.name());
  }

  /** Reads on, or not, as the mailbox, the client's own reading and its pace have it. */
  void updateReading() {
    ChannelHandlerContext ctx = context;
    if (ctx != null) {
      updateReading(ctx.channel());
    }
  }

  private void updateReading(Channel of) {
    boolean read = !mailbox.isFull() && !packets.waitsForDisk() && !held && of.isWritable();
    if (of.config().isAutoRead() != read) {
      of.config().setAutoRead(read);
    }
  }

  /** After 1.5 times the keep-alive without a packet the connection ends [MQTT-3.1.2-24]. */
  void watchKeepAlive(Duration keepAlive) {
    ChannelHandlerContext ctx = context;
    if (ctx != null) {
      long allowed = keepAlive.toNanos() * 3 / 2;
      ctx.executor().schedule(() -> checkKeepAlive(ctx, allowed), allowed, TimeUnit.NANOSECONDS);
    }
  }

  private void checkKeepAlive(ChannelHandlerContext ctx, long allowed) {
    if (!ctx.channel().isActive()) {
      return;
    }
    if (!ctx.channel().config().isAutoRead()) {
      lastReadNanos = System.nanoTime(); // silent because we do not listen
    }
    long left = allowed - (System.nanoTime() - lastReadNanos);
    if (left <= 0) {
      engine.counters().keepAliveTimeouts.increment();
      packets.disconnect(
          ReasonCode.KEEP_ALIVE_TIMEOUT, null, DisconnectReason.MQTT_KEEP_ALIVE_TIMEOUT.name());
    } else {
      ctx.executor().schedule(() -> checkKeepAlive(ctx, allowed), left, TimeUnit.NANOSECONDS);
    }
  }

  // ---- order of input ----

  Mailbox mailbox() {
    return mailbox;
  }

  ConnectionPackets packets() {
    return packets;
  }

  /** The last call for this connection, when everything that was received has been handled. */
  void finish() {
    try {
      // A client may close its socket before its DISCONNECT is handled: then the packet is the
      // reason, not the close.
      String reason =
          packets.disconnectReceived()
              ? DisconnectReason.CLIENT_INITIATED_DISCONNECT.name()
              : endReason.get();
      packets.end(reason == null ? DisconnectReason.CONNECTION_LOST.name() : reason);
    } finally {
      engine.unregister(this);
      ended.countDown();
    }
  }

  /** The broker is closed before this could be done. */
  void abandoned() {
    ended.countDown();
  }

  // ---- output, on the event loop ----

  boolean inEventLoop() {
    ChannelHandlerContext ctx = context;
    return ctx != null && ctx.executor().inEventLoop();
  }

  /** On the event loop: whether more may be put into the output. */
  boolean isWritable() {
    ChannelHandlerContext ctx = context;
    return ctx != null && ctx.channel().isWritable();
  }

  int receiveMaximum() {
    return packets.receiveMaximum();
  }

  Output output() {
    Output out = output;
    if (out == null) {
      throw new IllegalStateException("not before the connection's handler was added");
    }
    return out;
  }

  /** False: the packet is larger than this client takes. */
  boolean writePublish(Queued message, int packetId, boolean duplicate) {
    return output().publish(message, packetId, duplicate, engine.now());
  }

  void writeAck(int type, int packetId, int reasonCode) {
    output().ack(type, packetId, reasonCode, null);
  }

  /** Something was put into the output: it is written when the batch ends. */
  void touched() {
    if (!touched) {
      touched = true;
      loop.touch(this);
    }
  }

  /** There is something to send; from any thread. */
  void wantsPump() {
    ChannelHandlerContext ctx = context;
    if (ctx == null) {
      return;
    }
    if (ctx.executor().inEventLoop()) {
      pumpWanted = true;
      loop.begin();
      touched();
      loop.end();
    } else if (pumpScheduled.compareAndSet(false, true)) {
      execute(
          () -> {
            pumpScheduled.set(false);
            pumpWanted = true;
            touched();
          });
    }
  }

  void pumpWhenDurable(long position) {
    engine.journal().whenDurable(position, failure -> durable(failure));
  }

  private void durable(@Nullable RuntimeException failure) {
    if (failure == null) {
      wantsPump();
    } else {
      terminate(DisconnectReason.SERVER_ERROR.name());
    }
  }

  /** Called by the loop's state once the batch is done. */
  void endOfBatch(long now) {
    touched = false;
    if (pumpWanted) {
      pumpWanted = false;
      packets.pump();
      touched = false;
    }
    output().flush(now);
  }

  /** Runs on the event loop, at once when this is it, and writes what it causes. */
  void execute(Runnable task) {
    ChannelHandlerContext ctx = context;
    if (ctx == null) {
      return;
    }
    EventExecutor executor = ctx.executor();
    if (executor.inEventLoop()) {
      inBatchOf(task);
    } else {
      executeLater(task);
    }
  }

  /** Runs on the event loop after what was given to it before, also when this is it. */
  void executeLater(Runnable task) {
    ChannelHandlerContext ctx = context;
    if (ctx == null) {
      return;
    }
    try {
      ctx.executor().execute(() -> inBatchOf(task));
    } catch (RejectedExecutionException e) {
      LOG.debug("The broker is closed; nothing more is sent to {}", packets.describe(), e);
    }
  }

  private void inBatchOf(Runnable task) {
    loop.begin();
    try {
      task.run();
    } finally {
      loop.end();
    }
  }

  // ---- from any thread ----

  /**
   * Closes the socket; what was received before is still handled, then the session is told. The
   * first reason counts.
   */
  void terminate(String reason) {
    endReason.compareAndSet(null, reason);
    ChannelHandlerContext ctx = context;
    if (ctx != null) {
      ctx.channel().close();
    }
    mailbox.end();
  }

  /**
   * Writes what {@code farewell} puts into the output, then closes. The socket stays half open for
   * a moment in which input is thrown away: closing with unread input would make TCP drop what the
   * client was just told.
   */
  void terminateAfter(Runnable farewell, String reason) {
    if (!endReason.compareAndSet(null, reason)) {
      return;
    }
    execute(
        () -> {
          ChannelHandlerContext ctx = context;
          if (ctx == null || !ctx.channel().isActive()) {
            return;
          }
          farewell.run();
          output().flush(System.nanoTime());
          Channel channel = ctx.channel();
          if (ctx.pipeline().get(SslHandler.class) == null
              && ctx.pipeline().get(WebSocketFrames.class) == null
              && channel instanceof SocketChannel socket) {
            socket.shutdownOutput();
          }
          held = false;
          channel.config().setAutoRead(true);
          ctx.executor().schedule(() -> channel.close(), LINGER.toMillis(), TimeUnit.MILLISECONDS);
        });
    mailbox.end();
  }

  boolean isEnding() {
    return endReason.get() != null;
  }

  boolean awaitEnd(Duration atMost) {
    try {
      return ended.await(atMost.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  InetSocketAddress peer() {
    ChannelHandlerContext ctx = context;
    return ctx != null && ctx.channel().remoteAddress() instanceof InetSocketAddress address
        ? address
        : InetSocketAddress.createUnresolved("unknown", 0);
  }

  /** What the decoder knows: 0 when nothing, else the version that the client understands. */
  int decodedVersion() {
    ChannelHandlerContext ctx = context;
    PacketDecoder decoder = ctx == null ? null : ctx.pipeline().get(PacketDecoder.class);
    return decoder == null ? 0 : decoder.version();
  }

  LoopState loop() {
    return loop;
  }

  /** What TLS has proven; empty when it has proven nothing. */
  List<X509Certificate> certificates() {
    ChannelHandlerContext ctx = context;
    SslHandler tls = ctx == null ? null : ctx.pipeline().get(SslHandler.class);
    return TlsTransport.certificates(tls);
  }

  /** What the host said of this connection's WebSocket; null for none. */
  @Nullable Object admission() {
    ChannelHandlerContext ctx = context;
    return ctx == null ? null : ctx.channel().attr(ADMISSION).get();
  }
}
