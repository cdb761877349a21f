package io.ryegrass.devicegateway;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.ryegrass.identity.CertificateAuthority;
import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * The TLS side of the device listeners: one server certificate for both, and client certificates of
 * any issuer. That a client has the key of the certificate it shows is proven by the handshake;
 * whether the certificate counts is asked of the registry afterwards, once per connection or
 * request.
 */
final class ServerTls {

  private final KeyManagerFactory keys;

  private ServerTls(KeyManagerFactory keys) {
    this.keys = keys;
  }

  static ServerTls of(CertificateAuthority.Issued server, X509Certificate root) {
    try {
      String base64 = server.privateKeyPem().replaceAll("-----[A-Z ]+-----|\\s", "");
      PrivateKey key =
          KeyFactory.getInstance(server.certificate().getPublicKey().getAlgorithm())
              .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64)));
      // JKS, as it derives no key from the empty password; it only ever exists in memory
      KeyStore store = KeyStore.getInstance("JKS");
      store.load(null, null);
      char[] noPassword = new char[0];
      store.setKeyEntry("server", key, noPassword, new Certificate[] {server.certificate(), root});
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(store, noPassword);
      return new ServerTls(keys);
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException(
          "the server certificate cannot be used for TLS: " + e.getMessage(), e);
    }
  }

  SSLContext forHttps() {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys.getKeyManagers(), new TrustManager[] {new AnyIssuer()}, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java cannot do TLS: " + e.getMessage(), e);
    }
  }

  /**
   * Without ALPN: on a port of its own MQTT needs none, and what clients offer is then ignored. (In
   * Netty, asking for it also loads the whole of Bouncy Castle, which costs 0.4 s at the start.)
   */
  SslContext forMqtt() {
    try {
      return SslContextBuilder.forServer(keys)
          .sslProvider(SslProvider.JDK)
          .protocols("TLSv1.3", "TLSv1.2")
          .trustManager(new AnyIssuer())
          .clientAuth(ClientAuth.REQUIRE)
          .build();
    } catch (SSLException e) {
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
