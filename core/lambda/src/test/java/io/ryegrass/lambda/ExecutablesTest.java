package io.ryegrass.lambda;

import static io.ryegrass.lambda.LambdaHarness.arn;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.lambda.LambdaHarness.Answer;
import io.ryegrass.lambda.LambdaHarness.Deployed;
import io.ryegrass.lambda.LambdaHarness.TestBus;
import io.ryegrass.nucleus.Participant;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/**
 * Functions that are programs: V1's executables with our library of the C SDK, and {@code provided}
 * bootstraps (LAM-44, LAM-45, v1-lambda-runtime.md sections 7 and 12). A machine without a C
 * compiler fails here, it does not skip.
 */
@Timeout(60)
class ExecutablesTest {
  private static final Path C = LambdaHarness.RUNTIMES.resolve("c");
  @TempDir static Path built;
  private static Path program;

  private Path root;
  private LambdaHarness core;

  @BeforeAll
  static void build() throws Exception {
    run("bash", C.resolve("build.sh").toString());
    program = built.resolve("everything");
    run(
        "cc",
        "-std=gnu11",
        "-Wall",
        "-Werror",
        "-I" + C.resolve("include"),
        "-o",
        program.toString(),
        Path.of("src/test/c/everything.c").toAbsolutePath().toString(),
        "-L" + C.resolve("target/lib"),
        "-laws-greengrass-core-sdk-c");
  }

