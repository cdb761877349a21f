package io.ryegrass.lambda;

import io.ryegrass.lambda.FunctionConfiguration.LocalResource;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Looks, before anything of a function starts, whether it can have what it is configured to have.
 * What cannot be fails the deployment, with V1's words first and then the file, its owner and its
 * mode (LESSON-61).
 */
final class Preflight {
  private Preflight() {}

  /**
   * @throws NucleusException that names the file, or the resource, and the remedy
   */
  static void check(FunctionConfiguration f, UserIds user) {
    List<LocalResource> resources = new ArrayList<>(f.volumes());
    resources.addAll(f.devices());
    if (!f.container() && !resources.isEmpty()) {
      // LRA-14, LMB-10
      throw new NucleusException(
          "LOCAL_RESOURCE_NOT_VALID",
          "Function "
              + f.arn()
              + " refers to resource of type "
              + (f.volumes().isEmpty() ? "Local.Device" : "Local.Volume")
              + " that is not allowed in IsolationMode=NoContainer. Take "
              + resources.getFirst().host()
              + " away from it, or run it in a container.");
    }
    List<Integer> groups = Groups.of(f, user);
    for (LocalResource resource : resources) {
      if (Files.notExists(resource.host())) {
        throw new NucleusException(
            "LOCAL_RESOURCE_NOT_FOUND",
            "The "
                + (resource instanceof FunctionConfiguration.Volume ? "volume " : "device ")
                + resource.host()
                + " of "
                + f.arn()
                + " does not exist on this core; create it, or change the resource.");
      }
      if (resource instanceof FunctionConfiguration.Device device) {
        devices(f, device, user, groups);
      } else {
        permission(resource.host(), resource.writable(), user, groups);
      }
    }
    f.volumes().forEach(v -> destination(f, v.destination()));
    f.models().forEach(m -> destination(f, m.destination()));
    implicitAccess(f, user, groups);
  }

  /** LRA-03: a device, or a folder of devices, which is only looked into. */
  private static void devices(
      FunctionConfiguration f,
      FunctionConfiguration.Device device,
      UserIds user,
      List<Integer> groups) {
    Path path = device.host();
    List<Path> nodes;
    try {
      nodes = path.normalize().startsWith("/dev") ? DeviceNodes.below(path) : List.of();
    } catch (IOException e) {
      throw unreadable(path, e);
    }
    if (nodes.isEmpty()) {
      throw new NucleusException(
          "LOCAL_RESOURCE_NOT_VALID",
          "The device "
              + path
              + " of "
              + f.arn()
              + (!path.normalize().startsWith("/dev")
                  ? " is not below /dev"
                  : Files.isDirectory(path)
                      ? " is a folder without any device"
                      : " is neither a character nor a block device")
              + "; name a device below /dev, or make it a volume.");
    }
    if (Files.isDirectory(path)) {
      permission(path, false, user, groups);
    }
    nodes.forEach(node -> permission(node, device.writable(), user, groups));
  }

  private static NucleusException unreadable(Path path, IOException e) {
    return new NucleusException(
        "LOCAL_RESOURCE_NOT_FOUND", "Cannot look at " + path + ": " + e + ".", e);
  }

  /** LRA-16, TRB-DEP-10. The bits of the file itself decide; user 0 passes, as in V1. */
  private static void permission(Path path, boolean writable, UserIds user, List<Integer> groups) {
    if (user.uid() == 0) {
      return;
    }
    int uid;
    int gid;
    int mode;
    try {
      uid = (int) Files.getAttribute(path, "unix:uid");
      gid = (int) Files.getAttribute(path, "unix:gid");
      mode = (int) Files.getAttribute(path, "unix:mode");
    } catch (IOException e) {
      throw unreadable(path, e);
    }
    int bits =
        uid == user.uid()
            ? mode >> 6
            : gid == user.gid() || groups.contains(gid) ? mode >> 3 : mode;
    int needed = 4 | (writable ? 2 : 0) | (Files.isDirectory(path) ? 1 : 0);
    if ((bits & needed) == needed) {
      return;
    }
    List<Integer> all = new ArrayList<>(List.of(user.gid()));
    all.addAll(groups);
    throw new NucleusException(
        "LOCAL_RESOURCE_PERMISSION",
        "group config is invalid: "
            + user.userName()
            + " or ["
            + all.stream().map(UserIds::groupName).collect(Collectors.joining(" "))
            + "] don't have "
            + (writable ? "rw" : "ro")
            + " permission on the file: "
            + path
            + ". It belongs to uid "
            + uid
            + ", gid "
            + gid
            + " and has mode "
            + "%04o".formatted(mode & 07777)
            + "; the function runs as uid "
            + user.uid()
            + ", gids "
            + all
            + ". Change its mode or owner, or let the resource add its group.");
  }

  private static void destination(FunctionConfiguration f, String text) {
    Path path = Path.of(text);
    boolean own =
        List.of("/", BundleConfig.CODE, BundleConfig.RUNTIME, "/proc", "/dev", "/sys")
            .contains(path.normalize().toString());
    if (!path.isAbsolute() || !path.equals(path.normalize()) || own) {
      throw new NucleusException(
          "LOCAL_RESOURCE_NOT_VALID",
          "A resource of "
              + f.arn()
              + " has the destination path "
              + text
              + "; name an absolute path without .. that is none of the container's own folders.");
    }
  }

  /** MLI-11, TRB-MLI-06. */
  private static void implicitAccess(FunctionConfiguration f, UserIds user, List<Integer> groups) {
    if (user.uid() == 0) {
      return;
    }
    f.modelOwners()
        .forEach(
            (resource, owner) -> {
              int gid = UserIds.group(owner);
              if (gid == user.gid() || groups.contains(gid)) {
                throw new NucleusException(
                    "MODEL_SHARED_BY_GROUP",
                    "Lambda "
                        + f.arn()
                        + " gains access to resource "
                        + resource
                        + " by sharing the same group owner id. Attach the resource to it, or give"
                        + " the resource a group of its own (now "
                        + gid
                        + ").");
              }
            });
  }
}
