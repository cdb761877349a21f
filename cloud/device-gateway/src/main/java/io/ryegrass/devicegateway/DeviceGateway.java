package io.ryegrass.devicegateway;

import io.helidon.common.tls.Tls;
import io.helidon.http.HeaderValues;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.identity.CertificateAuthority;
import io.ryegrass.mqtt.Limits;
import io.ryegrass.mqtt.ListenerSettings;
import io.ryegrass.mqtt.MqttBroker;
import io.ryegrass.registry.DeviceMessages;
import io.ryegrass.registry.DeviceReplies;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The listeners of the cloud; see the package. */
public final class DeviceGateway implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(DeviceGateway.class);
  private static final String HTTPS = "https";
  private static final String MQTT = "mqtt";
  private static final String FRONT = "front";

  /** AWS's name for MQTT on port 443. */
  private static final String MQTT_ALPN = "x-amzn-mqtt-ca";

  private static final Duration MIN_KEEP_ALIVE = Duration.ofSeconds(30);
  private static final int MAX_PROLOGUE_BYTES = 16 << 10;
  private static final int MAX_HEADER_BYTES = 32 << 10;

  /** Above the bounds of the doors, which answer in words. */
  private static final long MAX_PAYLOAD_BYTES = 1L << 30;

  /**
   * Requests, not connections, are bounded: Helidon 4.3.1 never gives back the place of a
   * connection whose TLS handshake failed, so a bound of connections would lock everybody out in
   * the end. Connections that ask for nothing are closed instead.
   */
  private static final int MAX_REQUESTS = 1000;

  private static final Duration IDLE = Duration.ofMinutes(2);
  private static final Duration IDLE_CHECK = Duration.ofSeconds(15);

  private static final String SELF_DESCRIPTION = "/.well-known/ryegrass";

  /** What answers, once there is something to answer. */
  private record Doors(CloudServices services, DeviceDoor devices) {}

  private final GatewaySettings settings;
  private final AtomicReference<@Nullable Doors> doors = new AtomicReference<>();
  private final MqttDoor mqttDoor;
  private final MqttBroker broker;
  private final WebServer web;
  private final ConnectionWatch watch;
  private final MessagesApi messagesApi;
  private volatile byte[] selfDescription = {'{', '}'};

  private DeviceGateway(GatewaySettings settings, DeviceTls tls, Clock clock) {
    this.settings = settings;
    this.mqttDoor =
        new MqttDoor(
            settings.region(),
            settings.accountId(),
            (topic, payload) -> messages().publish(topic, payload, 0),
            clock);
    this.messagesApi =
        new MessagesApi(
            "arn:aws:iot:" + settings.region() + ":" + settings.accountId() + ":",
            this::broker,
            this::services);
    this.broker =
        MqttBroker.builder()
            .listener(
                MQTT, new InetSocketAddress(settings.host(), settings.mqttPort()), tls.forMqtt())
            .listener(
                ListenerSettings.tcp(
                        FRONT, new InetSocketAddress(settings.host(), settings.frontPort()))
                    .withTls(tls.forFront())
                    .withAlpn(MQTT_ALPN)
                    .withWebSocket(ListenerSettings.DEFAULT_WEB_SOCKET_PATH)
                    .withWebSocketOrigins(Set.of("*"))
                    .withWeb(new FrontDoor(this::services, call -> answer(call, true), clock)))
            .limits(Limits.awsIotCore().with(b -> b.minKeepAlive(MIN_KEEP_ALIVE)))
            .authenticator(mqttDoor)
            .authoriser(mqttDoor)
            .interceptor(mqttDoor)
            .dataFolder(settings.mqttFolder())
            .awsTopicRules(true)
            .clock(clock)
            .start();
    this.web = startWeb(tls);
    this.watch = new ConnectionWatch(mqttDoor, broker::disconnect);
  }

  /**
   * Takes the ports.
   *
   * @param server certificate of the device listeners
   * @param root that signed it, sent along
   * @throws PortInUseException when a port is taken
   */
  public static DeviceGateway bind(
      GatewaySettings settings,
      CertificateAuthority.Issued server,
      X509Certificate root,
      Clock clock) {
    requireFree("api", settings.host(), settings.apiPort());
    requireFree(HTTPS, settings.host(), settings.httpsPort());
    requireFree(MQTT, settings.host(), settings.mqttPort());
    requireFree(FRONT, settings.host(), settings.frontPort());
    return new DeviceGateway(settings, DeviceTls.of(server, root), clock);
  }

  private static void requireFree(String listener, String host, int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(host, port));
    } catch (IOException e) {
      throw new PortInUseException(listener, host, port, e);
    }
  }

  private WebServer startWeb(DeviceTls tls) {
    Tls https = Tls.builder().sslContext(tls.forHttps()).sslParameters(DeviceTls.https()).build();
    return WebServer.builder()
        .host(settings.host())
        .port(settings.apiPort())
        .maxPayloadSize(MAX_PAYLOAD_BYTES)
        .maxConcurrentRequests(MAX_REQUESTS)
        .idleConnectionTimeout(IDLE)
        .idleConnectionPeriod(IDLE_CHECK)
        .shutdownGracePeriod(Duration.ofSeconds(2))
        .shutdownHook(false)
        .featuresDiscoverServices(false)
        .protocolsDiscoverServices(false)
        .addConnectionSelector(new AmazonAlpn(MAX_PROLOGUE_BYTES, MAX_HEADER_BYTES))
        .routing(HttpRouting.builder().any((req, res) -> answerWeb(req, res, false)))
        .putSocket(
            HTTPS,
            socket ->
                socket
                    .host(settings.host())
                    .port(settings.httpsPort())
                    .maxPayloadSize(MAX_PAYLOAD_BYTES)
                    .maxConcurrentRequests(MAX_REQUESTS)
                    .idleConnectionTimeout(IDLE)
                    .idleConnectionPeriod(IDLE_CHECK)
                    .protocolsDiscoverServices(false)
                    .tls(https)
                    .addConnectionSelector(new AmazonAlpn(MAX_PROLOGUE_BYTES, MAX_HEADER_BYTES))
                    .routing(HttpRouting.builder().any((req, res) -> answerWeb(req, res, true))))
        .build()
        .start();
  }

  private void answerWeb(ServerRequest request, ServerResponse response, boolean device) {
    HttpCall call = new HelidonCall(request, response);
    try {
      answer(call, device);
    } catch (UncheckedIOException e) {
      if (e.getCause() instanceof WellFormedBody.Broken broken) {
        broken(call, broken);
      }
      LOG.debug("{} {}: the client went away: {}", call.method(), call.rawPath(), e.getMessage());
      throw e;
    } catch (RuntimeException e) {
      LOG.error("{} {} failed", call.method(), call.rawPath(), e);
      if (!response.isSent()) {
        call.error(500, "InternalFailure", "The request failed inside Ryegrass: " + e);
      }
    }
    if (request.headers().contains(HeaderValues.CONNECTION_CLOSE)) {
      // Helidon promises it in its answer, and leaves it to the client
      throw new CloseConnectionException("as the client asked");
    }
  }

  private static void broken(HttpCall call, WellFormedBody.Broken e) {
    LOG.debug("{} {}: {}", call.method(), call.rawPath(), e.getMessage());
    call.error(400, "BadRequestException", "The body is cut off or not well-formed HTTP.");
    throw new CloseConnectionException("its body is broken");
  }

  /**
   * Answers a request of either HTTP listener.
   *
   * @throws UncheckedIOException when the client's body is broken or it went away
   */
  private void answer(HttpCall call, boolean device) {
    Doors open = doors.get();
    try {
      if (!device && call.method().equals("GET") && call.rawPath().equals(SELF_DESCRIPTION)) {
        call.answer(200, Map.of("content-type", "application/json"), selfDescription);
      } else if (open == null) {
        call.error(503, "ServiceUnavailableException", "The cloud is starting, try again.");
      } else if (device && !ApiDoor.isSigned(call)) {
        open.devices().answer(call);
      } else {
        ApiDoor.answer(call, open.services());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private MqttBroker broker() {
    return broker;
  }

  private @Nullable CloudServices services() {
    Doors open = doors.get();
    return open == null ? null : open.services();
  }

  /** Messages by HTTP, for signed callers: Publish and what is retained. */
  public ServiceOperations iotData() {
    return messagesApi.operations();
  }

  /** From now on requests and connections are answered. */
  public void serve(CloudServices services) {
    doors.set(
        new Doors(
            services,
            new DeviceDoor(services, settings.region(), settings.accountId(), messagesApi)));
    services
        .registry()
        .onAuthorityChange(
            () -> {
              broker.forgetDecisions();
              watch.registryChanged();
            });
    mqttDoor.serve(services);
  }

  /**
   * The way to the devices; works from the start, before {@link #serve}. Does not wait for the
   * disk: these messages tell of what is in the store, and the devices ask for it when they come
   * back.
   */
  public DeviceMessages messages() {
    return broker::publishSoon;
  }

  /** The way to one device; works from the start, before {@link #serve}. */
  public DeviceReplies replies() {
    return (client, topic, payload) -> broker.deliver(client, topic, payload, 1);
  }

  /** Who is told of MQTT connections from now on; one at most. */
  public void onPresence(PresenceListener listener) {
    mqttDoor.onPresence(listener);
  }

  /**
   * What the API listener tells about this cloud, to whoever asks: where devices find it and which
   * root they must trust. Nothing secret.
   *
   * @param json the answer to GET {@value #SELF_DESCRIPTION}
   */
  public void describeSelf(byte[] json) {
    selfDescription = json;
  }

  /** Port of the AWS APIs. */
  public int apiPort() {
    return web.port();
  }

  /** Port of HTTPS for devices. */
  public int httpsPort() {
    return web.port(HTTPS);
  }

  /** Port of MQTT for devices. */
  public int mqttPort() {
    return broker.port(MQTT);
  }

  /** Port of MQTT, HTTPS and WebSocket together. */
  public int frontPort() {
    return broker.port(FRONT);
  }

  /** How many devices are connected by MQTT. */
  public int connectedDevices() {
    return mqttDoor.connected().size();
  }

  /** Stops taking requests, ends connections, stores sessions. Takes a few seconds at most. */
  @Override
  public void close() {
    watch.close();
    web.stop();
    broker.close();
  }
}
