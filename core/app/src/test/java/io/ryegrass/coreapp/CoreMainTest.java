package io.ryegrass.coreapp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The program as a process, without a cloud. */
class CoreMainTest {
  @TempDir Path folder;
  @TempDir Path others;

  private record Ended(int code, String out, String err) {}

  @Test
  void helpIsShownOnStandardOutput() throws Exception {
    Ended e = run("--help");
    assertThat(e.code()).isZero();
    assertThat(e.out()).startsWith("usage: ryegrass core --root DIR");
  }

  @Test
  void aWrongCommandLineEndsWith2() throws Exception {
    assertThat(run())
        .isEqualTo(new Ended(2, "", error("--root DIR is missing (--help shows all options)")));
    assertThat(run("--root=" + folder, "--fast").err()).contains("'--fast' is not understood");
  }

  @Test
  void aFolderThatWasNotProvisionedIsACoreWithoutACloudAndJoinsOneLaterLESSON_13()
      throws Exception {
    Process core = start(others.resolve("core.err"), "--root", folder.toString());
    try (var out = core.inputReader(StandardCharsets.UTF_8)) {
      assertThat(out.readLine()).isEqualTo("ryegrass core ready: without a cloud root=" + folder);
      assertThat(folder.resolve("ipc.socket")).exists();
      core.destroy();
      assertThat(core.waitFor(20, TimeUnit.SECONDS)).isTrue();
      assertThat(core.exitValue()).isZero();
    } finally {
      core.destroyForcibly();
    }
    provisioned();
    Process joined = start(others.resolve("core.err"), "--root", folder.toString());
    try (var out = joined.inputReader(StandardCharsets.UTF_8)) {
      assertThat(out.readLine()).isEqualTo("ryegrass core ready: thing=core-1 root=" + folder);
    } finally {
      assertThat(joined.destroyForcibly().waitFor(30, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void aConfigurationThatIsNoYamlIsToldInOneSentence() throws Exception {
    config("system: [");
    Ended e = run("--root", folder.toString());
    assertThat(e.code()).isEqualTo(1);
    assertThat(e.err()).contains("config.yaml is not valid YAML").hasLineCount(1);
  }

  @Test
  void aFolderThatCannotBeWrittenIsNamed() throws Exception {
    provisioned();
    Files.writeString(folder.resolve("spool"), "a file where the folder should be");
    Ended e = run("--root", folder.toString());
    assertThat(e.code()).isEqualTo(1);
    assertThat(e.err()).contains(folder + "/spool").contains("writable").hasLineCount(1);
  }

  @Test
  void aCoreRunsWithoutTheCloudKeepsOthersOutAndEndsWith0OnSigterm() throws Exception {
    provisioned();
    Process core = start(others.resolve("core.err"), "--root", folder.toString());
    try (var out = core.inputReader(StandardCharsets.UTF_8)) {
      assertThat(out.readLine()).isEqualTo("ryegrass core ready: thing=core-1 root=" + folder);

      Ended second = run("--root", folder.toString());
      assertThat(second.code()).isEqualTo(1);
      assertThat(second.err())
          .isEqualTo(
              error(
                  "The folder "
                      + folder
                      + " is in use by process "
                      + core.pid()
                      + "; stop that process or choose another folder"));

      core.destroy();
      assertThat(core.waitFor(20, TimeUnit.SECONDS)).isTrue();
      assertThat(core.exitValue()).isZero();
      assertThat(Files.readString(folder.resolve("logs/greengrass.log")))
          .contains("Nucleus of core-1 runs generation 0");
    } finally {
      core.destroyForcibly();
    }
  }

  @Test
  void theServiceManagerIsToldOfReadinessHealthAndTheEnd() throws Exception {
    Path socket = others.resolve("notify");
    Path heard = others.resolve("heard");
    Process listener =
        new ProcessBuilder(
                "python3",
                "-u",
                "-c",
                "import socket,sys\n"
                    + "s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.bind(sys.argv[1])\n"
                    + "while True: print(repr(s.recv(4096).decode()))",
                socket.toString())
            .redirectOutput(heard.toFile())
            .start();
    Process core = null;
    try {
      await().atMost(Duration.ofSeconds(30)).until(() -> Files.exists(socket));
      core =
          start(
              others.resolve("core.err"),
              java.util.Map.of("NOTIFY_SOCKET", socket.toString(), "WATCHDOG_USEC", "2000000"),
              "--root",
              folder.toString());
      await()
          .atMost(Duration.ofSeconds(60))
          .until(
              () ->
                  Files.readAllLines(heard).stream().filter(l -> l.equals("'WATCHDOG=1'")).count()
                      >= 2);
      assertThat(Files.readAllLines(heard).getFirst())
          .isEqualTo("'READY=1\\nSTATUS=runs without a cloud'");
      core.destroy();
      assertThat(core.waitFor(30, TimeUnit.SECONDS)).isTrue();
      await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> Files.readString(heard).contains("'STOPPING=1"));
    } finally {
      listener.destroyForcibly();
      if (core != null) {
        core.destroyForcibly();
      }
    }
  }

  private static String error(String sentence) {
    return "ryegrass core: " + sentence + System.lineSeparator();
  }

  private static Process start(Path err, String... args) throws IOException {
    return start(err, java.util.Map.of(), args);
  }

  private static Process start(Path err, java.util.Map<String, String> environment, String... args)
      throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Dryegrass.runtimes=" + Path.of("../../runtimes").toAbsolutePath().normalize(),
                "-cp",
                System.getProperty("java.class.path"),
                CoreMain.class.getName()));
    command.addAll(List.of(args));
    ProcessBuilder builder = new ProcessBuilder(command).redirectError(err.toFile());
    builder.environment().putAll(environment);
    return builder.start();
  }

