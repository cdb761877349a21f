package io.ryegrass.mqtt.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The program as its user meets it: a process of its own, OpenSSL's and Mosquitto's clients. */
class MqttMainTest {
  @TempDir Path folder;

  private record Outcome(int code, String out, String err) {}

  private static List<String> java(String... options) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.addAll(Arrays.asList(options));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), MqttMain.class.getName()));
    return command;
  }

  /** Within this process, for what ends at once. */
  private static Outcome run(String input, String... args) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        MqttMain.run(
            args,
            new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
    return new Outcome(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  private static Outcome outcome(Process p, String input) throws Exception {
    try (var in = p.getOutputStream()) {
      in.write(input.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      assertThat(p.waitFor(60, TimeUnit.SECONDS)).as("it ended before it read").isTrue();
    }
    String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String err = new String(p.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(p.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return new Outcome(p.exitValue(), out, err);
  }

  /** A broker and the line that says it is ready. */
  private final class Running implements AutoCloseable {
    final Process process;
    final String ready;

    Running(List<String> command, String... args) throws IOException {
      command.addAll(Arrays.asList(args));
      process = new ProcessBuilder(command).redirectError(folder.resolve("err").toFile()).start();
      BufferedReader out = process.inputReader();
      String line = out.readLine();
      while (line != null && !line.startsWith("mqtt broker ready:")) {
        line = out.readLine();
      }
      if (line == null) {
        throw new IOException("did not start: " + Files.readString(folder.resolve("err")));
      }
      ready = line;
    }

    int port(String name) {
      for (String word : ready.split(" ")) {
        if (word.startsWith(name + "=")) {
          return Integer.parseInt(word.substring(name.length() + 1));
        }
      }
      throw new IllegalArgumentException(ready);
    }

    int stop() throws InterruptedException {
      process.destroy();
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      return process.exitValue();
    }

    @Override
    public void close() {
      process.destroyForcibly();
    }
  }

  private static void connect(String uri, String user, String password) throws MqttException {
    MqttClient client = new MqttClient(uri, "test", new MemoryPersistence());
    try {
      MqttConnectOptions options = new MqttConnectOptions();
      options.setMqttVersion(MqttConnectOptions.MQTT_VERSION_3_1_1);
      if (user != null) {
        options.setUserName(user);
        options.setPassword(password.toCharArray());
      }
      client.connect(options);
      client.publish("t", new byte[1], 1, false);
      client.disconnect();
    } finally {
      client.close();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--anonymous | --port",
        "--port 0 | --users FILE",
        "--port 70000 --anonymous | 0 to 65535",
        "--port --anonymous | --port needs a value",
        "--port 0 --anonymous --tls-port 0 | --cert FILE",
        "--port 0 --anonymous --cert a --key b | --tls-port",
        "--port 0 --tls-port 0 --cert a --key b --ca c | without TLS",
        "--tls-port 0 --anonymous --cert nowhere --key b | nowhere",
        "--port 0 --users nowhere | nowhere",
        "--port 0 --anonymous --colour red | --colour",
        "--port 0 --anonymous extra | extra",
        "--port 0 --anonymous --max-connections none | --max-connections",
        "--port 0 --anonymous --alpn p | --tls-port"
      })
  void whatIsWrongIsSaidInOneSentenceWithTheRemedy(String args, String said) throws Exception {
    Outcome outcome = run("", args.split(" "));
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err()).startsWith("ryegrass mqtt: ").contains(said);
    assertThat(outcome.err().lines()).hasSize(1);
  }

  @Test
  void aBrokerWithoutWebSocketAndTlsLoadsNothingOfThemAndStopsInOrder() throws Exception {
    try (Running broker =
        new Running(
            java("-Xlog:class+load:file=" + folder.resolve("classes")),
            "--port",
            "0",
            "--ws-path",
            "/x",
            "--anonymous")) {
      assertThat(broker.ready).startsWith("mqtt broker ready: port=");
      connect("tcp://127.0.0.1:" + broker.port("port"), null, null);
      assertThat(broker.stop()).isZero();
    }
    List<String> loaded = Files.readAllLines(folder.resolve("classes"));
    assertThat(loaded)
        .anyMatch(line -> line.contains(" io.netty.channel.socket."))
        .noneMatch(line -> line.contains("io.netty.handler.codec.http"))
        .noneMatch(line -> line.contains(" sun.security.ssl.SSLEngineImpl "))
        .noneMatch(line -> line.contains("org.bouncycastle"));
  }

  @Test
  void namesAndPasswordsOfTheUsersFileLetInAndTheFileIsReadAgainAtSighup() throws Exception {
    Outcome made = run("secret\n", "--hash-password");
    assertThat(made.code()).isZero();
    assertThat(made.out().strip()).startsWith("pbkdf2-sha256$50000$").doesNotContain("secret");
    Path users = folder.resolve("users");
    Files.writeString(users, "# devices\nlamp:" + made.out());
    try (Running broker =
        new Running(java(), "--port", "0", "--ws", "0", "--users", users.toString())) {
      String uri = "tcp://127.0.0.1:" + broker.port("port");
      connect(uri, "lamp", "secret");
      connect("ws://127.0.0.1:" + broker.port("ws") + "/mqtt", "lamp", "secret");
      refused(uri, "lamp", "wrong", 4);
      refused(uri, "nobody", "secret", 4);
      refused(uri, null, null, 5);
      String other = run("other", "--hash-password").out();
      Files.writeString(users, "fan:" + other);
      new ProcessBuilder("kill", "-HUP", "" + broker.process.pid()).start().waitFor();
      await()
          .atMost(60, TimeUnit.SECONDS)
          .ignoreExceptions()
          .until(
              () -> {
                connect(uri, "fan", "other");
                return true;
              });
      refused(uri, "lamp", "secret", 4);
      assertThat(broker.stop()).isZero();
    }
    Files.writeString(users, "lamp:plain-text");
    assertThat(run("", "--port", "0", "--users", users.toString()).err())
        .contains("Line 1")
        .contains("--hash-password");
  }

  private static void refused(String uri, String user, String password, int code) {
    try {
      connect(uri, user, password);
    } catch (MqttException e) {
      assertThat(e.getReasonCode()).isEqualTo(code);
      return;
    }
    throw new AssertionError(user + " got in");
  }

  private static void needs(String command) {
    assumeThat(
            Stream.of(System.getenv("PATH").split(":"))
                .anyMatch(p -> Files.isExecutable(Path.of(p, command))))
        .as(command + " is on the PATH")
        .isTrue();
  }

  private void openssl(String arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("openssl"));
    command.addAll(List.of(arguments.split(" ")));
    Process p =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    Outcome outcome = outcome(p, "");
    assertThat(outcome.code()).as(outcome.out()).isZero();
  }

  private void authority(String name) throws Exception {
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout %s.key -out %s.pem -subj /CN=%s"
            .formatted(name, name, name));
  }

  private void certificate(String name, String ca) throws Exception {
    openssl(
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s.key -out %s.csr -subj /CN=%s -addext subjectAltName=IP:127.0.0.1"
            .formatted(name, name, name));
    openssl(
        "x509 -req -in %s.csr -CA %s.pem -CAkey %s.key -CAcreateserial -days 2 -copy_extensions copy -out %s.pem"
            .formatted(name, ca, ca, name));
  }

  private String at(String file) {
    return folder.resolve(file).toString();
  }

  @Test
  void clientCertificatesLetMosquittosClientsInAndRenewedFilesAreServed() throws Exception {
    needs("openssl");
    needs("mosquitto_pub");
    authority("ca");
    authority("ca2");
    certificate("server", "ca");
    certificate("server2", "ca2");
    certificate("lamp", "ca");
    certificate("stranger", "ca2");
    try (Running broker =
        new Running(
            java(),
            "--tls-port",
            "0",
            "--cert",
            at("server.pem"),
            "--key",
            at("server.key"),
            "--ca",
            at("ca.pem"))) {
      int port = broker.port("tls");
      assertThat(mosquitto(port, "ca", "lamp").code()).isZero();
      assertThat(mosquitto(port, "ca", "stranger").code()).isNotZero();
      // The certificate first: a pair that does not fit is not taken.
      replace("server2.pem", "server.pem");
      assertThat(mosquitto(port, "ca", "lamp").code()).isZero();
      replace("server2.key", "server.key");
      await().atMost(60, TimeUnit.SECONDS).until(() -> mosquitto(port, "ca2", "lamp").code() == 0);
      assertThat(broker.stop()).isZero();
    }
  }

  private void replace(String from, String to) throws IOException {
    Files.move(folder.resolve(from), folder.resolve(to), StandardCopyOption.REPLACE_EXISTING);
  }

  private Outcome mosquitto(int port, String ca, String device) throws Exception {
    Process p =
        new ProcessBuilder(
                "mosquitto_pub",
                "-h",
                "127.0.0.1",
                "-p",
                "" + port,
                "--cafile",
                at(ca + ".pem"),
                "--cert",
                at(device + ".pem"),
                "--key",
                at(device + ".key"),
                "-q",
                "1",
                "-t",
                "t",
                "-m",
                "hello")
            .start();
    return outcome(p, "");
  }

  /** mqtt-cloud reference, section 1. */
  @Test
  void opensslNegotiatesTheAlpnProtocolOrIsRefused() throws Exception {
    needs("openssl");
    authority("ca");
    certificate("server", "ca");
    openssl("ec -in server.key -out sec1.key");
    Outcome unread =
        run(
            "",
            "--tls-port",
            "0",
            "--anonymous",
            "--cert",
            at("server.pem"),
            "--key",
            at("sec1.key"));
    assertThat(unread.code()).isEqualTo(2);
    assertThat(unread.err()).contains("openssl pkcs8 -topk8");
    try (Running broker =
        new Running(
            java("-Xlog:class+load:file=" + folder.resolve("classes")),
            "--tls-port",
            "0",
            "--cert",
            at("server.pem"),
            "--key",
            at("server.key"),
            "--anonymous",
            "--alpn",
            "x-amzn-mqtt-ca")) {
      int port = broker.port("tls");
      assertThat(client(port, "x-amzn-mqtt-ca").out()).contains("ALPN protocol: x-amzn-mqtt-ca");
      Outcome wrong = client(port, "http/1.1");
      assertThat(wrong.out() + wrong.err()).containsIgnoringCase("no application protocol");
      assertThat(broker.stop()).isZero();
    }
    assertThat(Files.readAllLines(folder.resolve("classes")))
        .anyMatch(line -> line.contains("io.netty.handler.ssl.SslHandler "))
        .noneMatch(line -> line.contains(" org.bouncycastle."));
  }

  private Outcome client(int port, String alpn) throws Exception {
    return outcome(
        new ProcessBuilder(
                "openssl",
                "s_client",
                "-connect",
                "127.0.0.1:" + port,
                "-alpn",
                alpn,
                "-CAfile",
                at("ca.pem"))
            .start(),
        "Q\n");
  }
}
