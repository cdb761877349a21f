package io.ryegrass.mqtt;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One connection of a client of MQTT 5 or 3.1.1 with QoS 0 and 1, on Netty: what a program needs
 * that has its own idea of when to connect again and what to send again.
 *
 * <p>What it does not do: it connects once and never again; it keeps no message, so whatever was
 * not acknowledged when the connection ends fails then, and whoever sends it again sends a new
 * message (the standard's resending by packet identifier, [MQTT5-4.4.0-1], only matters to QoS 2 in
 * effect); QoS 2, wills, topic aliases and enhanced authentication are left out.
 *
 * <p>Bounds: packets in size, unacknowledged messages both ways (receive maximum of either side),
 * messages that wait for their turn to be sent (then publishing fails), and messages that wait for
 * the listener (then reading from the socket stops until it has caught up). How many messages of
 * QoS 0 are under way is the caller's to bound: each result says when its message is written.
 *
 * <p>Threads: every method may be called by any thread and waits for nothing, except {@link
 * #connect} and {@link #close}.
 */
public final class MqttClient implements AutoCloseable {
  /**
   * A subscription that is asked for.
   *
   * @param qos 0 or 1
   */
  public record Filter(String filter, int qos) {}

  /**
   * The answer to SUBSCRIBE or UNSUBSCRIBE.
   *
   * @param codes one for each filter: below 128 it was granted; empty for UNSUBACK of MQTT 3.1.1
   * @param reason the server's words, if it gave any
   */
  public record Answer(List<Integer> codes, @Nullable String reason) {}

  /**
   * How a connection ended.
   *
   * @param reason a sentence's end, for people
   * @param reasonCode of the server's DISCONNECT; 0 without one
   * @param byServer whether the other side ended it, with DISCONNECT or by closing
   */
  public record End(String reason, int reasonCode, boolean byServer) {}

  /** Whoever uses the connection. */
  public interface Listener {
    /**
     * A message, on the executor of the messages; the next one comes when this returns.
     *
     * @param acknowledge to be called once by any thread; nothing to do for QoS 0. The server
     *     counts what is not acknowledged against the receive maximum. Acknowledgements go out in
     *     the order of these calls.
     */
    void message(MqttMessage message, Runnable acknowledge);

    /** Once, on the event loop, after a connection that was made has ended. Must not wait. */
    void ended(End end);
  }

  private final Channel channel;
  private final ClientConnection connection;
  private final ServerGrants grants;

  private MqttClient(Channel channel, ClientConnection connection, ServerGrants grants) {
    this.channel = channel;
    this.connection = connection;
    this.grants = grants;
  }

  /**
   * Connects and returns when the server has accepted the client.
   *
   * @param address resolved, unless a handler of {@code layers} resolves it (proxies do)
   * @param layers adds what lies between the socket and MQTT to the channel's pipeline: proxy, TLS
   * @param tcpTimeout for the connection of the socket alone
   * @param messages where the listener gets its messages, one after the other
   * @throws MqttClientException when it does not come to that
   */
  public static MqttClient connect(
      EventLoopGroup loops,
      SocketAddress address,
      Consumer<Channel> layers,
      Duration tcpTimeout,
      MqttClientOptions options,
      Executor messages,
      Listener listener)
      throws InterruptedException {
    ClientConnection connection = new ClientConnection(options, messages, listener);
    long deadline = System.nanoTime() + options.connectTimeout().toNanos();
    ChannelFuture connecting =
        new Bootstrap()
            .group(loops)
            .channel(NioSocketChannel.class)
            .disableResolver()
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) tcpTimeout.toMillis())
            .handler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel ch) {
                    layers.accept(ch);
                    ch.pipeline()
                        .addLast(
                            new ServerPacketDecoder(options.version(), options.maximumPacketSize()),
                            connection);
                  }
                })
            .connect(address);
    Channel channel = connecting.channel();
    connecting.addListener(
        f -> {
          if (!f.isSuccess()) {
            connection.unreachable(f.cause());
          }
        });
    boolean done = false;
    try {
      ServerGrants grants =
          connection.greeting().get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
      done = true;
      return new MqttClient(channel, connection, grants);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof MqttClientException known) {
        throw new MqttClientException(
            known.kind(), known.reasonCode(), String.valueOf(known.getMessage()), known);
      }
      throw new MqttClientException(
          MqttClientException.Kind.UNREACHABLE, 0, String.valueOf(e.getCause()), e.getCause());
    } catch (TimeoutException e) {
      throw new MqttClientException(
          MqttClientException.Kind.TIMEOUT,
          0,
          "no answer in " + options.connectTimeout().toSeconds() + " s",
          e);
    } finally {
      if (!done) {
        channel.close();
      }
    }
  }

  /** What the server said when it accepted the client. */
  public ServerGrants grants() {
    return grants;
  }

  /**
   * Sends a message.
   *
   * @return the reason code (0, or 0x10: nobody has subscribed to it) when a message of QoS 1 is
   *     acknowledged, 0 when one of QoS 0 is written; or a {@link MqttClientException}
   */
  public CompletableFuture<Integer> publish(MqttMessage message) {
    return connection.publish(message);
  }

  /** Asks for subscriptions in one packet; refusals are codes, not failures. */
  public CompletableFuture<Answer> subscribe(List<Filter> filters) {
    return connection.subscribe(filters);
  }

  /** Ends subscriptions in one packet. */
  public CompletableFuture<Answer> unsubscribe(List<String> filters) {
    return connection.unsubscribe(filters);
  }

  /** Ends the connection without DISCONNECT; for one that seems to be dead. */
  public void abort(String reason) {
    connection.abort(reason);
  }

  /** Ends the connection with DISCONNECT; returns within a second. */
  @Override
  public void close() {
    connection.disconnect();
    boolean unused = channel.closeFuture().awaitUninterruptibly(1, TimeUnit.SECONDS);
    channel.close();
  }
}
