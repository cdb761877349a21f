package io.ryegrass.cli.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.cli.device.Doctor.Finding;
import io.ryegrass.cli.device.Doctor.Status;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the doctor finds in a folder with one thing wrong (TRB-12, TRB-15, PRV-08). */
@Timeout(240)
class DoctorTest {
  @TempDir Path root;

  /** Has a port, which nobody else can take then, and does not listen. */
  private final Socket refusing = new Socket();

  private int port;

  @BeforeEach
  void make() throws Exception {
    Files.createDirectories(root.resolve("certs"));
    Files.createDirectories(root.resolve("config"));
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 90");
    openssl(
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out csr.pem -subj /CN=core");
    openssl(
        "x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 60");
    Files.setPosixFilePermissions(
        root.resolve("certs/key.pem"), PosixFilePermissions.fromString("rw-------"));
    refusing.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    port = refusing.getLocalPort();
    configure("localhost", "");
  }

  @AfterEach
  void free() throws IOException {
    refusing.close();
  }

  private void configure(String host, String more) throws IOException {
    Files.writeString(
        root.resolve("config/config.yaml"),
        """
        system:
          thingName: core
          certificateFilePath: %1$s/certs/cert.pem
          privateKeyPath: %1$s/certs/key.pem
          rootCaPath: %1$s/certs/ca.pem
        services:
          aws.greengrass.Nucleus:
            configuration:
              iotDataEndpoint: %2$s
              iotCredEndpoint: %2$s:%3$d
              greengrassDataPlanePort: %3$d
              mqtt: {port: %3$d}
              %4$s
        """
            .formatted(root, host, port, more));
  }

  private void openssl(String arguments) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(("openssl " + arguments).split(" "))
            .directory(root.resolve("certs").toFile())
            .redirectErrorStream(true)
            .redirectOutput(root.resolve("openssl.out").toFile())
            .start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
  }

  private Finding finding(String check) {
    return new Doctor(root, true)
        .examine().stream().filter(f -> f.check().equals(check)).findFirst().orElseThrow();
  }

  private static void bad(Finding finding, Status status, String... words) {
    assertThat(finding.status()).isEqualTo(status);
    assertThat(finding.finding() + " " + finding.remedy()).contains(words);
    assertThat(finding.remedy()).isNotEmpty();
  }

  @Test
  void aGoodIdentityIsGoodAndARefusedEndpointIsNamed() {
    List<Finding> all = new Doctor(root, true).examine();
    assertThat(all)
        .filteredOn(
            f ->
                List.of(
                        "certificate",
                        "private key",
                        "key match",
                        "certificate chain",
                        "root CA",
                        "clock",
                        "DNS MQTT endpoint")
                    .contains(f.check()))
        .hasSize(7)
        .allMatch(f -> f.status() == Status.OK);
    bad(finding("MQTT endpoint"), Status.FAIL, "refuses connections");
    bad(finding("core"), Status.FAIL, "ryegrass core --root");
  }

  @Test
  void aKeyOfAnotherCertificateIsTold() throws Exception {
    openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem");
    bad(finding("key match"), Status.FAIL, "is not the key of");
  }

  @Test
  void rsaKeysOfTheOlderFormAreRead() throws Exception {
    openssl("genrsa -traditional -out rsa.pem 2048");
    openssl("req -x509 -key rsa.pem -out rsacert.pem -subj /CN=core -days 60");
    assertThat(
            Identity.match(
                Identity.certificates(root.resolve("certs/rsacert.pem")).getFirst(),
                Identity.key(root.resolve("certs/rsa.pem"))))
        .isTrue();
  }

  @Test
  void aCertificateThatTheRootCaDidNotSignIsTold() throws Exception {
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca2.key -out ca.pem -subj /CN=ca -days 90");
    bad(finding("certificate chain"), Status.FAIL, "did not sign");
  }

  @Test
  void anExpiringCertificateAndAnOpenKeyAreWarnings() throws Exception {
    openssl("x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 3");
    Files.setPosixFilePermissions(
        root.resolve("certs/key.pem"), PosixFilePermissions.fromString("rw-r--r--"));
    bad(finding("certificate"), Status.WARN, "expires");
    bad(finding("private key"), Status.WARN, "chmod 600");
  }

  @Test
  void missingAndDamagedFilesAreNamed() throws Exception {
    Files.delete(root.resolve("certs/cert.pem"));
    Files.writeString(root.resolve("certs/ca.pem"), "nonsense");
    bad(finding("certificate"), Status.FAIL, "certs/cert.pem");
    bad(finding("root CA"), Status.FAIL, "no certificate");
    Files.writeString(root.resolve("config/config.yaml"), "system: [unclosed");
    bad(finding("configuration"), Status.FAIL, "not valid YAML");
  }

  @Test
  void anUnknownHostAProxyThatIsAwayAndAMissingUserAreTold() throws Exception {
    configure("no-such-host.invalid", "runWithDefault: {posixUser: 'no_such_user:x'}");
    bad(finding("DNS MQTT endpoint"), Status.FAIL, "is not known");
    bad(finding("component user"), Status.FAIL, "no user no_such_user");
    configure("localhost", "networkProxy: {proxy: {url: 'http://localhost:" + port + "'}}");
    bad(finding("proxy"), Status.FAIL, "does not answer");
  }

  @Test
  void aFolderThatKeepsOthersOutIsAWarning() throws Exception {
    Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwx------"));
    bad(finding("root folder"), Status.WARN, "chmod o+x");
  }
}
