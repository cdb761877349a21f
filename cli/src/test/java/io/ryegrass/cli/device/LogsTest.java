package io.ryegrass.cli.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.Year;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code logs} on files of both forms (CLI-20 to CLI-24). */
@Timeout(120)
class LogsTest {
  private static final Instant NOW = Instant.parse("2026-05-31T12:00:00Z");

  @TempDir Path root;
  private Path logs;

  @BeforeEach
  void write() throws IOException {
    logs = Files.createDirectories(root.resolve("logs"));
    Files.writeString(
        logs.resolve("greengrass.log"),
        """
        {"thread":"main","level":"INFO","eventType":"start","message":"Starting","contexts":{"serviceName":"main","currentState":"NEW"},"loggerName":"com.example.Kernel","timestamp":1780228800000,"cause":null}
        {"thread":"pool-1","level":"ERROR","message":"It broke","contexts":{"serviceName":"Hello"},"loggerName":"com.example.Deployments","timestamp":1780228802000,"cause":{"message":"disk full"}}
        """);
    Files.writeString(
        logs.resolve("com.example.Hello.log"),
        """
        2026-05-31T12:00:01.000Z [INFO] (Copier) com.example.Hello: stdout. hello. {scriptName=run}
        2026-05-31T12:00:03.000Z [WARN] (Copier) com.example.Hello: stderr. oops. {scriptName=run}
          at some.place
        """);
  }

  private CommandRun get(String... args) {
    String[] all = new String[args.length + 3];
    all[0] = "logs";
    all[1] = "get";
    all[2] = "--no-color";
    System.arraycopy(args, 0, all, 3, args.length);
    return CommandRun.of(root, all);
  }

  @Test
  void linesOfSeveralFilesComeInTheOrderOfTheirTimes() {
    assertThat(get().out())
        .isEqualTo(
            """
            2026-05-31T12:00:00.000Z [INFO] (main) com.example.Kernel: Starting. {serviceName=main, currentState=NEW}
            2026-05-31T12:00:01.000Z [INFO] (Copier) com.example.Hello: stdout. hello. {scriptName=run}
            2026-05-31T12:00:02.000Z [ERROR] (pool-1) com.example.Deployments: It broke. {serviceName=Hello} disk full
            2026-05-31T12:00:03.000Z [WARN] (Copier) com.example.Hello: stderr. oops. {scriptName=run}
              at some.place
            """);
  }

  @Test
  void filtersAreWordsExpressionsAndFieldsCommasMeanOrRepeatsMeanAnd() {
    assertThat(get("--filter", "hello,broke").out().lines()).hasSize(2);
    assertThat(get("-f", "level=error").out().lines()).hasSize(1);
    assertThat(get("-f", "level=INFO", "-f", "st[aä]rt").out().lines()).hasSize(0);
    assertThat(get("-f", "level=INFO", "-f", "St[a]rt").out().lines()).hasSize(1);
    assertThat(get("-f", "serviceName=Hello").out()).contains("It broke");
    assertThat(get("-f", "error=disk full").out()).contains("It broke");
    assertThat(get("-f", "broke", "--before", "1", "--after", "1").out().lines()).hasSize(3);
  }

  @Test
  void aMatchIsBoldRedUnlessColoursAreUnwanted() {
    assertThat(CommandRun.of(root, "logs", "get", "-f", "broke").out())
        .contains("It \u001b[1;31mbroke\u001b[0m");
  }

  @Test
  void timeWindowsKeepWhatLiesInOneOfThem() {
    assertThat(
            get("-t", "2026-05-31T12:00:01Z,2026-05-31T12:00:02Z", "-t", "2026-05-31T12:00:03Z,")
                .out()
                .lines())
        .hasSize(3);
    assertThat(get("--time-window", "2026-05-31T12:00:05Z,").out()).isEmpty();
  }

