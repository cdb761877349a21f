package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.identity.CertificateIds;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import javax.security.auth.x500.X500Principal;
import tools.jackson.databind.node.ObjectNode;

/**
 * Certificate authorities of the customer ("bring your own CA", developer guide "Create your own
 * client certificates"): devices whose certificates they signed may be registered one by one, or by
 * themselves when they connect first ({@link JustInTime}).
 */
final class CaCertificates {
  private static final String REGISTRATION_CODE = "registration-code";
  private static final int MAX_WITH_SAME_SUBJECT = 10;

  private final CloudStore store;
  private final Registry registry;
  private final Clock clock;
  private final SecureRandom random = new SecureRandom();

  CaCertificates(CloudStore store, Registry registry, Clock clock) {
    this.store = store;
    this.registry = registry;
    this.clock = clock;
  }

  /**
   * @param registration {@code registrationConfig}, empty when there is none
   */
  record Ca(
      String id,
      String pem,
      String status,
      boolean autoRegistration,
      String mode,
      ObjectNode registration,
      long version,
      long created,
      long updated) {
    static Ca of(Row row) {
      return new Ca(
          row.text("id"),
          row.text("pem"),
          row.text("status"),
          row.flag("auto_registration"),
          row.text("mode"),
          Answers.parse(row.text("registration")),
          row.number("version"),
          row.number("created"),
          row.number("updated"));
    }

    X509Certificate certificate() {
      return Certificates.parse(pem);
    }
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("RegisterCACertificate", this::register)
        .json("DescribeCACertificate", this::describe)
        .json("ListCACertificates", this::list)
        .json("UpdateCACertificate", this::update)
        .json("DeleteCACertificate", this::delete)
        .json("GetRegistrationCode", this::code)
        .json("DeleteRegistrationCode", this::deleteCode);
  }

  static Optional<Ca> find(Sql sql, String id) {
    return sql.one("SELECT * FROM ca_certificates WHERE id = ?", Ca::of, id);
  }

  private static Ca require(Sql sql, String id) {
    return find(sql, id)
        .orElseThrow(
            () -> Answers.missing("The CA certificate given in the request does not exist: " + id));
  }

  static List<Ca> all(Sql sql) {
    return sql.list("SELECT * FROM ca_certificates ORDER BY created, id LIMIT 10000", Ca::of);
  }

  /** The registered authorities that have signed a certificate. */
  static List<Ca> signersOf(Sql sql, X509Certificate certificate) {
    return sql
        .list(
            "SELECT * FROM ca_certificates WHERE subject = ? ORDER BY created, id LIMIT 100",
            Ca::of,
            name(certificate.getIssuerX500Principal()))
        .stream()
        .filter(ca -> signed(certificate, ca.certificate()))
        .toList();
  }

