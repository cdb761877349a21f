package io.ryegrass.devicegateway;

import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.mqtt.AuthenticationResult;
import io.ryegrass.mqtt.Authenticator;
import io.ryegrass.mqtt.Authoriser;
import io.ryegrass.mqtt.ClientSession;
import io.ryegrass.mqtt.ConnectRequest;
import io.ryegrass.mqtt.DisconnectReason;
import io.ryegrass.mqtt.Interceptor;
import io.ryegrass.mqtt.ReturnCode;
import io.ryegrass.registry.DeviceMessage;
import io.ryegrass.registry.DevicePrincipal;
import io.ryegrass.registry.DeviceTopicHandler;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the MQTT engine asks about devices: who they are, what their policies allow, and who handles
 * reserved topics. Source: mqtt-cloud reference, sections 2 and 5.
 */
final class MqttDoor implements Authenticator, Authoriser, Interceptor {

  private static final Logger LOG = LoggerFactory.getLogger(MqttDoor.class);
  private static final String SHARED = "$share/";

  private final String region;
  private final String arnPrefix;
  private final Presence presence;
  private final Map<String, ConnectedDevice> connected = new ConcurrentHashMap<>();
  private final Clock clock;
  private volatile PresenceListener listener = (client, things, connected, reason, time) -> {};
  private volatile @Nullable CloudServices services;

  MqttDoor(String region, String accountId, Presence.Sink events, Clock clock) {
    this.region = region;
    this.arnPrefix = "arn:aws:iot:" + region + ":" + accountId + ":";
    this.presence = new Presence(events, clock);
    this.clock = clock;
  }

  void serve(CloudServices ready) {
    services = ready;
  }

  void onPresence(PresenceListener told) {
    listener = told;
  }

  /** Devices by client id. */
  Map<String, ConnectedDevice> connected() {
    return connected;
  }

  @Override
  public AuthenticationResult authenticate(ConnectRequest request) {
    CloudServices ready = services;
    if (ready == null) {
      return new AuthenticationResult.Refused(
          ReturnCode.SERVER_UNAVAILABLE, "the cloud is starting");
    }
    String address = request.peer().getAddress().getHostAddress();
    ConnectedDevice device;
    if (request.admission() instanceof ConnectedDevice.IamCaller caller) {
      device = new ConnectedDevice(request.clientId(), address, caller);
    } else {
      if (request.certificates().isEmpty()) {
        return refused("no client certificate");
      }
      X509Certificate certificate = request.certificates().getFirst();
      Optional<DevicePrincipal> principal = ready.registry().findOrRegister(certificate);
      if (principal.isEmpty() || !Certificates.isCurrent(certificate)) {
        return refused(
            "certificate of "
                + certificate.getSubjectX500Principal()
                + " is not registered, not ACTIVE, or out of its dates");
      }
      device = new ConnectedDevice(request.clientId(), address, principal.get());
    }
    if (!allowed(ready, device, "iot:Connect", "client/" + request.clientId())) {
      return refused(
          "the policies of "
              + device.identifier()
              + " do not allow iot:Connect as client '"
              + request.clientId()
              + "'");
    }
    if (request.will() != null
        && !mayPublish(ready, device, request.will().topic(), request.will().retain())) {
      return refused("the policies do not allow the will's topic " + request.will().topic());
    }
    return new AuthenticationResult.Accepted(device);
  }

  private static AuthenticationResult refused(String reason) {
    LOG.info("MQTT connection refused: {}", reason);
    return new AuthenticationResult.Refused(ReturnCode.NOT_AUTHORISED, reason);
  }

  @Override
  public boolean mayPublish(ClientSession session, String topic, boolean retain) {
    CloudServices ready = services;
    boolean may = ready != null && mayPublish(ready, device(session), topic, retain);
    if (!may) {
      LOG.info(
          "{} may not publish to {}{}", session.clientId(), topic, retain ? " (retained)" : "");
    }
    return may;
  }

  private boolean mayPublish(
      CloudServices ready, ConnectedDevice device, String topic, boolean retain) {
    return allowed(ready, device, "iot:Publish", "topic/" + topic)
        && (!retain || allowed(ready, device, "iot:RetainPublish", "topic/" + topic));
  }

  @Override
  public boolean maySubscribe(ClientSession session, String filter) {
    CloudServices ready = services;
    String bare = filter;
    if (filter.startsWith(SHARED)) {
      bare = filter.substring(filter.indexOf('/', SHARED.length()) + 1);
    }
    boolean may =
        ready != null && allowed(ready, device(session), "iot:Subscribe", "topicfilter/" + bare);
    if (!may) {
      LOG.info("{} may not subscribe to {}", session.clientId(), filter);
    }
    return may;
  }

