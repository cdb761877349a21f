package io.ryegrass.bench.cloud;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeviceKeysTest {
  @Test
  void opensslTakesARequestWithItsNameAndItsSignature(@TempDir Path folder) throws Exception {
    Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/bin/openssl")), "openssl is missing");
    Path file =
        Files.writeString(
            folder.resolve("csr"), DeviceKeys.request(new DeviceKeys().generate(), "core-10001"));
    Process openssl =
        new ProcessBuilder(
                "openssl", "req", "-in", file.toString(), "-verify", "-noout", "-subject")
            .redirectErrorStream(true)
            .start();
    String said = new String(openssl.getInputStream().readAllBytes());
    assertThat(openssl.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(openssl.exitValue()).as(said).isZero();
    assertThat(said).contains("core-10001");
  }
}
