package io.ryegrass.cli.install;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.ryegrass.cli.HostUsers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The systemd service: INS-26, INS-34, INS-49, TRB-08. */
class SystemServiceTest {
  private static final Path CORE = Path.of("/greengrass/v2");

  @TempDir Path temp;
  private Path units;
  private Path running;
  private final List<String> ran = new ArrayList<>();

  @BeforeEach
  void host() throws Exception {
    units = Files.createDirectories(temp.resolve("units"));
    running = Files.createDirectories(temp.resolve("running"));
  }

  private SystemService service(boolean root, String failing) {
    HostUsers.Commands commands =
        command -> {
          ran.add(String.join(" ", command));
          return !failing.isEmpty() && ran.getLast().contains(failing) ? "no" : "";
        };
    return new SystemService(units, running, root, commands);
  }

  @Test
  void theServiceIsWrittenEnabledAndStarted() throws Exception {
    assertThat(service(true, "").setUp(CORE, true)).isEmpty();
    assertThat(ran)
        .containsExactly(
            "systemctl daemon-reload",
            "systemctl enable greengrass.service",
            "systemctl restart greengrass.service");
    assertThat(Files.readString(units.resolve("greengrass.service")))
        .contains("Description=Greengrass Core\n")
        .contains("ExecStart=/bin/sh /greengrass/v2/alts/current/distro/bin/loader\n")
        .contains("Type=notify\n", "NotifyAccess=all\n", "WatchdogSec=180\n")
        .contains("Restart=always\n", "StartLimitIntervalSec=0\n")
        .contains("WantedBy=multi-user.target\n");
  }

  @Test
  void systemdUnderstandsTheUnit() throws Exception {
    Path loader =
        Files.createDirectories(temp.resolve("alts/current/distro/bin")).resolve("loader");
    Files.writeString(loader, "#!/bin/sh\n");
    Path unit = temp.resolve("greengrass.service");
    Files.writeString(unit, SystemService.unit(temp));
    String said = HostUsers.run(List.of("systemd-analyze", "verify", unit.toString()));
    assumeTrue(!said.contains("Cannot run program"), "systemd-analyze is not installed");
    assertThat(said).isEmpty();
  }

  @Test
  void whatKeepsItFromBeingSetUpIsToldAndNothingIsLeftBehind() throws Exception {
    Files.delete(running);
    assertThat(service(true, "").setUp(CORE, true)).contains("systemd does not run");
    Files.createDirectories(running);
    assertThat(service(false, "").setUp(CORE, true)).contains("only root");
    assertThat(units.resolve("greengrass.service")).doesNotExist();
    assertThat(service(true, "enable").setUp(CORE, true))
        .contains("systemctl enable")
        .contains("no");
  }

  @Test
  void anotherCoresServiceIsNeitherReplacedNorRemoved() throws Exception {
    Path other = Path.of("/srv/other core");
    assertThat(service(true, "").setUp(other, false)).isEmpty();
    assertThat(service(true, "").setUp(CORE, true))
        .contains("starts another core, /srv/other core");
    assertThat(service(true, "").remove(CORE)).isFalse();
    assertThat(service(true, "").remove(other)).isTrue();
    assertThat(ran).endsWith("systemctl daemon-reload", "systemctl reset-failed");
    assertThat(units.resolve("greengrass.service")).doesNotExist();
  }
}
