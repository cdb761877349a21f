package io.ryegrass.coreapp;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.nucleus.LoggingSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The parameters logging.* and the core's own log (v2-recipes-config.md section 7). */
class CoreLogTest {
  @TempDir Path root;

  private final Logger log =
      new CoreLogProvider().getLoggerFactory().getLogger("io.ryegrass.some.Part");

  @Test
  void levelFormFolderAndSizesCountFromTheNextLineOn() throws IOException {
    CoreLog.configure(root);
    log.info("one {}", 1);
    log.debug("not yet");
    assertThat(Files.readString(root.resolve("logs/greengrass.log")))
        .contains(" [INFO] (")
        .contains(") Part: one 1\n")
        .doesNotContain("not yet");

    Path other = root.resolve("elsewhere");
    CoreLog.follow(new LoggingSettings(LoggingSettings.Level.DEBUG, true, false, 16, 48, other));
    log.debug("now");
    log.warn("with a cause", new IllegalStateException("boom"));
    JsonNode[] lines =
        Files.readAllLines(other.resolve("greengrass.log")).stream()
            .map(l -> JsonMapper.shared().readTree(l))
            .toArray(JsonNode[]::new);
    assertThat(lines[0].path("message").asString()).isEqualTo("now");
    assertThat(lines[0].path("level").asString()).isEqualTo("DEBUG");
    assertThat(lines[1].path("cause").asString()).contains("boom").contains("CoreLogTest");

    for (int i = 0; i < 1000; i++) {
      log.info("a line of some length, so that the files turn, number {}", i);
    }
    try (var files = Files.list(other)) {
      long bytes = files.mapToLong(f -> f.toFile().length()).sum();
      assertThat(bytes).isLessThan(64 * 1024L);
    }

    CoreLog.follow(
        new LoggingSettings(LoggingSettings.Level.ERROR, false, false, 1024, 10240, other));
    log.warn("too little");
    assertThat(Files.readString(other.resolve("greengrass.log"))).doesNotContain("too little");
    assertThat(log.isWarnEnabled()).isFalse();
  }
}
