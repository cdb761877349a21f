package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.CoreIdentity;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.Security;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.KeyManagerFactorySpi;
import javax.net.ssl.ManagerFactoryParameters;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * The core's identity as TLS material: presents the core's certificate, trusts the root CA file.
 * Made once at start; a file that is missing or does not fit is told then, in one sentence
 * (LESSON-49).
 *
 * <p>The key is handed to TLS by a key manager of our own, so it never goes through a
 * password-protected key store.
 */
final class CoreTls {
  private final KeyManagerFactory keys;
  private final TrustManagerFactory trust;
  private final SSLContext context;
  private final SSLContext downloadContext;
  private final SSLContext anonymousContext;
  private final SSLContext proxyContext;

  private CoreTls(KeyManagerFactory keys, TrustManagerFactory trust)
      throws GeneralSecurityException {
    this.keys = keys;
    this.trust = trust;
    this.context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    X509ExtendedTrustManager own = extended(trust);
    this.downloadContext = SSLContext.getInstance("TLS");
    TrustManager[] anybody = {new RootsOrPublic(own)};
    downloadContext.init(keys.getKeyManagers(), anybody, null);
    this.anonymousContext = SSLContext.getInstance("TLS");
    anonymousContext.init(new KeyManager[0], anybody, null);
    this.proxyContext = SSLContext.getInstance("TLS");
    proxyContext.init(new KeyManager[0], trust.getTrustManagers(), null);
  }

  /** Reads the three files. */
  static CoreTls of(CoreIdentity identity) {
    List<X509Certificate> chain = Pem.certificates(identity.certificate(), "core certificate");
    PrivateKey key = Pem.privateKey(identity.privateKey());
    List<X509Certificate> roots = Pem.certificates(identity.rootCa(), "root CA file");
    try {
      if (!belongTogether(key, chain.getFirst())) {
        throw Pem.unusable(
            "private key",
            identity.privateKey(),
            "does not belong to the certificate " + identity.certificate(),
            null);
      }
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      for (int i = 0; i < roots.size(); i++) {
        store.setCertificateEntry("root" + i, roots.get(i));
      }
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(store);
      return new CoreTls(new OneKey(key, chain.toArray(new X509Certificate[0])), trust);
    } catch (GeneralSecurityException | java.io.IOException e) {
      throw Pem.unusable(
          "core certificate",
          identity.certificate(),
          "cannot be used for TLS (" + e.getMessage() + ")",
          e);
    }
  }

  KeyManagerFactory keys() {
    return keys;
  }

  TrustManagerFactory trust() {
    return trust;
  }

  /** For the cloud itself: only the root CA file counts. */
  SSLContext context() {
    return context;
  }

  /**
   * For artifacts, which may lie in a store with a publicly trusted certificate: the root CA file,
   * then the JDK's roots.
   */
  SSLContext downloadContext() {
    return downloadContext;
  }

  /** Trusts the same, and does not show who this core is. */
  SSLContext anonymousContext() {
    return anonymousContext;
  }

  /** For a proxy that speaks TLS: the root CA file counts (PXY-05), no certificate is shown. */
  SSLContext proxyContext() {
    return proxyContext;
  }

  private static boolean belongTogether(PrivateKey key, X509Certificate certificate)
      throws GeneralSecurityException {
    if (!key.getAlgorithm().equals(certificate.getPublicKey().getAlgorithm())) {
      return false;
    }
    String algorithm = key.getAlgorithm().equals("EC") ? "SHA256withECDSA" : "SHA256withRSA";
    byte[] sample = "core".getBytes(StandardCharsets.US_ASCII);
    Signature signer = Signature.getInstance(algorithm);
    signer.initSign(key);
    signer.update(sample);
    byte[] signature = signer.sign();
    Signature verifier = Signature.getInstance(algorithm);
    verifier.initVerify(certificate.getPublicKey());
    verifier.update(sample);
    return verifier.verify(signature);
  }

