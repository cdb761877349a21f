package io.ryegrass.bench.mqtt;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManagerFactory;

/**
 * A certificate authority, a server's and a client's P-256 certificate for one run, made by
 * openssl(1): as PEM files and, for the Java peers, as key stores.
 */
record Certificates(Path folder) {
  static final String PASSWORD = "benchmark";

  /** One cipher for all brokers, so that none is faster by a weaker one. */
  private static final SSLParameters PARAMETERS =
      new SSLParameters(
          new String[] {"TLS_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
          new String[] {"TLSv1.3", "TLSv1.2"});

  static Certificates make(Path folder) throws IOException, InterruptedException {
    Certificates made = new Certificates(Files.createDirectories(folder));
    Files.writeString(folder.resolve("san"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
    List<String> key = List.of("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes");
    made.openssl(key, "req -x509 -keyout ca.key -out ca.crt -days 30 -subj /CN=bench-ca");
    for (String who : List.of("server", "client")) {
      made.openssl(key, "req -keyout %1$s.key -out %1$s.csr -subj /CN=localhost".formatted(who));
      made.openssl(
          List.of(),
          "x509 -req -in %1$s.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out %1$s.crt -days 30 -extfile san"
              .formatted(who));
    }
    made.writeKeyStores();
    return made;
  }

  Path ca() {
    return folder.resolve("ca.crt");
  }

  Path serverCertificate() {
    return folder.resolve("server.crt");
  }

  Path serverKey() {
    return folder.resolve("server.key");
  }

  /** The server's key and certificate, and the authority as trusted. */
  Path keyStore() {
    return folder.resolve("server.jks");
  }

  Path trustStore() {
    return folder.resolve("trust.jks");
  }

  /** What clients connect with: the client's certificate, the authority trusted. */
  SSLContext clientContext() throws IOException {
    try {
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(withKey("JKS", "client"), PASSWORD.toCharArray());
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(withAuthority(empty("JKS")));
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IOException("cannot use the client's certificate in " + folder, e);
    }
  }

  static SSLParameters parameters() {
    return PARAMETERS;
  }

  private void openssl(List<String> more, String line) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("openssl"));
    command.addAll(List.of(line.split(" ")));
    command.addAll(more);
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException("openssl could not make the certificates: " + said.strip());
    }
  }

  private void writeKeyStores() throws IOException {
    try {
      store(withAuthority(withKey("JKS", "server")), keyStore());
      store(withAuthority(empty("JKS")), trustStore());
    } catch (GeneralSecurityException e) {
      throw new IOException("cannot write key stores to " + folder, e);
    }
  }

  private static void store(KeyStore keys, Path to) throws IOException, GeneralSecurityException {
    try (OutputStream out = Files.newOutputStream(to)) {
      keys.store(out, PASSWORD.toCharArray());
    }
  }

  private KeyStore withKey(String type, String who) throws IOException, GeneralSecurityException {
    String pem =
        Files.readString(folder.resolve(who + ".key")).replaceAll("-----[^-]+-----|\\s", "");
    PrivateKey key =
        KeyFactory.getInstance("EC")
            .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
    Certificate[] chain = {certificate(who + ".crt"), certificate("ca.crt")};
    KeyStore keys = empty(type);
    keys.setKeyEntry(who, key, PASSWORD.toCharArray(), chain);
    return keys;
  }

  private KeyStore withAuthority(KeyStore keys) throws IOException, GeneralSecurityException {
    keys.setCertificateEntry("ca", certificate("ca.crt"));
    return keys;
  }

  private static KeyStore empty(String type) throws IOException, GeneralSecurityException {
    KeyStore keys = KeyStore.getInstance(type);
    keys.load(null, null);
    return keys;
  }

  private Certificate certificate(String file) throws IOException, GeneralSecurityException {
    try (InputStream in = Files.newInputStream(folder.resolve(file))) {
      return CertificateFactory.getInstance("X.509").generateCertificate(in);
    }
  }
}
