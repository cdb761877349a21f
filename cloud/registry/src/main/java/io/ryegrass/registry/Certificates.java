package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

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
import tools.jackson.databind.node.ObjectNode;

/** Device certificates and the things they stand for. */
final class Certificates {
  private static final Set<String> STATES =
      Set.of("ACTIVE", "INACTIVE", "REVOKED", "PENDING_ACTIVATION");

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

  record Certificate(String id, String pem, String status, long created, long updated) {
    static Certificate of(Row row) {
      return new Certificate(
          row.text("id"),
          row.text("pem"),
          row.text("status"),
          row.number("created"),
          row.number("updated"));
    }
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("CreateKeysAndCertificate", this::createKeys)
        .json("CreateCertificateFromCsr", this::createFromCsr)
        .json("RegisterCertificateWithoutCA", this::register)
        .json("DescribeCertificate", this::describe)
        .json("ListCertificates", this::list)
        .json("UpdateCertificate", this::update)
        .json("DeleteCertificate", this::delete)
        .json("AttachThingPrincipal", this::attach)
        .json("DetachThingPrincipal", this::detach)
        .json("ListThingPrincipals", this::principalsOf)
        .json("ListPrincipalThings", this::thingsOf);
  }

  static Optional<Certificate> find(Sql sql, String id) {
    return sql.one("SELECT * FROM certificates WHERE id = ?", Certificate::of, id);
  }

  private static Certificate require(Sql sql, String id) {
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
    ObjectNode out = save(issued.certificatePem(), active(in) ? "ACTIVE" : "INACTIVE");
    out.putObject("keyPair")
        .put("PublicKey", publicKeyPem(issued.certificate()))
        .put("PrivateKey", issued.privateKeyPem());
    return out;
  }

  private static String publicKeyPem(X509Certificate certificate) {
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
    return save(pem, active(in) ? "ACTIVE" : "INACTIVE");
  }

  private ObjectNode register(CallContext call, ObjectNode in) {
    String status = in.has("status") ? text(in, "status") : "INACTIVE";
    ObjectNode out = save(text(in, "certificatePem"), status);
    out.remove("certificatePem");
    return out;
  }

  private static boolean active(ObjectNode in) {
    return in.path("setAsActive").asBoolean(false);
  }

  private ObjectNode save(String pem, String status) {
    String id = CertificateIds.of(parse(pem));
    return registry.change(
        sql -> {
          if (find(sql, id).isPresent()) {
            throw Answers.exists(
                "The certificate is already provisioned or registered", id, registry.certArn(id));
          }
          sql.update(
              "INSERT INTO certificates (id, pem, status, created, updated) VALUES (?, ?, ?, ?, ?)",
              id,
              pem,
              status,
              clock.instant(),
              clock.instant());
          return Answers.object()
              .put("certificateArn", registry.certArn(id))
              .put("certificateId", id)
              .put("certificatePem", pem);
        });
  }

  static X509Certificate parse(String pem) {
    try {
      return (X509Certificate)
          CertificateFactory.getInstance("X.509")
              .generateCertificate(new ByteArrayInputStream(pem.getBytes(StandardCharsets.UTF_8)));
    } catch (CertificateException e) {
      throw new io.ryegrass.awsapi.AwsException(
          "CertificateValidationException", 400, "'certificatePem' is no X.509 certificate in PEM");
    }
  }

  private ObjectNode describe(CallContext call, ObjectNode in) {
    Certificate certificate = store.read(sql -> require(sql, text(in, "certificateId")));
    X509Certificate x509 = parse(certificate.pem());
    ObjectNode out = Answers.object();
    ObjectNode node = out.putObject("certificateDescription");
    node.put("certificateArn", registry.certArn(certificate.id()))
        .put("certificateId", certificate.id())
        .put("certificatePem", certificate.pem())
        .put("status", certificate.status())
        .put("ownedBy", registry.account())
        .put("creationDate", certificate.created() / 1000)
        .put("lastModifiedDate", certificate.updated() / 1000)
        .put("certificateMode", "DEFAULT");
    node.putObject("validity")
        .put("notBefore", x509.getNotBefore().getTime() / 1000)
        .put("notAfter", x509.getNotAfter().getTime() / 1000);
    return out;
  }