  private static String run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as("%s: %s", List.of(command), output).isZero();
    return output;
  }

  /** Not a @TempDir: other users must be able to read it. */
  @BeforeEach
  void start() throws IOException {
    root = Files.createTempDirectory("ryegrass-executables");
    Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxr-xr-x"));
    core = new LambdaHarness(root);
  }

  @AfterEach
  void stop() throws IOException {
    core.close();
    try (var all = Files.walk(root)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  private Path codeOf(String name) throws IOException {
    return Files.createDirectories(
        root.resolve("packages/artifacts-unarchived").resolve(name).resolve("1.0.0/lambda"));
  }

  private Deployed executable(String name, Consumer<ObjectNode> change) throws IOException {
    Files.copy(program, codeOf(name).resolve("everything"), StandardCopyOption.REPLACE_EXISTING);
    return core.deploy(
        name,
        "everything",
        "",
        c -> {
          c.put("runtime", Executables.RUNTIME).put("inputPayloadEncodingType", "binary");
          change.accept(c);
        });
  }

  private String ask(Deployed d, String input) {
    Answer answer = core.call(d.arn(), input);
    assertThat(answer.error()).as(answer.body()).isEmpty();
    return answer.body();
  }

  /** v1-lambda-runtime.md section 12, check 3. */
  @Test
  void theLibraryHasEverySymbolInItsVersion() throws Exception {
    String symbols =
        run(
            "readelf",
            "-W",
            "--dyn-syms",
            C.resolve("target/lib/libaws-greengrass-core-sdk-c.so").toString());
    Map.of(
            "1.0",
            List.of(
                "gg_global_init",
                "gg_log",
                "gg_request_init",
                "gg_request_reuse",
                "gg_request_close",
                "gg_request_read",
                "gg_runtime_start",
                "gg_lambda_handler_read",
                "gg_lambda_handler_write_response",
                "gg_lambda_handler_write_error",
                "gg_invoke",
                "gg_publish",
                "gg_get_thing_shadow",
                "gg_update_thing_shadow",
                "gg_delete_thing_shadow"),
            "1.1",
            List.of("gg_get_secret_value"),
            "1.2",
            List.of(
                "gg_publish_options_init",
                "gg_publish_options_free",
                "gg_publish_options_set_queue_full_policy",
                "gg_publish_with_options"))
        .forEach(
            (version, names) ->
                names.forEach(
                    name ->
                        assertThat(symbols)
                            .contains(" " + name + "@@aws_greengrass_core_sdk_c_" + version)));
    assertThat(symbols.lines().filter(l -> l.contains(" GLOBAL ") && !l.contains(" UND ")))
        .allMatch(l -> l.contains(" gg_") || l.contains("aws_greengrass_core_sdk_c_"));
    assertThat(run("readelf", "-d", program.toString()))
        .contains("[libaws-greengrass-core-sdk-c.so]");
  }

  @Test
  void anExecutableOnDemandTakesAndGivesBytesAndSpeaksToAllItMayReach() throws Exception {
    core.manager.serve(
        FunctionEnvironment.SHADOW_ARN,
        (caller, subject, payload) ->
            (subject.endsWith("/delete")
                    ? "{\"code\": 404, \"message\": \"No shadow exists with name: 't'\"}"
                    : "{\"subject\":\""
                        + subject
                        + "\",\"nested\":{\"code\":1,\"message\":2},\"length\":"
                        + payload.length
                        + "}")
                .getBytes(StandardCharsets.UTF_8));
    core.manager.serve(
        FunctionEnvironment.SECRETS_ARN,
        (caller, subject, payload) ->
            (new String(payload, StandardCharsets.UTF_8).contains("denied")
                    ? "{\"Status\":403,\"Message\":\"no\"}"
                    : new String(payload, StandardCharsets.UTF_8))
                .getBytes(StandardCharsets.UTF_8));
    Deployed c = executable("c", x -> {});
    Deployed python =
        core.deploy(
            "python",
            "main.handler",
            """
            def handler(event, context):
                if event == b'fail':
                    raise ValueError('as told')
                if event == b'die':
                    import os
                    os._exit(5)
                return (context.client_context.custom or {}).get('subject', '') + '<' + event.decode() + '>'
            """,
            x -> x.put("inputPayloadEncodingType", "binary"));

    assertThat(ask(c, "echo ")).isEmpty();
    assertThat(ask(c, "echo " + "ü".repeat(1_500_000))).hasSize(1_500_000);
    assertThat(ask(c, "nothing")).isEmpty();
    assertThat(ask(c, "twice")).isEqualTo("first");
    assertThat(ask(c, "context")).isEqualTo(c.arn() + "||5");

    core.bus.rules.add(new TestBus.Rule(c.arn(), "a/+", Participant.function(python.arn())));
    assertThat(ask(c, "publish a/\"ü\" payload")).isEqualTo("0/0:");
    assertThat(ask(c, "publish-all a/b two")).isEqualTo("0/0:");
    assertThat(core.bus.published)
        .extracting(m -> m.topic() + " " + new String(m.payload(), StandardCharsets.UTF_8))
        .containsExactly("a/\"ü\" payload", "a/b two");
    assertThat(core.bus.published.getFirst().source().id()).isEqualTo(c.arn());

    assertThat(ask(c, "invoke - " + python.arn() + " hello")).isEqualTo("0/0:from/C<hello>");
    String unqualified = python.arn().substring(0, python.arn().lastIndexOf(':'));
    assertThat(ask(c, "invoke 1 " + unqualified + " hello")).isEqualTo("0/0:from/C<hello>");
    assertThat(ask(c, "event - " + python.arn() + " hello")).isEqualTo("0/0:");
    assertThat(ask(c, "invoke - " + python.arn() + " fail")).startsWith("0/1:").contains("as told");
    assertThat(ask(c, "invoke - " + python.arn() + " die")).startsWith("0/2:");
    assertThat(ask(c, "invoke - " + arn("nobody") + " x")).startsWith("0/3:");
    assertThat(ask(c, "invoke 2 " + python.arn() + " x")).startsWith("2/3:");

    assertThat(ask(c, "get t"))
        .startsWith("0/0:{\"subject\":\"$aws/things/t/shadow/get\"")
        .endsWith("\"length\":0}");
    assertThat(ask(c, "update t")).startsWith("0/0:").endsWith("\"length\":34}");
    assertThat(ask(c, "delete t")).startsWith("0/1:").contains("No shadow exists");
    assertThat(ask(c, "secret s"))
        .isEqualTo("0/0:{\"SecretId\":\"s\",\"VersionStage\":\"AWSCURRENT\"}");
    assertThat(ask(c, "secret denied")).startsWith("0/1:").contains("403");
    assertThat(ask(c, "forks")).isEqualTo("child ended by the signal");
    assertThat(core.bus.published.getLast().topic()).isEqualTo("from/the/child");

    Answer told = core.call(c.arn(), "error it is \"broken\"");
    assertThat(told.error()).isEqualTo("Handled");
    assertThat(told.json().path("errorMessage").asString()).isEqualTo("it is \"broken\"");
    assertThat(core.call(c.arn(), "crash").error()).isEqualTo("Unhandled");
    assertThat(ask(c, "context")).as("a new process").endsWith("||1");

    assertThat(ask(c, "log")).isEmpty();
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () ->
                assertThat(core.log)
                    .contains(
                        "DEBUG [DEBUG]-a debug line",
                        "WARN [WARN]-warned 2 times",
                        "WARN [WARN]-and more",
                        "ERROR [FATAL]-fatal",
                        "WARN on stderr"));
  }

  /** LAM-43, LAM-45: its own loop on main, handlers on the runtime's thread, and a clean end. */
  @Test
  void anExecutableThatIsPinnedWorksBesideItsHandlerAndCleansUp() throws Exception {
    Deployed c =
        executable(
            "pinned",
            x -> {
              x.put("pinned", true);
              x.putArray("execArgs").add("async");
            });
    c.awaitRunning();
    assertThat(ask(c, "context")).endsWith("||1");
    assertThat(ask(c, "context")).endsWith("||2");
    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> core.bus.published.stream().anyMatch(m -> m.topic().equals("tick")));
    c.body().stop(Duration.ofSeconds(10));
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> assertThat(core.log).contains("INFO [INFO]-cleaning up"));
  }

  @Test
  void anExecutableRunsInAContainer() throws Exception {
    assumeThat(UserIds.own().uid()).as("making containers needs root").isZero();
    assumeThat(PlainProcesses.find("runc").or(() -> PlainProcesses.find("crun")))
        .as("an OCI runtime is needed: apt-get install runc")
        .isPresent();
    Deployed c = executable("contained", x -> x.put("containerMode", "GreengrassContainer"));
    assertThat(ask(c, "context")).isEqualTo(c.arn() + "||1");
    assertThat(ask(c, "publish from/inside x")).isEqualTo("0/0:");
  }

  @Test
  void whatIsMissingIsNamedBeforeAnythingStarts() throws Exception {
    Deployed noFile = core.deploy("nofile", "gone", "", c -> c.put("runtime", Executables.RUNTIME));
    assertThat(noFile.reporter().states)
        .singleElement()
        .asString()
        .startsWith("ERRORED EXECUTABLE_NOT_FOUND")
        .contains("is the program gone", "no such file at its root", "mode 755");
    FunctionConfiguration f =
        FunctionConfiguration.read(
            "x",
            LambdaHarness.JSON
                .createObjectNode()
                .put("lambdaArn", arn("x"))
                .put("runtime", Executables.RUNTIME)
                .put("handler", "everything"));
    assertThatThrownBy(() -> Executables.check(f, root, built))
        .hasMessageContaining("libaws-greengrass-core-sdk-c.so is not in")
        .hasMessageContaining("install gcc and libc6-dev and run ./ryegrass build");
  }

  /** A bootstrap that is a shell script, and one that is a static program without any library. */
  @Test
  void bootstrapsAreScriptsOrStaticPrograms() throws Exception {
    Path script = codeOf("script").resolve("bootstrap");
    Files.writeString(
        script,
        """
        #!/bin/bash
        # The Runtime API with nothing but bash.
        api="${AWS_LAMBDA_RUNTIME_API%%/*}"; path="/${AWS_LAMBDA_RUNTIME_API#*/}/2018-06-01/runtime/invocation"
        ask() { # METHOD PATH BODY
          exec 3<>"/dev/tcp/${api%:*}/${api#*:}"
          printf '%s %s HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n%s' "$1" "$2" "${#3}" "$3" >&3
          cat <&3
          exec 3>&-
        }
        while true; do
          work="$(ask GET "$path/next" "" | tr -d '\\r')"
          id="$(sed -n 's/^Lambda-Runtime-Aws-Request-Id: //Ip' <<<"$work")"
          [ -n "$id" ] || exit 1
          body="$(sed '1,/^$/d' <<<"$work")"
          ask POST "$path/$id/response" "{\\"$_HANDLER\\": $body}" >/dev/null
        done
        """);
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    Deployed shell = core.deploy("script", "by.bash", "", c -> c.put("runtime", "provided.al2023"));
    assertThat(ask(shell, "[1]")).isEqualTo("{\"by.bash\": [1]}");
    assertThat(ask(shell, "{}")).isEqualTo("{\"by.bash\": {}}");

    run(
        "cc",
        "-std=gnu11",
        "-static",
        "-o",
        codeOf("static").resolve("main").toString(),
        Path.of("src/test/c/bootstrap.c").toAbsolutePath().toString());
    Deployed alone = core.deploy("static", "main", "", c -> c.put("runtime", "go1.x"));
    assertThat(ask(alone, "\"x\"")).isEqualTo("[\"x\",\"main\"]");
  }
}
