package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.identity.CertificateAuthority;
import io.ryegrass.identity.CertificateIds;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Device certificates: made, registered, switched on and off, deleted. */
final class Certificates {
  private static final Set<String> SETTABLE = Set.of("ACTIVE", "INACTIVE", "REVOKED");

  private final CloudStore store;
  private final Registry registry;
  private final CertificateAuthority authority;
  private final Clock clock;

  Certificates(CloudStore store, Registry registry, CertificateAuthority authority, Clock clock) {
    this.store = store;
    this.registry = registry;
    this.authority = authority;
    this.clock = clock;
  }

  /**
   * @param ca id of the registered CA certificate that signed it; null when none did
   */
  record Certificate(
      String id,
      String pem,
      String status,
      @Nullable String ca,
      String mode,
      long version,
      long created,
      long updated) {
    static Certificate of(Row row) {
      return new Certificate(
          row.text("id"),
          row.text("pem"),
          row.text("status"),
          row.textOrNull("ca"),
          row.text("mode"),
          row.number("version"),
          row.number("created"),
          row.number("updated"));
    }
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("CreateKeysAndCertificate", this::createKeys)
        .json("CreateCertificateFromCsr", this::createFromCsr)
        .json("RegisterCertificate", this::register)
        .json("RegisterCertificateWithoutCA", this::registerWithoutCa)
        .json("DescribeCertificate", this::describe)
        .json("ListCertificates", this::list)
        .json("ListCertificatesByCA", this::listByCa)
        .json("UpdateCertificate", this::update)
        .json("DeleteCertificate", this::delete);
  }

  static Optional<Certificate> find(Sql sql, String id) {
    return sql.one("SELECT * FROM certificates WHERE id = ?", Certificate::of, id);
  }

  static Certificate require(Sql sql, String id) {
    return find(sql, id)
        .orElseThrow(
            () -> Answers.missing("The certificate given in the request does not exist: " + id));
  }

  static List<String> things(Sql sql, String certificateId) {
    return sql.list(
        "SELECT thing FROM thing_principals WHERE certificate = ? ORDER BY thing LIMIT 1000",
        row -> row.text("thing"),
        certificateId);
  }

  private ObjectNode createKeys(CallContext call, ObjectNode in) {
    CertificateAuthority.Issued issued = authority.issueDevice("AWS IoT Certificate");
    ObjectNode out = save(issued.certificatePem(), active(in));
    out.putObject("keyPair")
        .put("PublicKey", publicKeyPem(issued.certificate()))
        .put("PrivateKey", issued.privateKeyPem());
    return out;
  }

  static String publicKeyPem(X509Certificate certificate) {
    return "-----BEGIN PUBLIC KEY-----\n"
        + Base64.getMimeEncoder(64, new byte[] {'\n'})
            .encodeToString(certificate.getPublicKey().getEncoded())
        + "\n-----END PUBLIC KEY-----\n";
  }

  private ObjectNode createFromCsr(CallContext call, ObjectNode in) {
    String pem;
    try {
      pem = authority.signCsr(text(in, "certificateSigningRequest"));
    } catch (RuntimeException e) {
      throw Answers.invalid("'certificateSigningRequest' cannot be signed: " + e.getMessage());
    }
    return save(pem, active(in));
  }

  private static String active(ObjectNode in) {
    return in.path("setAsActive").asBoolean(false) ? "ACTIVE" : "INACTIVE";
  }

  private static String status(ObjectNode in) {
    String status = in.has("status") ? text(in, "status") : active(in);
    if (!SETTABLE.contains(status)) {
      throw Answers.invalid("'status' must be ACTIVE, INACTIVE or REVOKED, not " + status);
    }
    return status;
  }

  private ObjectNode registerWithoutCa(CallContext call, ObjectNode in) {
    ObjectNode out =
        registry.change(sql -> save(sql, text(in, "certificatePem"), status(in), null, "SNI_ONLY"));
    out.remove("certificatePem");
    return out;
  }

