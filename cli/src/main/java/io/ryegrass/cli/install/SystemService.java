package io.ryegrass.cli.install;

import io.ryegrass.cli.HostUsers;
import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/**
 * The systemd service {@code greengrass} (INS-26, INS-34). It differs from the contract's unit in
 * what keeps a device alive: the core says itself when it runs and that it still does (Type=notify,
 * watchdog), whatever ends it is started again, and no count of starts makes systemd give up.
 */
final class SystemService {
  static final String NAME = "greengrass.service";

  private final Path units;
  private final Path running;
  private final boolean root;
  private final HostUsers.Commands commands;

  SystemService(Path units, Path running, boolean root, HostUsers.Commands commands) {
    this.units = units;
    this.running = running;
    this.root = root;
    this.commands = commands;
  }

  static SystemService ofHost(boolean root) {
    return new SystemService(
        Path.of("/etc/systemd/system"), Path.of("/run/systemd/system"), root, HostUsers::run);
  }

  private Path file() {
    return units.resolve(NAME);
  }

  /**
   * Writes and enables the service, and starts it.
   *
   * @return why it could not be done; empty when it was
   */
  String setUp(Path core, boolean start) {
    if (!Files.isDirectory(running)) {
      return "systemd does not run on this machine";
    }
    if (!root) {
      return "only root can make a system service";
    }
    try {
      String other = rootOfUnit();
      if (!other.isEmpty() && !other.equals(core.toString())) {
        return file()
            + " starts another core, "
            + other
            + " ('ryegrass uninstall --root "
            + other
            + "' removes it)";
      }
      DurableFiles.writeAtomically(
          file(),
          unit(core).getBytes(StandardCharsets.UTF_8),
          PosixFilePermissions.fromString("rw-r--r--"));
    } catch (IOException | DurableException e) {
      return file() + " cannot be written: " + e.getMessage();
    }
    for (List<String> command :
        List.of(
            List.of("systemctl", "daemon-reload"),
            List.of("systemctl", "enable", NAME),
            List.of("systemctl", start ? "restart" : "is-enabled", NAME))) {
      String wrong = commands.run(command);
      if (!wrong.isEmpty()) {
        return "'" + String.join(" ", command) + "' failed: " + wrong;
      }
    }
    return "";
  }

  /**
   * Stops and removes the service of a core; another core's stays.
   *
   * @return whether there was one
   */
  boolean remove(Path core) throws IOException {
    if (!rootOfUnit().equals(core.toString())) {
      return false;
    }
    if (Files.isDirectory(running)) {
      String wrong = commands.run(List.of("systemctl", "disable", "--now", NAME));
      if (!wrong.isEmpty()) {
        throw new IOException("'systemctl disable --now " + NAME + "' failed: " + wrong);
      }
    }
    Files.deleteIfExists(file());
    if (Files.isDirectory(running)) {
      for (String word : new String[] {"daemon-reload", "reset-failed"}) {
        String unused = commands.run(List.of("systemctl", word));
      }
    }
    return true;
  }

  /** Root of the core that the present unit starts; empty without one. */
  private String rootOfUnit() throws IOException {
    if (!Files.exists(file())) {
      return "";
    }
    for (String line : Files.readAllLines(file())) {
      int from = line.indexOf("/bin/sh ");
      int to = line.indexOf("/alts/current/distro/bin/loader");
      if (line.startsWith("ExecStart=") && from > 0 && to > from) {
        return line.substring(from + "/bin/sh ".length(), to).replace("\"", "").replace("%%", "%");
      }
    }
    return "?";
  }

  /** The unit's text. */
  static String unit(Path core) {
    String loader = (core + "/alts/current/distro/bin/loader").replace("%", "%%");
    return """
        [Unit]
        Description=Greengrass Core
        Documentation=https://docs.aws.amazon.com/greengrass/v2/developerguide/
        After=network.target time-sync.target
        # However often it fails: it is started again.
        StartLimitIntervalSec=0

        [Service]
        Type=notify
        # The core is a child of the loader.
        NotifyAccess=all
        ExecStart=/bin/sh %1$s
        Environment="JAVA_HOME=%2$s" RYEGRASS_NO_BUILD=1
        Restart=always
        RestartSec=10
        # The core pings while its engine and its components' actors answer; a restart of the nucleus
        # by the loader must fit in between.
        WatchdogSec=180
        TimeoutStartSec=300
        TimeoutStopSec=90
        KillMode=mixed
        # The core makes control groups for its components.
        Delegate=yes

        [Install]
        WantedBy=multi-user.target
        """
        .formatted(
            loader.contains(" ") ? "\"" + loader + "\"" : loader,
            System.getProperty("java.home").replace("%", "%%"));
  }
}
