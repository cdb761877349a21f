package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.nucleus.ComponentLog;
import io.ryegrass.nucleus.LoggingSettings.Level;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Takes a process' output into its component's log, one entry a line. The level is the one that the
 * line names, otherwise INFO for standard output and WARN for standard error.
 */
final class OutputCopier {
  private static final int MAX_LINE = 32 << 10;

  private final ComponentLog log;
  private final String stream;
  private final String script;
  private final Level level;

  private OutputCopier(ComponentLog log, String stream, String script, Level level) {
    this.log = log;
    this.stream = stream;
    this.script = script;
    this.level = level;
  }

  /**
   * Begins to copy; completed at the end of the stream. A small platform thread for each: reading a
   * pipe blocks in the kernel and would hold a carrier.
   *
   * @param script name of the script for the log, for example {@code
   *     services.com.example.A.lifecycle.Run}
   */
  static CompletableFuture<Void> copy(
      InputStream in, ComponentLog log, String component, String script, boolean error) {
    OutputCopier copier =
        new OutputCopier(log, error ? "stderr" : "stdout", script, error ? Level.WARN : Level.INFO);
    CompletableFuture<Void> done = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .name("log-" + component)
        .stackSize(128 << 10)
        .start(
            () -> {
              try {
                copier.all(in);
              } finally {
                done.complete(null);
              }
            });
    return done;
  }

  private void all(InputStream in) {
    try (Reader reader =
        new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8), 4096)) {
      StringBuilder line = new StringBuilder();
      int c;
      while ((c = reader.read()) >= 0) {
        if (c == '\n' || line.length() >= MAX_LINE) {
          write(line.toString());
          line.setLength(0);
        }
        if (c != '\n' && c != '\r') {
          line.append((char) c);
        }
      }
      if (!line.isEmpty()) {
        write(line.toString());
      }
    } catch (IOException e) {
      log.write("DEBUG", "The output of " + script + " ended: " + e.getMessage());
    }
  }

  private void write(String line) {
    @Nullable Level named = LogLevels.detect(line);
    log.output(named == null ? level : named, level, stream, line, script);
  }
}
