package io.ryegrass.devicegateway;

import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Verifier;
import io.ryegrass.awssignature.SignatureException;
import io.ryegrass.identity.CallerIdentity;
import io.ryegrass.mqtt.WebHost;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * HTTP on the port that it shares with MQTT, as port 443 of IoT Core (mqtt-cloud reference, section
 * 1): the operations of the HTTPS listener but S3, and {@code wss://host/mqtt}, by a URL signed
 * with credentials of IAM (services {@code iotdevicegateway} and {@code iotdata}) or by a client
 * certificate.
 */
final class FrontDoor implements WebHost {

  private static final Logger LOG = LoggerFactory.getLogger(FrontDoor.class);
  private static final int MAX_BODY_BYTES = 1 << 20;
  private static final Set<String> SIGNING_NAMES = Set.of("iotdevicegateway", "iotdata");

  private final Supplier<@Nullable CloudServices> services;
  private final Consumer<HttpCall> answers;
  private final Clock clock;

  /**
   * @param services null until there are any
   * @param answers answers any request of a device
   */
  FrontDoor(Supplier<@Nullable CloudServices> services, Consumer<HttpCall> answers, Clock clock) {
    this.services = services;
    this.answers = answers;
    this.clock = clock;
  }

  @Override
  public List<String> protocols() {
    return List.of("x-amzn-http-ca", "http/1.1");
  }

  @Override
  public int maxBodyBytes() {
    return MAX_BODY_BYTES;
  }

  @Override
  public Response answer(Request request) {
    WebCall call = new WebCall(request);
    CloudServices ready = services.get();
    if (ready != null
        && ApiDoor.isSigned(call)
        && ready.objects().claims(call.method(), call.rawPath(), call.rawQuery(), call.headers())) {
      call.error(
          404, "UnknownOperationException", "Objects are served on the HTTPS port, not here.");
    } else {
      answers.accept(call);
    }
    return call.response();
  }

  @Override
  public Admission admit(Request upgrade) {
    WebCall call = new WebCall(upgrade);
    CloudServices ready = services.get();
    if (ready == null) {
      return refused(call, 503, "ServiceUnavailableException", "The cloud is starting, try again.");
    }
    if (ApiDoor.isSigned(call)) {
      return signed(call, ready);
    }
    X509Certificate certificate = call.certificate();
    if (certificate == null || call.header("origin") != null) {
      // A browser shows its certificate for any page that asks it to.
      return refused(
          call,
          403,
          "ForbiddenException",
          "Missing authentication: sign the URL, or send a client certificate.");
    }
    if (!Certificates.isCurrent(certificate)
        || ready.registry().findOrRegister(certificate).isEmpty()) {
      return refused(
          call,
          403,
          "ForbiddenException",
          "The client certificate is not registered, not ACTIVE, or out of its dates.");
    }
    return new Admitted(null);
  }

  private Admission signed(WebCall call, CloudServices ready) {
    try {
      SigV4Verifier.Verified verified =
          new SigV4Verifier(ready.identity(), clock)
              .verify(
                  new HttpRequestToSign(
                      call.method(), call.rawPath(), call.rawQuery(), call.headers()),
                  new byte[0]);
      if (!SIGNING_NAMES.contains(verified.service())) {
        return refused(
            call,
            403,
            "ForbiddenException",
            "Credential should be scoped to correct service: 'iotdevicegateway'.");
      }
      if (verified.key().identity() instanceof CallerIdentity caller) {
        return new Admitted(new ConnectedDevice.IamCaller(verified.key().accessKeyId(), caller));
      }
      return refused(call, 403, "ForbiddenException", "The access key belongs to nobody.");
    } catch (SignatureException e) {
      return refused(call, 403, "ForbiddenException", String.valueOf(e.getMessage()));
    }
  }

  private static Admission refused(WebCall call, int status, String code, String why) {
    LOG.info("WebSocket of {} refused: {}", call.peer(), why);
    call.error(status, code, why);
    return new Refused(call.response());
  }
}
