package io.ryegrass.lambda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.api.client.AWSLambda;
import com.amazonaws.services.lambda.runtime.serialization.PojoSerializer;
import io.ryegrass.lambda.LambdaHarness.Answer;
import io.ryegrass.lambda.LambdaHarness.Deployed;
import io.ryegrass.lambda.LambdaHarness.TestBus;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.Participant;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.utilslite.SdkInternalThreadLocal;
import tools.jackson.databind.JsonNode;

/**
 * AWS's own runtime interface client for Java, as Maven Central has it, is the bootstrap of {@code
 * provided} functions: the Lambda Runtime API of the core as its makers understand it.
 */
@Timeout(90)
class RuntimeInterfaceClientTest {
  private static final String HANDLERS =
      """
      package ric;
      import com.amazonaws.services.lambda.runtime.*;
      import java.util.*;
      public class Handlers implements RequestHandler<Map<String, Object>, Object> {
        private static final List<String> SEEN = new ArrayList<>();
        public Object handleRequest(Map<String, Object> event, Context c) {
          Map<String, Object> out = new LinkedHashMap<>();
          switch (String.valueOf(event.get("do"))) {
            case "fail": throw new IllegalStateException("cannot");
            case "exit": Runtime.getRuntime().halt(3);
            case "hang": try { Thread.sleep(300_000); } catch (InterruptedException e) { return "woken"; }
            case "seen": return SEEN;
            case "context":
              out.put("name", c.getFunctionName()); out.put("version", c.getFunctionVersion());
              out.put("arn", c.getInvokedFunctionArn()); out.put("id", c.getAwsRequestId());
              out.put("left", c.getRemainingTimeInMillis()); out.put("text", event.get("text"));
              System.out.println("printed by the handler");
              return out;
            default:
              SEEN.add(c.getClientContext().getCustom().get("subject") + " " + event.get("text"));
              return null;
          }
        }
      }
      """;
  private static final String BROKEN =
      """
      package ric;
      import com.amazonaws.services.lambda.runtime.*;
      public class Broken implements RequestHandler<String, String> {
        public Broken() { throw new IllegalStateException("the sensor is not plugged in"); }
        public String handleRequest(String in, Context c) { return in; }
      }
      """;

  /**
   * The client's native part. Each process would unpack it to the same file below /tmp, and crash
   * when another one does so in that moment.
   */
  private static final String LIBRARY = "native.so";

  @TempDir static Path classes;
  @TempDir Path root;
  private LambdaHarness core;

  @BeforeAll
  static void compile() throws IOException {
    Path handlers = Files.createDirectories(classes.resolve("src")).resolve("Handlers.java");
    Path broken = handlers.resolveSibling("Broken.java");
    Files.writeString(handlers, HANDLERS);
    Files.writeString(broken, BROKEN);
    Java8.compile(jar(RequestHandler.class).toString(), classes, handlers, broken);
    String arch = System.getProperty("os.arch").equals("aarch64") ? "aarch_64" : "x86_64";
    try (InputStream library =
        AWSLambda.class.getResourceAsStream("/jni/libaws-lambda-jni.linux-" + arch + ".so")) {
      Files.copy(library, classes.resolve(LIBRARY));
    }
  }

  @BeforeEach
  void start() {
    core = new LambdaHarness(root);
  }

  @AfterEach
  void stop() {
    core.close();
  }

  private static Path jar(Class<?> type) {
    try {
      return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private Deployed deploy(String name, String handler, int timeoutSeconds) {
    String path =
        Stream.of(
                AWSLambda.class,
                RequestHandler.class,
                PojoSerializer.class,
                SdkInternalThreadLocal.class)
            .map(type -> jar(type).toString())
            .collect(Collectors.joining(":", classes + ":", ""));
    Path code = root.resolve("packages/artifacts-unarchived/" + name + "/1.0.0/lambda");
    try {
      Files.createDirectories(code);
      Path bootstrap = code.resolve("bootstrap");
      Files.writeString(
          bootstrap,
          "#!/bin/sh\nexec '%s/bin/java' -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -D%s=%s -cp '%s' %s \"$_HANDLER\"\n"
              .formatted(
                  System.getProperty("java.home"),
                  "com.amazonaws.services.lambda.runtime.api.client.runtimeapi.NativeClient.JNI",
                  classes.resolve(LIBRARY),
                  path,
                  AWSLambda.class.getName()));
      Files.setPosixFilePermissions(bootstrap, PosixFilePermissions.fromString("rwxr-xr-x"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return core.deploy(
        name,
        handler,
        "",
        c -> {
          c.put("runtime", "provided.al2023").put("timeoutInSeconds", timeoutSeconds);
          c.put("maxInstancesCount", 1); // what it has seen one process tells
        });
  }

  private static String ask(String what) {
    return "{\"do\":\"" + what + "\",\"text\":\"Käse \\ud83e\\uddc0\"}";
  }

  @Test
  void itsFunctionsGetContextAndTopicAndTheirErrorsReachTheCaller() {
    Deployed slow = deploy("slow", "ric.Handlers", 5);
    CompletableFuture<Answer> late =
        CompletableFuture.supplyAsync(
            () -> core.call(slow.arn(), ask("hang")), task -> Thread.ofVirtual().start(task));
    Deployed d = deploy("ric", "ric.Handlers", 60);

    JsonNode seen = core.call(d.arn(), ask("context")).json();
    assertThat(seen.path("name").asString()).isEqualTo("ric");
    assertThat(seen.path("version").asString()).isEqualTo("1");
    assertThat(seen.path("arn").asString()).isEqualTo(d.arn());
    assertThat(seen.path("id").asString()).isNotEmpty();
    assertThat(seen.path("left").asInt()).isBetween(1, 60_000);
    assertThat(seen.path("text").asString()).isEqualTo("Käse 🧀");

    core.bus.rules.add(new TestBus.Rule("cloud", "#", Participant.function(d.arn())));
    core.bus.publish(
        new Message(
            Participant.CLOUD,
            Message.Space.ROUTED,
            "barn/door",
            "{\"text\":\"open\"}".getBytes(StandardCharsets.UTF_8),
            0));
    assertThat(core.call(d.arn(), ask("seen")).body()).isEqualTo("[\"barn/door open\"]");

    Answer failed = core.call(d.arn(), ask("fail"));
    assertThat(failed.error()).isEqualTo("Handled");
    assertThat(failed.json().path("errorMessage").asString()).isEqualTo("cannot");
    assertThat(failed.json().path("errorType").asString())
        .isEqualTo("java.lang.IllegalStateException");
    Answer ended = core.call(d.arn(), ask("exit"));
    assertThat(ended.error()).isEqualTo("Unhandled");
    assertThat(ended.json().path("errorMessage").asString()).contains("exit code 3");
    assertThat(core.call(d.arn(), ask("seen")).body()).as("a new process").isEqualTo("[]");

    assertThat(late.join().error()).isEqualTo("Unhandled");
    assertThat(late.join().json().path("errorMessage").asString())
        .isEqualTo("Task timed out after 5 seconds");
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () -> assertThat(core.log).anyMatch(l -> l.contains("printed by the handler")));
  }

  @Test
  void whatKeepsItFromStartingIsToldToTheCaller() {
    Answer answer = core.call(deploy("broken", "ric.Broken", 30).arn(), "\"x\"");
    assertThat(answer.error()).isEqualTo("Unhandled");
    assertThat(answer.json().path("errorMessage").asString())
        .contains("the sensor is not plugged in");
  }
}
