package io.ryegrass.bench.cloud;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/**
 * The keys of all simulated devices, each with the certificate that the cloud signed for it. One
 * TLS context serves them all: an engine's peer host is the name of the device that it is for.
 */
final class DeviceKeys {
  /** Version 0 and a subject of one common name follow the key in this order (RFC 2986). */
  private static final byte[] ECDSA_WITH_SHA256 =
      HexFormat.of().parseHex("300a06082a8648ce3d040302");

  private static final byte[] COMMON_NAME = HexFormat.of().parseHex("0603550403");

  private record Identity(PrivateKey key, X509Certificate[] chain) {}

  private final Map<String, Identity> identities = new ConcurrentHashMap<>();
  private final KeyPairGenerator generator;

  DeviceKeys() {
    try {
      generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no P-256 keys", e);
    }
  }

  KeyPair generate() {
    return generator.generateKeyPair();
  }

  /** A certificate signing request (PKCS#10) for a P-256 key, PEM. */
  static String request(KeyPair keys, String commonName) {
    try {
      byte[] name =
          der(
              0x30,
              der(
                  0x31,
                  der(
                      0x30,
                      COMMON_NAME,
                      der(0x0c, commonName.getBytes(StandardCharsets.US_ASCII)))));
      byte[] info =
          der(
              0x30,
              new byte[] {2, 1, 0},
              name,
              keys.getPublic().getEncoded(),
              new byte[] {(byte) 0xa0, 0});
      Signature signature = Signature.getInstance("SHA256withECDSA");
      signature.initSign(keys.getPrivate());
      signature.update(info);
      byte[] bits = signature.sign();
      byte[] request = der(0x30, info, ECDSA_WITH_SHA256, der(0x03, new byte[] {0}, bits));
      return "-----BEGIN CERTIFICATE REQUEST-----\n"
          + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(request)
          + "\n-----END CERTIFICATE REQUEST-----\n";
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a request for " + commonName + " cannot be signed", e);
    }
  }

  private static byte[] der(int tag, byte[]... parts) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      body.writeBytes(part);
    }
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.write(tag);
    int length = body.size();
    if (length > 255) {
      all.write(0x82);
      all.write(length >> 8);
    } else if (length > 127) {
      all.write(0x81);
    }
    all.write(length);
    all.writeBytes(body.toByteArray());
    return all.toByteArray();
  }

  void add(String device, PrivateKey key, String certificatePem) {
    identities.put(device, new Identity(key, new X509Certificate[] {certificate(certificatePem)}));
  }

  private static X509Certificate certificate(String pem) {
    try {
      return (X509Certificate)
          CertificateFactory.getInstance("X.509")
              .generateCertificate(
                  new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("the cloud's certificate cannot be read", e);
    }
  }

  /** What all devices connect with; they trust this root. */
  SSLContext context(String rootPem) {
    try {
      KeyStore roots = KeyStore.getInstance("JKS");
      roots.load(null, null);
      roots.setCertificateEntry("root", certificate(rootPem));
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(roots);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(new KeyManager[] {new ByPeerHost()}, trust.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException | java.io.IOException e) {
      throw new IllegalStateException("TLS cannot be set up", e);
    }
  }

  /** The client's end of one device's connection. */
  static SSLEngine engine(SSLContext context, String device, int port) {
    SSLEngine engine = context.createSSLEngine(device, port);
    engine.setUseClientMode(true);
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setProtocols(new String[] {"TLSv1.3"});
    engine.setSSLParameters(parameters);
    return engine;
  }

  private final class ByPeerHost extends X509ExtendedKeyManager {
    @Override
    public @Nullable String chooseEngineClientAlias(
        String[] keyTypes, Principal @Nullable [] issuers, SSLEngine engine) {
      return identities.containsKey(engine.getPeerHost()) ? engine.getPeerHost() : null;
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return Objects.requireNonNull(identities.get(alias)).key();
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return Objects.requireNonNull(identities.get(alias)).chain();
    }

    @Override
    public String @Nullable [] getClientAliases(String type, Principal @Nullable [] issuers) {
      return null;
    }

    @Override
    public @Nullable String chooseClientAlias(
        String[] types, Principal @Nullable [] issuers, @Nullable Socket socket) {
      return null;
    }

    @Override
    public String @Nullable [] getServerAliases(String type, Principal @Nullable [] issuers) {
      return null;
    }

    @Override
    public @Nullable String chooseServerAlias(
        String type, Principal @Nullable [] issuers, @Nullable Socket socket) {
      return null;
    }
  }
}
