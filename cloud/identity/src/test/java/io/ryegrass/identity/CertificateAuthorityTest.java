package io.ryegrass.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyFactory;
import java.security.interfaces.RSAPrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Issued certificates are judged by OpenSSL, a reader that is not ours. */
class CertificateAuthorityTest {
  @TempDir Path folder;
  private CertificateAuthority authority;

  @BeforeEach
  void open() {
    authority = CertificateAuthority.openOrCreate(folder.resolve("ca"), "Test Root");
  }

  private String openssl(String... arguments) throws Exception {
    var command = new java.util.ArrayList<>(List.of("openssl"));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as("openssl %s: %s", command, output).isZero();
    return output;
  }

  private void write(String name, String text) throws Exception {
    Files.writeString(folder.resolve(name), text);
  }

  @Test
  void theKeyIsReadableByItsOwnerOnlyAndTheAuthoritySurvivesReopening() throws Exception {
    assertThat(Files.getPosixFilePermissions(folder.resolve("ca/ca.key")))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    var again = CertificateAuthority.openOrCreate(folder.resolve("ca"), "Ignored");
    assertThat(again.certificate()).isEqualTo(authority.certificate());
    again.issueDevice("x").certificate().verify(authority.certificate().getPublicKey());
  }

  /** V1's group authorities: SHA-256 with RSA (v1-group-deployment.md section 6). */
  @Test
  void anAuthorityWithAnRsaKeySignsSoThatOpensslAgreesAlsoAfterItWasOpenedAgain() throws Exception {
    CertificateAuthority.openOrCreate(
        folder.resolve("rsa"), "RSA Root", java.time.Clock.systemUTC(), "RSA");
    var again = CertificateAuthority.openOrCreate(folder.resolve("rsa"), "Ignored");
    write(
        "server.pem", again.issueServer(List.of("localhost"), Duration.ofDays(7)).certificatePem());
    assertThat(openssl("verify", "-CAfile", "rsa/ca.pem", "server.pem")).contains("OK");
    assertThat(openssl("x509", "-in", "server.pem", "-noout", "-text"))
        .contains("sha256WithRSAEncryption");
    assertThat(openssl("x509", "-in", "rsa/ca.pem", "-noout", "-text")).contains("(2048 bit)");
  }

  @Test
  void anAuthorityThatLostItsKeyIsNotReplacedInSilence() throws Exception {
    Files.delete(folder.resolve("ca/ca.key"));
    assertThatThrownBy(() -> CertificateAuthority.openOrCreate(folder.resolve("ca"), "Test Root"))
        .isInstanceOf(CertificateException.class)
        .hasMessageContaining("restore");
  }

  @Test
  void opensslAndJavaReadADevicesKeyAndCertificate() throws Exception {
    CertificateAuthority.Issued device = authority.issueDevice("AWS IoT Certificate");
    write("device.pem", device.certificatePem());
    write("device.key", device.privateKeyPem());
    assertThat(openssl("verify", "-CAfile", "ca/ca.pem", "device.pem")).contains("OK");
    openssl("pkey", "-in", "device.key", "-noout", "-check");
    assertThat(openssl("pkey", "-in", "device.key", "-pubout"))
        .isEqualTo(openssl("x509", "-in", "device.pem", "-pubkey", "-noout"));
    var key =
        KeyFactory.getInstance("RSA")
            .generatePrivate(
                new PKCS8EncodedKeySpec(Pem.decode(device.privateKeyPem(), "PRIVATE KEY")));
    assertThat(((RSAPrivateKey) key).getModulus().bitLength()).isEqualTo(2048);
    assertThat(device.toString()).doesNotContain("PRIVATE");
  }

  @Test
  void theCertificateIdIsTheHashOpensslComputes() throws Exception {
    CertificateAuthority.Issued device = authority.issueDevice("d");
    write("device.pem", device.certificatePem());
    String fingerprint = openssl("x509", "-in", "device.pem", "-noout", "-fingerprint", "-sha256");
    assertThat(fingerprint.substring(fingerprint.indexOf('=') + 1).strip().replace(":", ""))
        .isEqualToIgnoringCase(CertificateIds.of(device.certificate()));
  }

  @Test
  void aServerCertificateHoldsForItsNamesAndAddressesOnly() throws Exception {
    var server =
        authority.issueServer(List.of("core.local", "127.0.0.1", "::1"), Duration.ofDays(7));
    write("server.pem", server.certificatePem());
    String[] verify = {"verify", "-CAfile", "ca/ca.pem", "-purpose", "sslserver"};
    assertThat(openssl(with(verify, "-verify_hostname", "core.local", "server.pem")))
        .contains("OK");
    assertThat(openssl(with(verify, "-verify_ip", "127.0.0.1", "server.pem"))).contains("OK");
    assertThatThrownBy(() -> openssl(with(verify, "-verify_ip", "10.0.0.1", "server.pem")))
        .isInstanceOf(AssertionError.class);
  }

  private static String[] with(String[] first, String... more) {
    return java.util.stream.Stream.of(first, more)
        .flatMap(java.util.Arrays::stream)
        .toArray(String[]::new);
  }

  @Test
  void aRequestMadeByOpensslIsSignedForItsOwnKeyWithoutTheNamesItAskedFor() throws Exception {
    openssl(
        "req",
        "-new",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "k",
        "-subj",
        "/CN=mine",
        "-out",
        "csr",
        "-addext",
        "subjectAltName=DNS:bank.example,IP:10.0.0.7");
    String csr = Files.readString(folder.resolve("csr"));
    assertThat(CertificateAuthority.requestedNames(csr))
        .containsExactly("bank.example", "10.0.0.7");
    write("d.pem", authority.signCsr(csr));
    assertThat(openssl("verify", "-CAfile", "ca/ca.pem", "d.pem")).contains("OK");
    assertThat(openssl("x509", "-in", "d.pem", "-noout", "-text"))
        .contains("CN = mine")
        .doesNotContain("bank.example")
        .contains("CA:FALSE");
    String server = authority.signServerCsr(csr, List.of("core.local"), Duration.ofDays(1));
    assertThat(Pem.certificate(server).getSubjectAlternativeNames().toString())
        .contains("core.local")
        .doesNotContain("bank.example");
  }

  @Test
  void weakKeysAndTamperedRequestsAreRefused() throws Exception {
    openssl(
        "req",
        "-new",
        "-newkey",
        "rsa:1024",
        "-nodes",
        "-keyout",
        "k",
        "-subj",
        "/CN=w",
        "-out",
        "csr");
    String weak = Files.readString(folder.resolve("csr"));
    assertThatThrownBy(() -> authority.signCsr(weak)).hasMessageContaining("2048");

    openssl(
        "req",
        "-new",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "k",
        "-subj",
        "/CN=w",
        "-out",
        "csr");
    byte[] der = Pem.decode(Files.readString(folder.resolve("csr")), "CERTIFICATE REQUEST");
    der[der.length - 1] ^= 1;
    String tampered = Pem.encode("CERTIFICATE REQUEST", der);
    assertThatThrownBy(() -> authority.signCsr(tampered)).isInstanceOf(CertificateException.class);
    assertThatThrownBy(() -> authority.signCsr("nonsense"))
        .isInstanceOf(CertificateException.class);
  }
}
