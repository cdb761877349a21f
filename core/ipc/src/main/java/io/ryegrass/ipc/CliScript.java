package io.ryegrass.ipc;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code <root>/bin/greengrass-cli}: the command line, which then knows its root (CLI-06, CLI-08).
 */
final class CliScript {
  private static final Logger log = LoggerFactory.getLogger(CliScript.class);

  private CliScript() {}

  /**
   * Writes the script when it is not there or leads elsewhere.
   *
   * @param home folder of this program's launcher, or null when nobody said where it is
   */
  static void write(Path root, @Nullable String home) {
    if (home == null || !Files.isExecutable(Path.of(home, "ryegrass"))) {
      return;
    }
    byte[] script =
        """
        #!/bin/sh
        GGC_ROOT_PATH="${GGC_ROOT_PATH:-%s}" exec "%s/ryegrass" cli "$@"
        """
            .formatted(quoted(root.toString()), quoted(home))
            .getBytes(StandardCharsets.UTF_8);
    Path file = root.resolve("bin/greengrass-cli");
    try {
      if (Files.isRegularFile(file) && Arrays.equals(Files.readAllBytes(file), script)) {
        return;
      }
      DurableFiles.createDirectories(root.resolve("bin"));
      DurableFiles.writeAtomically(file, script, PosixFilePermissions.fromString("rwxr-xr-x"));
    } catch (IOException | DurableException e) {
      log.warn("{} cannot be written: {}", file, e.toString());
    }
  }

  /** Inside double quotes of the shell. */
  private static String quoted(String text) {
    return text.replaceAll("([\\\\\"$`])", "\\\\$1");
  }
}
