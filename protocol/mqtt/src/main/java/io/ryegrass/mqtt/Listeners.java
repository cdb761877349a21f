package io.ryegrass.mqtt;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The bound ports and what stands between a socket and {@link Connection}. */
final class Listeners implements AutoCloseable {
  /** Before anybody is known only so much is taken, will included. */
  private static final int MAX_CONNECT_BYTES = 256 << 10;

  private static final WriteBufferWaterMark WATER_MARK =
      new WriteBufferWaterMark(64 << 10, 256 << 10);

  private final Engine engine;
  private final EventLoopGroup loops;
  private final Map<String, Channel> channels = new LinkedHashMap<>();
  private final Map<String, SslContext> tls = new ConcurrentHashMap<>();

  Listeners(List<MqttBroker.ListenerSettings> settings, Engine engine, int loopCount) {
    this.engine = engine;
    this.loops =
        new MultiThreadIoEventLoopGroup(
            loopCount, new DefaultThreadFactory("mqtt-io", true), NioIoHandler.newFactory());
    boolean done = false;
    try {
      for (MqttBroker.ListenerSettings s : settings) {
        if (s.tls() != null) {
          tls.put(s.name(), s.tls());
        }
        channels.put(s.name(), bind(s.name(), s.address()));
      }
      done = true;
    } finally {
      if (!done) {
        close();
        closeLoops();
      }
    }
  }

  private Channel bind(String name, InetSocketAddress address) {
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(loops)
            .channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, 512)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.SO_KEEPALIVE, true)
            .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    initialise(name, channel);
                  }
                });
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

  private void initialise(String name, SocketChannel channel) {
    SslContext context = tls.get(name);
    if (context != null) {
      SslHandler handler = context.newHandler(channel.alloc());
      handler.setHandshakeTimeout(10, TimeUnit.SECONDS);
      channel.pipeline().addLast(handler);
    }
    addMqttHandlers(channel.pipeline(), channel.eventLoop());
  }

  /** What handles MQTT packets, behind what makes a stream of bytes of the transport. */
  private void addMqttHandlers(ChannelPipeline pipeline, EventLoop eventLoop) {
    int maxPacketBytes = engine.limits().maxPacketBytes();
    LoopState loop = engine.loop(eventLoop);
    pipeline
        .addLast(
            new PacketDecoder(
                maxPacketBytes, Math.min(maxPacketBytes, MAX_CONNECT_BYTES), loop.topics()))
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

  /** Accepts nothing more. */
  @Override
  public void close() {
    channels.values().forEach(c -> c.close().awaitUninterruptibly(2, TimeUnit.SECONDS));
  }

  void closeLoops() {
    loops.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(3, TimeUnit.SECONDS);
  }
}
