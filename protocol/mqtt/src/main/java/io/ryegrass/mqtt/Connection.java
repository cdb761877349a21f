package io.ryegrass.mqtt;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.mqtt.MqttConnAckMessage;
import io.netty.handler.codec.mqtt.MqttConnAckVariableHeader;
import io.netty.handler.codec.mqtt.MqttConnectMessage;
import io.netty.handler.codec.mqtt.MqttConnectReturnCode;
import io.netty.handler.codec.mqtt.MqttFixedHeader;
import io.netty.handler.codec.mqtt.MqttIdentifierRejectedException;
import io.netty.handler.codec.mqtt.MqttMessage;
import io.netty.handler.codec.mqtt.MqttMessageType;
import io.netty.handler.codec.mqtt.MqttPublishMessage;
import io.netty.handler.codec.mqtt.MqttPublishVariableHeader;
import io.netty.handler.codec.mqtt.MqttQoS;
import io.netty.handler.codec.mqtt.MqttUnacceptableProtocolVersionException;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One socket. The event loop decodes and puts packets into a mailbox; a virtual thread takes them
 * out in order, some at a time, and gives them to {@link ConnectionPackets}. When the mailbox is
 * full or the client does not take what is written, nothing more is read from it: the back-pressure
 * is TCP's.
 */
