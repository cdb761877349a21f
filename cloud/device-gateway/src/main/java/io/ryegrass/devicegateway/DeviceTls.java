package io.ryegrass.devicegateway;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.ryegrass.identity.CertificateAuthority;
import io.ryegrass.mqtt.ServerTls;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * The TLS side of the device listeners: one server certificate for both, and client certificates of
 * any issuer. That a client has the key of the certificate it shows is proven by the handshake;
 * whether the certificate counts is asked of the registry afterwards, once per connection or
 * request.
 */
final class DeviceTls {

  private final PrivateKey key;
  private final List<X509Certificate> chain;

  private DeviceTls(PrivateKey key, List<X509Certificate> chain) {
    this.key = key;
    this.chain = chain;
  }

  static DeviceTls of(CertificateAuthority.Issued server, X509Certificate root) {
    try {
      String base64 = server.privateKeyPem().replaceAll("-----[A-Z ]+-----|\\s", "");
      PrivateKey key =
          KeyFactory.getInstance(server.certificate().getPublicKey().getAlgorithm())
              .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64)));
      return new DeviceTls(key, List.of(server.certificate(), root));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(
          "the server certificate cannot be used for TLS: " + e.getMessage(), e);
    }
  }

  SSLContext forHttps() {
    try {
      return ServerTls.jdkContext(key, chain, new AnyIssuer());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("HTTPS cannot do TLS: " + e.getMessage(), e);
    }
  }

  /** A certificate may be shown; the cipher is the first of ours that the client has. */
  static SSLParameters https() {
    SSLParameters parameters = new SSLParameters(ServerTls.CIPHER_SUITES.toArray(String[]::new));
    parameters.setUseCipherSuitesOrder(true);
    parameters.setWantClientAuth(true);
    return parameters;
  }

  /** A certificate must be shown. */
  SslContext forMqtt() {
    return forNetty(ClientAuth.REQUIRE);
  }

  /** A certificate may be shown; others sign their requests. */
  SslContext forFront() {
    return forNetty(ClientAuth.OPTIONAL);
  }

  private SslContext forNetty(ClientAuth clients) {
    try {
      return ServerTls.context(key, chain, new AnyIssuer(), clients);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("MQTT cannot do TLS: " + e.getMessage(), e);
    }
  }

  /** Leaves the judgement of client certificates to the registry. */
  private static final class AnyIssuer extends X509ExtendedTrustManager {

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType) {
      throw new UnsupportedOperationException("for servers only");
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket) {
      throw new UnsupportedOperationException("for servers only");
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {
      throw new UnsupportedOperationException("for servers only");
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