  @Test
  void allTimeFormsOfTheGuideAreRead() {
    LogTimes times = new LogTimes(Clock.fixed(NOW, ZoneOffset.UTC), ZoneOffset.UTC);
    assertThat(times.window("2026-05-30,20260531"))
        .isEqualTo(
            new LogTimes.Window(
                Instant.parse("2026-05-30T00:00:00Z"), Instant.parse("2026-05-31T00:00:00Z")));
    assertThat(times.window("11:59:00,11:59:00500").end())
        .isEqualTo(Instant.parse("2026-05-31T11:59:00.500Z"));
    assertThat(times.window("2026-05-31T11:00:00,2026-05-31T11:00:00.250").end())
        .isEqualTo(Instant.parse("2026-05-31T11:00:00.250Z"));
    assertThat(times.window("-2h15min,-1hr"))
        .isEqualTo(
            new LogTimes.Window(
                Instant.parse("2026-05-31T09:45:00Z"), Instant.parse("2026-05-31T11:00:00Z")));
    assertThat(times.window("-10sec").end()).isEqualTo(NOW);
    assertThat(times.window(",+1minutes30s").end())
        .isEqualTo(Instant.parse("2026-05-31T12:01:30Z"));
    for (String wrong : List.of("", ",", "noon,", "-1h,-2h", "1,2,3")) {
      assertThatThrownBy(() -> times.window(wrong))
          .as(wrong)
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void theSystemsLogIsReadInItsOwnForm() throws IOException {
    Path file = root.resolve("messages");
    Files.writeString(file, "<34>Oct 11 22:14:15 mymachine su[231]: 'su root' failed\nnoise\n");
    assertThat(get("--syslog", "--log-file", file.toString(), "-f", "logger=su").out())
        .isEqualTo("<34>Oct 11 22:14:15 mymachine su[231]: 'su root' failed\n");
    assertThat(LogEntry.ofSystem("<34>Oct 11 22:14:15 m su: x", Year.of(2026)).fields())
        .containsEntry("priority", "34")
        .containsEntry("host", "m");
    assertThat(get("--syslog", "--log-dir", logs.toString()).code()).isEqualTo(2);
  }

  @Test
  void followingShowsWhatIsWrittenAlsoAfterTheFileWasRotated() throws Exception {
    Path file = logs.resolve("com.example.Hello.log");
    List<String> seen = new CopyOnWriteArrayList<>();
    AtomicBoolean goOn = new AtomicBoolean(true);
    Thread follower =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    new LogReader(LogEntry::of)
                        .follow(List.of(file), e -> seen.add(e.text()), goOn::get);
                  } catch (IOException e) {
                    seen.add(e.toString());
                  }
                });
    await()
        .atMost(Duration.ofSeconds(30))
        .until(
            () -> {
              Files.writeString(file, "one\n", StandardOpenOption.APPEND);
              return seen.contains("one");
            });
    Files.writeString(file, "half", StandardOpenOption.APPEND);
    Files.writeString(file, " and half\n", StandardOpenOption.APPEND);
    await().atMost(Duration.ofSeconds(30)).until(() -> seen.contains("half and half"));
    Files.move(file, logs.resolve("rotated.log"));
    Files.writeString(file, "new file\n");
    await().atMost(Duration.ofSeconds(30)).until(() -> seen.contains("new file"));
    goOn.set(false);
    follower.join();
  }

  @Test
  void filesAreListedAndKeysToldAsInTheGuide() throws IOException {
    assertThat(CommandRun.of(root, "logs", "list-log-files").out())
        .contains(logs.resolve("greengrass.log").toString())
        .endsWith("Total 2 files found.\n");
    Path empty = Files.createDirectories(root.resolve("empty"));
    assertThat(CommandRun.of(root, "logs", "list-log-files", "-ld", empty.toString()).out())
        .isEqualTo("No log file found.\n");
    assertThat(CommandRun.of(root, "logs", "list-keywords").out())
        .isEqualTo(
            "level=$str thread=$str loggerName=$str eventType=$str serviceName=$str error=$str\n");
    assertThat(CommandRun.of(root, "logs", "list-keywords", "--syslog").out())
        .isEqualTo("priority=$int host=$str logger=$str class=$str\n");
  }
}