  /** Signed by a registered CA, or by this cloud's own authority. */
  private ObjectNode register(CallContext call, ObjectNode in) {
    String pem = text(in, "certificatePem");
    String status = status(in);
    X509Certificate certificate = parse(pem, "certificatePem");
    ObjectNode out =
        registry.change(
            sql -> {
              refuseKnown(sql, CertificateIds.of(certificate));
              if (!in.has("caCertificatePem")
                  && CaCertificates.signed(certificate, authority.certificate())) {
                return save(sql, pem, status, null, "DEFAULT");
              }
              CaCertificates.Ca ca = signer(sql, certificate, in);
              return save(sql, pem, status, ca.id(), ca.mode());
            });
    out.remove("certificatePem");
    return out;
  }

  private static CaCertificates.Ca signer(Sql sql, X509Certificate certificate, ObjectNode in) {
    if (in.has("caCertificatePem")) {
      String id = CertificateIds.of(parse(text(in, "caCertificatePem"), "caCertificatePem"));
      CaCertificates.Ca named =
          CaCertificates.find(sql, id)
              .orElseThrow(() -> invalidCertificate("The CA certificate is not registered: " + id));
      if (!CaCertificates.signed(certificate, named.certificate())) {
        throw invalidCertificate("The certificate is not signed by 'caCertificatePem'");
      }
      return named;
    }
    List<CaCertificates.Ca> signers = CaCertificates.signersOf(sql, certificate);
    if (signers.isEmpty()) {
      throw invalidCertificate(
          "No registered CA certificate has signed the certificate; register its CA, or register"
              + " it with RegisterCertificateWithoutCA");
    }
    if (signers.size() > 1) {
      throw new AwsException(
          "CertificateConflictException",
          409,
          "Several registered CA certificates have this issuer's name and key; say which one with"
              + " 'caCertificatePem'");
    }
    return signers.getFirst();
  }

  static AwsException invalidCertificate(String message) {
    return new AwsException("CertificateValidationException", 400, message);
  }

  private ObjectNode save(String pem, String status) {
    String id = CertificateIds.of(parse(pem));
    return registry.change(id, sql -> save(sql, pem, status, null, "DEFAULT"));
  }

  private void refuseKnown(Sql sql, String id) {
    if (find(sql, id).isPresent()) {
      throw Answers.exists(
          "The certificate is already provisioned or registered", id, registry.certArn(id));
    }
  }

  ObjectNode save(Sql sql, String pem, String status, @Nullable String ca, String mode) {
    String id = CertificateIds.of(parse(pem, "certificatePem"));
    refuseKnown(sql, id);
    sql.update(
        "INSERT INTO certificates (id, pem, status, ca, mode, version, created, updated)"
            + " VALUES (?, ?, ?, ?, ?, 1, ?, ?)",
        id,
        pem,
        status,
        ca,
        mode,
        clock.instant(),
        clock.instant());
    return Answers.object()
        .put("certificateArn", registry.certArn(id))
        .put("certificateId", id)
        .put("certificatePem", pem);
  }

  static X509Certificate parse(String pem) {
    return parse(pem, "certificatePem");
  }

  static X509Certificate parse(String pem, String member) {
    try {
      return (X509Certificate)
          CertificateFactory.getInstance("X.509")
              .generateCertificate(new ByteArrayInputStream(pem.getBytes(StandardCharsets.UTF_8)));
    } catch (CertificateException e) {
      throw invalidCertificate("'" + member + "' is no X.509 certificate in PEM");
    }
  }

