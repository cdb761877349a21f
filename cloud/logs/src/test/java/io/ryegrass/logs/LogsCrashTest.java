package io.ryegrass.logs;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.store.CloudStore;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A process that is killed while it writes loses no batch that it has answered, and halves none.
 */
class LogsCrashTest {
  private static final int PER_BATCH = 20;
  private static final CallContext CALL =
      new CallContext(null, "root", "000000000000", "us-east-1", "r", Instant.EPOCH);

  @TempDir Path folder;

  @Test
  void whatWasAnsweredIsThereAfterAKill() throws Exception {
    int answered = -1;
    for (int round = 0; round < 3; round++) {
      answered = writeAndKill(answered + 1, 40 + 30 * round);
      Map<Integer, Integer> found = batches();
      for (int batch = 0; batch <= answered; batch++) {
        assertThat(found.get(batch))
            .as("events of the answered batch %d", batch)
            .isEqualTo(PER_BATCH);
      }
      assertThat(found.values())
          .as("batches are there whole or not at all")
          .containsOnly(PER_BATCH);
      answered = found.keySet().stream().mapToInt(i -> i).max().orElse(answered);
    }
  }

  /** Starts a writer, kills it when it has answered some batches, returns the last answered one. */
  private int writeAndKill(int first, int count) throws IOException, InterruptedException {
    Process writer =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Writer.class.getName(),
                folder.toString(),
                Integer.toString(first))
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    int last = first - 1;
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(writer.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        last = Integer.parseInt(line);
        if (last == first + count) {
          writer.toHandle().destroyForcibly(); // SIGKILL; what was printed before is still read
        }
      }
    } finally {
      writer.destroyForcibly();
    }
    assertThat(writer.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(writer.exitValue()).as("killed").isEqualTo(137);
    assertThat(last).isGreaterThanOrEqualTo(first + count);
    return last;
  }

  /** How many events there are of each batch. */
  private Map<Integer, Integer> batches() {
    try (CloudStore store = CloudStore.open(folder, LogsService.migrations());
        LogsService logs = service(store)) {
      assertThat(logs.dropped()).isZero();
      Map<Integer, Integer> found = new HashMap<>();
      store
          .read(
              sql ->
                  sql.list(
                      "SELECT message FROM log_events",
                      row -> Integer.parseInt(row.text("message").split(" ")[0])))
          .forEach(batch -> found.merge(batch, 1, Integer::sum));
      long bytes =
          store.<Long>read(LogTables::bytes)
              - store.<Long>read(
                  sql -> sql.count("SELECT COALESCE(SUM(size), 0) AS n FROM log_events"));
      assertThat(bytes).as("the count of bytes and the events agree").isZero();
      return found;
    }
  }

  private static LogsService service(CloudStore store) {
    return new LogsService(
        store, "us-east-1", "000000000000", Clock.systemUTC(), LogsService.DEFAULT_MAX_BYTES);
  }

  /** The process that is killed. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] args) {
      Clock clock = Clock.systemUTC();
      CloudStore store = CloudStore.open(Path.of(args[0]), LogsService.migrations());
      LogGroups groups = new LogGroups(store, "arn:", clock);
      LogStreams streams = new LogStreams(store, groups, "arn:", clock);
      LogWriter writer =
          new LogWriter(store, new Sweeper(store, clock, LogsService.DEFAULT_MAX_BYTES), clock);
      ObjectNode name = LogGroups.object().put("logGroupName", "g").put("logStreamName", "s");
      int batch = Integer.parseInt(args[1]);
      if (batch == 0) {
        groups.create(CALL, name);
        streams.create(CALL, name);
      }
      while (true) {
        ObjectNode in = name.deepCopy();
        ArrayNode events = in.putArray("logEvents");
        for (int i = 0; i < PER_BATCH; i++) {
          events
              .addObject()
              .put("timestamp", clock.millis())
              .put("message", batch + " " + i + " " + "x".repeat(500));
        }
        writer.put(CALL, in);
        System.out.println(batch++);
        System.out.flush();
      }
    }
  }
}
