package io.ryegrass.identity;

import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCSException;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequest;

/** The only class that knows Bouncy Castle: puts certificates together. */
final class CertificateBuilder {
  /** Clocks of small devices run late; a certificate must be valid the moment it arrives there. */
  private static final long BACKDATE_SECONDS = 300;

  private static final int MAX_COMMON_NAME = 64;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final X509Certificate issuer;
  private final PrivateKey issuerKey;

  CertificateBuilder(X509Certificate issuer, PrivateKey issuerKey) {
    this.issuer = issuer;
    this.issuerKey = issuerKey;
  }

  static KeyPair newKeys(String algorithm) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
      if (algorithm.equals("EC")) {
        generator.initialize(new ECGenParameterSpec("secp256r1"), RANDOM);
      } else {
        generator.initialize(2048, RANDOM);
      }
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new CertificateException("Cannot make a key: " + e.getMessage(), e);
    }
  }

  static X509Certificate root(String commonName, KeyPair keys, Instant from, Instant until) {
    X500Name name = name(commonName);
    try {
      var certificate = start(name, name, keys.getPublic(), from, until);
      var ids = new JcaX509ExtensionUtils();
      certificate
          .addExtension(Extension.basicConstraints, true, new BasicConstraints(true))
          .addExtension(
              Extension.keyUsage,
              true,
              new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign | KeyUsage.digitalSignature))
          .addExtension(
              Extension.subjectKeyIdentifier,
              false,
              ids.createSubjectKeyIdentifier(keys.getPublic()));
      return sign(certificate, keys.getPrivate());
    } catch (CertIOException | GeneralSecurityException e) {
      throw failed(e);
    }
  }

  X509Certificate device(String commonName, PublicKey key, Instant from, Instant until) {
    return leaf(name(commonName), key, from, until, null, List.of());
  }

  X509Certificate deviceFromRequest(String csrPem, Instant from, Instant until) {
    JcaPKCS10CertificationRequest request = request(csrPem);
    return leaf(request.getSubject(), checkedKey(request), from, until, null, List.of());
  }

  X509Certificate server(List<String> names, PublicKey key, Instant from, Instant until) {
    if (names.isEmpty()) {
      throw new CertificateException(
          "A server certificate needs at least one name or address", null);
    }
    return leaf(name(names.getFirst()), key, from, until, KeyPurposeId.id_kp_serverAuth, names);
  }

  X509Certificate serverFromRequest(
      String csrPem, List<String> names, Instant from, Instant until) {
    return server(names, checkedKey(request(csrPem)), from, until);
  }

  static List<String> requestedNames(String csrPem) {
    List<String> found = new ArrayList<>();
    Extensions extensions = request(csrPem).getRequestedExtensions();
    GeneralNames names =
        extensions == null
            ? null
            : GeneralNames.fromExtensions(extensions, Extension.subjectAlternativeName);
    if (names == null) {
      return found;
    }
    for (GeneralName name : names.getNames()) {
      found.add(
          name.getTagNo() == GeneralName.iPAddress ? address(name) : name.getName().toString());
    }
    return found;
  }

  private static String address(GeneralName name) {
    try {
      byte[] octets = ((org.bouncycastle.asn1.ASN1OctetString) name.getName()).getOctets();
      return InetAddress.getByAddress(octets).getHostAddress();
    } catch (java.net.UnknownHostException e) {
      throw new CertificateException("The request names an IP address of a wrong length", e);
    }
  }

  private X509Certificate leaf(
      X500Name subject,
      PublicKey key,
      Instant from,
      Instant until,
      @org.jspecify.annotations.Nullable KeyPurposeId purpose,
      List<String> names) {
    try {
      var issuerName = X500Name.getInstance(issuer.getSubjectX500Principal().getEncoded());
      var certificate = start(issuerName, subject, key, from, until);
      var ids = new JcaX509ExtensionUtils();
      certificate
          .addExtension(Extension.basicConstraints, true, new BasicConstraints(false))
          .addExtension(
              Extension.authorityKeyIdentifier,
              false,
              ids.createAuthorityKeyIdentifier(issuer.getPublicKey()))
          .addExtension(Extension.subjectKeyIdentifier, false, ids.createSubjectKeyIdentifier(key))
          .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
      if (purpose != null) {
        certificate.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purpose));
      }
      if (!names.isEmpty()) {
        certificate.addExtension(Extension.subjectAlternativeName, false, alternatives(names));
      }
      return sign(certificate, issuerKey);
    } catch (CertIOException | GeneralSecurityException e) {
      throw failed(e);
    }
  }

  private static X509v3CertificateBuilder start(
      X500Name issuer, X500Name subject, PublicKey key, Instant from, Instant until) {
    return new X509v3CertificateBuilder(
        issuer,
        new BigInteger(159, RANDOM).setBit(158),
        Date.from(from.minusSeconds(BACKDATE_SECONDS)),
        Date.from(until),
        subject,
        SubjectPublicKeyInfo.getInstance(key.getEncoded()));
  }

  private static X509Certificate sign(X509v3CertificateBuilder certificate, PrivateKey key) {
    try {
      String algorithm = key.getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA";
      var signer = new JcaContentSignerBuilder(algorithm).build(key);
      return new JcaX509CertificateConverter().getCertificate(certificate.build(signer));
    } catch (OperatorCreationException | GeneralSecurityException e) {
      throw failed(e);
    }
  }

  private static GeneralNames alternatives(List<String> names) {
    return new GeneralNames(
        names.stream()
            .distinct()
            .map(
                n -> new GeneralName(isAddress(n) ? GeneralName.iPAddress : GeneralName.dNSName, n))
            .toArray(GeneralName[]::new));
  }

  private static boolean isAddress(String name) {
    try {
      return InetAddress.ofLiteral(name) != null;
    } catch (IllegalArgumentException e) {
      return false; // a host name
    }
  }

  private static X500Name name(String commonName) {
    String shortened =
        commonName.length() <= MAX_COMMON_NAME
            ? commonName
            : commonName.substring(0, MAX_COMMON_NAME);
    return new X500NameBuilder(BCStyle.INSTANCE).addRDN(BCStyle.CN, shortened).build();
  }

  private static JcaPKCS10CertificationRequest request(String csrPem) {
    try {
      return new JcaPKCS10CertificationRequest(Pem.decode(csrPem, "CERTIFICATE REQUEST"));
    } catch (IOException | RuntimeException e) {
      throw new CertificateException(
          "The certificate signing request cannot be read: " + e.getMessage(), e);
    }
  }

  private static PublicKey checkedKey(JcaPKCS10CertificationRequest request) {
    try {
      PublicKey key = request.getPublicKey();
      if (!request.isSignatureValid(new JcaContentVerifierProviderBuilder().build(key))) {
        throw new CertificateException(
            "The certificate signing request is not signed by its own key; make it again", null);
      }
      boolean strong =
          switch (key) {
            case RSAPublicKey rsa -> rsa.getModulus().bitLength() >= 2048;
            case ECPublicKey ec -> ec.getParams().getOrder().bitLength() >= 256;
            default -> false;
          };
      if (!strong) {
        throw new CertificateException(
            "The key of the request must be RSA of at least 2048 bits, or EC P-256 or P-384", null);
      }
      return key;
    } catch (GeneralSecurityException | OperatorCreationException | PKCSException e) {
      throw new CertificateException(
          "The certificate signing request cannot be checked: " + e.getMessage(), e);
    }
  }

  private static CertificateException failed(Exception e) {
    return new CertificateException("Cannot make a certificate: " + e.getMessage(), e);
  }
}
