package io.ryegrass.mqtt;

import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.Future;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * HTTP/1.1 for a {@link WebHost}, and WebSockets for MQTT where it admits them.
 *
 * <p>One request of a connection at a time: what a client sends ahead waits unread. Bounded are the
 * request line, the headers, the body, the time from the first byte of a request to its last, and
 * the time between requests. What could be understood in two ways (both lengths, two lengths) is
 * refused and the connection closed.
 */
final class WebTransport {
  private static final Logger LOG = LoggerFactory.getLogger(WebTransport.class);
  private static final QuietLog QUIET = new QuietLog(LOG);

  /** Signed URLs with a session token are long. */
  private static final int MAX_LINE_BYTES = 16 << 10;

  private static final int MAX_HEADER_BYTES = 32 << 10;
  private static final int CHUNK_BYTES = 16 << 10;
  private static final int REQUEST_SECONDS = 30;
  private static final int IDLE_SECONDS = 120;

  private final WebHost host;
  private final String path;
  private final Set<String> origins;
  private final int maxFrameBytes;
  private final ListenerCounters counters;
  private final ExecutorService threads;

  WebTransport(
      WebHost host,
      String path,
      Set<String> origins,
      int maxFrameBytes,
      ListenerCounters counters,
      ExecutorService threads) {
    this.host = host;
    this.path = path;
    this.origins = origins;
    this.maxFrameBytes = maxFrameBytes;
    this.counters = counters;
    this.threads = threads;
  }

  /**
   * @param through to be run when the first request is there: the deadline of the accept is kept
   * @param firstAnswer takes the socket from those that are displaced first
   * @param mqtt adds what follows a WebSocket's opening
   */
  void add(Channel channel, Runnable through, ChannelHandler firstAnswer, Consumer<Channel> mqtt) {
    channel
        .pipeline()
        .addLast(
            firstAnswer,
            new StrictDecoder(),
            new HttpResponseEncoder(),
            new HttpObjectAggregator(host.maxBodyBytes(), true),
            new FlowControlHandler(),
            new Requests(through, mqtt));
  }

  /** RFC 9112, 6.3: a message with both kinds of length "ought to be handled as an error". */
  private static final class StrictDecoder extends HttpRequestDecoder {
    StrictDecoder() {
      super(
          new HttpDecoderConfig()
              .setMaxInitialLineLength(MAX_LINE_BYTES)
              .setMaxHeaderSize(MAX_HEADER_BYTES)
              .setMaxChunkSize(CHUNK_BYTES));
    }

    @Override
    protected void handleTransferEncodingChunkedWithContentLength(HttpMessage message) {
      throw new IllegalArgumentException("both Transfer-Encoding and Content-Length");
    }
  }

  private final class Requests extends SimpleChannelInboundHandler<FullHttpRequest> {
    private final Runnable through;
    private final Consumer<Channel> mqtt;
    private @Nullable Future<?> deadline;
    private boolean first = true;
    private boolean busy;
    private boolean begun;

    Requests(Runnable through, Consumer<Channel> mqtt) {
      this.through = through;
      this.mqtt = mqtt;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
      ctx.channel().config().setAutoRead(false);
      ctx.read();
    }

    /**
     * The first request has the listener's deadline, which began with the accept; each later one
     * has {@value #REQUEST_SECONDS} s from its first byte, and {@value #IDLE_SECONDS} s to begin.
     */
    private void await(ChannelHandlerContext ctx, int seconds) {
      stopWaiting();
      deadline = ctx.executor().schedule(() -> ctx.close(), seconds, TimeUnit.SECONDS);
    }

    private void stopWaiting() {
      Future<?> running = deadline;
      if (running != null) {
        running.cancel(false);
        deadline = null;
      }
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
      if (first) {
        first = false;
        through.run();
      }
      stopWaiting();
      busy = true;
      begun = false;
      if (request.decoderResult().isFailure()) {
        String why = String.valueOf(request.decoderResult().cause().getMessage());
        QUIET.info(ctx.channel().remoteAddress() + " sends no HTTP/1.1 request: " + why);
        send(ctx, text(400, "This is not an HTTP/1.1 request."), false, true);
        return;
      }
      if (!oneHost(request.headers(), request.protocolVersion())) {
        send(ctx, text(400, "One Host header is needed."), false, true);
        return;
      }
      boolean upgrade =
          request.headers().contains(HttpHeaderNames.UPGRADE)
              && WebSocketTransport.pathOf(request.uri()).equals(path);
      if (upgrade) {
        WebSocketTransport.Refusal refusal = WebSocketTransport.judge(request, path, origins);
        if (refusal != null) {
          counters.refusedUpgrades.increment();
          send(ctx, text(refusal.status().code(), refusal.why()), false, true);
          return;
        }
      }
      WebHost.Request asked = asked(ctx, request);
      FullHttpRequest kept = upgrade ? request.retain() : null;
      boolean head = request.method().equals(HttpMethod.HEAD);
      boolean last = !HttpUtil.isKeepAlive(request);
      try {
        threads.execute(() -> answer(ctx, asked, kept, head, last));
      } catch (RejectedExecutionException e) {
        LOG.debug("The broker is closed", e);
        if (kept != null) {
          kept.release();
        }
        ctx.close();
      }
    }

