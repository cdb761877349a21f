package io.ryegrass.nucleus.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.nucleus.LoggingSettings;
import io.ryegrass.nucleus.LoggingSettings.Level;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Levels in lines of output (LESSON-19) and the bounds of a log (LESSON-18). */
class LogLevelsTest {
  @TempDir Path temp;

  @Test
  void the_level_that_a_line_names_is_found() {
    assertThat(LogLevels.detect("{\"ts\":1,\"level\":\"error\",\"msg\":\"x\"}"))
        .isEqualTo(Level.ERROR);
    assertThat(LogLevels.detect("{\"severity\": \"WARNING\"}")).isEqualTo(Level.WARN);
    assertThat(LogLevels.detect("ts=1 level=warn msg=\"x\"")).isEqualTo(Level.WARN);
    assertThat(LogLevels.detect("2026-01-01T00:00:00Z [ERROR] x")).isEqualTo(Level.ERROR);
    assertThat(LogLevels.detect("[debug] x")).isEqualTo(Level.DEBUG);
    assertThat(LogLevels.detect("WARNING:root:careful")).isEqualTo(Level.WARN);
    assertThat(LogLevels.detect("2026-01-01 10:00:00,123 - app.main - CRITICAL - x"))
        .isEqualTo(Level.ERROR);
    assertThat(LogLevels.detect("2026-01-01 10:00:00.1 INFO  main x")).isEqualTo(Level.INFO);
  }

  @Test
  void a_mere_word_in_a_sentence_is_no_level() {
    for (String line :
        List.of(
            "no ERROR was found",
            "the error level is 3",
            "{\"message\":\"level is error\"}",
            "INFORMATION about WARNINGS",
            "")) {
      assertThat(LogLevels.detect(line)).as(line).isNull();
    }
  }

  @Test
  void all_files_of_a_component_together_stay_below_the_cap() throws IOException {
    LoggingSettings s = new LoggingSettings(Level.INFO, false, false, 16, 48, temp);
    try (LogFile log = new LogFile("c.Chatty", Clock.systemUTC(), () -> s)) {
      for (int i = 0; i < 3000; i++) {
        log.info("line " + i + " " + "x".repeat(60));
      }
    }
    try (Stream<Path> files = Files.list(temp)) {
      long bytes = files.mapToLong(p -> p.toFile().length()).sum();
      assertThat(bytes).isLessThan(50 * 1024).isGreaterThan(20 * 1024);
    }
    assertThat(temp.resolve("c.Chatty.log")).exists();
  }
}