  private Ended run(String... args) throws Exception {
    Path err = others.resolve("err");
    Process p = start(err, args);
    try {
      String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(p.waitFor(30, TimeUnit.SECONDS)).isTrue();
      return new Ended(p.exitValue(), out, Files.readString(err));
    } finally {
      p.destroyForcibly();
    }
  }

  private void config(String yaml) throws IOException {
    Files.createDirectories(folder.resolve("config"));
    Files.writeString(folder.resolve("config/config.yaml"), yaml);
  }

  /** What provisioning leaves, with a cloud where nothing listens. */
  private void provisioned() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(256);
    KeyPair keys = generator.generateKeyPair();
    X500Principal name = new X500Principal("CN=core-1");
    byte[] certificate =
        new JcaX509v3CertificateBuilder(
                name,
                BigInteger.ONE,
                Date.from(Instant.now().minus(Duration.ofDays(1))),
                Date.from(Instant.now().plus(Duration.ofDays(1))),
                name,
                keys.getPublic())
            .build(new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate()))
            .getEncoded();
    pem("core.crt", "CERTIFICATE", certificate);
    pem("root.pem", "CERTIFICATE", certificate);
    pem("core.key", "PRIVATE KEY", keys.getPrivate().getEncoded());
    config(
        """
        system: {thingName: core-1, certificateFilePath: core.crt, privateKeyPath: core.key, rootCaPath: root.pem}
        services:
          aws.greengrass.Nucleus:
            configuration:
              awsRegion: us-east-1
              iotDataEndpoint: localhost
              iotCredEndpoint: localhost:1
              mqtt: {port: 1}
              ryegrass: {localMqttPort: 0, lambdaIpcPort: 0}
        """);
  }

  private void pem(String file, String type, byte[] der) throws IOException {
    Files.writeString(
        folder.resolve(file),
        "-----BEGIN "
            + type
            + "-----\n"
            + Base64.getMimeEncoder().encodeToString(der)
            + "\n-----END "
            + type
            + "-----\n");
  }
}
