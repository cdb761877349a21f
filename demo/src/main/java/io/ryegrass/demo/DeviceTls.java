package io.ryegrass.demo;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** TLS as a device has it: its own key and certificate, and the certificates that it trusts. */
final class DeviceTls {
  private static final char[] PASSWORD = "changeit".toCharArray();

  private DeviceTls() {}

  static SSLContext context(Path certs, List<String> trustedPems) {
    try {
      return context(identity(certs), trustedPems);
    } catch (GeneralSecurityException | IOException e) {
      throw new StepFailed("cannot use the identity in " + certs + ": " + e.getMessage(), e);
    }
  }

  /** An identity that no CA of ours knows, made by the JDK's own keytool. */
  static SSLContext strangerContext(Path folder, List<String> trustedPems) {
    Path store = folder.resolve("stranger.p12");
    try {
      Process keytool =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                  "-genkeypair",
                  "-alias",
                  "device",
                  "-keyalg",
                  "EC",
                  "-dname",
                  "CN=stranger",
                  "-storetype",
                  "PKCS12",
                  "-storepass",
                  new String(PASSWORD),
                  "-keystore",
                  store.toString())
              .redirectErrorStream(true)
              .start();
      String said = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!keytool.waitFor(30, TimeUnit.SECONDS) || keytool.exitValue() != 0) {
        throw new StepFailed("keytool: " + said);
      }
      KeyStore identity = KeyStore.getInstance("PKCS12");
      try (var in = Files.newInputStream(store)) {
        identity.load(in, PASSWORD);
      }
      return context(identity, trustedPems);
    } catch (GeneralSecurityException | IOException e) {
      throw new StepFailed("cannot make a stranger's identity: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StepFailed("interrupted", e);
    }
  }

  private static KeyStore identity(Path certs) throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, PASSWORD);
    Certificate certificate =
        CertificateFactory.getInstance("X.509")
            .generateCertificate(
                new ByteArrayInputStream(Files.readAllBytes(certs.resolve("device.pem.crt"))));
    store.setKeyEntry(
        "device",
        PemKey.read(certs.resolve("private.pem.key")),
        PASSWORD,
        new Certificate[] {certificate});
    return store;
  }

  private static SSLContext context(KeyStore identity, List<String> trustedPems)
      throws GeneralSecurityException, IOException {
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(identity, PASSWORD);
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, PASSWORD);
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    for (int i = 0; i < trustedPems.size(); i++) {
      trusted.setCertificateEntry(
          "ca" + i,
          factory.generateCertificate(
              new ByteArrayInputStream(trustedPems.get(i).getBytes(StandardCharsets.UTF_8))));
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }
}
