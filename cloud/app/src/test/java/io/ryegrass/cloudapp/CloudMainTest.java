package io.ryegrass.cloudapp;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.awssignature.Credentials;
import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Signer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The whole program as its own process. */
class CloudMainTest {

  private static final long DEADLINE_SECONDS = 120;

  @TempDir Path folder;

  private final List<Process> processes = new ArrayList<>();

  @AfterEach
  void endProcesses() throws InterruptedException {
    for (Process process : processes) {
      process.destroyForcibly().waitFor(); // it writes into the folder that is deleted next
    }
  }

  private record Outcome(int exit, String out, String error) {}

  private Process start(String... options) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-cp",
            System.getProperty("java.class.path"),
            "io.ryegrass.cloudapp.CloudMain"));
    command.addAll(List.of(options));
    Process process =
        new ProcessBuilder(command)
            .redirectError(folder.resolve("stderr-" + processes.size()).toFile())
            .start();
    processes.add(process);
    return process;
  }

  private Process startReady(Path data) throws IOException {
    Process process =
        start(
            "--data", data.toString(), "--api-port", "0", "--https-port", "0", "--mqtt-port", "0");
    BufferedReader out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String line = out.readLine();
    assertThat(line).as(error(process)).isNotNull().startsWith("ryegrass cloud ready: api=http://");
    return process;
  }

  private String error(Process process) throws IOException {
    return Files.readString(folder.resolve("stderr-" + processes.indexOf(process)));
  }

  private Outcome run(String... options) throws IOException, InterruptedException {
    Process process = start(options);
    assertThat(process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)).isTrue();
    return new Outcome(
        process.exitValue(),
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8),
        error(process));
  }

  private static HttpResponse<String> callerIdentity(Path data)
      throws IOException, InterruptedException {
    JsonNode endpoints =
        JsonMapper.shared().readTree(Files.readAllBytes(data.resolve("endpoints.json")));
    List<String> credentials = Files.readAllLines(data.resolve("credentials"));
    assertThat(credentials.getFirst()).isEqualTo("[default]");
    URI uri = URI.create(endpoints.path("apiUrl").asString() + "/");
    byte[] body = "Action=GetCallerIdentity&Version=2011-06-15".getBytes(StandardCharsets.UTF_8);
    Map<String, List<String>> headers =
        Map.of(
            "host",
            List.of(uri.getAuthority()),
            "content-type",
            List.of("application/x-www-form-urlencoded"));
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri)
            .header("content-type", "application/x-www-form-urlencoded")
            .POST(HttpRequest.BodyPublishers.ofByteArray(body));
    SigV4Signer.sign(
            new Credentials(value(credentials.get(1)), value(credentials.get(2)), null),
            "us-east-1",
            "sts",
            new HttpRequestToSign("POST", "/", "", headers),
            body,
            Instant.now())
        .forEach(request::header);
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }
  }

  private static String value(String line) {
    return line.substring(line.indexOf('=') + 1).strip();
  }

  @Test
  void itTellsWhereItIsStopsInOrderAndKeepsItsKeyOverAKill() throws Exception {
    Path data = folder.resolve("data");
    Process first = startReady(data);
    assertThat(callerIdentity(data).body()).contains("arn:aws:iam::000000000000:root");
    JsonNode endpoints =
        JsonMapper.shared().readTree(Files.readAllBytes(data.resolve("endpoints.json")));
    assertThat(endpoints.propertyNames())
        .containsExactlyInAnyOrder(
            "apiUrl",
            "deviceHost",
            "httpsPort",
            "mqttPort",
            "frontPort",
            "rootCa",
            "region",
            "account");
    assertThat(Path.of(endpoints.path("rootCa").asString())).isRegularFile();
    assertThat(Files.getPosixFilePermissions(data))
        .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    assertThat(Files.getPosixFilePermissions(data.resolve("credentials")))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    String credentials = Files.readString(data.resolve("credentials"));

    Outcome second =
        run("--data", data.toString(), "--api-port", "0", "--https-port", "0", "--mqtt-port", "0");
    assertThat(second.exit()).isEqualTo(1);
    assertThat(second.error())
        .contains(String.valueOf(first.pid()))
        .doesNotContain("\tat ")
        .hasLineCount(1);

    first.destroyForcibly().waitFor();
    Process again = startReady(data);
    assertThat(Files.readString(data.resolve("credentials"))).isEqualTo(credentials);
    assertThat(callerIdentity(data).statusCode()).isEqualTo(200);
    again.destroy(); // SIGTERM
    assertThat(again.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(again.exitValue()).as(error(again)).isZero();
  }

  @Test
  void whatTheOperatorCanMendIsOneSentence() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      Outcome port =
          run(
              "--data",
              folder.resolve("p").toString(),
              "--api-port",
              "0",
              "--mqtt-port",
              "0",
              "--https-port",
              String.valueOf(taken.getLocalPort()));
      assertThat(port.exit()).isEqualTo(1);
      assertThat(port.error())
          .contains("Port " + taken.getLocalPort(), "--https-port")
          .hasLineCount(1);
    }
    Path file = Files.writeString(folder.resolve("file"), "x");
    Outcome unwritable = run("--data", file.resolve("data").toString());
    assertThat(unwritable.exit()).isEqualTo(1);
    assertThat(unwritable.error()).contains(file.toString()).hasLineCount(1);

    Outcome usage = run("--data", folder.resolve("u").toString(), "--api-port", "many");
    assertThat(usage.exit()).isEqualTo(2);
    assertThat(usage.error()).contains("--api-port").hasLineCount(1);
    assertThat(run("--help").out()).contains("--mqtt-port", "--database");

    String database = folder.resolve("d").toString();
    Outcome other = run("--data", database, "--database", "jdbc:mysql://h/d?password=s3cret");
    assertThat(other.exit()).isEqualTo(2);
    assertThat(other.error())
        .contains("--database", "jdbc:postgresql://host:port/database")
        .doesNotContain("s3cret")
        .hasLineCount(1);
    Outcome noFile =
        run(
            "--data",
            database,
            "--database",
            "jdbc:postgresql://h/d",
            "--database-password-file",
            folder.resolve("none").toString());
    assertThat(noFile.exit()).isEqualTo(2);
    assertThat(noFile.error()).contains("--database-password-file").hasLineCount(1);
  }
}
