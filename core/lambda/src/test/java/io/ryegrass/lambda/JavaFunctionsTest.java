package io.ryegrass.lambda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.lambda.LambdaHarness.Answer;
import io.ryegrass.lambda.LambdaHarness.Deployed;
import io.ryegrass.lambda.LambdaHarness.TestBus;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.Participant;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/**
 * Functions as real Java processes (v1-lambda-runtime.md sections 6, 11 and 12; LAM-01, LMB-08).
 * Their classes are compiled for Java 8, against nothing but AWS's published interfaces and the
 * classes that the core offers beside a function.
 */
@Timeout(90)
class JavaFunctionsTest {
  private static final Path TARGET = LambdaHarness.RUNTIMES.resolve("java/target");

  private static final String SHAPES =
      """
      package shapes;
      import com.amazonaws.services.lambda.runtime.*;
      import java.io.*;
      import java.util.*;

      public class Shapes {
        private int calls;

        public static class Item {
          private String name; private int count; private Colour colour; private List<Item> parts; private byte[] raw;
          public boolean fresh;
          public String getName() { return name; } public void setName(String n) { name = n; }
          public int getCount() { return count; } public void setCount(int c) { count = c; }
          public Colour getColour() { return colour; } public void setColour(Colour c) { colour = c; }
          public List<Item> getParts() { return parts; } public void setParts(List<Item> p) { parts = p; }
          public byte[] getRaw() { return raw; } public void setRaw(byte[] r) { raw = r; }
        }

        public enum Colour { RED, GREEN }

        public Item item(Item in, Context context) {
          in.setCount(in.getCount() + 1);
          for (Item part : in.getParts()) part.setColour(Colour.GREEN);
          return in;
        }

        public Map<String, Object> map(Map<String, Object> in, Context c) {
          Map<String, Object> out = new TreeMap<>(in);
          out.put("calls", ++calls);
          out.put("name", c.getFunctionName()); out.put("version", c.getFunctionVersion());
          out.put("arn", c.getInvokedFunctionArn()); out.put("id", c.getAwsRequestId());
          out.put("left", c.getRemainingTimeInMillis());
          c.getLogger().log("from the logger");
          System.err.println("from stderr");
          return out;
        }

        private static final List<String> SEEN = new ArrayList<>();
        public List<String> topic(Object in, Context c) {
          if ("tell".equals(in)) return SEEN;
          SEEN.add(c.getClientContext().getCustom().get("subject") + " " + in);
          return null;
        }

        public String text(String in) { return in == null ? "nothing" : in.toUpperCase(); }
        public int twice(int in) { return in * 2; }
        public List<Integer> sorted(List<Integer> in) { Collections.sort(in); return in; }
        public static boolean isStatic(Context c) { return c != null; }
        public void nothing() {}
        public void stream(InputStream in, OutputStream out, Context c) throws IOException {
          ByteArrayOutputStream all = new ByteArrayOutputStream();
          for (int b = in.read(); b >= 0; b = in.read()) all.write(b);
          byte[] bytes = all.toByteArray();
          for (int i = bytes.length - 1; i >= 0; i--) out.write(bytes[i]);
        }
        public byte[] reverse(byte[] in) {
          byte[] out = new byte[in.length];
          for (int i = 0; i < in.length; i++) out[i] = in[in.length - 1 - i];
          return out;
        }
        public String fails(String in) {
          if (in.equals("exit")) System.exit(7);
          throw new IllegalStateException("cannot " + in, new RuntimeException("because"));
        }
        public Object loop(Object in) { Map<String, Object> m = new HashMap<>(); m.put("self", m); return m; }
      }
      """;

  private static final String HANDLER =
      """
      package shapes;
      import com.amazonaws.services.lambda.runtime.*;
      public class Generic extends Base<Shapes.Item> {
        String describe(Shapes.Item in) { return in.getName() + " " + beside.Helper.answer(); }
      }
      abstract class Base<T> implements RequestHandler<T, String> {
        public String handleRequest(T in, Context c) { return describe(in); }
        abstract String describe(T in);
      }
      """;

