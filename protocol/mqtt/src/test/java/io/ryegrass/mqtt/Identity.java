package io.ryegrass.mqtt;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** A key with a certificate, of an issuer or of itself. */
record Identity(KeyPair keys, X509Certificate certificate) {
  static Identity issue(String name, Identity issuer) throws Exception {
    return issue(name, issuer, issuer == null);
  }

  static Identity issue(String name, Identity issuer, boolean authority) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(256);
    KeyPair keys = generator.generateKeyPair();
    X500Principal subject = new X500Principal("CN=" + name);
    Instant now = Instant.now();
    var builder =
        new JcaX509v3CertificateBuilder(
                issuer == null ? subject : issuer.certificate.getSubjectX500Principal(),
                BigInteger.valueOf(System.nanoTime()),
                Date.from(now.minus(1, ChronoUnit.HOURS)),
                Date.from(now.plus(1, ChronoUnit.DAYS)),
                subject,
                keys.getPublic())
            .addExtension(
                Extension.subjectAlternativeName,
                false,
                new GeneralNames(new GeneralName(GeneralName.iPAddress, "127.0.0.1")));
    if (authority) {
      builder.addExtension(
          Extension.basicConstraints, true, new org.bouncycastle.asn1.x509.BasicConstraints(true));
    }
    var signer =
        new JcaContentSignerBuilder("SHA256withECDSA")
            .build(issuer == null ? keys.getPrivate() : issuer.keys.getPrivate());
    return new Identity(
        keys, new JcaX509CertificateConverter().getCertificate(builder.build(signer)));
  }

  SSLContext client(X509Certificate trusted) throws Exception {
    return client(trusted, List.of(certificate));
  }

  SSLContext client(X509Certificate trusted, List<X509Certificate> chain) throws Exception {
    KeyStore own = KeyStore.getInstance("PKCS12");
    own.load(null);
    own.setKeyEntry("k", keys.getPrivate(), new char[0], chain.toArray(new X509Certificate[0]));
    KeyManagerFactory managers =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(own, new char[0]);
    KeyStore trust = KeyStore.getInstance("PKCS12");
    trust.load(null);
    trust.setCertificateEntry("ca", trusted);
    TrustManagerFactory trustManagers =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trustManagers.init(trust);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), trustManagers.getTrustManagers(), null);
    return context;
  }

  SslContext server(X509Certificate clientCa) throws Exception {
    return ServerTls.context(
        keys.getPrivate(),
        List.of(certificate),
        ServerTls.issuedBy(List.of(clientCa)),
        ClientAuth.REQUIRE);
  }
}
