package io.ryegrass.identity;

import io.ryegrass.durable.DurableFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * An authority that signs device and server certificates: an EC P-256 key (RSA 2048 on request) and
 * a self-signed root, in a folder with {@code ca.key} (PKCS#8, mode 0600) and {@code ca.pem}.
 *
 * <p>Device keys are RSA 2048 and device certificates end with 2049, as IoT Core's do; server keys
 * are EC P-256. All private keys are handed out as PKCS#8 PEM, which OpenSSL, Java, Mosquitto and
 * the AWS SDKs read. Safe for any number of threads.
 */
public final class CertificateAuthority {
  private static final String KEY_FILE = "ca.key";
  private static final String CERTIFICATE_FILE = "ca.pem";
  private static final Duration ROOT_VALIDITY = Duration.ofDays(20 * 365L);
  private static final Instant DEVICE_END = Instant.parse("2049-12-31T23:59:59Z");

  /**
   * A certificate with its private key, both PEM (the key as PKCS#8). The key is never part of
   * {@link #toString()}.
   */
  public record Issued(String certificatePem, String privateKeyPem, X509Certificate certificate) {
    @Override
    public String toString() {
      return "Issued[" + certificate.getSubjectX500Principal() + "]";
    }
  }

  private final X509Certificate certificate;
  private final CertificateBuilder builder;
  private final Clock clock;

  private CertificateAuthority(X509Certificate certificate, PrivateKey key, Clock clock) {
    this.certificate = certificate;
    this.builder = new CertificateBuilder(certificate, key);
    this.clock = clock;
  }

  /** As {@link #openOrCreate(Path, String, Clock)} with the system's clock. */
  public static CertificateAuthority openOrCreate(Path folder, String commonName) {
    return openOrCreate(folder, commonName, Clock.systemUTC());
  }

  /**
   * Opens the authority of a folder; makes it when the folder has none. The key is written first: a
   * crash in between leaves a key without certificate, which counts as none.
   *
   * @throws CertificateException when the folder holds a certificate without its key
   */
  public static CertificateAuthority openOrCreate(Path folder, String commonName, Clock clock) {
    return openOrCreate(folder, commonName, clock, "EC");
  }

  /**
   * As above, with the algorithm of the key that is made: EC, or RSA for clients that know nothing
   * else. An authority that is there keeps its key.
   */
  public static CertificateAuthority openOrCreate(
      Path folder, String commonName, Clock clock, String algorithm) {
    Optional<byte[]> stored = DurableFiles.read(folder.resolve(CERTIFICATE_FILE));
    if (stored.isEmpty()) {
      return create(folder, commonName, clock, algorithm);
    }
    byte[] key =
        DurableFiles.read(folder.resolve(KEY_FILE))
            .orElseThrow(
                () ->
                    new CertificateException(
                        "The authority in "
                            + folder
                            + " has lost its key "
                            + KEY_FILE
                            + "; restore that file from a backup",
                        null));
    X509Certificate certificate = Pem.certificate(Pem.text(stored.get()));
    return new CertificateAuthority(
        certificate, privateKey(Pem.text(key), certificate.getPublicKey().getAlgorithm()), clock);
  }

  private static CertificateAuthority create(
      Path folder, String commonName, Clock clock, String algorithm) {
    KeyPair keys = CertificateBuilder.newKeys(algorithm);
    Instant now = clock.instant();
    X509Certificate root = CertificateBuilder.root(commonName, keys, now, now.plus(ROOT_VALIDITY));
    DurableFiles.writeAtomically(
        folder.resolve(KEY_FILE),
        Pem.encode("PRIVATE KEY", keys.getPrivate().getEncoded())
            .getBytes(StandardCharsets.US_ASCII),
        DurableFiles.OWNER_ONLY);
    DurableFiles.writeAtomically(
        folder.resolve(CERTIFICATE_FILE), pem(root).getBytes(StandardCharsets.US_ASCII));
    return new CertificateAuthority(root, keys.getPrivate(), clock);
  }

  /** The root that clients trust. */
  public X509Certificate certificate() {
    return certificate;
  }

  public String certificatePem() {
    return pem(certificate);
  }

  /** A new RSA 2048 key and its device certificate. */
  public Issued issueDevice(String commonName) {
    KeyPair keys = CertificateBuilder.newKeys("RSA");
    X509Certificate made =
        builder.device(commonName, keys.getPublic(), clock.instant(), DEVICE_END);
    return issued(made, keys);
  }

  /**
   * A device certificate for the key of a certificate signing request.
   *
   * @param csrPem PKCS#10, PEM; key RSA of 2048 bits or more, or EC P-256 or P-384
   * @return the certificate, PEM
   * @throws CertificateException when the request is unreadable, wrongly signed or its key too weak
   */
  public String signCsr(String csrPem) {
    return pem(builder.deviceFromRequest(csrPem, clock.instant(), DEVICE_END));
  }

  /**
   * A server certificate for the key of a certificate signing request; the names in the request are
   * ignored, only those given here are certified.
   */
  public String signServerCsr(String csrPem, List<String> dnsNamesAndIps, Duration validity) {
    Instant now = clock.instant();
    return pem(builder.serverFromRequest(csrPem, dnsNamesAndIps, now, now.plus(validity)));
  }

  /** A new EC P-256 key and a server certificate for these names and addresses. */
  public Issued issueServer(List<String> dnsNamesAndIps, Duration validity) {
    KeyPair keys = CertificateBuilder.newKeys("EC");
    Instant now = clock.instant();
    return issued(builder.server(dnsNamesAndIps, keys.getPublic(), now, now.plus(validity)), keys);
  }

  /**
   * The names and addresses a certificate signing request asks for, so that the caller can compare
   * them with those it would certify.
   */
  public static List<String> requestedNames(String csrPem) {
    return CertificateBuilder.requestedNames(csrPem);
  }

  private static Issued issued(X509Certificate certificate, KeyPair keys) {
    return new Issued(
        pem(certificate), Pem.encode("PRIVATE KEY", keys.getPrivate().getEncoded()), certificate);
  }

  static String pem(X509Certificate certificate) {
    try {
      return Pem.encode("CERTIFICATE", certificate.getEncoded());
    } catch (java.security.cert.CertificateEncodingException e) {
      throw new CertificateException("The certificate has no DER form", e);
    }
  }

  private static PrivateKey privateKey(String pem, String algorithm) {
    try {
      return KeyFactory.getInstance(algorithm)
          .generatePrivate(new PKCS8EncodedKeySpec(Pem.decode(pem, "PRIVATE KEY")));
    } catch (GeneralSecurityException e) {
      throw new CertificateException("The authority's key cannot be read: " + e.getMessage(), e);
    }
  }
}
