package io.ryegrass.cli.install;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.ryegrass.durable.DataFolderLock;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The installer without a cloud, and the way back. */
class InstallTest {
  private static final String ME = System.getProperty("user.name");

  @TempDir Path temp;
  private Path root;

  record Run(int code, String out, String err) {}

  @BeforeEach
  void folder() throws IOException {
    root = temp.resolve("root");
    Path loader = Files.createDirectories(temp.resolve("home/bin")).resolve("loader");
    Files.writeString(loader, "#!/bin/sh\n");
    Files.setPosixFilePermissions(loader, PosixFilePermissions.fromString("rwxr-xr-x"));
    System.setProperty("ryegrass.home", temp.resolve("home").toString());
  }

  private static Run run(Function<String[], Integer> program, String... args) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    var caughtOut = new ByteArrayOutputStream();
    var caughtErr = new ByteArrayOutputStream();
    System.setOut(new PrintStream(caughtOut, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(caughtErr, true, StandardCharsets.UTF_8));
    try {
      int code = program.apply(args);
      return new Run(
          code,
          caughtOut.toString(StandardCharsets.UTF_8),
          caughtErr.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
  }

  private static Run install(String... args) {
    return run(InstallMain::run, args);
  }

  /** Here, as whoever tests, and without a start. */
  private Run here(String... more) {
    List<String> args =
        new ArrayList<>(List.of("-Droot=" + root, "-Dlog.store=FILE", "-u", ME, "-s", "false"));
    args.addAll(List.of(more));
    return install(args.toArray(String[]::new));
  }

  private Run uninstall(String... more) {
    List<String> args = new ArrayList<>(List.of("--root", root.toString()));
    args.addAll(List.of(more));
    return run(UninstallMain::run, args.toArray(String[]::new));
  }

  private String config() throws IOException {
    return Files.readString(root.resolve("config/config.yaml"));
  }

  @Test
  void theVersionIsPrintedAsTheContractHasItINS_17() {
    assertThat(install("--version").out()).matches("AWS Greengrass v2\\.\\d+\\.\\d+\n");
  }

  @Test
  void theHelpListsEveryArgumentINS_33() {
    assertThat(install("--help").out())
        .contains(
            "--root",
            "-ar",
            "--aws-region",
            "-p",
            "--provision",
            "-tn",
            "--thing-name",
            "-tgn",
            "--thing-group-name",
            "-tpn",
            "--thing-policy-name",
            "-trn",
            "--tes-role-name",
            "-tra",
            "--tes-role-alias-name",
            "-ss",
            "--setup-system-service",
            "-u",
            "--component-default-user",
            "-d",
            "--deploy-dev-tools",
            "-init",
            "--init-config",
            "-i",
            "--config",
            "-tp",
            "--trusted-plugin",
            "-s",
            "--start",
            "-es",
            "--env-stage",
            "--cert-path");
  }

  @Test
  void whatCannotBeServedIsRefusedWithAReason() {
    for (List<String> wrong :
        List.of(
            List.of("Thing name cannot contain colon characters", "-p", "-tn", "a:b"),
            List.of("Thing group name cannot contain colon characters", "-p", "-tgn", "a:b"),
            List.of("--provision true needs --aws-region", "-p"),
            List.of("add --provision true", "--thing-name", "a"),
            List.of("test stage", "--env-stage", "gamma"),
            List.of("not both", "--config", "a", "--init-config", "b"),
            List.of("cannot read the configuration", "--config", "/no/such/file"),
            List.of("is no file", "--trusted-plugin", "/no/such/plugin.jar"),
            List.of("components cannot run as|has no user", "-u", "no_such_user"))) {
      Run run =
          install(
              java.util.stream.Stream.concat(
                      java.util.stream.Stream.of("-r", root.toString(), "-s", "false"),
                      wrong.stream().skip(1))
                  .toArray(String[]::new));
      assertThat(run.code()).as(wrong.toString()).isNotZero();
      assertThat(run.err()).containsPattern(wrong.getFirst()).doesNotContain("\tat ");
      assertThat(run.out()).isEmpty();
    }
    assertThat(root.resolve("config/config.yaml")).doesNotExist();
  }

  @Test
  void aRootIsMadeAndMayBeMadeAgain() throws IOException {
    for (int i = 0; i < 2; i++) {
      Run run = here();
      assertThat(run).isEqualTo(new Run(0, "Nucleus start set to false, exiting...\n", run.err()));
    }
    for (String name : List.of("config", "packages", "logs", "work")) {
      assertThat(root.resolve(name)).isDirectory();
    }
    assertThat(root.resolve("alts/current/distro/bin/loader")).isExecutable();
    assertThat(config()).contains("posixUser: \"" + ME + "\"");
    assertThat(Files.getPosixFilePermissions(root))
        .isEqualTo(PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @Test
  void initConfigReplacesAndErasesComponentsWhileConfigKeepsThemINS_29() throws IOException {
    here();
    Files.createDirectories(root.resolve("generations/1"));
    Files.createDirectories(root.resolve("work/com.example.A"));
    Path file = temp.resolve("mine.yaml");
    Files.writeString(
        file, "services: {aws.greengrass.Nucleus: {configuration: {logging: {level: WARN}}}}");
    assertThat(here("--config", file.toString()).code()).isZero();
    assertThat(config()).contains("level: \"WARN\"");
    assertThat(root.resolve("generations/1")).exists();

    assertThat(here("--init-config", file.toString()).code()).isZero();
    assertThat(root.resolve("generations")).doesNotExist();
    assertThat(root.resolve("work/com.example.A")).exists();
  }

  @Test
  void nothingIsChangedUnderACoreThatRuns() throws IOException {
    here();
    String before = config();
    Path file = temp.resolve("mine.yaml");
    Files.writeString(file, "services: {}");
    try (DataFolderLock lock = DataFolderLock.acquire(root.resolve("spool"))) {
      assertThat(here("--init-config", file.toString()).err()).contains("in use");
      assertThat(uninstall().err()).contains("in use");
    }
    assertThat(config()).isEqualTo(before);
  }

  @Test
  void aPluginIsAProgramAndIsCopiedINS_30() throws IOException {
    Path program = temp.resolve("com.example.Who");
    Files.writeString(program, "#!/bin/sh\n");
    assertThat(here("-tp", program.toString()).err()).contains("neither a jar nor executable");
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    assertThat(here("-tp", program.toString()).code()).isZero();
    assertThat(root.resolve("plugins/trusted/com.example.Who")).isExecutable();

    Path jar = temp.resolve("classes.jar");
    try (var out = new java.util.jar.JarOutputStream(Files.newOutputStream(jar))) {
      out.putNextEntry(new java.util.zip.ZipEntry("a"));
    }
    assertThat(here("-tp", jar.toString()).err()).contains("has no main class");
    assertThat(here("-tp", temp.resolve("none.jar").toString()).err()).contains("is no file");
  }

  @Test
  void withoutSystemdTheInstallationIsWholeAndNamesTheLoaderTRB_08() {
    assumeTrue(!Files.isDirectory(Path.of("/run/systemd/system")), "systemd runs here");
    Run run = install("-r", root.toString(), "-u", ME, "--setup-system-service");
    assertThat(run.code()).isZero();
    assertThat(run.out()).isEqualTo("Unable to set up Nucleus as a system service\n");
    assertThat(run.err())
        .contains("systemd does not run")
        .contains(root + "/alts/current/distro/bin/loader");
    assertThat(root.resolve("config/config.yaml")).exists();
  }

  @Test
  void uninstallingRemovesACoreAndMayBeRepeatedINS_49() {
    here();
    assertThat(uninstall().out()).contains("Removed " + root);
    assertThat(root).doesNotExist();
    assertThat(uninstall()).isEqualTo(new Run(0, "Nothing to remove\n", ""));
  }

  @Test
  void whatIsNoCoresRootIsLeftAlone() throws IOException {
    Files.createDirectories(root.resolve("logs"));
    Files.writeString(root.resolve("precious"), "x");
    assertThat(uninstall().code()).isEqualTo(1);
    assertThat(uninstall().err()).contains("is not the root folder of a core");
    assertThat(root.resolve("precious")).exists();

    here();
    assertThat(uninstall().err()).contains("also holds precious").contains("--force");
    assertThat(root.resolve("config/config.yaml")).exists();
    assertThat(uninstall("--force").code()).isZero();
    assertThat(root).doesNotExist();
  }
}
