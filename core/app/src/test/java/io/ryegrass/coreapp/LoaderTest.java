package io.ryegrass.coreapp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The loader as a process, with distributions that note each start and end as they are told. */
class LoaderTest {
  private static final Path LOADER =
      Path.of("../../dist/launcher/loader").toAbsolutePath().normalize();

  @TempDir Path temp;
  private Path root;
  private Path notes;

  @BeforeEach
  void folders() throws IOException {
    root = Files.createDirectories(temp.resolve("root"));
    notes = Files.createFile(temp.resolve("notes"));
  }

  /** A distribution that ends with these codes, one after the other, and then with the last. */
  private Path distro(String name, String... codes) throws IOException {
    Path distro = Files.createDirectories(temp.resolve(name));
    Path codeFile = Files.write(distro.resolve("codes"), List.of(codes));
    script(
        distro.resolve("ryegrass"),
        """
        #!/bin/sh
        code=$(head -1 %3$s)
        [ "$code" = wait ] && trap 'echo stopped >> %2$s; exit 0' TERM
        echo "%1$s $* [$RYEGRASS_JVM_OPTIONS]" >> %2$s
        [ "$(wc -l < %3$s)" -gt 1 ] && sed -i 1d %3$s
        [ "$code" = wait ] && while :; do sleep 0.05; done
        exit "$code"
        """
            .formatted(name, notes, codeFile));
    return distro;
  }

  private static void script(Path file, String text) throws IOException {
    Files.writeString(file, text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private void launch(String folder, Path distro) throws IOException {
    Files.createDirectories(root.resolve("alts/" + folder));
    Files.createSymbolicLink(root.resolve("alts/" + folder + "/distro"), distro);
  }

  private void link(String name, String to) throws IOException {
    Files.createSymbolicLink(root.resolve("alts").resolve(name), Path.of(to));
  }

  private Process loader() throws IOException {
    ProcessBuilder b = new ProcessBuilder(LOADER.toString(), "--root", root.toString());
    b.environment().put("RYEGRASS_LOADER_PAUSE", "0");
    b.environment().put("RYEGRASS_REBOOT", "sh -c exit");
    b.environment().remove("RYEGRASS_JVM_OPTIONS");
    return b.redirectErrorStream(true).redirectOutput(temp.resolve("out").toFile()).start();
  }

  private int run() throws Exception {
    Process p = loader();
    try {
      assertThat(p.waitFor(20, TimeUnit.SECONDS)).isTrue();
      return p.exitValue();
    } finally {
      p.destroyForcibly();
    }
  }

  private String start(String distro, String options) {
    return distro + " core --root " + root + " [" + options + "]";
  }

  @Test
  void a_nucleus_that_asks_for_it_is_started_again_with_the_options_of_its_launch_folder()
      throws Exception {
    launch("init", distro("one", "100", "101", "0"));
    link("current", "init");
    Files.writeString(root.resolve("alts/init/launch.params"), "-Xmx64m");
    assertThat(run()).isZero();
    assertThat(Files.readAllLines(notes)).hasSize(3).containsOnly(start("one", " -Xmx64m"));
  }

  /** LESSON-05: no loop for ever, and back to what worked. */
  @Test
  void after_three_failed_starts_of_an_update_the_nucleus_before_is_started() throws Exception {
    launch("init", distro("one", "0"));
    launch("update", distro("two", "1"));
    link("current", "update");
    link("old", "init");
    assertThat(run()).isZero();
    assertThat(Files.readAllLines(notes))
        .containsExactly(
            start("two", " "), start("two", " "), start("two", " "), start("one", " "));
    assertThat(Files.readSymbolicLink(root.resolve("alts/current"))).hasToString("init");
    assertThat(Files.readSymbolicLink(root.resolve("alts/broken"))).hasToString("update");
    assertThat(root.resolve("alts/old")).doesNotExist();
    assertThat(root.resolve("work/aws.greengrass.Nucleus/restart_panic")).exists();
  }

  @Test
  void without_a_nucleus_before_it_ends_with_the_exit_code_after_three_starts() throws Exception {
    launch("init", distro("one", "3"));
    link("current", "init");
    assertThat(run()).isEqualTo(3);
    assertThat(Files.readAllLines(notes)).hasSize(3);
  }

  /** LESSON-02: whichever rename a power cut came before. */
  @Test
  void links_that_a_power_cut_left_half_done_are_repaired() throws Exception {
    launch("init", distro("one", "0"));
    link("old", "init");
    assertThat(run()).isZero();
    assertThat(Files.readSymbolicLink(root.resolve("alts/current"))).hasToString("init");

    Files.delete(root.resolve("alts/current"));
    link("new", "init");
    assertThat(run()).isZero();
    assertThat(Files.readSymbolicLink(root.resolve("alts/current"))).hasToString("init");

    launch("update", distro("two", "0"));
    Files.delete(root.resolve("alts/current"));
    link("current", "update");
    link("broken", "update");
    link("old", "init");
    assertThat(run()).isZero();
    assertThat(Files.readAllLines(notes)).hasSize(3).containsOnly(start("one", " "));
  }

  @Test
  void a_signal_stops_the_nucleus_and_the_loader() throws Exception {
    launch("init", distro("one", "wait"));
    link("current", "init");
    Process p = loader();
    try {
      await().atMost(Duration.ofSeconds(30)).until(() -> Files.size(notes) > 0);
      p.destroy();
      assertThat(p.waitFor(20, TimeUnit.SECONDS)).isTrue();
      assertThat(p.exitValue()).isZero();
      assertThat(Files.readAllLines(notes)).containsExactly(start("one", " "), "stopped");
    } finally {
      p.destroyForcibly();
    }
  }
}
