package io.ryegrass.lambda;

import static io.ryegrass.lambda.LambdaHarness.arn;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ryegrass.lambda.LambdaHarness.Answer;
import io.ryegrass.lambda.LambdaHarness.Deployed;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who may say what on the daemon port (v1-lambda-runtime.md section 3; section 12, check 9). */
@Timeout(60)
class DaemonPortTest {
  private static final String TOKEN_TELLER =
      """
      import os
      def handler(event, context):
          return os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN']
      """;

  @TempDir Path root;
  private LambdaHarness core;

  @BeforeEach
  void start() {
    core = new LambdaHarness(root);
  }

  @AfterEach
  void stop() {
    core.close();
  }

  @Test
  void withoutATokenNobodyIsServedAndAnUnknownOneIsRefused() {
    String path = "/2016-11-01/functions/" + arn("x");
    for (String[] request :
        new String[][] {
          {"POST", path}, {"GET", path}, {"GET", path + "/work"}, {"PUT", path + "/initialized"}
        }) {
      assertThat(core.http(request[0], request[1], "", "{}", Map.of()).statusCode())
          .as(request[1])
          .isEqualTo(401);
      assertThat(core.http(request[0], request[1], "guess", "{}", Map.of()).statusCode())
          .as(request[1])
          .isEqualTo(403);
    }
    assertThat(
            core.http("GET", "/guess/2018-06-01/runtime/invocation/next", "", "", Map.of())
                .statusCode())
        .isEqualTo(403);
    assertThat(
            core.http("GET", "/2018-06-01/runtime/invocation/next", "", "", Map.of()).statusCode())
        .isEqualTo(401);
    assertThat(core.http("GET", "/elsewhere", "", "", Map.of()).statusCode()).isEqualTo(404);
  }

