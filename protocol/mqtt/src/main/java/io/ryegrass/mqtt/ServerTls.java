package io.ryegrass.mqtt;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.JdkSslContext;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SupportedCipherSuiteFilter;
import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * TLS contexts of listeners, from the JDK alone.
 *
 * <p>Netty's {@code SslContextBuilder} does the same at a price: it tries its own trust manager on
 * a built-in RSA certificate first, which loads Bouncy Castle where it is on the class path, and
 * without a trust manager it reads the 140 public authorities of the JDK, of which none has a say
 * here.
 */
public final class ServerTls {
  private static final int SESSION_SECONDS = 3600;

  /**
   * Cipher suites, the one that this side would rather have first (docs/decisions/059): ChaCha20,
   * then AES-GCM, and CBC for old clients of TLS 1.2. TLS-01 and TLS-02 of the V1 catalogue are
   * among them, as far as a JDK still has them.
   */
  public static final List<String> CIPHER_SUITES =
      List.of(
          "TLS_CHACHA20_POLY1305_SHA256",
          "TLS_AES_128_GCM_SHA256",
          "TLS_AES_256_GCM_SHA384",
          "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
          "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
          "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
          "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
          "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
          "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
          "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
          "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA");

  private ServerTls() {}

  /**
   * TLS 1.3 and 1.2 with this identity.
   *
   * @param chain the certificate of the key first
   * @param clients judges client certificates; null with {@link ClientAuth#NONE}
   * @throws GeneralSecurityException when key and certificates cannot be used
   */
  public static SslContext context(
      PrivateKey key,
      List<X509Certificate> chain,
      @Nullable TrustManager clients,
      ClientAuth clientAuth)
      throws GeneralSecurityException {
    return new JdkSslContext(
        jdkContext(key, chain, clients),
        false,
        CIPHER_SUITES,
        SupportedCipherSuiteFilter.INSTANCE,
        null,
        clientAuth,
        new String[] {"TLSv1.3", "TLSv1.2"},
        false);
  }

  /**
   * The same for servers that are not on Netty; whether client certificates are asked for, and that
   * {@link #CIPHER_SUITES} are meant, is theirs to say.
   *
   * @throws GeneralSecurityException when key and certificates cannot be used
   */
  public static SSLContext jdkContext(
      PrivateKey key, List<X509Certificate> chain, @Nullable TrustManager clients)
      throws GeneralSecurityException {
    char[] noPassword = new char[0];
    KeyStore store = memoryStore();
    store.setKeyEntry("server", key, noPassword, chain.toArray(new Certificate[0]));
    KeyManagerFactory keys = KeyManagerFactory.getInstance("SunX509");
    keys.init(store, noPassword);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(
        keys.getKeyManagers(),
        new TrustManager[] {clients == null ? new TrustsNobody() : clients},
        null);
    context.getServerSessionContext().setSessionTimeout(SESSION_SECONDS);
    return context;
  }

  /**
   * Lets in clients whose certificate one of these has issued (PKIX).
   *
   * @throws GeneralSecurityException when they cannot be used
   */
  public static TrustManager issuedBy(List<X509Certificate> authorities)
      throws GeneralSecurityException {
    KeyStore store = memoryStore();
    for (int i = 0; i < authorities.size(); i++) {
      store.setCertificateEntry("ca" + i, authorities.get(i));
    }
    TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
    factory.init(store);
    return factory.getTrustManagers()[0];
  }

  /** JKS derives no key from the empty password; the store only ever exists in memory. */
  private static KeyStore memoryStore() throws GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("JKS");
    try {
      store.load(null, null);
    } catch (IOException e) {
      throw new GeneralSecurityException("an empty key store cannot be made", e);
    }
    return store;
  }

  private static final class TrustsNobody extends X509ExtendedTrustManager {
    private static void refuse() throws CertificateException {
      throw new CertificateException("client certificates are not taken here");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      refuse();
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
        throws CertificateException {
      refuse();
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      refuse();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      refuse();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
        throws CertificateException {
      refuse();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      refuse();
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
