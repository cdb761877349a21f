package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import io.ryegrass.identity.CertificateIds;
import io.ryegrass.registry.Certificates.Certificate;
import io.ryegrass.registry.event.EventSwitchboard;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Devices that come with a certificate of a registered authority for the first time (developer
 * guide, "Just-in-time registration" and "Just-in-time provisioning"): the certificate is
 * registered as PENDING_ACTIVATION and told on {@code $aws/events/certificates/registered/CA}; when
 * the authority has a template, the template makes thing and policies and sets the status.
 *
 * <p>That the device has the certificate's key was shown in the TLS handshake; that the authority
 * signed it, and that both are within their dates, is checked here.
 */
final class JustInTime {
  private static final Logger LOG = LoggerFactory.getLogger(JustInTime.class);

  private final CloudStore store;
  private final Registry registry;
  private final Certificates certificates;
  private final ProvisioningTemplates templates;
  private final ThingRegistration registration;
  private final EventSwitchboard events;
  private final Clock clock;

  JustInTime(
      CloudStore store,
      Registry registry,
      Certificates certificates,
      ProvisioningTemplates templates,
      ThingRegistration registration,
      EventSwitchboard events,
      Clock clock) {
    this.store = store;
    this.registry = registry;
    this.certificates = certificates;
    this.templates = templates;
    this.registration = registration;
    this.events = events;
    this.clock = clock;
  }

  /** A device that is not known to be active has connected with this certificate. */
  void presented(X509Certificate presented) {
    String id = CertificateIds.of(presented);
    Optional<Certificate> known = store.read(sql -> Certificates.find(sql, id));
    if (known.isPresent()) {
      if (known.get().status().equals("PENDING_ACTIVATION") && known.get().ca() != null) {
        tell(id, known.get().ca(), known.get().created());
      }
      return;
    }
    Optional<CaCertificates.Ca> ca = store.read(sql -> willing(sql, presented));
    if (ca.isEmpty() || !isCurrent(ca.get().certificate()) || !isCurrent(presented)) {
      return;
    }
    boolean registered =
        registry.change(
            sql -> {
              if (Certificates.find(sql, id).isPresent()) {
                return false; // two connections at once
              }
              certificates.save(
                  sql, pem(presented), "PENDING_ACTIVATION", ca.get().id(), ca.get().mode());
              tell(id, ca.get().id(), clock.millis());
              return true;
            });
    if (registered) {
      LOG.info("certificate {} was registered by its first connection, CA {}", id, ca.get().id());
      provision(ca.get(), id, presented);
    }
  }

  private static Optional<CaCertificates.Ca> willing(Sql sql, X509Certificate presented) {
    List<CaCertificates.Ca> signers = CaCertificates.signersOf(sql, presented);
    return signers.stream()
        .filter(ca -> ca.status().equals("ACTIVE") && ca.autoRegistration())
        .findFirst();
  }

  private boolean isCurrent(X509Certificate certificate) {
    Instant now = clock.instant();
    return !now.isBefore(certificate.getNotBefore().toInstant())
        && now.isBefore(certificate.getNotAfter().toInstant());
  }

  private void tell(String id, String ca, long registered) {
    events.send(
        "$aws/events/certificates/registered/" + ca,
        Answers.object()
            .put("certificateId", id)
            .put("caCertificateId", ca)
            .put("timestamp", clock.millis())
            .put("certificateStatus", "PENDING_ACTIVATION")
            .put("awsAccountId", registry.account())
            .put("certificateRegistrationTimestamp", Long.toString(registered)));
  }

  private void provision(CaCertificates.Ca ca, String id, X509Certificate presented) {
    String body = text(ca.registration(), "templateBody");
    String name = text(ca.registration(), "templateName");
    if (body.isEmpty() && name.isEmpty()) {
      return;
    }
    try {
      Map<String, String> parameters = CertificateFacts.templateParameters(presented);
      registry.change(
          sql -> {
            TemplateBody template =
                body.isEmpty()
                    ? templates.enabled(sql, name, ProvisioningTemplates.JUST_IN_TIME)
                    : TemplateBody.parse(body);
            registration.make(sql, template.plan(parameters, id), id);
            return id;
          });
      LOG.info("certificate {} was provisioned by the template of CA {}", id, ca.id());
    } catch (RuntimeException e) {
      LOG.warn(
          "certificate {} stays PENDING_ACTIVATION: the template of CA {} failed: {}",
          id,
          ca.id(),
          e.getMessage());
    }
  }

  private static String pem(X509Certificate certificate) {
    try {
      return "-----BEGIN CERTIFICATE-----\n"
          + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(certificate.getEncoded())
          + "\n-----END CERTIFICATE-----\n";
    } catch (java.security.cert.CertificateEncodingException e) {
      throw new IllegalArgumentException("The certificate has no DER form", e);
    }
  }
}