  /** The caller's side, as the Core SDK for Java uses it. */
  private static final String CALLER =
      """
      package shapes;
      import com.amazonaws.greengrass.common.*;
      import com.amazonaws.greengrass.ipcsdk.*;
      import com.amazonaws.services.lambda.runtime.*;
      import java.nio.charset.StandardCharsets;
      import java.util.*;
      public class Caller implements RequestHandler<String, Map<String, Object>> {
        private final IPCClient ipc = new DefaultIPCClient();
        public Map<String, Object> handleRequest(String target, Context c) {
          Map<String, Object> out = new LinkedHashMap<>();
          String id = ipc.postWork(target, "RequestResponse", "\\"java\\"".getBytes(StandardCharsets.UTF_8), "");
          WorkResult result = ipc.getWorkResult(target, id);
          out.put("answer", new String(result.getPayload(), StandardCharsets.UTF_8));
          out.put("status", result.getStatusCode());
          out.put("error", result.getFunctionErr());
          String context = Base64.getEncoder().encodeToString("{\\"custom\\":{\\"subject\\":\\"from/java\\"}}".getBytes());
          ipc.postWork(EnvVars.ROUTER_FUNCTION_ARN, "Event", new byte[] {1, 2}, context);
          try {
            ipc.postWork(target.replace("text", "nobody"), "Event", new byte[0], null);
          } catch (IPCException e) {
            out.put("refused", e.getCause().getMessage());
          }
          FunctionArnFields arn = FunctionArnFields.fromString(target);
          out.put("fields", arn.getRegion() + "/" + arn.getName() + "/" + arn.getQualifier() + "/" + arn);
          try { FunctionArnFields.fromString("text"); } catch (InvalidArnException e) { out.put("invalid", e.getMessage()); }
          new GreengrassLogger().warn("a warning by the SDK's logger");
          LambdaRuntime.getLogger().log("a line by AWS's logger");
          return out;
        }
      }
      """;

  @TempDir static Path compiled;
  @TempDir Path root;
  private LambdaHarness core;

  @BeforeAll
  static void compile() throws IOException {
    Path source = compiled.resolve("src");
    write(source.resolve("shapes/Shapes.java"), SHAPES);
    write(source.resolve("shapes/Generic.java"), HANDLER);
    write(source.resolve("shapes/Caller.java"), CALLER);
    write(
        source.resolve("beside/Helper.java"),
        "package beside; public class Helper { public static String answer() { return \"from lib\"; } }");
    String classPath =
        TARGET.resolve("lambda-runtime.jar") + ":" + TARGET.resolve("lib/aws-lambda-java-core.jar");
    Path classes = Files.createDirectories(compiled.resolve("classes"));
    Java8.compile(
        classPath,
        classes,
        source.resolve("shapes/Shapes.java"),
        source.resolve("shapes/Generic.java"),
        source.resolve("shapes/Caller.java"),
        source.resolve("beside/Helper.java"));
    // A jar under lib/, and no longer beside the other classes.
    ByteArrayOutputStream jar = new ByteArrayOutputStream();
    try (JarOutputStream out = new JarOutputStream(jar)) {
      out.putNextEntry(new ZipEntry("beside/Helper.class"));
      Files.copy(classes.resolve("beside/Helper.class"), out);
    }
    Files.delete(classes.resolve("beside/Helper.class"));
    Files.createDirectories(classes.resolve("lib"));
    Files.write(classes.resolve("lib/helper.jar"), jar.toByteArray());
  }

  private static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  @BeforeEach
  void start() {
    core = new LambdaHarness(root);
  }

  @AfterEach
  void stop() {
    core.close();
  }

