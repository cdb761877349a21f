package io.ryegrass.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Users of this machine that components may run as (NUC-04, INS-27): {@code user}, {@code
 * user:group}, names or numbers. Makes the contract's {@code ggc_user:ggc_group}, and no other.
 */
public final class HostUsers {
  public static final String DEFAULT = "ggc_user:ggc_group";
  private static final String USER = "ggc_user";
  private static final String GROUP = "ggc_group";
  private static final int PATIENCE_SECONDS = 60;

  private final Path passwd;
  private final Path groups;
  private final boolean root;
  private final String me;
  private final Commands commands;

  /** Runs a program to its end. */
  @FunctionalInterface
  public interface Commands {
    /**
     * @return what it wrote when it failed, empty when it did its work
     */
    String run(List<String> command);
  }

  /** This machine's own, as whoever runs this. */
  public HostUsers() {
    this(
        Path.of("/etc/passwd"),
        Path.of("/etc/group"),
        "root".equals(System.getProperty("user.name")),
        System.getProperty("user.name"),
        HostUsers::run);
  }

  HostUsers(Path passwd, Path groups, boolean root, String me, Commands commands) {
    this.passwd = passwd;
    this.groups = groups;
    this.root = root;
    this.me = me;
    this.commands = commands;
  }

  public boolean isRoot() {
    return root;
  }

  /** Whether root would find the contract's default user. */
  public boolean hasDefault() {
    return root && known(passwd, USER) && known(groups, GROUP);
  }

  /** Makes the contract's default user and group, as far as they are not there. */
  public void ensureDefault() {
    if (!known(groups, GROUP)) {
      must("groupadd", "--system", GROUP);
    }
    if (!known(passwd, USER)) {
      must("useradd", "--system", "--create-home", USER);
    }
    must("usermod", "-a", "-G", GROUP, USER);
  }

  /**
   * A user that components can run as; the contract's default one is made when root asks for it.
   *
   * @return the text as given
   */
  public String require(String text) {
    if (text.equals(DEFAULT) || text.equals(USER)) {
      if (root && !(known(passwd, USER) && known(groups, GROUP))) {
        ensureDefault();
      }
    }
    int colon = text.indexOf(':');
    String user = colon < 0 ? text : text.substring(0, colon);
    String group = colon < 0 ? "" : text.substring(colon + 1);
    if (!root && !user.equals(me)) {
      throw new CliException(
          "components cannot run as "
              + user
              + " because this core would run as "
              + me
              + "; install as root, or leave --component-default-user away");
    }
    if (!known(passwd, user) && !(number(user) && colon > 0)) {
      throw new CliException(
          "this machine has no user "
              + user
              + "; make it (useradd --system "
              + user
              + "), or name another with --component-default-user"
              + (number(user)
                  ? "; a number that nobody has needs a group: " + user + ":GROUP"
                  : ""));
    }
    if (colon >= 0 && !known(groups, group) && !number(group)) {
      throw new CliException(
          "this machine has no group "
              + group
              + "; make it (groupadd --system "
              + group
              + "), or name another with --component-default-user");
    }
    return text;
  }

  private static boolean number(String text) {
    return text.matches("\\d{1,9}");
  }

  private static boolean known(Path file, String nameOrId) {
    try {
      return Files.readAllLines(file).stream()
          .map(l -> l.split(":", -1))
          .anyMatch(f -> f.length > 2 && (f[0].equals(nameOrId) || f[2].equals(nameOrId)));
    } catch (IOException e) {
      return false;
    }
  }

  private void must(String... command) {
    String wrong = commands.run(List.of(command));
    if (!wrong.isEmpty()) {
      throw new CliException(
          "'"
              + String.join(" ", command)
              + "' failed ("
              + wrong
              + "); run it by hand, or name another user with --component-default-user");
    }
  }

  /** Runs a program on this machine. */
  public static String run(List<String> command) {
    try {
      Process p =
          new ProcessBuilder(new ArrayList<>(command))
              .redirectErrorStream(true)
              .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
              .start();
      String said = new String(p.getInputStream().readAllBytes()).strip();
      if (!p.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        p.destroyForcibly();
        return "no end after " + PATIENCE_SECONDS + " s";
      }
      return p.exitValue() == 0 ? "" : said.isEmpty() ? "exit code " + p.exitValue() : said;
    } catch (IOException e) {
      return String.valueOf(e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "interrupted";
    }
  }
}
