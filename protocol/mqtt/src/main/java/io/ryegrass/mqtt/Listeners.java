package io.ryegrass.mqtt;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import jdk.net.ExtendedSocketOptions;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bound ports and what stands between a socket and {@link Connection}: the bounds of {@link
 * Sockets}, then {@link TlsTransport} and {@link WebSocketTransport} where the listener has them,
 * then MQTT. Each layer is added when the one before it is through, so a socket that comes to
 * nothing costs little.
 */
final class Listeners implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Listeners.class);

  /** Before anybody is known only so much is taken, will included. */
  private static final int MAX_CONNECT_BYTES = 256 << 10;

  /** A WebSocket frame may hold several packets; so much more than the largest one is taken. */
  private static final int FRAME_OVERHEAD = 64 << 10;

  /** Clients that come while the event loop is busy; the kernel may allow less. */
  private static final int BACKLOG = 1024;

  /**
   * TCP's own keep-alive finds peers that are gone where MQTT's is off or long: after 2 minutes of
   * silence, 4 probes half a minute apart.
   */
  private static final int TCP_IDLE_SECONDS = 120;

  private static final int TCP_PROBE_SECONDS = 30;
  private static final int TCP_PROBES = 4;

  private static final WriteBufferWaterMark WATER_MARK =
      new WriteBufferWaterMark(64 << 10, 256 << 10);

  private final Engine engine;
  private final EventLoopGroup loops;
  private final ListenerCounters counters = new ListenerCounters();
  private final Sockets sockets;
  private final TlsTransport transport;
  private final Map<String, Channel> channels = new LinkedHashMap<>();
  private final Map<String, SslContext> tls = new ConcurrentHashMap<>();

  Listeners(List<ListenerSettings> settings, Engine engine, ListenerBounds bounds, int loopCount) {
    this.engine = engine;
    this.sockets = new Sockets(bounds, counters);
    this.transport = new TlsTransport(bounds, counters);
    this.loops =
        new MultiThreadIoEventLoopGroup(
            loopCount, new DefaultThreadFactory("mqtt-io", true), NioIoHandler.newFactory());
    boolean done = false;
    try {
      for (ListenerSettings s : settings) {
        if (s.tls() != null) {
          tls.put(s.name(), s.tls());
        }
        channels.put(s.name(), bind(s));
      }
      done = true;
    } finally {
      if (!done) {
        close();
        closeLoops();
      }
    }
  }

  private Channel bind(ListenerSettings settings) {
    InetSocketAddress address = settings.address();
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(loops)
            .channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.SO_KEEPALIVE, true)
            .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    initialise(settings, channel);
                  }
                });
    keepAlive(bootstrap);
    var bound = bootstrap.bind(address).awaitUninterruptibly();
    Throwable failure = bound.cause();
    if (failure != null) {
      throw new MqttBrokerException(
          MqttBrokerException.BIND_FAILED,
          "Cannot listen for MQTT on "
              + address.getHostString()
              + ":"
              + address.getPort()
              + " ("
              + failure.getMessage()
              + "); stop what uses the port or choose another",
          failure);
    }
    return bound.channel();
  }

  private static void keepAlive(ServerBootstrap bootstrap) {
    Map<SocketOption<Integer>, Integer> wanted =
        Map.of(
            ExtendedSocketOptions.TCP_KEEPIDLE, TCP_IDLE_SECONDS,
            ExtendedSocketOptions.TCP_KEEPINTERVAL, TCP_PROBE_SECONDS,
            ExtendedSocketOptions.TCP_KEEPCOUNT, TCP_PROBES);
    try (var probe = java.nio.channels.SocketChannel.open()) {
      wanted.forEach(
          (option, value) -> {
            if (probe.supportedOptions().contains(option)) {
              bootstrap.childOption(NioChannelOption.of(option), value);
            }
          });
    } catch (IOException e) {
      LOG.debug("TCP's keep-alive stays as the system has it", e);
    }
  }

  private void initialise(ListenerSettings settings, SocketChannel channel) {
    if (!sockets.admit(channel)) {
      channel.close();
      return;
    }
    boolean encrypted = settings.tls() != null;
    String path = settings.webSocketPath();
    if (!encrypted && path == null) {
      addMqttHandlers(channel.pipeline());
      return;
    }
    Runnable through = sockets.watch(channel);
    Consumer<Channel> mqtt =
        c -> {
          through.run();
          addMqttHandlers(c.pipeline());
        };
    Consumer<Channel> next =
        path == null
            ? mqtt
            : c ->
                WebSocketTransport.add(
                    c,
                    path,
                    settings.webSocketOrigins(),
                    maxPacketBytes() + FRAME_OVERHEAD,
                    counters,
                    mqtt);
    WebHost web = settings.web();
    if (!encrypted) {
      next.accept(channel);
    } else if (web == null || path == null) {
      transport.add(
          channel,
          () -> context(settings),
          new TlsTransport.Next(settings.alpn(), next, List.of(), null));
    } else {
      WebTransport http =
          new WebTransport(
              web,
              path,
              settings.webSocketOrigins(),
              maxPacketBytes() + FRAME_OVERHEAD,
              counters,
              engine.threads());
      transport.add(
          channel,
          () -> context(settings),
          new TlsTransport.Next(
              settings.alpn(),
              mqtt,
              web.protocols(),
              c -> http.add(c, through, sockets.firstAnswer(), mqtt)));
    }
  }

  private SslContext context(ListenerSettings settings) {
    SslContext context = tls.get(settings.name());
    if (context == null) {
      throw new IllegalStateException("The listener " + settings.name() + " has lost its TLS");
    }
    return context;
  }

  private int maxPacketBytes() {
    return engine.limits().maxPacketBytes();
  }

  /**
   * MQTT on a stream of bytes: what is read and written above here are {@code ByteBuf}s, whatever
   * the transport. The channel is active; {@code channelActive} comes after this returns.
   */
  private void addMqttHandlers(ChannelPipeline pipeline) {
    LoopState loop = engine.loop(pipeline.channel().eventLoop());
    int most = maxPacketBytes();
    pipeline
        .addLast(sockets.firstAnswer())
        .addLast(new PacketDecoder(most, Math.min(most, MAX_CONNECT_BYTES), loop.topics()))
        .addLast(new Connection(engine, loop));
  }

  int port(String name) {
    @Nullable Channel channel = channels.get(name);
    if (channel == null || !(channel.localAddress() instanceof InetSocketAddress address)) {
      throw new IllegalArgumentException(
          "There is no MQTT listener '" + name + "'; listeners are " + channels.keySet());
    }
    return address.getPort();
  }

  void replaceTls(String name, SslContext context) {
    if (!tls.containsKey(name)) {
      throw new IllegalArgumentException(
          "There is no MQTT listener '" + name + "' with TLS; they are " + tls.keySet());
    }
    tls.put(name, context);
  }

  ListenerMetrics metrics() {
    return new ListenerMetrics(
        sockets.open(),
        sockets.pending(),
        transport.places().running(),
        transport.places().waiting(),
        counters.acceptedSockets.sum(),
        counters.refusedSockets.sum(),
        counters.displacedSockets.sum(),
        counters.lateSockets.sum(),
        counters.refusedHandshakes.sum(),
        counters.displacedHandshakes.sum(),
        counters.failedHandshakes.sum(),
        counters.refusedAlpn.sum(),
        counters.refusedUpgrades.sum());
  }

  /** Accepts nothing more, and ends what has not come as far as MQTT. */
  @Override
  public void close() {
    channels.values().forEach(c -> c.close().awaitUninterruptibly(2, TimeUnit.SECONDS));
    sockets.closePending();
  }

  void closeLoops() {
    loops.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(3, TimeUnit.SECONDS);
    transport.close();
  }
}
