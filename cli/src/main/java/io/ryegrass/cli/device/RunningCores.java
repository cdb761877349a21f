package io.ryegrass.cli.device;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The cores that run on this machine, or are being started by the launcher, by the command lines of
 * its processes (Linux).
 */
final class RunningCores {
  private static final String PROGRAM = "io.ryegrass.coreapp.CoreMain";

  private RunningCores() {}

  /**
   * Their root folders.
   *
   * @param processes {@code /proc}
   */
  static List<Path> roots(Path processes) {
    TreeSet<Path> roots = new TreeSet<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(processes, "[0-9]*")) {
      for (Path process : all) {
        Path root = root(process);
        if (root != null) {
          roots.add(root);
        }
      }
    } catch (IOException e) {
      return List.of(); // no such file system: nothing can be said
    }
    return new ArrayList<>(roots);
  }

  private static @Nullable Path root(Path process) {
    try {
      List<String> line =
          List.of(
              Files.readString(process.resolve("cmdline"), StandardCharsets.ISO_8859_1)
                  .split("\0", -1));
      int program = line.contains(PROGRAM) ? line.indexOf(PROGRAM) : launcher(line);
      for (int i = program + 1; program >= 0 && i < line.size(); i++) {
        String argument = line.get(i);
        String named =
            argument.startsWith("--root=")
                ? argument.substring("--root=".length())
                : argument.equals("--root") && i + 1 < line.size() ? line.get(i + 1) : "";
        if (!named.isEmpty()) {
          // relative to where it runs; toRealPath follows the link /proc/<pid>/cwd
          return process.resolve("cwd").toRealPath().resolve(utf8(named)).normalize();
        }
      }
    } catch (IOException | InvalidPathException e) {
      return null; // it has ended, or is another user's
    }
    return null;
  }

  /** Where {@code core} stands in a line such as {@code bash ./ryegrass core --root DIR}, or -1. */
  private static int launcher(List<String> line) {
    for (int i = 0; i < Math.min(2, line.size() - 1); i++) {
      if (line.get(i).matches("(.*/)?ryegrass") && line.get(i + 1).equals("core")) {
        return i + 1;
      }
    }
    return -1;
  }

  private static String utf8(String bytes) {
    return new String(bytes.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
  }
}