  @Test
  void theTokenOfADeadWorkerIsRefused() {
    Deployed d = core.deploy("teller", "main.handler", TOKEN_TELLER);
    String token = core.call(d.arn(), "1").json().asString();
    String path = "/2016-11-01/functions/arn:aws:lambda:::function:GGRouter";
    Map<String, String> headers =
        Map.of(
            "X-Amz-Invocation-Type",
            "Event",
            "X-Amz-Client-Context",
            LambdaHarness.clientContext("{\"custom\":{\"subject\":\"t\"}}"));
    assertThat(core.http("POST", path, token, "x", headers).statusCode()).isEqualTo(200);
    d.body().stop(Duration.ofSeconds(3));
    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> core.http("POST", path, token, "x", headers).statusCode() == 403);
  }

  @Test
  void aWorkerCannotAskForTheWorkOfAnotherFunctionNorFetchItsAnswers() {
    Deployed d = core.deploy("teller", "main.handler", TOKEN_TELLER);
    String token = core.call(d.arn(), "1").json().asString();
    assertThat(
            core.http(
                    "GET", "/2016-11-01/functions/" + arn("victim") + "/work", token, "", Map.of())
                .statusCode())
        .isEqualTo(403);
    String caller = core.callerToken();
    String id =
        core.http("POST", "/2016-11-01/functions/" + d.arn(), caller, "1", Map.of())
            .headers()
            .firstValue("X-Amz-InvocationId")
            .orElseThrow();
    Map<String, String> header = Map.of("X-Amz-InvocationId", id);
    assertThat(core.http("GET", "/2016-11-01/functions/" + d.arn(), token, "", header).statusCode())
        .isEqualTo(404);
    assertThat(
            core.http("GET", "/2016-11-01/functions/" + d.arn(), caller, "", header).statusCode())
        .isEqualTo(200);
    assertThat(
            core.http("GET", "/2016-11-01/functions/" + d.arn(), caller, "", header).statusCode())
        .isEqualTo(404);
  }

  @Test
  void anAnswerToWorkThatTheWorkerDoesNotHaveIsRefused() {
    Deployed d = core.deploy("teller", "main.handler", TOKEN_TELLER);
    String token = core.call(d.arn(), "1").json().asString();
    assertThat(
            core.http(
                    "POST",
                    "/2016-11-01/functions/" + d.arn() + "/work",
                    token,
                    "1",
                    Map.of("X-Amz-InvocationId", "no-such"))
                .statusCode())
        .isEqualTo(404);
  }

  @Test
  void aPayloadOverSixMebibytesIsRefused() {
    String big = "x".repeat(DaemonPort.LARGEST_BODY + 1);
    assertThat(
            core.http(
                    "POST", "/2016-11-01/functions/" + arn("x"), core.callerToken(), big, Map.of())
                .statusCode())
        .isEqualTo(413);
  }

  @Test
  void aPayloadOfSixMebibytesGoesThroughAFunction() {
    Deployed d =
        core.deploy(
            "size",
            "main.handler",
            "def handler(e, c):\n    return e\n",
            c -> c.put("inputPayloadEncodingType", "binary"));
    String big = "x".repeat(DaemonPort.LARGEST_BODY);
    assertThat(core.call(d.arn(), big).body()).hasSize(big.length());
  }

  @Test
  void anUnmodifiedCustomRuntimeWorksOverTheRuntimeApi() throws Exception {
    String bootstrap =
        """
        #!/usr/bin/python3
        import os, urllib.request
        base = 'http://' + os.environ['AWS_LAMBDA_RUNTIME_API'] + '/2018-06-01/runtime/invocation/'
        while True:
            with urllib.request.urlopen(base + 'next') as work:
                id = work.headers['Lambda-Runtime-Aws-Request-Id']
                body = work.read()
            if body == b'"fail"':
                urllib.request.urlopen(base + id + '/error', data=b'{"errorMessage": "asked to"}').read()
            else:
                urllib.request.urlopen(base + id + '/response', data=b'[' + body + b']').read()
        """;
    Deployed d =
        core.deploy(
            "custom",
            "anything",
            "",
            c -> {
              c.put("runtime", "provided.al2");
              Path code = root.resolve("packages/artifacts-unarchived/custom/1.0.0/lambda");
              try {
                Files.createDirectories(code);
                Files.writeString(code.resolve("bootstrap"), bootstrap);
                Files.setPosixFilePermissions(
                    code.resolve("bootstrap"), PosixFilePermissions.fromString("rwxr-xr-x"));
              } catch (IOException e) {
                throw new IllegalStateException(e);
              }
            });
    assertThat(core.call(d.arn(), "7").body()).isEqualTo("[7]");
    Answer failed = core.call(d.arn(), "\"fail\"");
    assertThat(failed.error()).isEqualTo("Handled");
    assertThat(failed.json().path("errorMessage").asString()).isEqualTo("asked to");
  }

  /** v1-group-deployment.md section 9.3. */
  @Test
  void theHealthReportTellsOfWorkersAndOfUnknownFunctions() {
    Deployed d =
        core.deploy("teller", "main.handler", TOKEN_TELLER, c -> c.put("pinned", true))
            .awaitRunning();
    var all =
        LambdaHarness.JSON.readTree(
            core.http("GET", "/2016-11-01/health/workers", "", "", Map.of()).body());
    assertThat(all.get(0).path("FuncArn").asString()).isEqualTo(d.arn());
    assertThat(all.get(0).path("WorkerState").asString()).isIn("Waiting", "Initialized");
    var some =
        LambdaHarness.JSON.readTree(
            core.http(
                    "POST",
                    "/2016-11-01/health/workers",
                    "",
                    "{\"FuncArns\":[\"" + arn("nobody") + "\"]}",
                    Map.of())
                .body());
    assertThat(some.path("InvalidArns").get(0).asString()).isEqualTo(arn("nobody"));
  }

  @Test
  void aPortInUseIsOneSentenceWithTheRemedy() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertThatThrownBy(
              () ->
                  new DaemonPort(
                          taken.getLocalPort(),
                          t -> Optional.empty(),
                          new Functions(),
                          null,
                          LambdaSettings.of(root))
                      .close())
          .isInstanceOf(NucleusException.class)
          .hasMessageContaining("127.0.0.1:" + taken.getLocalPort())
          .hasMessageContaining("ryegrass.lambdaIpcPort");
    }
  }
}
