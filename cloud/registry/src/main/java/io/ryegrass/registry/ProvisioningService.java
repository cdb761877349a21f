package io.ryegrass.registry;

import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.identity.CertificateAuthority;
import io.ryegrass.identity.CertificateIds;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Fleet provisioning by claim (v2-deployments.md section 14, mqtt-cloud.md): the templates' API,
 * and the MQTT topics by which a device that holds a claim certificate gets a certificate of its
 * own and becomes a thing. What a claim may do is said by the policies of its certificate, which
 * the gateway asks as for every message (PRV-15).
 *
 * <p>Private keys travel on topics that all claims may subscribe to, so an answer is delivered to
 * the session that asked and to nobody else.
 *
 * <p>A certificate that was asked for is PENDING_ACTIVATION until its owner registers with the
 * token; the token is good for an hour, and an answer that was lost can be asked for again with it.
 * Certificates whose token ended are removed. When the process dies, what was answered is on disk;
 * a request that was not answered is asked again by the device.
 */
public final class ProvisioningService implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ProvisioningService.class);
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final String CREATE = "$aws/certificates/create/json";
  private static final String FROM_CSR = "$aws/certificates/create-from-csr/json";
  private static final Pattern PROVISION =
      Pattern.compile("\\$aws/provisioning-templates/([A-Za-z0-9_-]{1,36})/provision/json");
  private static final Duration TOKEN_LIFE = Duration.ofHours(1);

  /** Certificates that nobody has registered with yet: beyond it claims must wait. */
  private static final int MAX_PENDING = 10_000;

  /** Requests that wait for their turn: making a key takes a tenth of a second. */
  private static final int MAX_WAITING = 1000;

  private final CloudStore store;
  private final Registry registry;
  private final CertificateAuthority authority;
  private final DeviceReplies replies;
  private final Clock clock;
  private final ProvisioningTemplates templates;
  private final ThingRegistration registration;
  private final SecureRandom random = new SecureRandom();
  private final ThreadPoolExecutor work;

  public ProvisioningService(
      CloudStore store,
      Registry registry,
      CertificateAuthority authority,
      DeviceReplies replies,
      Clock clock) {
    this.store = store;
    this.registry = registry;
    this.authority = authority;
    this.replies = replies;
    this.clock = clock;
    this.templates = new ProvisioningTemplates(store, registry, clock);
    this.registration = new ThingRegistration(registry);
    this.work =
        new ThreadPoolExecutor(
            1,
            1,
            30,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(MAX_WAITING),
            Thread.ofPlatform().name("provisioning").daemon().factory());
    work.allowCoreThreadTimeOut(true);
  }

  public static List<Migration> migrations() {
    return ProvisioningTables.migrations();
  }

  /** The share of service {@code iot}. */
  public ServiceOperations iot() {
    ServiceOperations.Builder iot = ServiceOperations.of("iot");
    templates.serve(iot);
    return iot.build();
  }

  /** The devices' side. */
  public DeviceTopicHandler topics() {
    return new DeviceTopicHandler() {
      @Override
      public boolean accepts(String topic) {
        return topic.equals(CREATE) || topic.equals(FROM_CSR) || PROVISION.matcher(topic).matches();
      }

      @Override
      public void handle(DeviceMessage message) {
        try {
          work.execute(() -> answer(message));
        } catch (RejectedExecutionException e) {
          reject(
              message,
              new ProvisioningException(
                  429, "Throttled", "too many devices are being provisioned; try again later"));
        }
      }
    };
  }

  private void answer(DeviceMessage message) {
    try {
      ObjectNode request = parse(message.payload());
      ObjectNode answer =
          switch (message.topic()) {
            case CREATE -> createKeys();
            case FROM_CSR -> createFromCsr(request.path("certificateSigningRequest").asString(""));
            default -> register(message.topic(), request);
          };
      deliver(message, "/accepted", answer);
    } catch (ProvisioningException e) {
      reject(message, e);
    } catch (RuntimeException e) {
      LOG.error("{} on {} failed", message.clientId(), message.topic(), e);
      reject(
          message,
          new ProvisioningException(500, "InternalError", "the cloud failed: " + e.getMessage()));
    }
  }

  private void reject(DeviceMessage message, ProvisioningException e) {
    LOG.info("{} on {} is rejected: {}", message.clientId(), message.topic(), e.getMessage());
    deliver(
        message,
        "/rejected",
        JSON.createObjectNode()
            .put("statusCode", e.status())
            .put("errorCode", e.code())
            .put("errorMessage", e.getMessage()));
  }

  private void deliver(DeviceMessage message, String suffix, ObjectNode answer) {
    String topic = message.topic() + suffix;
    if (!replies.deliver(message.clientId(), topic, JSON.writeValueAsBytes(answer))) {
      LOG.info("{} is not subscribed to {}, so it does not get it", message.clientId(), topic);
    }
  }

  private static ObjectNode parse(byte[] payload) {
    if (payload.length == 0) {
      return JSON.createObjectNode();
    }
    try {
      if (JSON.readTree(payload) instanceof ObjectNode o) {
        return o;
      }
    } catch (JacksonException e) {
      LOG.debug("a payload is no JSON: {}", e.getOriginalMessage());
    }
    throw new ProvisioningException(400, "InvalidPayload", "the payload is no JSON object");
  }

  // ---- certificates

  private ObjectNode createKeys() {
    CertificateAuthority.Issued issued = authority.issueDevice("AWS IoT Certificate");
    return pending(issued.certificatePem(), issued.privateKeyPem());
  }

  private ObjectNode createFromCsr(String csr) {
    String pem;
    try {
      pem = authority.signCsr(csr);
    } catch (RuntimeException e) {
      throw new ProvisioningException(
          400,
          "InvalidCertificateSigningRequest",
          "'certificateSigningRequest' cannot be signed: " + e.getMessage());
    }
    return pending(pem, null);
  }

  private ObjectNode pending(String pem, @Nullable String key) {
    String id = CertificateIds.of(Certificates.parse(pem));
    byte[] bytes = new byte[48];
    random.nextBytes(bytes);
    String token = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    registry.change(
        sql -> {
          forgetOld(sql);
          if (sql.count("SELECT COUNT(*) AS n FROM certificate_ownership WHERE answer IS NULL")
              >= MAX_PENDING) {
            throw new ProvisioningException(
                429, "Throttled", "too many certificates wait for their registration");
          }
          sql.update(
              "INSERT INTO certificates (id, pem, status, created, updated)"
                  + " VALUES (?, ?, 'PENDING_ACTIVATION', ?, ?)",
              id,
              pem,
              clock.instant(),
              clock.instant());
          return sql.update(
              "INSERT INTO certificate_ownership (token, certificate, expires) VALUES (?, ?, ?)",
              ThingRegistration.hash(token),
              id,
              clock.instant().plus(TOKEN_LIFE));
        });
    ObjectNode answer = JSON.createObjectNode().put("certificateId", id).put("certificatePem", pem);
    if (key != null) {
      answer.put("privateKey", key);
    }
    return answer.put("certificateOwnershipToken", token);
  }

  /** Certificates that nobody registered with while the token was good. */
  private void forgetOld(io.ryegrass.store.Sql sql) {
    sql.update(
        "DELETE FROM certificates WHERE status = 'PENDING_ACTIVATION' AND id IN"
            + " (SELECT certificate FROM certificate_ownership WHERE expires < ? AND answer IS"
            + " NULL)",
        clock.instant());
    sql.update("DELETE FROM certificate_ownership WHERE expires < ?", clock.instant());
  }

  // ---- registration

  private record Owned(String certificate, @Nullable String request, @Nullable String answer) {}

  private ObjectNode register(String topic, ObjectNode request) {
    Matcher m = PROVISION.matcher(topic);
    if (!m.matches()) {
      throw ProvisioningException.invalid("no template is named");
    }
    String name = m.group(1);
    Map<String, String> parameters = parameters(request.path("parameters"));
    String token = ThingRegistration.hash(request.path("certificateOwnershipToken").asString(""));
    String asked = name + " " + JSON.writeValueAsString(new TreeMap<>(parameters));
    return registry.change(
        sql -> {
          Optional<Owned> owned =
              sql.one(
                  "SELECT * FROM certificate_ownership WHERE token = ? AND expires >= ?",
                  row ->
                      new Owned(
                          row.text("certificate"),
                          row.textOrNull("request"),
                          row.textOrNull("answer")),
                  token,
                  clock.instant());
          if (owned.isEmpty()) {
            throw new ProvisioningException(
                400,
                "InvalidCertificateOwnershipToken",
                "the certificateOwnershipToken is not known or has ended; ask for a new"
                    + " certificate");
          }
          String before = owned.get().answer();
          if (before != null) {
            if (!asked.equals(owned.get().request())) {
              throw new ProvisioningException(
                  400,
                  "InvalidCertificateOwnershipToken",
                  "the certificateOwnershipToken has been used for another registration");
            }
            return Answers.parse(before); // the answer was lost on its way
          }
          TemplateBody template = templates.enabled(sql, name, ProvisioningTemplates.FLEET);
          TemplateBody.Plan plan = template.plan(parameters, owned.get().certificate());
          registration.make(sql, plan, owned.get().certificate());
          ObjectNode answer = JSON.createObjectNode();
          answer.set("deviceConfiguration", plan.deviceConfiguration());
          if (plan.thing() != null) {
            answer.put("thingName", plan.thing().name());
          }
          sql.update(
              "UPDATE certificate_ownership SET request = ?, answer = ? WHERE token = ?",
              asked,
              answer.toString(),
              token);
          LOG.info(
              "template {} made thing {} with certificate {}",
              name,
              plan.thing() == null ? "-" : plan.thing().name(),
              owned.get().certificate());
          return answer;
        });
  }

  private static Map<String, String> parameters(JsonNode node) {
    Map<String, String> all = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> p : node.properties()) {
      if (!p.getValue().isString()) {
        throw ProvisioningException.invalid("parameter " + p.getKey() + " must be a text");
      }
      all.put(p.getKey(), p.getValue().asString());
    }
    return all;
  }

  @Override
  public void close() {
    work.shutdownNow();
    try {
      if (!work.awaitTermination(10, TimeUnit.SECONDS)) {
        LOG.warn("a registration did not end in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
