package io.ryegrass.clientdevices;

import io.ryegrass.nucleus.CloudUnavailableException;
import java.io.StringReader;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequest;
import org.jspecify.annotations.Nullable;

/** Real keys and certificates, and a group authority that signs as the cloud's does. */
final class TestPki {
  private TestPki() {}

  record Identity(KeyPair keys, X509Certificate certificate) {
    String certificateId() {
      return DeviceAdmission.certificateId(certificate);
    }
  }

  static Identity selfSigned(String name) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(256);
    KeyPair keys = generator.generateKeyPair();
    X500Principal subject = new X500Principal("CN=" + name);
    Instant now = Instant.now();
    var builder =
        new JcaX509v3CertificateBuilder(
                subject,
                BigInteger.valueOf(System.nanoTime()),
                Date.from(now.minus(Duration.ofDays(1))),
                Date.from(now.plus(Duration.ofDays(3650))),
                subject,
                keys.getPublic())
            .addExtension(Extension.basicConstraints, true, new BasicConstraints(true));
    var signer = new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate());
    return new Identity(
        keys, new JcaX509CertificateConverter().getCertificate(builder.build(signer)));
  }

  /**
   * A client's TLS with this identity (or none), trusting this authority only, checking the
   * server's name.
   */
  static SSLContext client(@Nullable Identity identity, String caPem) throws Exception {
    KeyStore own = KeyStore.getInstance("PKCS12");
    own.load(null);
    if (identity != null) {
      own.setKeyEntry(
          "k",
          identity.keys.getPrivate(),
          new char[0],
          new X509Certificate[] {identity.certificate});
    }
    KeyManagerFactory managers =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(own, new char[0]);
    KeyStore trust = KeyStore.getInstance("PKCS12");
    trust.load(null);
    trust.setCertificateEntry("ca", Pems.certificates(caPem).getFirst());
    TrustManagerFactory trustManagers =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trustManagers.init(trust);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), trustManagers.getTrustManagers(), null);
    return context;
  }

  /** The cloud's side: signs requests for seven days, takes addresses, may be away. */
  static final class GroupAuthority implements ServerCertificateSource {
    final Identity ca;
    final Clock clock;
    final List<List<Endpoint>> reports = new CopyOnWriteArrayList<>();
    volatile boolean away;
    volatile List<Endpoint> told = List.of();
    volatile int issued;

    GroupAuthority(Clock clock) throws Exception {
      this.ca = selfSigned("group CA");
      this.clock = clock;
    }

    @Override
    public ServerCertificate request(String groupId, String coreThingName, String csrPem) {
      check();
      try (PEMParser parser = new PEMParser(new StringReader(csrPem))) {
        JcaPKCS10CertificationRequest request =
            new JcaPKCS10CertificationRequest((PKCS10CertificationRequest) parser.readObject());
        PublicKey key = request.getPublicKey();
        Instant now = clock.instant();
        var names = request.getRequestedExtensions().getExtension(Extension.subjectAlternativeName);
        var builder =
            new JcaX509v3CertificateBuilder(
                    ca.certificate.getSubjectX500Principal(),
                    BigInteger.valueOf(++issued),
                    Date.from(Instant.now().minusSeconds(60)), // the clients look at the real clock
                    Date.from(now.plus(Duration.ofDays(7))),
                    new X500Principal("CN=" + coreThingName),
                    key)
                .addExtension(names);
        var signer = new JcaContentSignerBuilder("SHA256withECDSA").build(ca.keys.getPrivate());
        X509Certificate certificate =
            new JcaX509CertificateConverter().getCertificate(builder.build(signer));
        return new ServerCertificate(
            Pems.encode("CERTIFICATE", certificate.getEncoded()),
            caPem(),
            "arn:aws:greengrass:::ca");
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }

    String caPem() throws Exception {
      return Pems.encode("CERTIFICATE", ca.certificate.getEncoded());
    }

    @Override
    public void reportConnectivity(String coreThingName, List<Endpoint> endpoints) {
      check();
      reports.add(endpoints);
      told = endpoints;
    }

    @Override
    public List<Endpoint> connectivity(String coreThingName) {
      check();
      return told;
    }

    private void check() {
      if (away) {
        throw new CloudUnavailableException("The cloud is away.");
      }
    }
  }
}
