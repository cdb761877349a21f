package io.ryegrass.cloudlink;

import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.proxy.HttpProxyHandler;
import io.netty.handler.proxy.ProxyHandler;
import io.netty.handler.proxy.Socks5ProxyHandler;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.ryegrass.mqtt.MqttClient;
import io.ryegrass.mqtt.MqttClientException;
import io.ryegrass.mqtt.MqttClientOptions;
import io.ryegrass.nucleus.CloudUnavailableException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;

/**
 * The way of all MQTT connections of this core to the cloud: name to addresses, proxy (PXY-03), TLS
 * with the core's certificate, and ALPN on port 443 (PXY-01). One event loop serves them all.
 *
 * <p>Names are looked up for every attempt anew and off the event loop, so a core that booted
 * without a name server finds the cloud when there is one (LESSON-06). Of several addresses each is
 * tried, so one family without a route does not matter.
 */
final class MqttNetwork implements AutoCloseable {
  private static final String ALPN = "x-amzn-mqtt-ca";
  private static final int MOST_ADDRESSES = 4;

  /** Looks up names. */
  interface Resolver {
    List<InetAddress> resolve(String host) throws UnknownHostException;
  }

  private final LinkSettings settings;
  private final CoreTls tls;
  private final Resolver resolver;
  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(
          1, new DefaultThreadFactory("cloud-io", true), NioIoHandler.newFactory());

  MqttNetwork(LinkSettings settings, CoreTls tls) {
    this(settings, tls, host -> Arrays.asList(InetAddress.getAllByName(host)));
  }

  MqttNetwork(LinkSettings settings, CoreTls tls, Resolver resolver) {
    this.settings = settings;
    this.tls = tls;
    this.resolver = resolver;
  }

  /**
   * Connects to the cloud's MQTT endpoint.
   *
   * @throws MqttClientException when nobody accepts the client
   * @throws CloudUnavailableException when a name has no address
   */
  MqttClient connect(MqttClientOptions options, Executor messages, MqttClient.Listener listener)
      throws InterruptedException {
    String host = settings.dataHost();
    ProxySettings.@Nullable Proxy proxy = settings.mqtt().proxy().forHost(host).orElse(null);
    List<InetAddress> addresses = addresses(proxy == null ? host : proxy.host());
    MqttClientException last = null;
    for (InetAddress address : addresses.subList(0, Math.min(MOST_ADDRESSES, addresses.size()))) {
      InetSocketAddress first =
          new InetSocketAddress(address, proxy == null ? settings.mqttPort() : proxy.port());
      try {
        return MqttClient.connect(
            loops,
            proxy == null ? first : InetSocketAddress.createUnresolved(host, settings.mqttPort()),
            channel -> layers(channel, proxy, first),
            settings.mqtt().socketTimeout(),
            options,
            messages,
            listener);
      } catch (MqttClientException e) {
        if (e.kind() != MqttClientException.Kind.UNREACHABLE) {
          throw e;
        }
        last = e;
      }
    }
    throw last == null ? new CloudUnavailableException("'" + host + "' has no address.") : last;
  }

  private List<InetAddress> addresses(String host) {
    try {
      return resolver.resolve(host);
    } catch (UnknownHostException e) {
      throw new CloudUnavailableException(
          "The name '" + host + "' has no address; check DNS and the endpoint's name.", e);
    }
  }

  /** From the socket upwards: TLS to the proxy, the proxy, TLS to the cloud. */
  private void layers(
      Channel channel, ProxySettings.@Nullable Proxy proxy, InetSocketAddress proxyAddress) {
    if (proxy != null) {
      if (proxy.kind() == ProxySettings.Kind.HTTPS) {
        channel.pipeline().addLast(handler(tls.proxyContext(), proxy.host(), proxy.port(), false));
      }
      ProxyHandler through = through(proxy, proxyAddress);
      through.setConnectTimeoutMillis(settings.operationTimeout().toMillis());
      channel.pipeline().addLast(through);
    }
    channel
        .pipeline()
        .addLast(
            handler(
                tls.context(), settings.dataHost(), settings.mqttPort(), settings.mqtt().alpn()));
  }

  private static ProxyHandler through(ProxySettings.Proxy proxy, InetSocketAddress address) {
    String user = proxy.user();
    if (proxy.kind() == ProxySettings.Kind.SOCKS5) {
      return user == null
          ? new Socks5ProxyHandler(address)
          : new Socks5ProxyHandler(address, user, proxy.password());
    }
    String authorization = proxy.authorization();
    return authorization == null
        ? new HttpProxyHandler(address)
        // in the usual spelling, because not every proxy takes any
        : new HttpProxyHandler(
            address, new DefaultHttpHeaders().set("Proxy-Authorization", authorization));
  }

  private SslHandler handler(SSLContext context, String host, int port, boolean alpn) {
    SSLEngine engine = context.createSSLEngine(host, port); // the host is also sent as SNI
    engine.setUseClientMode(true);
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    if (alpn) {
      parameters.setApplicationProtocols(new String[] {ALPN});
    }
    engine.setSSLParameters(parameters);
    SslHandler handler = new SslHandler(engine);
    handler.setHandshakeTimeoutMillis(settings.operationTimeout().toMillis());
    return handler;
  }

  /** Ends the event loop; connections are closed before. */
  @Override
  public void close() {
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }
}
