package io.ryegrass.clientdevices;

import io.ryegrass.mqtt.AuthenticationResult;
import io.ryegrass.mqtt.Authenticator;
import io.ryegrass.mqtt.ClientSession;
import io.ryegrass.mqtt.ConnectRequest;
import io.ryegrass.mqtt.Interceptor;
import io.ryegrass.mqtt.ReturnCode;
import io.ryegrass.nucleus.Bus;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.Participant;
import io.ryegrass.nucleus.PublishResult;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.X509Certificate;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.slf4j.Logger;

/** Who may connect to the local broker, and what becomes of the messages of those who did. */
final class DeviceAdmission implements Authenticator, Interceptor {
  /** How a client was admitted. */
  record Admitted(String thingName, String certificateId) {}

  private final DeviceRegistry devices;
  private final Bus bus;
  private final Logger log;
  private final BooleanSupplier open;
  private final LongAdder refusedByTargets = new LongAdder();

  /** Connected clients, for the day the group's devices change. */
  private final Map<String, ClientSession> connected = new ConcurrentHashMap<>();

  /**
   * @param open whether anybody new is let in
   */
  DeviceAdmission(DeviceRegistry devices, Bus bus, Logger log, BooleanSupplier open) {
    this.open = open;
    this.devices = devices;
    this.bus = bus;
    this.log = log;
  }

  /**
   * V1's rule (v1-group-deployment reference, section 6): the certificate belongs to a device of
   * the group, and the client id equals that device's thing name.
   */
  @Override
  public AuthenticationResult authenticate(ConnectRequest request) {
    if (request.certificates().isEmpty()) {
      return refused("it presented no certificate");
    }
    if (!open.getAsBoolean()) {
      return new AuthenticationResult.Refused(
          ReturnCode.SERVER_UNAVAILABLE,
          "the broker's own certificate has expired and the cloud, which renews it, is away");
    }
    Optional<DeviceRegistry.Device> device = devices.find(request.clientId());
    if (device.isEmpty()) {
      return refused("the group has no device of this name; the client id must be the thing name");
    }
    String presented = certificateId(request.certificates().getFirst());
    if (device.get().certificateId().isEmpty() || !device.get().certificateId().equals(presented)) {
      return refused(
          "certificate " + presented + " is not the one that the group lists for this thing");
    }
    return new AuthenticationResult.Accepted(new Admitted(request.clientId(), presented));
  }

  private static AuthenticationResult refused(String reason) {
    return new AuthenticationResult.Refused(ReturnCode.NOT_AUTHORISED, reason);
  }

  /** Lower hex SHA-256 of the DER form. */
  static String certificateId(X509Certificate certificate) {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(
          "A certificate without DER form or a Java without SHA-256", e);
    }
  }

  @Override
  public void onConnect(ClientSession session) {
    connected.put(session.clientId(), session);
    log.info("Client device {} connected from {}", session.clientId(), session.peer());
  }

  @Override
  public void onDisconnect(ClientSession session, String reason) {
    connected.remove(session.clientId(), session);
    log.info("Client device {} disconnected: {}", session.clientId(), reason);
  }

  /**
   * To the bus, which knows the subscription table; no row, no receiver. A target that refuses (a
   * full spool) does not cut the device off: it would come back and send the same again, for ever
   * (LESSON-07). It is counted and told.
   */
  @Override
  public Disposition onPublish(
      ClientSession session, String topic, byte[] payload, int qos, boolean retain) {
    PublishResult result =
        bus.publish(
            new Message(
                Participant.device(session.clientId()),
                Message.Space.ROUTED,
                topic,
                payload,
                Math.min(qos, 1)));
    if (result.failed() + result.droppedFull() > 0) {
      refusedByTargets.add(result.failed() + result.droppedFull());
      long sum = refusedByTargets.sum();
      if (sum == 1 || sum % 1_000 == 0) {
        log.warn(
            "A message of device {} on {} was not taken by all of its targets ({} such losses so far): {}",
            session.clientId(),
            topic,
            sum,
            String.valueOf(result.failure()));
      }
    }
    return Disposition.CONSUMED;
  }

  /** Names the connected clients that would not be admitted any more. */
  void forEachNoLongerAdmitted(Consumer<String> action) {
    connected.forEach(
        (clientId, session) -> {
          boolean stays =
              session.principal() instanceof Admitted admitted
                  && devices
                      .find(clientId)
                      .filter(d -> d.certificateId().equals(admitted.certificateId()))
                      .isPresent();
          if (!stays) {
            action.accept(clientId);
          }
        });
  }
}