    private static boolean oneHost(HttpHeaders headers, HttpVersion version) {
      int hosts = headers.getAll(HttpHeaderNames.HOST).size();
      return hosts == 1 || (hosts == 0 && version.equals(HttpVersion.HTTP_1_0));
    }

    private static WebHost.Request asked(ChannelHandlerContext ctx, FullHttpRequest request) {
      Map<String, List<String>> headers = new HashMap<>();
      request
          .headers()
          .forEach(
              h ->
                  headers
                      .computeIfAbsent(h.getKey().toLowerCase(Locale.ROOT), k -> new ArrayList<>())
                      .add(h.getValue()));
      return new WebHost.Request(
          request.method().name(),
          request.uri(),
          headers,
          ByteBufUtil.getBytes(request.content()),
          TlsTransport.certificates(ctx.pipeline().get(SslHandler.class)),
          ctx.channel().remoteAddress() instanceof InetSocketAddress peer
              ? peer
              : InetSocketAddress.createUnresolved("unknown", 0));
    }

    /** On a virtual thread. */
    private void answer(
        ChannelHandlerContext ctx,
        WebHost.Request asked,
        @Nullable FullHttpRequest upgrade,
        boolean head,
        boolean last) {
      try {
        if (upgrade == null) {
          WebHost.Response response = host.answer(asked);
          ctx.executor().execute(() -> send(ctx, response, head, last));
          return;
        }
        switch (host.admit(asked)) {
          case WebHost.Admitted admitted ->
              ctx.executor().execute(() -> open(ctx, upgrade, admitted.as()));
          case WebHost.Refused refused -> {
            upgrade.release();
            counters.refusedUpgrades.increment();
            ctx.executor().execute(() -> send(ctx, refused.answer(), head, true));
          }
        }
      } catch (RejectedExecutionException e) {
        LOG.debug("The broker is closed", e);
      } catch (RuntimeException e) {
        LOG.error("{} {} failed", asked.method(), pathOf(asked), e);
        ctx.executor().execute(() -> send(ctx, text(500, "The request failed."), head, true));
      } catch (Error e) {
        ctx.close(); // nobody else would end the connection
        throw e;
      }
    }

    /** Queries may hold signatures and tokens. */
    private static String pathOf(WebHost.Request asked) {
      return WebSocketTransport.pathOf(asked.uri());
    }

    private void open(ChannelHandlerContext ctx, FullHttpRequest upgrade, @Nullable Object as) {
      try {
        if (!ctx.channel().isActive()) {
          return;
        }
        ctx.channel().attr(Connection.ADMISSION).set(as);
        ctx.pipeline().remove(FlowControlHandler.class);
        WebSocketTransport.accept(
            ctx,
            upgrade,
            maxFrameBytes,
            c -> {
              mqtt.accept(c);
              c.config().setAutoRead(true);
            });
      } finally {
        upgrade.release();
      }
    }

    private static WebHost.Response text(int status, String words) {
      return new WebHost.Response(
          status,
          Map.of("content-type", "text/plain; charset=utf-8"),
          (words + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** On the event loop. */
    private void send(
        ChannelHandlerContext ctx, WebHost.Response response, boolean head, boolean last) {
      FullHttpResponse out =
          new DefaultFullHttpResponse(
              HttpVersion.HTTP_1_1,
              HttpResponseStatus.valueOf(response.status()),
              head ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(response.body()));
      response.headers().forEach((name, value) -> out.headers().set(name, value));
      out.headers().setInt(HttpHeaderNames.CONTENT_LENGTH, response.body().length);
      if (last || response.status() == 401 || response.status() == 403) {
        // A stranger keeps no place.
        out.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        ctx.writeAndFlush(out).addListener(ChannelFutureListener.CLOSE);
        return;
      }
      busy = false;
      ctx.writeAndFlush(out);
      await(ctx, IDLE_SECONDS);
      ctx.read();
    }

    /** Bytes came that are no whole request yet. */
    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
      if (!busy) {
        if (!first && !begun) {
          begun = true;
          await(ctx, REQUEST_SECONDS);
        }
        ctx.read();
      }
      ctx.fireChannelReadComplete();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      stopWaiting();
      ctx.fireChannelInactive();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
      stopWaiting();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      LOG.debug("HTTP with {} failed", ctx.channel().remoteAddress(), cause);
      ctx.close();
    }
  }
}