  private static X509ExtendedTrustManager extended(TrustManagerFactory factory) {
    for (TrustManager m : factory.getTrustManagers()) {
      if (m instanceof X509ExtendedTrustManager x) {
        return x;
      }
    }
    throw new IllegalStateException("The JDK has no X.509 trust manager");
  }

  /** A key manager factory with one key. */
  private static final class OneKey extends KeyManagerFactory {
    OneKey(PrivateKey key, X509Certificate[] chain) {
      super(new Spi(new OneKeyManager(key, chain)), provider(), "OneKey");
    }

    private static Provider provider() {
      return Security.getProviders()[0];
    }

    private static final class Spi extends KeyManagerFactorySpi {
      private final KeyManager manager;

      Spi(KeyManager manager) {
        this.manager = manager;
      }

      @Override
      protected void engineInit(@Nullable KeyStore ks, char @Nullable [] password) {}

      @Override
      protected void engineInit(ManagerFactoryParameters spec) {}

      @Override
      protected KeyManager[] engineGetKeyManagers() {
        return new KeyManager[] {manager};
      }
    }
  }

  /** Presents the one certificate to whoever asks for one. */
  private static final class OneKeyManager extends X509ExtendedKeyManager {
    private static final String ALIAS = "core";
    private final PrivateKey key;
    private final X509Certificate[] chain;

    OneKeyManager(PrivateKey key, X509Certificate[] chain) {
      this.key = key;
      this.chain = chain;
    }

    @Override
    public String[] getClientAliases(String keyType, Principal @Nullable [] issuers) {
      return new String[] {ALIAS};
    }

    @Override
    public @Nullable String chooseClientAlias(
        String[] keyTypes, Principal @Nullable [] issuers, @Nullable Socket socket) {
      return choose(keyTypes);
    }

    @Override
    public @Nullable String chooseEngineClientAlias(
        String[] keyTypes, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
      return choose(keyTypes);
    }

    private @Nullable String choose(String[] keyTypes) {
      for (String type : keyTypes) {
        if (type.startsWith(key.getAlgorithm())
            || type.equals("RSASSA-PSS") && key.getAlgorithm().equals("RSA")) {
          return ALIAS;
        }
      }
      return null;
    }

    @Override
    public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
      return null;
    }

    @Override
    public @Nullable String chooseServerAlias(
        String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
      return null;
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return chain.clone();
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return key;
    }
  }

  /** The root CA file first; the JDK's public roots are only loaded when that does not do. */
  private static final class RootsOrPublic extends X509ExtendedTrustManager {
    private final X509ExtendedTrustManager own;
    private volatile @Nullable X509ExtendedTrustManager publicRoots;

    RootsOrPublic(X509ExtendedTrustManager own) {
      this.own = own;
    }

    private X509ExtendedTrustManager publicRoots() throws CertificateException {
      X509ExtendedTrustManager loaded = publicRoots;
      if (loaded == null) {
        try {
          TrustManagerFactory factory =
              TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
          factory.init((KeyStore) null);
          loaded = extended(factory);
          publicRoots = loaded;
        } catch (GeneralSecurityException e) {
          throw new CertificateException(e);
        }
      }
      return loaded;
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
        throws CertificateException {
      try {
        own.checkServerTrusted(chain, authType, socket);
      } catch (CertificateException e) {
        publicRoots().checkServerTrusted(chain, authType, socket);
      }
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
        throws CertificateException {
      try {
        own.checkServerTrusted(chain, authType, engine);
      } catch (CertificateException e) {
        publicRoots().checkServerTrusted(chain, authType, engine);
      }
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType)
        throws CertificateException {
      try {
        own.checkServerTrusted(chain, authType);
      } catch (CertificateException e) {
        publicRoots().checkServerTrusted(chain, authType);
      }
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
        throws CertificateException {
      throw new CertificateException("not a server");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
        throws CertificateException {
      throw new CertificateException("not a server");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType)
        throws CertificateException {
      throw new CertificateException("not a server");
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return own.getAcceptedIssuers();
    }
  }
}