  private ObjectNode describe(CallContext call, ObjectNode in) {
    Certificate certificate = store.read(sql -> require(sql, text(in, "certificateId")));
    ObjectNode out = Answers.object();
    ObjectNode node = out.putObject("certificateDescription");
    node.put("certificateArn", registry.certArn(certificate.id()))
        .put("certificateId", certificate.id());
    if (certificate.ca() != null) {
      node.put("caCertificateId", certificate.ca());
    }
    node.put("status", certificate.status())
        .put("certificatePem", certificate.pem())
        .put("ownedBy", registry.account())
        .put("creationDate", certificate.created() / 1000.0)
        .put("lastModifiedDate", certificate.updated() / 1000.0)
        .put("customerVersion", certificate.version());
    node.putObject("transferData");
    validity(node, parse(certificate.pem()));
    node.put("certificateMode", certificate.mode());
    return out;
  }

  static void validity(ObjectNode node, X509Certificate certificate) {
    node.putObject("validity")
        .put("notBefore", certificate.getNotBefore().getTime() / 1000)
        .put("notAfter", certificate.getNotAfter().getTime() / 1000);
  }

  private ObjectNode list(CallContext call, ObjectNode in) {
    return page(
        in,
        store.read(
            sql ->
                sql.list(
                    "SELECT * FROM certificates ORDER BY created, id LIMIT 1000000",
                    Certificate::of)));
  }

  private ObjectNode listByCa(CallContext call, ObjectNode in) {
    return page(
        in,
        store.read(
            sql ->
                sql.list(
                    "SELECT * FROM certificates WHERE ca = ? ORDER BY created, id LIMIT 1000000",
                    Certificate::of,
                    text(in, "caCertificateId"))));
  }

  /** The newest first, unless the request says {@code ascendingOrder}. */
  private ObjectNode page(ObjectNode in, List<Certificate> all) {
    return Answers.page(
        in,
        Answers.Paging.MARKED,
        "certificates",
        all,
        c -> Answers.moment(c.created(), c.id()),
        !in.path("ascendingOrder").asBoolean(false),
        this::write);
  }

  private void write(Certificate c, ArrayNode out) {
    out.addObject()
        .put("certificateArn", registry.certArn(c.id()))
        .put("certificateId", c.id())
        .put("status", c.status())
        .put("certificateMode", c.mode())
        .put("creationDate", c.created() / 1000.0);
  }

  private ObjectNode update(CallContext call, ObjectNode in) {
    String status = text(in, "newStatus");
    if (!SETTABLE.contains(status)) {
      throw Answers.invalid(
          "'newStatus' must be ACTIVE, INACTIVE or REVOKED; "
              + status
              + " is for the service's own use");
    }
    return registry.change(
        sql -> {
          setStatus(sql, require(sql, text(in, "certificateId")).id(), status);
          return Answers.object();
        });
  }

  void setStatus(Sql sql, String id, String status) {
    sql.update(
        "UPDATE certificates SET status = ?, updated = ?, version = version + 1 WHERE id = ?",
        status,
        clock.instant(),
        id);
  }

  private ObjectNode delete(CallContext call, ObjectNode in) {
    boolean force = in.path("forceDelete").asBoolean(false);
    return registry.change(
        sql -> {
          Certificate certificate = require(sql, text(in, "certificateId"));
          String id = certificate.id();
          String arn = registry.certArn(id);
          if (certificate.status().equals("ACTIVE")) {
            throw mustBeInactive("Certificate", id);
          }
          if (!things(sql, id).isEmpty()) {
            throw Answers.conflict(
                "DeleteConflictException",
                "Things must be detached before deletion (arn: " + arn + ")");
          }
          if (!force
              && sql.count("SELECT COUNT(*) AS n FROM iot_policy_targets WHERE target = ?", arn)
                  > 0) {
            throw Answers.conflict(
                "DeleteConflictException",
                "Certificate policies must be detached before deletion (arn: " + arn + ")");
          }
          sql.update("DELETE FROM iot_policy_targets WHERE target = ?", arn);
          sql.update("DELETE FROM certificates WHERE id = ?", id);
          return Answers.object();
        });
  }

  static AwsException mustBeInactive(String what, String id) {
    return new AwsException(
        "CertificateStateException",
        406,
        what + " must be deactivated (not ACTIVE) before deletion. Id: " + id);
  }
}