final class Connection extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(Connection.class);
  private static final int BATCH = 64;
  private static final Object END = new Object();

  /**
   * A PUBLISH with its payload on the heap, so that no reference-counted buffer leaves the event
   * loop.
   */
  record InboundPublish(String topic, byte[] payload, int qos, boolean retain, int packetId) {}

  private final Engine engine;
  private final Limits limits;
  private final ConnectionPackets packets;
  private final AtomicReference<@Nullable String> endReason = new AtomicReference<>();
  private final CountDownLatch ended = new CountDownLatch(1);

  private final ReentrantLock mailLock = new ReentrantLock();
  private final ArrayDeque<Object> mail = new ArrayDeque<>();
  private boolean draining;
  private boolean endPosted;
  private volatile boolean mailboxFull;

  private @Nullable ChannelHandlerContext context;
  private volatile @Nullable Channel channel;
  private volatile long lastReadNanos = System.nanoTime();
  private long unwritableSince;
  private long packetsFramed;
  private long packetsDecoded;

  Connection(Engine engine) {
    this.engine = engine;
    this.limits = engine.limits();
    this.packets = new ConnectionPackets(engine, this);
  }

  // ---- event loop ----

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
    channel = ctx.channel();
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    if (!engine.register(this)) {
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
    ctx.fireChannelActive();
  }

  /** A whole packet goes to the decoder, which must make one message of it. */
  void packetBegins() {
    packetsFramed++;
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    if (packetsFramed != packetsDecoded && endReason.get() == null) {
      protocolError("a packet whose fields are longer than itself");
    }
    ctx.fireChannelReadComplete();
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object msg) {
    lastReadNanos = System.nanoTime();
    packetsDecoded++;
    try {
      if (!(msg instanceof MqttMessage message) || endReason.get() != null) {
        return;
      }
      if (message.decoderResult().isFailure()) {
        malformed(message.decoderResult().cause());
      } else if (message.fixedHeader().messageType() == MqttMessageType.PINGREQ
          && packets.connected()) {
        ctx.writeAndFlush(MqttMessage.PINGRESP);
      } else if (message instanceof MqttPublishMessage publish) {
        receivePublish(publish);
      } else {
        post(message);
      }
    } finally {
      ReferenceCountUtil.release(msg);
    }
  }

  private void receivePublish(MqttPublishMessage publish) {
    ByteBuf payload = publish.payload();
    engine.counters().publishesReceived.increment();
    engine.counters().bytesReceived.add(payload.readableBytes());
    if (payload.readableBytes() > limits.maxPayloadBytes()) {
      protocolError("a payload of " + payload.readableBytes() + " bytes");
      return;
    }
    MqttFixedHeader header = publish.fixedHeader();
    post(
        new InboundPublish(
            publish.variableHeader().topicName(),
            ByteBufUtil.getBytes(payload),
            header.qosLevel().value(),
            header.isRetain(),
            Math.max(0, publish.variableHeader().packetId())));
  }

  private void malformed(@Nullable Throwable cause) {
    if (!packets.connectSeen()) {
      if (cause instanceof MqttUnacceptableProtocolVersionException) {
        writeRefusal(ReturnCode.UNACCEPTABLE_PROTOCOL_VERSION);
      } else if (cause instanceof MqttIdentifierRejectedException) {
        writeRefusal(ReturnCode.IDENTIFIER_REJECTED);
      }
    }
    protocolError(String.valueOf(cause));
  }

  /** The client breaks the protocol: the connection ends [MQTT-4.8.0-1]. */
  void protocolError(String what) {
    engine.counters().protocolErrors.increment();
    LOG.info(
        "MQTT client {} breaks the protocol and is disconnected: {}", packets.describe(), what);
    terminate(DisconnectReason.CLIENT_ERROR.name());
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    endReason.compareAndSet(null, DisconnectReason.CONNECTION_LOST.name());
    postEnd();
    ctx.fireChannelInactive();
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    if (ctx.channel().isWritable()) {
      unwritableSince = 0;
      run(packets::resume);
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

  private void updateReading(Channel of) {
    boolean read = !mailboxFull && of.isWritable();
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
      terminate(DisconnectReason.MQTT_KEEP_ALIVE_TIMEOUT.name());
    } else {
      ctx.executor().schedule(() -> checkKeepAlive(ctx, allowed), left, TimeUnit.NANOSECONDS);
    }
  }

  // ---- mailbox ----

  private void post(Object packet) {
    mailLock.lock();
    try {
      if (endPosted) {
        return;
      }
      mail.add(packet);
      if (mail.size() >= limits.maxPendingPackets()) {
        mailboxFull = true;
      }
      startDraining();
    } finally {
      mailLock.unlock();
    }
    Channel ch = channel;
    if (mailboxFull && ch != null) {
      updateReading(ch);
    }
  }

  private void postEnd() {
    mailLock.lock();
    try {
      if (!endPosted) {
        endPosted = true;
        mail.add(END);
        startDraining();
      }
    } finally {
      mailLock.unlock();
    }
  }

  private void startDraining() {
    if (!draining) {
      draining = true;
      run(this::drain);
    }
  }

  private void run(Runnable task) {
    try {
      engine.threads().execute(task);
    } catch (RejectedExecutionException e) {
      LOG.debug("The broker is closed; nothing more is done for {}", packets.describe(), e);
      ended.countDown();
    }
  }

  private void drain() {
    List<Object> batch = new ArrayList<>(BATCH);
    while (takeBatch(batch)) {
      boolean last = batch.getLast() == END;
      if (last) {
        batch.removeLast();
      }
      packets.handle(batch);
      batch.clear();
      if (last) {
        finish();
        return;
      }
    }
  }

  private boolean takeBatch(List<Object> batch) {
    boolean resume = false;
    mailLock.lock();
    try {
      while (batch.size() < BATCH && !mail.isEmpty()) {
        batch.add(mail.remove());
      }
      if (mailboxFull && mail.size() <= limits.maxPendingPackets() / 2) {
        mailboxFull = false;
        resume = true;
      }
      if (batch.isEmpty()) {
        draining = false;
        return false;
      }
    } finally {
      mailLock.unlock();
    }
    ChannelHandlerContext ctx = context;
    if (resume && ctx != null) {
      ctx.executor().execute(() -> updateReading(ctx.channel()));
    }
    return true;
  }

  private void finish() {
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

  // ---- from any thread ----

  /**
   * Closes the socket; what was received before is still handled, then the session is told. The
   * first reason counts.
   */
  void terminate(String reason) {
    endReason.compareAndSet(null, reason);
    Channel ch = channel;
    if (ch != null) {
      ch.close();
    }
    postEnd();
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
    Channel ch = channel;
    return ch != null && ch.remoteAddress() instanceof InetSocketAddress address
        ? address
        : InetSocketAddress.createUnresolved("unknown", 0);
  }

  /** What TLS has proven; empty when it has proven nothing. */
  List<X509Certificate> certificates() {
    ChannelHandlerContext ctx = context;
    SslHandler tls = ctx == null ? null : ctx.pipeline().get(SslHandler.class);
    if (tls == null) {
      return List.of();
    }
    try {
      return Arrays.stream(tls.engine().getSession().getPeerCertificates())
          .filter(X509Certificate.class::isInstance)
          .map(X509Certificate.class::cast)
          .toList();
    } catch (SSLPeerUnverifiedException e) {
      return List.of();
    }
  }

  boolean isWritable() {
    Channel ch = channel;
    return ch != null && ch.isWritable();
  }

  void write(MqttMessage message) {
    Channel ch = channel;
    if (ch != null) {
      ch.write(message, ch.voidPromise());
    }
  }

  void flush() {
    Channel ch = channel;
    if (ch != null) {
      ch.flush();
    }
  }

  void writePublish(Queued message, int packetId, boolean duplicate) {
    engine.counters().publishesSent.increment();
    engine.counters().bytesSent.add(message.payload().length);
    write(
        new MqttPublishMessage(
            new MqttFixedHeader(
                MqttMessageType.PUBLISH,
                duplicate,
                MqttQoS.valueOf(message.qos()),
                message.retain(),
                0),
            new MqttPublishVariableHeader(message.topic(), packetId),
            Unpooled.wrappedBuffer(message.payload())));
  }

  void writeConnAck(boolean sessionPresent) {
    write(connAck(MqttConnectReturnCode.CONNECTION_ACCEPTED, sessionPresent));
  }

  void writeRefusal(ReturnCode code) {
    engine.counters().refusedConnects.increment();
    write(connAck(MqttConnectReturnCode.valueOf((byte) code.value()), false));
    flush();
  }

  private static MqttConnAckMessage connAck(MqttConnectReturnCode code, boolean present) {
    return new MqttConnAckMessage(
        new MqttFixedHeader(MqttMessageType.CONNACK, false, MqttQoS.AT_MOST_ONCE, false, 0),
        new MqttConnAckVariableHeader(code, present));
  }

  /** Whether this is a CONNECT of the version that is served. */
  static boolean isServed(MqttConnectMessage connect) {
    return connect.variableHeader().version() == 4;
  }
}
