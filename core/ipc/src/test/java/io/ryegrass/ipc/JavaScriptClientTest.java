package io.ryegrass.ipc;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import io.ryegrass.eventstream.RpcServer;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * Each operation once through AWS's SDK for JavaScript (IPC-03, IPC-04). Skipped, with the reason,
 * where node is missing or the package cannot be fetched.
 */
@Timeout(150)
class JavaScriptClientTest {
  private static final String CONFIGURATION =
      """
      {"message": "hi", "accessControl": {
        "aws.greengrass.ipc.pubsub": {"p": {"operations": ["*"], "resources": ["js/*"]}},
        "aws.greengrass.ipc.mqttproxy": {"m": {"operations": ["*"], "resources": ["cloud/#"]}},
        "aws.greengrass.ipc.lifecycle": {"l": {"operations": ["*"], "resources": ["*"]}},
        "aws.greengrass.Cli": {"c": {"operations": ["*"], "resources": ["*"]}},
        "aws.greengrass.SecretManager": {"s": {"operations": ["*"], "resources": ["*"]}},
        "aws.greengrass.ShadowManager": {"t": {"operations": ["*"], "resources": ["*"]}},
        "aws.greengrass.clientdevices.Auth": {"d": {"operations": ["*"], "resources": ["*"]}}}}
      """;

  /** Answered, but with an error; the client hands out its message, not its shape. */
  private static final Map<String, String> ERRORS =
      Map.of(
          "SendConfigurationValidityReport", "No validation of a configuration",
          "DeferComponentUpdate", "Time limit to respond",
          "ValidateAuthorizationToken", "is not authorized to perform ValidateAuthorizationToken",
          "PutComponentMetric", "is not authorized to put metrics",
          "not authorised", "is not authorized to perform aws.greengrass.ipc.pubsub");

  @TempDir Path root;

  @Test
  void eachOperationIsAnsweredInTheFormThatTheJavaScriptClientReads() throws Exception {
    Path folder = prepare();
    TestCore core = new TestCore(root);
    core.ports.offer(new ServedComponentsTest.Secrets());
    core.ports.offer(new ServedComponentsTest.Shadows());
    core.ports.offer(new ServedComponentsTest.ClientDevices());
    Map<String, JsonNode> lines = new LinkedHashMap<>();
    try (IpcServer server = IpcServer.start(core.core(), RpcServer.Limits.defaults())) {
      ProcessBuilder node = new ProcessBuilder("node", "operations.js");
      node.environment().put(IpcServer.SOCKET_VARIABLE, server.socket().toString());
      node.environment().put("SVCUID", core.component("js", CONFIGURATION));
      Outcome outcome = run(node, folder, 60);
      outcome
          .text()
          .lines()
          .filter(line -> line.startsWith("{"))
          .map(TestCore.JSON::readTree)
          .forEach(line -> lines.put(line.path("name").asString(), line));
      assertThat(outcome.code()).as(outcome.text()).isZero();
    } finally {
      core.stop();
    }
    assertThat(lines.get("heard"))
        .hasToString(
            "{\"name\":\"heard\",\"json\":{\"hi\":\"there\"},\"topic\":\"js/topic\","
                + "\"binary\":\"bytes\"}");
    assertThat(lines.get("changed").path("keyPath").path(0).asString()).isEqualTo("message");
    assertThat(lines.get("GetConfiguration").at("/ok/value/message").asString()).isEqualTo("hi");
    Set<String> wrong = new TreeSet<>();
    lines.forEach(
        (name, line) -> {
          String expected = ERRORS.get(name);
          boolean right =
              expected == null ? !line.has("error") : line.toString().contains(expected);
          if (!right) {
            wrong.add(line.toString());
          }
        });
    assertThat(wrong).isEmpty();
    assertThat(lines).hasSize(38);
    assertThat(core.published).hasSize(1);
  }

  /** The SDK, fetched once and kept in target. */
  private static Path prepare() throws IOException, InterruptedException {
    Path folder = Files.createDirectories(Path.of("target", "js").toAbsolutePath());
    for (String name : List.of("package.json", "operations.js")) {
      Files.copy(
          Path.of("src/test/js", name), folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
    }
    if (Files.notExists(folder.resolve("node_modules/aws-iot-device-sdk-v2/package.json"))) {
      Outcome outcome;
      try {
        outcome =
            run(
                new ProcessBuilder(
                    "npm",
                    "install",
                    "--prefer-offline",
                    "--no-audit",
                    "--no-fund",
                    "--fetch-retries=0"),
                folder,
                75);
      } catch (IOException e) {
        abort("npm does not run here: " + e.getMessage());
        throw e;
      }
      if (outcome.code() != 0) {
        abort("npm cannot fetch AWS's SDK for JavaScript: " + outcome.text());
      }
    }
    return folder;
  }

  private record Outcome(int code, String text) {}

  private static Outcome run(ProcessBuilder command, Path folder, int seconds)
      throws IOException, InterruptedException {
    File output = folder.resolve(command.command().getFirst() + ".out").toFile();
    Process process =
        command.directory(folder.toFile()).redirectErrorStream(true).redirectOutput(output).start();
    boolean ended = process.waitFor(seconds, TimeUnit.SECONDS);
    if (!ended) {
      process.destroyForcibly().waitFor();
    }
    return new Outcome(ended ? process.exitValue() : -1, Files.readString(output.toPath(), UTF_8));
  }
}