  private Deployed deploy(String name, String handler, Consumer<ObjectNode> change) {
    Path code = root.resolve("packages/artifacts-unarchived/" + name + "/1.0.0/lambda");
    try (var all = Files.walk(compiled.resolve("classes"))) {
      for (Path path : all.toList()) {
        Path to = code.resolve(compiled.resolve("classes").relativize(path).toString());
        if (Files.isDirectory(path)) {
          Files.createDirectories(to);
        } else {
          Files.copy(path, to);
        }
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    return core.deploy(
        name,
        handler,
        "",
        c -> {
          c.put("runtime", "java8").put("timeoutInSeconds", 30);
          change.accept(c);
        });
  }

  private Answer once(String method, String payload) {
    return core.call(deploy(method, "shapes.Shapes::" + method, c -> {}).arn(), payload);
  }

  @Test
  void aMapGetsTheContextAndTheWorkerKeepsItsState() {
    Deployed d = deploy("map", "shapes.Shapes::map", c -> {});
    assertThat(core.call(d.arn(), "{\"a\":[1,2.5,null,\"Käse \\ud83e\\uddc0\"]}").body())
        .contains("\"a\":[1,2.5,null,\"Käse ");
    var seen = core.call(d.arn(), "{}").json();
    assertThat(seen.path("calls").asInt()).isEqualTo(2);
    assertThat(seen.path("name").asString()).isEqualTo("map");
    assertThat(seen.path("version").asString()).isEqualTo("1");
    assertThat(seen.path("arn").asString()).isEqualTo(d.arn());
    assertThat(seen.path("id").asString()).isNotEmpty();
    assertThat(seen.path("left").asInt()).isBetween(1, 30_000);
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () -> assertThat(core.log).contains("INFO from the logger", "WARN from stderr"));
  }

  @Test
  void beansAreBoundWithTheirPartsEnumsAndBytes() {
    var seen =
        once(
                "item",
                "{\"name\":\"box\",\"count\":1,\"fresh\":true,\"raw\":\"AQI=\",\"unknown\":{},\"parts\":[{\"Name\":\"lid\",\"colour\":\"RED\"}]}")
            .json();
    assertThat(seen.path("name").asString()).isEqualTo("box");
    assertThat(seen.path("count").asInt()).isEqualTo(2);
    assertThat(seen.path("fresh").asBoolean()).isTrue();
    assertThat(seen.path("raw").asString()).isEqualTo("AQI=");
    assertThat(seen.path("parts").path(0).path("name").asString()).isEqualTo("lid");
    assertThat(seen.path("parts").path(0).path("colour").asString()).isEqualTo("GREEN");
  }

  @Test
  void requestHandlersOfAGenericBaseClassGetTheirTypeAndJarsUnderLibAreSeen() {
    Deployed d = deploy("generic", "shapes.Generic", c -> {});
    assertThat(core.call(d.arn(), "{\"name\":\"thing\"}").body()).isEqualTo("\"thing from lib\"");
  }

  @Test
  void textNumbersListsStaticMethodsAndMethodsWithoutAnythingAreHandlers() {
    assertThat(once("text", "\"abc\"").body()).isEqualTo("\"ABC\"");
    assertThat(once("twice", "21").body()).isEqualTo("42");
    assertThat(once("sorted", "[3,1,2]").body()).isEqualTo("[1,2,3]");
    assertThat(once("isStatic", "").body()).isEqualTo("true");
    assertThat(once("nothing", "").body()).isEqualTo("null");
  }

  /** v1-lambda-runtime.md section 12, check 4. */
  @Test
  void streamsAndBytesCarryBinaryBothWaysAlsoMuch() {
    Consumer<ObjectNode> binary = c -> c.put("inputPayloadEncodingType", "binary");
    Deployed stream = deploy("stream", "shapes.Shapes::stream", binary);
    assertThat(core.call(stream.arn(), "not json").body()).isEqualTo("nosj ton");
    Deployed reverse = deploy("reverse", "shapes.Shapes::reverse", binary);
    String large = "x".repeat(5 * 1024 * 1024) + "y";
    assertThat(core.call(reverse.arn(), large).body()).hasSize(large.length()).startsWith("yx");
  }

  /** Section 11. */
  @Test
  void whatTheHandlerThrowsIsAHandledErrorAndWhatEndsTheProcessIsNot() {
    Deployed d = deploy("fails", "shapes.Shapes::fails", c -> {});
    Answer thrown = core.call(d.arn(), "\"open\"");
    assertThat(thrown.error()).isEqualTo("Handled");
    assertThat(thrown.json().path("errorMessage").asString()).isEqualTo("cannot open");
    assertThat(thrown.json().path("errorType").asString())
        .isEqualTo("java.lang.IllegalStateException");
    assertThat(thrown.json().path("stackTrace").path(0).asString())
        .startsWith("shapes.Shapes.fails");
    assertThat(thrown.json().path("cause").path("errorMessage").asString()).isEqualTo("because");
    Answer misfit = core.call(d.arn(), "{\"a\":1}");
    assertThat(misfit.error()).isEqualTo("Handled");
    assertThat(misfit.json().path("errorType").asString()).isEqualTo("Runtime.UnmarshalError");
    assertThat(core.call(d.arn(), "{oops").json().path("errorMessage").asString())
        .contains("not JSON", "position 1");
    Answer ended = core.call(d.arn(), "\"exit\"");
    assertThat(ended.error()).isEqualTo("Unhandled");
    assertThat(ended.json().path("errorMessage").asString()).contains("exit code 7");
    Answer loop = once("loop", "1");
    assertThat(loop.error()).isEqualTo("Handled");
    assertThat(loop.json().path("errorType").asString()).isEqualTo("Runtime.MarshalError");
  }

  /** v1-lambda-runtime.md section 12, check 10. */
  @Test
  void aRoutedMessageBringsItsTopic() {
    Deployed d = deploy("topic", "shapes.Shapes::topic", c -> c.put("maxInstancesCount", 1));
    core.bus.rules.add(new TestBus.Rule("cloud", "#", Participant.function(d.arn())));
    core.bus.publish(
        new Message(
            Participant.CLOUD,
            Message.Space.ROUTED,
            "a/b",
            "7".getBytes(StandardCharsets.UTF_8),
            0));
    assertThat(core.call(d.arn(), "\"tell\"").body()).isEqualTo("[\"a/b 7\"]");
  }

  /**
   * v1-lambda-runtime.md section 12, check 2: the classes of section 6, as the Core SDK for Java
   * uses them.
   */
  @Test
  void theClientOfTheCoreInvokesPublishesAndTellsWhatIsRefused() {
    Deployed text = deploy("text", "shapes.Shapes::text", c -> {});
    Deployed d = deploy("caller", "shapes.Caller", c -> {});
    var seen = core.call(d.arn(), "\"" + text.arn() + "\"").json();
    assertThat(seen.path("answer").asString()).isEqualTo("\"JAVA\"");
    assertThat(seen.path("status").asInt()).isEqualTo(200);
    assertThat(seen.path("error").isNull()).isTrue();
    assertThat(seen.path("refused").asString()).contains("404");
    assertThat(seen.path("fields").asString()).isEqualTo("us-east-1/text/1/" + text.arn());
    assertThat(seen.path("invalid").asString()).contains("\"text\" is not the ARN of a function");
    assertThat(core.bus.published)
        .anySatisfy(
            m -> {
              assertThat(m.topic()).isEqualTo("from/java");
              assertThat(m.source().id()).isEqualTo(d.arn());
              assertThat(m.payload()).containsExactly(1, 2);
            });
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () ->
                assertThat(core.log)
                    .contains("WARN [WARN]-a warning by the SDK's logger")
                    .contains("INFO a line by AWS's logger"));
  }

