package io.ryegrass.lambda;

import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The user and group a worker runs as, in numbers.
 *
 * @param uid user id
 * @param gid group id
 */
record UserIds(int uid, int gid) {

  /** Ids of the core process itself. */
  static UserIds own() {
    try {
      String uid = "0";
      String gid = "0";
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("Uid:")) {
          uid = line.split("\\s+")[2];
        } else if (line.startsWith("Gid:")) {
          gid = line.split("\\s+")[2];
        }
      }
      return new UserIds(Integer.parseInt(uid), Integer.parseInt(gid));
    } catch (IOException e) {
      throw new NucleusException(
          "NO_PROC", "Cannot read /proc/self/status; /proc must be mounted.", e);
    }
  }

  /**
   * Who a function runs as: its own {@code runAs}, else the component's user, else the core's own,
   * which is never root without being told so (NUC-05).
   *
   * @param posixUser {@code user[:group]} by name or number, or empty
   * @throws NucleusException when the user is not known, or the core may not change to it
   */
  static UserIds of(FunctionConfiguration.@Nullable RunAs runAs, String posixUser) {
    UserIds own = own();
    UserIds wanted = own;
    if (own.uid() == 0 && posixUser.isEmpty() && (runAs == null || runAs.uid() < 0)) {
      throw new NucleusException(
          "RUN_MISSING_DEFAULT_RUNWITH",
          "Could not determine user/group to run with: this core runs as root, and neither the"
              + " function's runAs nor runWithDefault.posixUser of aws.greengrass.Nucleus names a"
              + " user; set it, for example with 'ryegrass install --component-default-user"
              + " ggc_user:ggc_group'.");
    }
    if (!posixUser.isEmpty()) {
      int colon = posixUser.indexOf(':');
      String user = colon < 0 ? posixUser : posixUser.substring(0, colon);
      UserIds found = user(user);
      wanted = colon < 0 ? found : new UserIds(found.uid(), group(posixUser.substring(colon + 1)));
    }
    if (runAs != null) {
      wanted =
          new UserIds(
              runAs.uid() >= 0 ? runAs.uid() : wanted.uid(),
              runAs.gid() >= 0 ? runAs.gid() : wanted.gid());
    }
    if (own.uid() != 0 && wanted.uid() != own.uid()) {
      throw new NucleusException(
          "CANNOT_CHANGE_USER",
          "A function is to run as user "
              + wanted.uid()
              + ", but the core runs as user "
              + own.uid()
              + "; start the core as root, or take runAs and posixUser away.");
    }
    return own.uid() == 0 ? wanted : own;
  }

  /** Whether the system knows the user, and so its supplementary groups. */
  boolean isNamed() {
    return entry("/etc/passwd", Integer.toString(uid)).isPresent();
  }

  /** Groups of the system that the user is in beside its own (as {@code initgroups} has it). */
  List<Integer> systemGroups() {
    Optional<String[]> user = entry("/etc/passwd", Integer.toString(uid));
    if (user.isEmpty()) {
      return List.of();
    }
    String name = user.get()[0];
    try {
      return Files.readAllLines(Path.of("/etc/group")).stream()
          .map(line -> line.split(":", -1))
          .filter(f -> f.length > 3 && List.of(f[3].split(",")).contains(name))
          .map(f -> Integer.valueOf(f[2]))
          .toList();
    } catch (IOException e) {
      return List.of(); // a system without the file has no groups
    }
  }

  /** Name of the user, or the number where it has none. */
  String userName() {
    return entry("/etc/passwd", Integer.toString(uid)).map(e -> e[0]).orElse("" + uid);
  }

  static String groupName(int gid) {
    return entry("/etc/group", Integer.toString(gid)).map(e -> e[0]).orElse("" + gid);
  }

  private static UserIds user(String name) {
    Optional<String[]> entry = entry("/etc/passwd", name);
    if (entry.isPresent()) {
      return new UserIds(Integer.parseInt(entry.get()[2]), Integer.parseInt(entry.get()[3]));
    }
    if (name.matches("\\d{1,9}")) {
      return new UserIds(Integer.parseInt(name), Integer.parseInt(name));
    }
    throw new NucleusException(
        "UNKNOWN_USER",
        "The user \"" + name + "\" is not in /etc/passwd; create it, or name another posixUser.");
  }

  /**
   * Number of a group by its name or number.
   *
   * @throws NucleusException UNKNOWN_GROUP
   */
  static int group(String name) {
    Optional<String[]> entry = entry("/etc/group", name);
    if (entry.isPresent()) {
      return Integer.parseInt(entry.get()[2]);
    }
    if (name.matches("\\d{1,9}")) {
      return Integer.parseInt(name);
    }
    throw new NucleusException(
        "UNKNOWN_GROUP",
        "The group \"" + name + "\" is not in /etc/group; create it, or name another group.");
  }

  /** Finds by name, or by number. */
  private static Optional<String[]> entry(String file, String nameOrNumber) {
    try {
      return Files.readAllLines(Path.of(file)).stream()
          .map(line -> line.split(":", -1))
          .filter(f -> f.length > 3 && (f[0].equals(nameOrNumber) || f[2].equals(nameOrNumber)))
          .findFirst();
    } catch (IOException e) {
      return Optional.empty(); // a system without the file: numbers still work
    }
  }
}