  @Override
  public boolean mayReceive(ClientSession session, String topic) {
    CloudServices ready = services;
    return ready != null && allowed(ready, device(session), "iot:Receive", "topic/" + topic);
  }

  private boolean allowed(
      CloudServices ready, ConnectedDevice device, String action, String resource) {
    ConnectedDevice.IamCaller caller = device.iam();
    if (caller != null) {
      return ready.identity().isAllowed(caller.identity(), action, arnPrefix + resource);
    }
    return ready
        .registry()
        .isAllowed(device.principal(), action, arnPrefix + resource, device.variables());
  }

  /** Only what is reserved is for services; the rest goes to the subscribers. */
  @Override
  public boolean wants(String topic) {
    return ReservedTopics.isReserved(topic);
  }

  @Override
  public Disposition onPublish(
      ClientSession session, String topic, byte[] payload, int qos, boolean retain) {
    if (!ReservedTopics.isReserved(topic)) {
      return Disposition.ROUTE;
    }
    CloudServices ready = services;
    if (ready == null || !ReservedTopics.isForClients(topic)) {
      LOG.info("{} may not publish to the reserved topic {}", session.clientId(), topic);
      return Disposition.REFUSED_DISCONNECT;
    }
    for (DeviceTopicHandler handler : ready.topics()) {
      if (handler.accepts(topic)) {
        handler.handle(
            new DeviceMessage(session.clientId(), device(session).principal(), topic, payload));
        Witness.topic(ready, device(session), region, topic);
        return Disposition.CONSUMED;
      }
    }
    LOG.debug("{} published to {}, which no service handles", session.clientId(), topic);
    return Disposition.CONSUMED;
  }

  @Override
  public void onConnect(ClientSession session) {
    ConnectedDevice device = device(session);
    connected.put(session.clientId(), device);
    LOG.info("device {} connected from {}", session.clientId(), device.address());
    presence.connected(session, device);
    tell(session, device, true, "");
  }

  @Override
  public void onDisconnect(ClientSession session, String reason) {
    ConnectedDevice device = device(session);
    connected.remove(session.clientId(), device);
    LOG.info("device {} disconnected: {}", session.clientId(), reason);
    presence.disconnected(session, device, reason);
    tell(session, device, false, reason);
  }

  private void tell(
      ClientSession session, ConnectedDevice device, boolean connects, String reason) {
    listener.changed(
        session.clientId(), device.principal().thingNames(), connects, reason, clock.millis());
  }

  @Override
  public void onSubscribe(ClientSession session, List<String> filters) {
    presence.subscribed(session, device(session), filters, true);
  }

  @Override
  public void onUnsubscribe(ClientSession session, List<String> filters) {
    presence.subscribed(session, device(session), filters, false);
  }

  private static ConnectedDevice device(ClientSession session) {
    return (ConnectedDevice) session.principal();
  }

  /**
   * Renews who is who.
   *
   * @param devices whether to look at devices, too, and not at callers of IAM only
   * @return the client ids that may not stay, with the reason in the words of life cycle events
   */
  Map<String, String> recheck(boolean devices) {
    CloudServices ready = services;
    if (ready == null) {
      return Map.of();
    }
    Map<X509Certificate, Optional<DevicePrincipal>> found = new HashMap<>();
    Map<String, String> gone = new HashMap<>();
    connected.forEach(
        (clientId, device) -> {
          ConnectedDevice.IamCaller caller = device.iam();
          X509Certificate certificate = device.certificate();
          if (caller != null) {
            String reason = whyGone(ready, caller);
            if (reason != null) {
              gone.put(clientId, reason);
            }
          } else if (devices && certificate != null) {
            Optional<DevicePrincipal> now =
                found.computeIfAbsent(certificate, c -> ready.registry().findActive(c));
            now.ifPresent(device::renew);
            if (now.isEmpty() || !Certificates.isCurrent(certificate)) {
              gone.put(clientId, DisconnectReason.AUTH_ERROR.name());
            }
          }
        });
    return gone;
  }

  private @Nullable String whyGone(CloudServices ready, ConnectedDevice.IamCaller caller) {
    Optional<AccessKey> key = ready.identity().find(caller.accessKeyId());
    if (key.isEmpty()) {
      return DisconnectReason.AUTH_ERROR.name();
    }
    Instant expires = key.get().expires();
    return expires != null && !clock.instant().isBefore(expires)
        ? DisconnectReason.WEBSOCKET_TTL_EXPIRATION.name()
        : null;
  }
}
