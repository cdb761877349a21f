package io.ryegrass.coreapp;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the command line says. Two options need no library, and a core starts sooner without one.
 *
 * @param root the root folder; null when only help is wanted
 * @param defaultUser whom components run as when the configuration names nobody; null for nobody
 */
record CoreOptions(@Nullable Path root, @Nullable String defaultUser) {
  private static final String USER = "--component-default-user";

  static final String HELP =
      """
      usage: ryegrass core --root DIR

      Runs a core device from its folder. 'ryegrass provision' writes an identity into it;
      without one the core runs all the same, for local deployments, and joins a cloud
      when it is provisioned later.

        --root DIR   the core's root folder; made when it is not there
        -u, --component-default-user USER[:GROUP]
                     whom components run as when neither the configuration nor their
                     deployment says it (default: $RYEGRASS_COMPONENT_DEFAULT_USER). As root
                     without it: ggc_user, if there is one; else nobody in a folder that
                     has no config/config.yaml; else components are not run
        -h, --help   show this

      It prints one line when the core runs, logs to DIR/logs/greengrass.log, and stops in
      order on SIGTERM.
      """;

  /** A command line that is not understood; the message is for the user. */
  static final class UsageException extends Exception {
    private static final long serialVersionUID = 1;

    UsageException(String message) {
      super(message);
    }
  }

  static CoreOptions parse(String[] args) throws UsageException {
    Path root = null;
    String user = System.getenv("RYEGRASS_COMPONENT_DEFAULT_USER");
    Deque<String> rest = new ArrayDeque<>(List.of(args));
    while (!rest.isEmpty()) {
      String arg = rest.remove();
      if (arg.equals("--help") || arg.equals("-h")) {
        return new CoreOptions(null, null);
      }
      if (arg.equals("--root")) {
        root = folder(rest.isEmpty() ? "" : rest.remove());
      } else if (arg.startsWith("--root=")) {
        root = folder(arg.substring("--root=".length()));
      } else if (arg.equals("-u") || arg.equals(USER)) {
        user = user(rest.isEmpty() ? "" : rest.remove());
      } else if (arg.startsWith(USER + "=")) {
        user = user(arg.substring(USER.length() + 1));
      } else {
        throw new UsageException("'" + arg + "' is not understood");
      }
    }
    if (root == null) {
      throw new UsageException("--root DIR is missing");
    }
    return new CoreOptions(root, user == null || user.isBlank() ? toTryOut(root) : user);
  }

  /**
   * A folder that nobody has configured is somebody's first try: as root, its components run as
   * {@code nobody}, who can do the least, instead of not at all. An installed core says whom it
   * wants (NUC-05), and {@code ggc_user} comes first.
   */
  private static @Nullable String toTryOut(Path root) {
    try {
      if (!Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"))
          || Files.exists(root.resolve("config/config.yaml"))) {
        return null;
      }
      List<String> users =
          Files.readAllLines(Path.of("/etc/passwd")).stream()
              .map(line -> line.substring(0, Math.max(0, line.indexOf(':'))))
              .toList();
      return users.contains("nobody") && !users.contains("ggc_user") ? "nobody" : null;
    } catch (IOException | UnsupportedOperationException e) {
      return null; // no such system: the nucleus says what is missing when it matters
    }
  }

  private static String user(String text) throws UsageException {
    if (text.isBlank() || text.startsWith("-")) {
      throw new UsageException(USER + " needs a user, such as ggc_user:ggc_group");
    }
    return text;
  }

  private static Path folder(String text) throws UsageException {
    if (text.isBlank() || text.startsWith("--")) {
      throw new UsageException("--root needs a folder");
    }
    try {
      return Path.of(text).toAbsolutePath().normalize();
    } catch (InvalidPathException e) {
      throw new UsageException("--root is not a folder's name: " + e.getMessage());
    }
  }
}
