package io.ryegrass.coreapp;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A program that starts itself anew, as a process. */
class SelfRestartTest {
  @TempDir Path temp;

  /** Starts itself anew twice, then ends. */
  static final class Program {
    private Program() {}

    public static void main(String[] args) throws Exception {
      Path notes = Path.of(args[0]);
      Files.createFile(notes.resolve(Long.toString(System.nanoTime())));
      try (var files = Files.list(notes)) {
        int starts = files.toList().size();
        try (var open = Files.list(Path.of("/proc/self/fd"))) {
          System.out.println(
              ProcessHandle.current().pid() + " " + args[1] + " " + (open.toList().size() < 40));
        }
        var kept = Files.newInputStream(Path.of("/etc/hostname")); // never closed
        if (starts < 3) {
          SelfRestart.now();
        }
        kept.close();
      }
    }
  }

  @Test
  void theProcessStaysAndItsArgumentsAndNoOpenFilesAreHandedOn() throws Exception {
    Path notes = Files.createDirectories(temp.resolve("notes"));
    Process p =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Program.class.getName(),
                notes.toString(),
                "an argument with spaces")
            .redirectError(temp.resolve("err").toFile())
            .start();
    try {
      List<String> lines =
          new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().toList();
      assertThat(p.waitFor(20, TimeUnit.SECONDS)).isTrue();
      assertThat(Files.readString(temp.resolve("err"))).isEmpty();
      assertThat(lines).hasSize(3).containsOnly(p.pid() + " an argument with spaces true");
    } finally {
      p.destroyForcibly();
    }
  }
}