  private ObjectNode list(CallContext call, ObjectNode in) {
    List<Certificate> all =
        store.read(
            sql ->
                sql.list(
                    "SELECT * FROM certificates ORDER BY created, id LIMIT 100000",
                    Certificate::of));
    return Answers.page(
        in,
        "pageSize",
        "marker",
        "nextMarker",
        "certificates",
        all,
        (c, out) ->
            out.addObject()
                .put("certificateArn", registry.certArn(c.id()))
                .put("certificateId", c.id())
                .put("status", c.status())
                .put("certificateMode", "DEFAULT")
                .put("creationDate", c.created() / 1000));
  }

  private ObjectNode update(CallContext call, ObjectNode in) {
    String status = text(in, "newStatus");
    if (!STATES.contains(status) || status.equals("PENDING_ACTIVATION")) {
      throw Answers.invalid("'newStatus' must be ACTIVE, INACTIVE or REVOKED, not " + status);
    }
    return registry.change(
        sql -> {
          Certificate certificate = require(sql, text(in, "certificateId"));
          sql.update(
              "UPDATE certificates SET status = ?, updated = ? WHERE id = ?",
              status,
              clock.instant(),
              certificate.id());
          return Answers.object();
        });
  }

  private ObjectNode delete(CallContext call, ObjectNode in) {
    boolean force = in.path("forceDelete").asBoolean(false);
    return registry.change(
        sql -> {
          Certificate certificate = require(sql, text(in, "certificateId"));
          String id = certificate.id();
          if (certificate.status().equals("ACTIVE")) {
            throw Answers.conflict(
                "CertificateStateException",
                "Certificate must be deactivated (not ACTIVE) before deletion: " + id);
          }
          if (!things(sql, id).isEmpty()) {
            throw Answers.conflict(
                "DeleteConflictException",
                "Things must be detached before deletion (certificate " + id + ")");
          }
          String arn = registry.certArn(id);
          if (!force
              && sql.count("SELECT COUNT(*) AS n FROM iot_policy_targets WHERE target = ?", arn)
                  > 0) {
            throw Answers.conflict(
                "DeleteConflictException",
                "Certificate policies must be detached before deletion (certificate " + id + ")");
          }
          sql.update("DELETE FROM iot_policy_targets WHERE target = ?", arn);
          sql.update("DELETE FROM certificates WHERE id = ?", id);
          return Answers.object();
        });
  }

  /** The certificate id of a principal ARN. */
  private String certificateId(String principal) {
    String prefix = registry.certArn("");
    if (!principal.startsWith(prefix)) {
      throw Answers.invalid(
          "principal '" + principal + "' is not a certificate of this account and Region");
    }
    return principal.substring(prefix.length());
  }

  private ObjectNode attach(CallContext call, ObjectNode in) {
    return registry.change(
        sql -> {
          String id = require(sql, certificateId(text(in, "principal"))).id();
          String thing = Things.require(sql, text(in, "thingName")).name();
          sql.update(
              "INSERT INTO thing_principals (thing, certificate) VALUES (?, ?)"
                  + " ON CONFLICT (thing, certificate) DO NOTHING",
              thing,
              id);
          return Answers.object();
        });
  }

  private ObjectNode detach(CallContext call, ObjectNode in) {
    return registry.change(
        sql -> {
          sql.update(
              "DELETE FROM thing_principals WHERE thing = ? AND certificate = ?",
              Things.require(sql, text(in, "thingName")).name(),
              certificateId(text(in, "principal")));
          return Answers.object();
        });
  }

  private ObjectNode principalsOf(CallContext call, ObjectNode in) {
    List<String> ids =
        store.read(
            sql ->
                sql.list(
                    "SELECT certificate FROM thing_principals WHERE thing = ? ORDER BY certificate"
                        + " LIMIT 1000",
                    row -> row.text("certificate"),
                    Things.require(sql, text(in, "thingName")).name()));
    return Answers.page(
        in,
        "maxResults",
        "nextToken",
        "nextToken",
        "principals",
        ids,
        (id, out) -> out.add(registry.certArn(id)));
  }

  private ObjectNode thingsOf(CallContext call, ObjectNode in) {
    List<String> names = store.read(sql -> things(sql, certificateId(text(in, "principal"))));
    return Answers.page(
        in, "maxResults", "nextToken", "nextToken", "things", names, (n, out) -> out.add(n));
  }
}
