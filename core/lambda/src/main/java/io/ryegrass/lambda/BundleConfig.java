package io.ryegrass.lambda;

import io.ryegrass.model.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes the {@code config.json} of an OCI bundle for one worker: a read-only view of the host
 * ({@link HostView}) without the core's own folder, the function's code at {@code /lambda}, the
 * runtimes at {@code /runtime}, a private {@code /tmp}, no capabilities, no new privileges, the
 * host's network (the daemon port is on loopback), its volumes, models and devices.
 */
final class BundleConfig {
  static final String CODE = "/lambda";
  static final String RUNTIME = "/runtime";

  /** Folders of programs and settings. */
  static final List<String> HOST_FOLDERS =
      List.of("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc", "/opt");

  /**
   * Waits for a line before it becomes the worker's program; ends when nobody can send one any more
   * (the core is gone).
   */
  private static final List<String> GATE =
      List.of("/bin/sh", "-c", "read -r go || exit 0; exec \"$@\" </dev/null", "worker");

  private static final List<String> WITH_MANAGED_MEMORY = List.of("java", "nodejs");

  private BundleConfig() {}

  /**
   * What a worker's container is made of.
   *
   * @param core root folder of the core, which is not shown
   * @param layers folder for what the container needs in the host's folders and they lack
   * @param models folder of each model of the function, in order
   * @param gated whether the program waits for a line on standard input
   */
  record Contents(
      FunctionConfiguration function,
      UserIds user,
      RuntimeCommand command,
      Map<String, String> environment,
      Path core,
      Path code,
      Path runtimes,
      Path layers,
      List<Path> models,
      String cgroup,
      boolean showsCgroups,
      boolean gated) {}

  /**
   * Least memory limit of a container, in KiB. V1's default of 16 MB counts the function alone; a
   * limit of the kernel also counts the interpreter and the pages of its files.
   */
  static int memoryKb(FunctionConfiguration f) {
    int floor = f.runtime().startsWith("java") ? 160 : f.runtime().startsWith("nodejs") ? 96 : 64;
    return Math.max(f.memorySizeKb(), floor * 1024);
  }

  /** Makes {@code rootfs} and {@code config.json} in the folder. */
  static void write(Path bundle, Contents w) throws IOException {
    FunctionConfiguration f = w.function();
    Path rootfs = Files.createDirectories(bundle.resolve("rootfs"));
    ObjectNode config = Json.object();
    config.put("ociVersion", "1.0.2");
    config.putObject("root").put("path", rootfs.toString()).put("readonly", true);
    config.put("hostname", "lambda");

    ObjectNode process = config.putObject("process");
    process.put("terminal", false).put("cwd", CODE).put("noNewPrivileges", true);
    ObjectNode who =
        process.putObject("user").put("uid", w.user().uid()).put("gid", w.user().gid());
    ArrayNode groups = who.putArray("additionalGids");
    Groups.of(f, w.user()).forEach(groups::add);
    ArrayNode arguments = process.putArray("args");
    if (w.gated()) {
      GATE.forEach(arguments::add);
    }
    w.command().arguments().forEach(arguments::add);
    ArrayNode variables = process.putArray("env");
    w.environment().forEach((k, v) -> variables.add(k + "=" + v));
    process.putObject("capabilities");

    ArrayNode mounts = config.putArray("mounts");
    mounts(mounts, w, rootfs);

    ObjectNode linux = config.putObject("linux");
    ArrayNode namespaces = linux.putArray("namespaces");
    for (String kind : List.of("pid", "mount", "ipc", "uts")) {
      namespaces.addObject().put("type", kind);
    }
    linux.put("cgroupsPath", w.cgroup());
    ObjectNode resources = linux.putObject("resources");
    long bytes = memoryKb(f) * 1024L;
    resources.putObject("memory").put("limit", bytes).put("swap", bytes);
    ArrayNode rules = resources.putArray("devices");
    rules.addObject().put("allow", false).put("access", "rwm");
    ArrayNode devices = linux.putArray("devices");
    for (FunctionConfiguration.Device device : f.devices()) {
      for (Path node : DeviceNodes.below(device.host())) {
        DeviceNodes.add(node, device.writable(), devices, rules);
      }
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
    masked.add(w.core().toString());
    if (Files.exists(w.core())) {
      masked.add(w.core().toRealPath().toString());
    }
    ArrayNode readonly = linux.putArray("readonlyPaths");
    for (String path :
        List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")) {
      readonly.add(path);
    }
    Files.write(bundle.resolve("config.json"), Json.bytes(config));
  }

  private static void mounts(ArrayNode mounts, Contents w, Path rootfs) throws IOException {
    FunctionConfiguration f = w.function();
    List<HostView.Place> places = new ArrayList<>();
    for (FunctionConfiguration.Volume v : f.volumes()) {
      places.add(new HostView.Place(Path.of(v.destination()), Files.isDirectory(v.source())));
    }
    for (FunctionConfiguration.Model m : f.models()) {
      places.add(new HostView.Place(Path.of(m.destination()), true));
    }
    for (HostView.Part part :
        new HostView(rootfs, w.layers()).build(places, w.command().folders())) {
      mount(
          mounts,
          part.destination(),
          part.type(),
          part.source(),
          part.options().toArray(String[]::new));
    }
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
    if (w.showsCgroups() && WITH_MANAGED_MEMORY.stream().anyMatch(f.runtime()::startsWith)) {
      // Java and Node.js size their heaps by the limit they find here.
      mount(mounts, "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "ro");
    }
    for (Path folder : w.command().folders()) {
      bind(mounts, folder, folder.toString(), false);
    }
    bind(mounts, w.code(), CODE, false);
    bind(mounts, w.runtimes(), RUNTIME, false);
    for (FunctionConfiguration.Volume volume : f.volumes()) {
      bind(mounts, volume.source(), volume.destination(), volume.writable());
    }
    for (int i = 0; i < f.models().size(); i++) {
      FunctionConfiguration.Model model = f.models().get(i);
      bind(mounts, w.models().get(i), model.destination(), model.writable());
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