  static boolean signed(X509Certificate certificate, X509Certificate by) {
    if (!certificate.getIssuerX500Principal().equals(by.getSubjectX500Principal())) {
      return false;
    }
    try {
      certificate.verify(by.getPublicKey());
      return true;
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  private static String name(X500Principal principal) {
    return principal.getName(X500Principal.CANONICAL);
  }

  private String arn(String id) {
    return registry.arn("cacert/" + id);
  }

  private ObjectNode register(CallContext call, ObjectNode in) {
    String pem = text(in, "caCertificate");
    X509Certificate certificate = Certificates.parse(pem, "caCertificate");
    String id = CertificateIds.of(certificate);
    boolean sniOnly = text(in, "certificateMode").equals("SNI_ONLY");
    if (certificate.getBasicConstraints() < 0) {
      throw Certificates.invalidCertificate(
          "'caCertificate' is no certificate of an authority: its basic constraints do not say CA");
    }
    checkCurrent(certificate, "caCertificate");
    ObjectNode registration = registration(in);
    return registry.change(
        sql -> {
          if (find(sql, id).isPresent()) {
            throw Answers.exists("The CA certificate is already registered", id, arn(id));
          }
          verify(sql, certificate, in, sniOnly);
          String subject = name(certificate.getSubjectX500Principal());
          if (sql.count("SELECT COUNT(*) AS n FROM ca_certificates WHERE subject = ?", subject)
              >= MAX_WITH_SAME_SUBJECT) {
            throw Answers.limit(
                "At most "
                    + MAX_WITH_SAME_SUBJECT
                    + " CA certificates can have the subject "
                    + subject);
          }
          sql.update(
              "INSERT INTO ca_certificates (id, subject, pem, status, auto_registration, mode,"
                  + " registration, version, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?,"
                  + " ?)",
              id,
              subject,
              pem,
              in.path("setAsActive").asBoolean(false) ? "ACTIVE" : "INACTIVE",
              in.path("allowAutoRegistration").asBoolean(false),
              sniOnly ? "SNI_ONLY" : "DEFAULT",
              registration.toString(),
              clock.instant(),
              clock.instant());
          RegistryTags.put(sql, arn(id), in.path("tags"));
          return Answers.object().put("certificateArn", arn(id)).put("certificateId", id);
        });
  }

  private void checkCurrent(X509Certificate certificate, String member) {
    if (certificate.getNotAfter().toInstant().isBefore(clock.instant())) {
      throw Certificates.invalidCertificate("'" + member + "' has expired");
    }
  }

  /** Who registers an authority shows that its key is his: it signs the registration code. */
  private void verify(Sql sql, X509Certificate ca, ObjectNode in, boolean sniOnly) {
    if (sniOnly) {
      if (in.has("verificationCertificate")) {
        throw Answers.invalid("'verificationCertificate' is not taken in mode SNI_ONLY");
      }
      return;
    }
    if (!in.has("verificationCertificate")) {
      throw Answers.invalid(
          "'verificationCertificate' is needed in mode DEFAULT; with certificateMode SNI_ONLY none"
              + " is");
    }
    X509Certificate verification =
        Certificates.parse(text(in, "verificationCertificate"), "verificationCertificate");
    checkCurrent(verification, "verificationCertificate");
    if (!signed(verification, ca)) {
      throw Certificates.invalidCertificate(
          "'verificationCertificate' is not signed by 'caCertificate'");
    }
    String code = Settings.find(sql, REGISTRATION_CODE).map(s -> text(s, "code")).orElse("");
    List<String> names = CertificateFacts.commonNames(verification);
    if (code.isEmpty() || !names.contains(code)) {
      throw new AwsException(
          "RegistrationCodeValidationException",
          400,
          "The common name of 'verificationCertificate' must be the registration code that"
              + " GetRegistrationCode answers");
    }
  }

  private static ObjectNode registration(ObjectNode in) {
    ObjectNode given = Answers.object();
    if (in.path("registrationConfig") instanceof ObjectNode config) {
      given.setAll(config);
    }
    String body = text(given, "templateBody");
    if (!body.isEmpty() && given.has("templateName")) {
      throw Answers.invalid(
          "'registrationConfig' takes 'templateBody' or 'templateName', not both");
    }
    if (!body.isEmpty()) {
      try {
        TemplateBody.parse(body);
      } catch (IllegalArgumentException e) {
        throw Answers.invalid("'templateBody' is not valid: " + e.getMessage());
      }
    }
    return given;
  }

  private ObjectNode describe(CallContext call, ObjectNode in) {
    Ca ca = store.read(sql -> require(sql, text(in, "certificateId")));
    ObjectNode out = Answers.object();
    ObjectNode node = out.putObject("certificateDescription");
    node.put("certificateArn", arn(ca.id()))
        .put("certificateId", ca.id())
        .put("status", ca.status())
        .put("certificatePem", ca.pem())
        .put("ownedBy", registry.account())
        .put("creationDate", ca.created() / 1000.0)
        .put("autoRegistrationStatus", ca.autoRegistration() ? "ENABLE" : "DISABLE")
        .put("lastModifiedDate", ca.updated() / 1000.0)
        .put("customerVersion", ca.version());
    Certificates.validity(node, ca.certificate());
    node.put("certificateMode", ca.mode());
    if (!ca.registration().isEmpty()) {
      out.set("registrationConfig", ca.registration());
    }
    return out;
  }

  private ObjectNode list(CallContext call, ObjectNode in) {
    String template = text(in, "templateName");
    List<Ca> found =
        store.read(CaCertificates::all).stream()
            .filter(
                ca ->
                    template.isEmpty() || text(ca.registration(), "templateName").equals(template))
            .toList();
    return Answers.page(
        in,
        Answers.Paging.MARKED,
        "certificates",
        found,
        ca -> Answers.moment(ca.created(), ca.id()),
        !in.path("ascendingOrder").asBoolean(false),
        (ca, out) ->
            out.addObject()
                .put("certificateArn", arn(ca.id()))
                .put("certificateId", ca.id())
                .put("status", ca.status())
                .put("creationDate", ca.created() / 1000.0));
  }

  private ObjectNode update(CallContext call, ObjectNode in) {
    boolean remove = in.path("removeAutoRegistration").asBoolean(false);
    ObjectNode registration = registration(in);
    return registry.change(
        sql -> {
          Ca ca = require(sql, text(in, "certificateId"));
          boolean auto =
              in.has("newAutoRegistrationStatus")
                  ? text(in, "newAutoRegistrationStatus").equals("ENABLE")
                  : ca.autoRegistration();
          sql.update(
              "UPDATE ca_certificates SET status = ?, auto_registration = ?, registration = ?,"
                  + " version = version + 1, updated = ? WHERE id = ?",
              in.has("newStatus") ? text(in, "newStatus") : ca.status(),
              auto,
              remove
                  ? "{}"
                  : (registration.isEmpty() ? ca.registration() : registration).toString(),
              clock.instant(),
              ca.id());
          return Answers.object();
        });
  }

  private ObjectNode delete(CallContext call, ObjectNode in) {
    return registry.change(
        sql -> {
          Ca ca = require(sql, text(in, "certificateId"));
          if (ca.status().equals("ACTIVE")) {
            throw Certificates.mustBeInactive("CA certificate", ca.id());
          }
          sql.update("DELETE FROM ca_certificates WHERE id = ?", ca.id());
          RegistryTags.deleteAll(sql, arn(ca.id()));
          return Answers.object();
        });
  }

  private ObjectNode code(CallContext call, ObjectNode in) {
    return store.write(
        sql -> {
          Optional<ObjectNode> known = Settings.find(sql, REGISTRATION_CODE);
          if (known.isPresent()) {
            return Answers.object().put("registrationCode", text(known.get(), "code"));
          }
          byte[] bytes = new byte[32];
          random.nextBytes(bytes);
          String code = HexFormat.of().formatHex(bytes);
          Settings.put(sql, REGISTRATION_CODE, Answers.object().put("code", code));
          return Answers.object().put("registrationCode", code);
        });
  }

  private ObjectNode deleteCode(CallContext call, ObjectNode in) {
    return store.write(
        sql -> {
          Settings.delete(sql, REGISTRATION_CODE);
          return Answers.object();
        });
  }
}
