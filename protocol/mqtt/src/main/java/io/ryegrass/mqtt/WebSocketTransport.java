package io.ryegrass.mqtt;

import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.websocketx.WebSocketDecoderConfig;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshaker13;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * From a stream of bytes to WebSocket frames: the opening handshake of RFC 6455, 4.2 with the
 * sub-protocol that MQTT asks for (OASIS MQTT 3.1.1 and 5.0, 6). This class and {@link
 * WebSocketFrames} are the only ones that know Netty's HTTP codec, which is loaded with the first
 * listener that needs it.
 */
final class WebSocketTransport {
  private static final Logger LOG = LoggerFactory.getLogger(WebSocketTransport.class);
  private static final QuietLog QUIET = new QuietLog(LOG);

  /** {@code mqttv3.1} is what clients of that version, Paho's JavaScript among them, ask for. */
  private static final List<String> SUB_PROTOCOLS = List.of("mqtt", "mqttv3.1");

  private static final int MAX_LINE_BYTES = 2 << 10;
  private static final int MAX_HEADER_BYTES = 8 << 10;
  private static final int MAX_BODY_BYTES = 1 << 10;

  private WebSocketTransport() {}

  /**
   * @param then adds what follows; after it the channel becomes active for what was added
   */
  static void add(
      Channel channel,
      String path,
      Set<String> origins,
      int maxFrameBytes,
      ListenerCounters counters,
      Consumer<Channel> then) {
    channel
        .pipeline()
        .addLast(
            new HttpServerCodec(
                new HttpDecoderConfig()
                    .setMaxInitialLineLength(MAX_LINE_BYTES)
                    .setMaxHeaderSize(MAX_HEADER_BYTES)
                    .setMaxChunkSize(MAX_BODY_BYTES)),
            new HttpObjectAggregator(MAX_BODY_BYTES, true),
            new Upgrade(path, origins, maxFrameBytes, counters, then));
  }

  record Refusal(HttpResponseStatus status, String why) {}

  /** Null when the request is a WebSocket for MQTT. */
  static @Nullable Refusal judge(FullHttpRequest request, String path, Set<String> origins) {
    HttpHeaders headers = request.headers();
    if (request.decoderResult().isFailure()) {
      return new Refusal(HttpResponseStatus.BAD_REQUEST, "This is not an HTTP/1.1 request.");
    }
    if (!pathOf(request.uri()).equals(path)) {
      return new Refusal(HttpResponseStatus.NOT_FOUND, "MQTT is at " + path + " on this port.");
    }
    if (!request.method().equals(HttpMethod.GET)) {
      return new Refusal(
          HttpResponseStatus.METHOD_NOT_ALLOWED, "A WebSocket begins with a GET request.");
    }
    if (!headers.containsValue(HttpHeaderNames.CONNECTION, HttpHeaderValues.UPGRADE, true)
        || !headers.contains(HttpHeaderNames.UPGRADE, HttpHeaderValues.WEBSOCKET, true)
        || !"13".equals(headers.get(HttpHeaderNames.SEC_WEBSOCKET_VERSION))) {
      return new Refusal(
          HttpResponseStatus.UPGRADE_REQUIRED,
          "This port speaks MQTT in WebSocket version 13 and nothing else.");
    }
    String key = headers.get(HttpHeaderNames.SEC_WEBSOCKET_KEY);
    if (key == null || key.length() != 24 || !headers.contains(HttpHeaderNames.HOST)) {
      return new Refusal(
          HttpResponseStatus.BAD_REQUEST, "Host or Sec-WebSocket-Key is missing or malformed.");
    }
    if (!originIsWelcome(headers, origins)) {
      return new Refusal(
          HttpResponseStatus.FORBIDDEN, "Pages of this origin may not connect to this broker.");
    }
    if (chosenSubProtocol(headers) == null) {
      return new Refusal(
          HttpResponseStatus.BAD_REQUEST,
          "MQTT in WebSocket needs the sub-protocol: send Sec-WebSocket-Protocol: mqtt");
    }
    return null;
  }

  static String pathOf(String uri) {
    int query = uri.indexOf('?');
    return query < 0 ? uri : uri.substring(0, query);
  }

