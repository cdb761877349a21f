package io.ryegrass.cloudapp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.awssignature.Credentials;
import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Signer;
import io.ryegrass.store.testing.PostgresProgram;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * SIGKILL of the whole program, and of its database, while policies are being made through the API.
 * A policy is rows in two tables: what was confirmed is there, what was not is there whole or not
 * at all.
 */
class CloudCrashTest {
  private static final Duration DEADLINE = Duration.ofSeconds(60);
  private static final String DOCUMENT =
      """
      {"policyDocument": "{\\"Version\\": \\"2012-10-17\\", \\"Statement\\": {\\"Effect\\": \\"Allow\\",\
       \\"Action\\": \\"iot:Connect\\", \\"Resource\\": \\"*\\"}}"}""";

  @TempDir Path folder;

  private final HttpClient http = HttpClient.newHttpClient();
  private final Set<String> confirmed = ConcurrentHashMap.newKeySet();
  private final AtomicInteger next = new AtomicInteger();
  private volatile String lastAnswer = "none";
  private Process cloud;
  private int starts;

  @AfterEach
  void endProcess() throws InterruptedException {
    if (cloud != null) {
      cloud.destroyForcibly().waitFor(); // it writes into the folder that is deleted next
    }
    http.close();
  }

  private void start(Map<String, String> environment, String... options) throws IOException {
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
            "io.ryegrass.cloudapp.CloudMain",
            "--data",
            folder.resolve("data").toString(),
            "--api-port=0",
            "--https-port=0",
            "--mqtt-port=0"));
    command.addAll(List.of(options));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(folder.resolve("stderr-" + starts++).toFile());
    builder.environment().putAll(environment);
    cloud = builder.start();
    BufferedReader out =
        new BufferedReader(new InputStreamReader(cloud.getInputStream(), StandardCharsets.UTF_8));
    assertThat(out.readLine()).as(said()).startsWith("ryegrass cloud ready: api=http://");
  }

  /** Everything that the program has written to its error stream. */
  private String said() throws IOException {
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < starts; i++) {
      all.append(Files.readString(folder.resolve("stderr-" + i)));
    }
    return all.toString();
  }

  private HttpResponse<String> call(String method, String path, String body)
      throws IOException, InterruptedException {
    Path data = folder.resolve("data");
    JsonNode endpoints =
        JsonMapper.shared().readTree(Files.readAllBytes(data.resolve("endpoints.json")));
    List<String> key = Files.readAllLines(data.resolve("credentials"));
    URI uri = URI.create(endpoints.path("apiUrl").asString() + path);
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri)
            .timeout(DEADLINE)
            .method(method, HttpRequest.BodyPublishers.ofByteArray(bytes));
    SigV4Signer.sign(
            new Credentials(value(key.get(1)), value(key.get(2)), null),
            "us-east-1",
            "iot",
            new HttpRequestToSign(
                method,
                uri.getRawPath(),
                uri.getRawQuery() == null ? "" : uri.getRawQuery(),
                Map.of("host", List.of(uri.getAuthority()))),
            bytes,
            Instant.now())
        .forEach(request::header);
    return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static String value(String line) {
    return line.substring(line.indexOf('=') + 1).strip();
  }

  private void createUntil(AtomicBoolean stop) {
    while (!stop.get()) {
      String name = "policy-" + next.incrementAndGet();
      try {
        HttpResponse<String> answer = call("POST", "/policies/" + name, DOCUMENT);
        lastAnswer = answer.statusCode() + " " + answer.body();
        if (answer.statusCode() == 200) {
          confirmed.add(name);
        }
      } catch (IOException e) {
        return; // the cloud was killed; who did that looks at what is left
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /** Runs an act of violence in the middle of the load; the load ends with it. */
  private void underLoad(ThrowingRunnable violence) throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    int before = confirmed.size();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        AutoCloseable stopping = () -> stop.set(true)) {
      for (int i = 0; i < 12; i++) {
        threads.submit(() -> createUntil(stop));
      }
      await()
          .atMost(DEADLINE)
          .untilAsserted(
              () -> assertThat(confirmed).as(lastAnswer).hasSizeGreaterThan(before + 40));
      violence.run();
      stop.set(true);
      threads.shutdown();
      assertThat(threads.awaitTermination(DEADLINE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }
  }

  private interface ThrowingRunnable {
    void run() throws Exception;
  }

  private void everythingConfirmedIsThere() throws Exception {
    List<String> found = new ArrayList<>();
    String marker = "";
    do {
      HttpResponse<String> page = call("GET", "/policies?pageSize=250" + marker, "");
      assertThat(page.statusCode()).as(page.body()).isEqualTo(200);
      JsonNode json = JsonMapper.shared().readTree(page.body());
      json.path("policies").forEach(p -> found.add(p.path("policyName").asString()));
      String more = json.path("nextMarker").asString("");
      marker = more.isEmpty() ? "" : "&marker=" + more;
    } while (!marker.isEmpty());
    assertThat(found).containsAll(confirmed).hasSizeGreaterThan(40);
    for (String name : List.of(found.getFirst(), found.getLast(), "policy-" + next.get())) {
      HttpResponse<String> policy = call("GET", "/policies/" + name, "");
      assertThat(policy.statusCode()).isEqualTo(found.contains(name) ? 200 : 404);
      assertThat(policy.body().contains("2012-10-17")).isEqualTo(found.contains(name));
    }
  }

  @Test
  void aCloudOnSqliteThatIsKilledLosesNothingItConfirmed() throws Exception {
    start(Map.of());
    underLoad(() -> cloud.destroyForcibly().waitFor());
    start(Map.of());
    everythingConfirmedIsThere();
  }

  @Test
  void aCloudOnPostgresqlAndItsServerThatAreKilledLoseNothingThatWasConfirmed() throws Exception {
    try (PostgresProgram server = PostgresProgram.start(true)) {
      String url = server.newSchema().replace("&password=" + PostgresProgram.PASSWORD, "");
      Path password =
          Files.writeString(folder.resolve("password"), PostgresProgram.PASSWORD + "\n");
      start(Map.of(), "--database", url, "--database-password-file", password.toString());
      underLoad(
          () -> {
            server.kill();
            server.startAgain();
          });
      everythingConfirmedIsThere(); // by the same cloud, which found its way back
      underLoad(() -> cloud.destroyForcibly().waitFor());
      start(Map.of("RYEGRASS_DATABASE_PASSWORD", PostgresProgram.PASSWORD), "--database=" + url);
      everythingConfirmedIsThere();
      assertThat(folder.resolve("data/cloud.db")).doesNotExist();
      assertThat(said()).doesNotContain(PostgresProgram.PASSWORD);
    }
  }
}
