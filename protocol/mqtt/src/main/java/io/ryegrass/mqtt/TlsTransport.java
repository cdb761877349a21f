package io.ryegrass.mqtt;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * From an accepted socket to TLS.
 *
 * <p>Nothing is made for a socket before its first bytes came; then it takes a place among the
 * {@link HandshakePlaces}. The arithmetic of handshakes runs on threads of its own, at most half as
 * many as processors, so that a flood of them does not stand in the way of connected clients. The
 * JDK bounds what a client may send: 8 certificates in a chain ({@code
 * jdk.tls.server.maxInboundCertificateChainLength}), 32 KB in a message ({@code
 * jdk.tls.maxHandshakeMessageSize}).
 *
 * <p>ALPN (RFC 7301) is chosen by the JDK's own means: Netty's would load Bouncy Castle where it is
 * on the class path.
 */
final class TlsTransport implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TlsTransport.class);
  private static final int THREADS =
      Math.clamp(Runtime.getRuntime().availableProcessors() / 2, 1, 4);
  private static final int IDLE_SECONDS = 10;

  /** What a client may send before the handshake may begin; a ClientHello is far smaller. */
  private static final int MAX_HELD_BYTES = 16 << 10;

  private final HandshakePlaces places;
  private final ListenerCounters counters;
  private final ListenerBounds bounds;
  private final QuietLog log = new QuietLog(LOG);
  private final ThreadPoolExecutor crypto;

  TlsTransport(ListenerBounds bounds, ListenerCounters counters) {
    this.bounds = bounds;
    this.counters = counters;
    this.places = new HandshakePlaces(bounds, counters);
    // A handshake has one task at a time, so the places bound this queue; the factor is for those
    // that were displaced and for renegotiations that are about to be refused.
    this.crypto =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(bounds.handshakes() * 8),
            new DefaultThreadFactory("mqtt-tls", true));
    crypto.allowCoreThreadTimeOut(true);
  }

  /** The client's certificates that TLS has proven, its own first; empty for none. */
  static List<X509Certificate> certificates(@Nullable SslHandler tls) {
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

  HandshakePlaces places() {
    return places;
  }

  /**
   * @param context is asked when the handshake begins: the newest certificate
   * @param next what follows; after it the channel becomes active for what was added
   */
  void add(Channel channel, Supplier<SslContext> context, Next next) {
    channel.pipeline().addLast(new FirstBytes(context, next));
  }

  /**
   * What follows the handshake.
   *
   * @param alpn when not empty, {@code then} is for clients that offer one of these
   * @param otherAlpn names of what {@code other} speaks
   * @param other for all other clients, those that offer nothing among them; null refuses them
   */
  record Next(
      List<String> alpn,
      Consumer<Channel> then,
      List<String> otherAlpn,
      @Nullable Consumer<Channel> other) {

    /** The protocol to speak of those offered; null when there is none. */
    @Nullable String choose(List<String> offered) {
      return Stream.concat(alpn.stream(), otherAlpn.stream())
          .filter(offered::contains)
          .findFirst()
          .orElse(null);
    }

    /** Null: nobody for this protocol. */
    @Nullable Consumer<Channel> forProtocol(@Nullable String chosen) {
      return alpn.isEmpty() || alpn.contains(chosen) ? then : other;
    }
  }

  /** Holds the ClientHello until there is a place for the handshake. */
  private final class FirstBytes extends ChannelInboundHandlerAdapter {
    private final Supplier<SslContext> context;
    private final Next next;
    private @Nullable CompositeByteBuf held;
    private boolean asked;

    FirstBytes(Supplier<SslContext> context, Next next) {
      this.context = context;
      this.next = next;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object msg) {
      if (!(msg instanceof ByteBuf bytes)) {
        ReferenceCountUtil.release(msg);
        return;
      }
      CompositeByteBuf all = held;
      if (all == null) {
        all = ctx.alloc().compositeBuffer();
        held = all;
      }
      all.addComponent(true, bytes);
      if (all.readableBytes() > MAX_HELD_BYTES) {
        ctx.close();
      } else if (!asked) {
        asked = true;
        ctx.channel().config().setAutoRead(false);
        if (!places.enter(ctx.channel(), () -> begin(ctx))) {
          log.info(
              "Too many TLS handshakes wait; " + ctx.channel().remoteAddress() + " is refused");
          ctx.close();
        }
      }
    }

    private void begin(ChannelHandlerContext ctx) {
      if (!ctx.channel().isActive() || ctx.isRemoved()) {
        return;
      }
      Outcome outcome = new Outcome(next);
      ctx.pipeline().addLast(handler(ctx), outcome);
      CompositeByteBuf hello = held;
      held = null;
      ctx.channel().config().setAutoRead(true);
      if (hello != null) {
        ctx.fireChannelRead(hello);
        ctx.fireChannelReadComplete();
      }
      ctx.pipeline().remove(this);
    }

    private SslHandler handler(ChannelHandlerContext ctx) {
      SslHandler handler = context.get().newHandler(ctx.alloc(), crypto);
      handler.setHandshakeTimeoutMillis(bounds.deadline().toMillis());
      if (!next.alpn().isEmpty()) {
        // null sends the alert no_application_protocol (RFC 7301, 3.2)
        handler
            .engine()
            .setHandshakeApplicationProtocolSelector((engine, offered) -> next.choose(offered));
      }
      return handler;
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
      ReferenceCountUtil.release(held);
      held = null;
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      ctx.close();
    }
  }

  /** Waits for the end of the handshake. */
  private final class Outcome extends ChannelInboundHandlerAdapter {
    private final Next next;
    private boolean over;

    Outcome(Next next) {
      this.next = next;
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) throws Exception {
      if (!(event instanceof SslHandshakeCompletionEvent end)) {
        super.userEventTriggered(ctx, event);
        return;
      }
      if (over) {
        return;
      }
      over = true;
      places.leave(ctx.channel());
      SslHandler tls = ctx.pipeline().get(SslHandler.class);
      if (!end.isSuccess() || tls == null) {
        failed(ctx, String.valueOf(end.cause()));
        return;
      }
      SSLEngine engine = tls.engine();
      Consumer<Channel> then = next.forProtocol(engine.getApplicationProtocol());
      if (then == null) {
        // The JDK asks the selector only when the client offers something.
        counters.refusedAlpn.increment();
        log.info(
            ctx.channel().remoteAddress()
                + " offers no ALPN protocol; this port takes "
                + next.alpn());
        ctx.close();
        return;
      }
      // No second handshake on this connection: in TLS 1.2 a client could ask for one after the
      // other.
      engine.setEnableSessionCreation(false);
      then.accept(ctx.channel());
      ctx.fireChannelActive();
      ctx.pipeline().remove(this);
    }

    private void failed(ChannelHandlerContext ctx, String why) {
      counters.failedHandshakes.increment();
      log.info("TLS with " + ctx.channel().remoteAddress() + " failed: " + why);
      ctx.close();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      if (!over) {
        over = true;
        failed(ctx, String.valueOf(cause.getMessage()));
      } else {
        ctx.close();
      }
    }
  }

  @Override
  public void close() {
    crypto.shutdownNow();
  }
}
