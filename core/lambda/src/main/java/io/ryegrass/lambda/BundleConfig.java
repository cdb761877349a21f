package io.ryegrass.lambda;

import io.ryegrass.model.Json;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes the {@code config.json} of an OCI bundle for one worker: the host's programs read-only,
 * the function's code at {@code /lambda}, the runtimes at {@code /runtime}, a private {@code /tmp},
 * no capabilities, no new privileges, the host's network (the daemon port is on loopback), and
 * nothing else of the host but the configured volumes and devices.
 */
final class BundleConfig {
  static final String CODE = "/lambda";
  static final String RUNTIME = "/runtime";

  /**
   * Least memory limit of a container, in KiB. V1's default of 16 MB counts the function alone; a
   * limit of the kernel also counts the interpreter and the pages of its files, which a Python
   * worker needs some 20 MB for.
   */
  static final int MEMORY_FLOOR_KB = 64 * 1024;

  static final List<String> HOST_FOLDERS =
      List.of("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc", "/opt");

  private BundleConfig() {}

  /** Makes {@code rootfs} and {@code config.json} in the folder. */
  static void write(
      Path bundle,
      FunctionConfiguration f,
      UserIds user,
      RuntimeCommand command,
      Map<String, String> environment,
      Path code,
      Path runtimes,
      String cgroup)
      throws IOException {
    Path rootfs = Files.createDirectories(bundle.resolve("rootfs"));
    ObjectNode config = Json.object();
    config.put("ociVersion", "1.0.2");
    config.putObject("root").put("path", rootfs.toString()).put("readonly", true);
    config.put("hostname", "lambda");

    ObjectNode process = config.putObject("process");
    process.put("terminal", false).put("cwd", CODE).put("noNewPrivileges", true);
    ObjectNode who = process.putObject("user").put("uid", user.uid()).put("gid", user.gid());
    ArrayNode groups = who.putArray("additionalGids");
    command.arguments().forEach(process.putArray("args")::add);
    ArrayNode variables = process.putArray("env");
    environment.forEach((k, v) -> variables.add(k + "=" + v));
    process.putObject("capabilities");

    ArrayNode mounts = config.putArray("mounts");
    mount(mounts, "/proc", "proc", "proc", "nosuid", "noexec", "nodev");
    mount(mounts, "/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k");
    mount(
        mounts,
        "/dev/shm",
        "tmpfs",
        "shm",
        "nosuid",
        "noexec",
        "nodev",
        "mode=1777",
        "size=65536k");
    mount(mounts, "/tmp", "tmpfs", "tmpfs", "nosuid", "nodev", "mode=1777");
    if (f.mountSysfs()) {
      mount(mounts, "/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro");
    }
    for (String folder : HOST_FOLDERS) {
      Path host = Path.of(folder);
      if (Files.isSymbolicLink(host)) {
        Path link = rootfs.resolve(folder.substring(1));
        if (!Files.isSymbolicLink(link)) {
          Files.createSymbolicLink(link, Files.readSymbolicLink(host));
        }
      } else if (Files.isDirectory(host)) {
        bind(mounts, host, folder, false);
      }
    }
    for (Path folder : command.folders()) {
      bind(mounts, folder, folder.toString(), false);
    }
    bind(mounts, code, CODE, false);
    bind(mounts, runtimes, RUNTIME, false);
    for (FunctionConfiguration.Volume volume : f.volumes()) {
      if (!Files.exists(volume.source())) {
        throw new NucleusException(
            "LOCAL_RESOURCE_NOT_FOUND",
            "The volume "
                + volume.source()
                + " of "
                + f.arn()
                + " does not exist on this core; create it, or change the resource.");
      }
      bind(mounts, volume.source(), volume.destination(), volume.writable());
      if (volume.addGroupOwner()) {
        groups.add((int) Files.getAttribute(volume.source(), "unix:gid"));
      }
    }

    ObjectNode linux = config.putObject("linux");
    ArrayNode namespaces = linux.putArray("namespaces");
    for (String kind : List.of("pid", "mount", "ipc", "uts")) {
      namespaces.addObject().put("type", kind);
    }
    linux.put("cgroupsPath", cgroup);
    ObjectNode resources = linux.putObject("resources");
    long bytes = Math.max(f.memorySizeKb(), MEMORY_FLOOR_KB) * 1024L;
    resources.putObject("memory").put("limit", bytes).put("swap", bytes);
    ArrayNode rules = resources.putArray("devices");
    rules.addObject().put("allow", false).put("access", "rwm");
    ArrayNode devices = linux.putArray("devices");
    for (FunctionConfiguration.Device device : f.devices()) {
      device(f, device, devices, rules, groups);
    }
    ArrayNode masked = linux.putArray("maskedPaths");
    for (String path :
        List.of(
            "/proc/kcore",
            "/proc/keys",
            "/proc/timer_list",
            "/proc/sched_debug",
            "/sys/firmware")) {
      masked.add(path);
    }
    ArrayNode readonly = linux.putArray("readonlyPaths");
    for (String path :
        List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")) {
      readonly.add(path);
    }
    Files.write(bundle.resolve("config.json"), Json.bytes(config));
  }

  private static void device(
      FunctionConfiguration f,
      FunctionConfiguration.Device device,
      ArrayNode devices,
      ArrayNode rules,
      ArrayNode groups)
      throws IOException {
    Path path = Path.of(device.path());
    if (!Files.exists(path)) {
      throw new NucleusException(
          "LOCAL_RESOURCE_NOT_FOUND",
          "The device "
              + path
              + " of "
              + f.arn()
              + " does not exist on this core; connect it, or change the resource.");
    }
    int mode = (int) Files.getAttribute(path, "unix:mode");
    String type =
        switch (mode & 0170000) {
          case 0020000 -> "c";
          case 0060000 -> "b";
          default ->
              throw new NucleusException(
                  "LOCAL_RESOURCE_NOT_VALID",
                  path + " of " + f.arn() + " is no device; make it a volume.");
        };
    long rdev = ((Number) Files.getAttribute(path, "unix:rdev")).longValue();
    // The encoding of Linux: 12 bits of major number between 8 and 12 bits of minor number.
    long major = ((rdev >>> 8) & 0xfff) | ((rdev >>> 32) & ~0xfffL);
    long minor = (rdev & 0xff) | ((rdev >>> 12) & ~0xffL);
    int gid = (int) Files.getAttribute(path, "unix:gid");
    devices
        .addObject()
        .put("path", device.path())
        .put("type", type)
        .put("major", major)
        .put("minor", minor)
        .put("fileMode", mode & 0777)
        .put("uid", (int) Files.getAttribute(path, "unix:uid"))
        .put("gid", gid);
    rules
        .addObject()
        .put("allow", true)
        .put("type", type)
        .put("major", major)
        .put("minor", minor)
        .put("access", device.writable() ? "rw" : "r");
    if (device.addGroupOwner()) {
      groups.add(gid);
    }
  }

  private static void mount(
      ArrayNode mounts, String destination, String type, String source, String... options) {
    ObjectNode mount = mounts.addObject();
    mount.put("destination", destination).put("type", type).put("source", source);
    ArrayNode list = mount.putArray("options");
    for (String option : options) {
      list.add(option);
    }
  }

  private static void bind(ArrayNode mounts, Path source, String destination, boolean writable) {
    mount(
        mounts,
        destination,
        "bind",
        source.toString(),
        "rbind",
        "nosuid",
        writable ? "rw" : "ro",
        "rprivate");
  }
}