  /**
   * Programs send no Origin. A browser sends that of the page, which any page on the internet can
   * make connect to a broker in the plant; so only pages of the host that is connected to are let
   * in, and those that the settings name (RFC 6455, 10.2).
   */
  private static boolean originIsWelcome(HttpHeaders headers, Set<String> origins) {
    String origin = headers.get(HttpHeaderNames.ORIGIN);
    if (origin == null || origins.contains("*") || origins.contains(origin)) {
      return true;
    }
    try {
      String page = new URI(origin).getHost();
      String here = new URI("http://" + headers.get(HttpHeaderNames.HOST)).getHost();
      return page != null && page.equalsIgnoreCase(here);
    } catch (URISyntaxException e) {
      return false;
    }
  }

  /** The server must choose {@code mqtt} from what the client offers [MQTT-6.0.0-4]. */
  private static @Nullable String chosenSubProtocol(HttpHeaders headers) {
    List<String> offered =
        headers.getAll(HttpHeaderNames.SEC_WEBSOCKET_PROTOCOL).stream()
            .flatMap(line -> Stream.of(line.split(",")))
            .map(String::trim)
            .toList();
    return SUB_PROTOCOLS.stream().filter(offered::contains).findFirst().orElse(null);
  }

  /**
   * Answers 101 and makes the channel one of MQTT in frames.
   *
   * @param ctx of the handler that took the request; it is removed
   */
  static void accept(
      ChannelHandlerContext ctx,
      FullHttpRequest request,
      int maxFrameBytes,
      Consumer<Channel> then) {
    Channel channel = ctx.channel();
    var handshaker =
        new WebSocketServerHandshaker13(
            null,
            null,
            WebSocketDecoderConfig.newBuilder()
                .maxFramePayloadLength(maxFrameBytes)
                .expectMaskedFrames(true)
                .allowMaskMismatch(false)
                .allowExtensions(false)
                .withUTF8Validator(false)
                .closeOnProtocolViolation(true)
                .build());
    // Named here, because Netty's own choice reads one header line only.
    HttpHeaders chosen = new DefaultHttpHeaders();
    String subProtocol = chosenSubProtocol(request.headers());
    if (subProtocol != null) {
      chosen.set(HttpHeaderNames.SEC_WEBSOCKET_PROTOCOL, subProtocol);
    }
    handshaker
        .handshake(channel, request, chosen, channel.newPromise())
        .addListener(
            f -> {
              if (!f.isSuccess()) {
                channel.close();
                return;
              }
              channel.pipeline().addLast(new WebSocketFrames());
              then.accept(channel);
              ctx.fireChannelActive();
              channel.pipeline().remove(ctx.handler());
            });
  }

  private static final class Upgrade extends SimpleChannelInboundHandler<FullHttpRequest> {
    private final String path;
    private final Set<String> origins;
    private final int maxFrameBytes;
    private final ListenerCounters counters;
    private final Consumer<Channel> then;
    private boolean answered;

    Upgrade(
        String path,
        Set<String> origins,
        int maxFrameBytes,
        ListenerCounters counters,
        Consumer<Channel> then) {
      this.path = path;
      this.origins = origins;
      this.maxFrameBytes = maxFrameBytes;
      this.counters = counters;
      this.then = then;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
      if (answered) {
        ctx.close();
        return;
      }
      answered = true;
      Refusal refusal = judge(request, path, origins);
      if (refusal != null) {
        refuse(ctx, refusal);
      } else {
        accept(ctx, request, maxFrameBytes, then);
      }
    }

    private void refuse(ChannelHandlerContext ctx, Refusal refusal) {
      counters.refusedUpgrades.increment();
      QUIET.info(
          "A WebSocket of " + ctx.channel().remoteAddress() + " is refused: " + refusal.why());
      FullHttpResponse response =
          new DefaultFullHttpResponse(
              HttpVersion.HTTP_1_1,
              refusal.status(),
              ByteBufUtil.writeUtf8(ctx.alloc(), refusal.why() + "\n"));
      response
          .headers()
          .set(HttpHeaderNames.CONTENT_TYPE, "text/plain; charset=utf-8")
          .setInt(HttpHeaderNames.CONTENT_LENGTH, response.content().readableBytes())
          .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
      if (refusal.status().equals(HttpResponseStatus.UPGRADE_REQUIRED)) {
        response
            .headers()
            .set(HttpHeaderNames.UPGRADE, HttpHeaderValues.WEBSOCKET)
            .set(HttpHeaderNames.SEC_WEBSOCKET_VERSION, "13");
      }
      ctx.writeAndFlush(response).addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      LOG.debug("A WebSocket did not come about", cause);
      ctx.close();
    }
  }
}
