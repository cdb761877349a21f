package io.ryegrass.nucleus.host;

import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Users and groups of the host (v2-recipes-config.md section 3.1, "user text"): {@code user} or
 * {@code user:group}, names or numbers; a number that nobody has is allowed when a group is given.
 */
public final class PosixUsers {
  private final Path passwd;
  private final Path group;

  /** A user to run processes as. */
  public record PosixUser(int uid, int gid, @Nullable String name, @Nullable String home) {}

  public PosixUsers(Path passwd, Path group) {
    this.passwd = passwd;
    this.group = group;
  }

  /** The host's own files. */
  public static PosixUsers ofHost() {
    return new PosixUsers(Path.of("/etc/passwd"), Path.of("/etc/group"));
  }

  /**
   * Reads a user text.
   *
   * @throws NucleusException RUN_WITH_CONFIG_NOT_VALID when the user or group does not exist
   */
  public PosixUser resolve(String text) {
    int colon = text.indexOf(':');
    String user = colon < 0 ? text : text.substring(0, colon);
    String groupName = colon < 0 ? "" : text.substring(colon + 1);
    String @Nullable [] line = line(passwd, user, 2);
    int gid = -1;
    if (!groupName.isEmpty()) {
      String @Nullable [] groupLine = line(group, groupName, 2);
      if (groupLine != null) {
        gid = Integer.parseInt(groupLine[2]);
      } else if (isNumber(groupName)) {
        gid = Integer.parseInt(groupName);
      } else {
        throw notValid("group \"" + groupName + "\"");
      }
    }
    if (line != null && line.length >= 6) {
      return new PosixUser(
          Integer.parseInt(line[2]), gid >= 0 ? gid : Integer.parseInt(line[3]), line[0], line[5]);
    }
    if (isNumber(user) && gid >= 0) {
      return new PosixUser(Integer.parseInt(user), gid, null, null);
    }
    throw notValid("user \"" + user + "\"");
  }

  /** Whether such a user text can be resolved. */
  public boolean exists(String text) {
    try {
      resolve(text);
      return true;
    } catch (NucleusException e) {
      return false;
    }
  }

  /** The user that this process runs as. */
  public static int ownUid() {
    try {
      Object uid = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
      return uid instanceof Integer i ? i : -1;
    } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
      return Optional.ofNullable(System.getProperty("user.name")).filter("root"::equals).isPresent()
          ? 0
          : -1;
    }
  }

  private static String @Nullable [] line(Path file, String nameOrId, int idField) {
    List<String> lines;
    try {
      lines = Files.readAllLines(file);
    } catch (IOException e) {
      return null;
    }
    for (String l : lines) {
      String[] fields = l.split(":", -1);
      if (fields.length > idField && fields[0].equals(nameOrId)) {
        return fields;
      }
    }
    if (isNumber(nameOrId)) {
      for (String l : lines) {
        String[] fields = l.split(":", -1);
        if (fields.length > idField && fields[idField].equals(nameOrId)) {
          return fields;
        }
      }
    }
    return null;
  }

  private static boolean isNumber(String text) {
    return !text.isEmpty()
        && text.length() < 10
        && text.chars().allMatch(c -> c >= '0' && c <= '9');
  }

  private static NucleusException notValid(String what) {
    return new NucleusException(
        "RUN_WITH_CONFIG_NOT_VALID",
        "This host has no "
            + what
            + " to run a component as; create it or change runWith (or runWithDefault) in the deployment.");
  }
}