  @Test
  void aClassOrMethodThatIsNotThereIsNamed() {
    assertThat(
            core.call(deploy("lost", "shapes.Lost::run", c -> {}).arn(), "1")
                .json()
                .path("errorMessage")
                .asString())
        .contains("no class shapes.Lost");
    assertThat(
            core.call(deploy("mute", "shapes.Shapes::absent", c -> {}).arn(), "1")
                .json()
                .path("errorMessage")
                .asString())
        .contains("no public method absent");
  }

  /** LAM-01: Java 8 is the oldest that runs them, on this machine or not. */
  @Test
  void nothingThatStandsBesideAFunctionIsNewerThanJava8() throws IOException {
    for (String name : List.of("lambda-runtime.jar", "lib/aws-lambda-java-core.jar")) {
      int classes = 0;
      try (JarFile jar = new JarFile(TARGET.resolve(name).toFile())) {
        for (JarEntry entry : jar.stream().toList()) {
          if (!entry.getName().endsWith(".class") || entry.getName().startsWith("META-INF/")) {
            continue;
          }
          try (DataInputStream in = new DataInputStream(jar.getInputStream(entry))) {
            assertThat(in.readInt()).isEqualTo(0xCAFEBABE);
            in.readUnsignedShort(); // minor
            assertThat(in.readUnsignedShort()).as(entry.getName()).isLessThanOrEqualTo(52);
          }
          classes++;
        }
      }
      assertThat(classes).as("classes in %s", name).isGreaterThan(10);
    }
  }

  /** The other Java versions of this machine, as the configuration names them. */
  @Test
  void eachInstalledJavaRunsTheSameClasses() throws IOException {
    Path jvms = Path.of("/usr/lib/jvm");
    List<Path> installed;
    try (var all =
        Files.isDirectory(jvms) ? Files.list(jvms) : java.util.stream.Stream.<Path>of()) {
      installed =
          all.filter(p -> !Files.isSymbolicLink(p) && Files.isExecutable(p.resolve("bin/java")))
              .toList();
    }
    for (Path home : installed) {
      core.configure(Map.of("interpreters", Map.of("java11", home.resolve("bin/java").toString())));
      String name = "on-" + home.getFileName().toString().replace('.', '-');
      Deployed d = deploy(name, "shapes.Shapes::text", c -> c.put("runtime", "java11"));
      assertThat(core.call(d.arn(), "\"" + name + "\"").body())
          .as(home.toString())
          .isEqualTo("\"" + name.toUpperCase(java.util.Locale.ROOT) + "\"");
    }
  }
}
