package io.ryegrass.v1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.model.ComponentType;
import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.Json;
import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.ComponentBody;
import io.ryegrass.nucleus.ComponentBodyFactory;
import io.ryegrass.nucleus.ComponentInstance;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.event.Level;

/** LOG-02 … LOG-09: V1's log files. */
class V1LogsTest {
  private static final String ARN = "arn:aws:lambda:eu-west-1:123456789012:function:hello:3";

  @TempDir Path temporary;

  private final V1Loggers loggers = new V1Loggers();

  private V1LogFiles files() {
    return new V1LogFiles(
        temporary.resolve("log"),
        Clock.fixed(Instant.parse("2017-07-20T10:01:58.006Z"), ZoneOffset.UTC));
  }

  private FunctionLog function(V1LogFiles files) {
    return new FunctionLog(files, loggers, FunctionLog.place(ARN));
  }

  private String text(String file) throws IOException {
    return Files.readString(temporary.resolve("log").resolve(file));
  }

  @Test
  void aFunctionsLinesHaveTimeAndTheirOwnLevel() throws IOException {
    FunctionLog log = function(files());
    log.write("INFO", "hello from print");
    log.write("ERROR", "[ERROR]-hello.py:3,it broke");
    log.write("WARN", "[CRITICAL] all is lost");
    log.write("DEBUG", "[DEBUG]-hello.py:4,not asked for");
    assertThat(text("user/eu-west-1/123456789012/hello.log"))
        .isEqualTo(
            """
            [2017-07-20T10:01:58.006Z][INFO]-hello from print
            [2017-07-20T10:01:58.006Z][ERROR]-hello.py:3,it broke
            [2017-07-20T10:01:58.006Z][FATAL]-all is lost
            """);
  }

  @Test
  void theGroupsLoggersSayLevelAndRoomForEachKind() throws IOException {
    loggers.follow(
        Json.read(
            """
            [{"Id": "a", "Component": "GreengrassSystem", "Type": "FileSystem", "Level": "ERROR", "Space": 10240},
             {"Id": "b", "Component": "Lambda", "Type": "AWSCloudWatch", "Level": "INFO"},
             {"Id": "c", "Component": "Lambda", "Type": "FileSystem", "Level": "FATAL", "Space": 4}]
            """));
    V1LogFiles files = files();
    SystemLogs system = new SystemLogs(files, loggers);
    system.write(Level.WARN, "io.ryegrass.nucleus.bus.LocalBus", "not this", null);
    system.write(Level.ERROR, "io.ryegrass.nucleus.bus.LocalBus", "this", null);
    assertThat(system.takes(Level.INFO, true)).isFalse();
    assertThat(text("system/runtime.log")).endsWith("[ERROR]-this\n").hasLineCount(1);
    FunctionLog log = function(files);
    log.write("ERROR", "not enough");
    for (int i = 0; i < 500; i++) {
      log.write("FATAL", "[FATAL] a line of some length, number " + i);
    }
    try (Stream<Path> all = Files.list(temporary.resolve("log/user/eu-west-1/123456789012"))) {
      long bytes = all.mapToLong(p -> p.toFile().length()).sum();
      assertThat(bytes).isBetween(1024L, 4L * 1024 + 200); // LOG-06: rotated, its room kept
    }
    loggers.follow(Json.array());
    assertThat(loggers.functions()).isEqualTo(new V1Loggers.Limits(1, 128)); // LOG-07
  }

  /** LOG-06, LOG-14: lines that would each fill the room do not empty it. */
  @Test
  void ofALineThatIsTooLongForTheRoomTheBeginningIsKeptAndSoAreLinesBefore() throws IOException {
    loggers.follow(
        Json.read(
            "[{\"Component\": \"Lambda\", \"Type\": \"FileSystem\", \"Level\": \"INFO\", \"Space\": 16}]"));
    FunctionLog log = function(files());
    for (int i = 0; i < 60; i++) {
      log.write("INFO", "line " + i + " " + "ü🧀".repeat(10_000));
      StringBuilder kept = new StringBuilder();
      try (Stream<Path> all = Files.list(temporary.resolve("log/user/eu-west-1/123456789012"))) {
        for (Path file : all.toList()) {
          kept.append(Files.readString(file));
        }
      }
      assertThat(kept.toString().getBytes(StandardCharsets.UTF_8)).hasSizeLessThan(16 << 10);
      assertThat(kept).contains("]-line " + i + " ü🧀", "… (cut, ");
      if (i > 0) {
        assertThat(kept).contains("]-line " + (i - 1) + " ü🧀").doesNotContain("\uFFFD");
      }
    }
  }

  @Test
  void whatV1CalledSystemComponentsHasFilesOfItsOwn() {
    assertThat(SystemLogs.fileOf("io.ryegrass.nucleus.Nucleus")).isEqualTo("runtime");
    assertThat(SystemLogs.fileOf("aws.greengrass.ShadowManager")).isEqualTo("GGShadowService");
    assertThat(SystemLogs.fileOf("io.ryegrass.shadows.ShadowSync"))
        .isEqualTo("GGShadowSyncManager");
    assertThat(SystemLogs.fileOf("io.ryegrass.clientdevices.DeviceAdmission"))
        .isEqualTo("GGConnManager");
    assertThat(SystemLogs.fileOf("io.ryegrass.clientdevices.ServerIdentity"))
        .isEqualTo("GGDeviceCertificateManager");
    assertThat(SystemLogs.fileOf("io.ryegrass.cloudlink.SpoolSender")).isEqualTo("GGCloudSpooler");
  }

  @Test
  void onlyTheCoresUserMayLook() throws IOException {
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(files().folder())))
        .isEqualTo("rwx------");
  }

  @Test
  void aResetRemovesTheLogsOfFunctionsAndTheNextLineIsThere() throws IOException {
    V1LogFiles files = files();
    FunctionLog log = function(files);
    log.write("INFO", "before");
    files.forgetUsers();
    assertThat(temporary.resolve("log/user")).isEmptyDirectory();
    log.write("INFO", "after");
    assertThat(text("user/eu-west-1/123456789012/hello.log")).endsWith("-after\n").hasLineCount(1);
  }

  @Test
  void whoIsToldToLookIntoAFunctionsLogIsToldWhereV1HasIt() throws IOException {
    V1Functions functions =
        new V1Functions(
            new ComponentBodyFactory() {
              @Override
              public boolean supports(ComponentType t) {
                return true;
              }

              @Override
              public ComponentBody create(ComponentInstance i) {
                throw new IllegalStateException("cannot be made");
              }
            },
            files(),
            loggers,
            temporary.resolve("code"));
    Path somewhere = temporary.resolve("somewhere");
    ComponentInstance instance =
        new ComponentInstance(
            "hello",
            ComponentVersion.parse("3.0.0"),
            Recipe.parse(
                """
                    RecipeFormatVersion: '2020-01-25'
                    ComponentName: hello
                    ComponentVersion: 3.0.0
                    ComponentType: aws.greengrass.lambda
                    Manifests: [{Lifecycle: {}}]
                    """
                    .getBytes(StandardCharsets.UTF_8)),
            Json.object(),
            Json.object().put("lambdaArn", ARN),
            somewhere,
            somewhere,
            somewhere,
            null,
            Map.of(),
            "",
            (level, text) -> {});

    assertThatThrownBy(() -> functions.create(instance)).hasMessage("cannot be made");
    assertThat(functions.logOf("hello"))
        .isEqualTo(temporary.resolve("log/user/eu-west-1/123456789012/hello.log").toString());
    assertThat(functions.logOf("aws.greengrass.Nucleus")).isNull();
  }
}
