package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.ComponentLog;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.host.Cgroups;
import io.ryegrass.nucleus.host.ComponentCgroup;
import io.ryegrass.nucleus.host.PosixUsers.PosixUser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Starts scripts, each as leader of a session of its own, as another user when asked, with its
 * output going to the component's log; and ends whatever came of it. Each start is recorded in a
 * file until all of its processes are gone, so that a later nucleus can end what this one left
 * behind when it was killed.
 */
public final class ScriptRunner {
  private static final Logger LOG = LoggerFactory.getLogger(ScriptRunner.class);

  private final Path records;
  private final RandomGenerator random;
  private final boolean setsid;
  private final @Nullable String setpriv;
  private final int ownUid;
  private final Cgroups cgroups;

  /**
   * @param records folder of the start records
   */
  public ScriptRunner(Path records, RandomGenerator random, int ownUid, Cgroups cgroups) {
    this.cgroups = cgroups;
    this.records = records;
    this.random = random;
    this.ownUid = ownUid;
    this.setsid = onPath("setsid") != null;
    this.setpriv = onPath("setpriv");
    DurableFiles.createDirectories(records);
  }

  /**
   * What to start.
   *
   * @param user null for the nucleus' own user
   * @param step name of the life cycle step, for the log
   */
  record Spec(
      String component,
      String step,
      String shell,
      String script,
      Path directory,
      Map<String, String> environment,
      @Nullable PosixUser user,
      ComponentLog log) {}

  /** A started script and all processes that came of it. */
  final class Running {
    private final Process process;
    private final String mark;
    private final Path record;
    private final CompletableFuture<Integer> exit;

    private Running(Process process, String mark, Path record, CompletableFuture<Integer> exit) {
      this.process = process;
      this.mark = mark;
      this.record = record;
      this.exit = exit;
    }

    long pid() {
      return process.pid();
    }

    /** Exit code of the script itself, completed after its output was read (or a short while). */
    CompletableFuture<Integer> exit() {
      return exit;
    }

    /** Ends all its processes; returns when they are gone. Calling it again is cheap. */
    void end(Duration grace) {
      if (ProcessTree.end(process.pid(), mark, grace)) {
        deleteRecord(record);
      } else {
        LOG.warn("Processes of {} did not end after SIGKILL", record.getFileName());
      }
    }
  }

  Running start(Spec s) {
    byte[] random16 = new byte[8];
    random.nextBytes(random16);
    String mark = HexFormat.of().formatHex(random16);
    List<String> command = new ArrayList<>();
    if (setsid) {
      command.add("setsid");
    }
    command.addAll(join(cgroups.group(s.component())));
    PosixUser user = s.user();
    if (user != null && user.uid() != ownUid) {
      command.addAll(switchUser(user));
    }
    command.add(s.shell());
    command.add("-c");
    command.add(s.script());
    ProcessBuilder builder = new ProcessBuilder(command).directory(s.directory().toFile());
    Map<String, String> environment = builder.environment();
    environment.putAll(s.environment());
    environment.put(ProcessTree.MARK, mark);
    if (user != null && user.uid() != ownUid) {
      environment.put("HOME", user.home() == null ? s.directory().toString() : user.home());
      if (user.name() != null) {
        environment.put("USER", user.name());
        environment.put("LOGNAME", user.name());
      }
    }
    builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
    Process process;
    try {
      process = builder.start();
    } catch (IOException e) {
      throw new NucleusException(
          s.step().toUpperCase(Locale.ROOT) + "_IO_ERROR",
          "Step "
              + s.step()
              + " of "
              + s.component()
              + " cannot be started ("
              + e.getMessage()
              + "); check the shell and the working directory "
              + s.directory()
              + ".",
          e);
    }
    Path record = writeRecord(s, process.pid(), mark);
    String script = "services." + s.component() + ".lifecycle." + s.step();
    CompletableFuture<Void> out =
        OutputCopier.copy(process.getInputStream(), s.log(), s.component(), script, false);
    CompletableFuture<Void> err =
        OutputCopier.copy(process.getErrorStream(), s.log(), s.component(), script, true);
    CompletableFuture<Integer> exit =
        process
            .onExit()
            .thenCompose(
                p ->
                    CompletableFuture.allOf(out, err)
                        .completeOnTimeout(null, 300, java.util.concurrent.TimeUnit.MILLISECONDS)
                        .thenApply(v -> p.exitValue()));
    return new Running(process, mark, record, exit);
  }

  /**
   * A shell that puts itself into the groups and becomes the program: nothing that the program
   * forks is ever outside them. A group that cannot be joined does not keep the component from
   * running.
   */
  private static List<String> join(ComponentCgroup group) {
    List<Path> files = group.joins();
    if (files.isEmpty()) {
      return List.of();
    }
    StringBuilder script = new StringBuilder();
    for (Path file : files) {
      script.append("{ echo 0 > '").append(file).append("'; } 2>/dev/null; ");
    }
    return List.of("/bin/sh", "-c", script + "exec \"$@\"", "ryegrass");
  }

  /** The groups of a component's processes. */
  ComponentCgroup group(String component) {
    return cgroups.group(component);
  }

  Cgroups cgroups() {
    return cgroups;
  }

  /**
   * Ends what is left in a component's groups, wherever it came from (LESSON-27), and removes them.
   */
  void endGroup(String component, Duration grace) {
    ComponentCgroup group = cgroups.group(component);
    if (!group.members().isEmpty()) {
      ProcessTree.terminate(group::members, grace);
      if (!group.kill(Duration.ofSeconds(5))) {
        LOG.warn("Processes in the control group of {} did not end after SIGKILL", component);
      }
    }
    group.remove();
  }

  private List<String> switchUser(PosixUser user) {
    if (ownUid != 0) {
      throw new NucleusException(
          "RUN_WITH_CONFIG_NOT_VALID",
          "This core does not run as root and cannot run a component as uid "
              + user.uid()
              + "; run the core as root or remove runWith.");
    }
    if (setpriv == null) {
      throw new NucleusException(
          "RUN_WITH_CONFIG_NOT_VALID",
          "The program setpriv, which runs components as another user, is missing; install util-linux.");
    }
    return List.of(
        setpriv,
        "--reuid=" + user.uid(),
        "--regid=" + user.gid(),
        user.name() == null ? "--clear-groups" : "--init-groups",
        "--");
  }

  // ---- records of started scripts

  private Path writeRecord(Spec s, long pid, String mark) {
    Path file = records.resolve(mark + ".json");
    String text =
        Json.text(
            Json.object()
                .put("component", s.component())
                .put("step", s.step())
                .put("pid", pid)
                .put("start", ProcessTree.startTicks(pid))
                .put("mark", mark));
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      LOG.warn("Cannot record the start of {}: {}", s.component(), e.getMessage());
    }
    return file;
  }

  private static void deleteRecord(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.warn("Cannot remove {}: {}", file, e.getMessage());
    }
  }

  /**
   * Ends processes that an earlier nucleus started and did not end. Returns how many scripts were
   * concerned.
   */
  public int endLeftovers(Duration grace) {
    int groups = cgroups.reclaim();
    List<Path> files;
    try (Stream<Path> all = Files.list(records)) {
      files = all.filter(p -> String.valueOf(p.getFileName()).endsWith(".json")).toList();
    } catch (IOException e) {
      LOG.warn("Cannot list {}: {}", records, e.getMessage());
      return groups;
    }
    int ended = groups;
    for (Path file : files) {
      try {
        JsonNode r = Json.read(Files.readAllBytes(file));
        long pid = r.path("pid").asLong(-1);
        String mark = r.path("mark").asString("");
        long start = ProcessTree.startTicks(pid);
        boolean recycled = start >= 0 && start != r.path("start").asLong(-2);
        long session = recycled ? -1 : pid;
        if (!ProcessTree.members(session, mark).isEmpty()) {
          LOG.info(
              "Ending processes of {} that an earlier run of this core left behind",
              r.path("component").asString(""));
          ProcessTree.end(session, mark, grace);
          ended++;
        }
      } catch (IOException | JacksonException e) {
        LOG.warn("Record {} cannot be read and is dropped: {}", file, e.getMessage());
      }
      deleteRecord(file);
    }
    return ended;
  }

  /** Leaves nothing on the host: the parent groups go when they are empty. */
  public void close() {
    cgroups.removeParents();
  }

  static @Nullable String onPath(String program) {
    String path = System.getenv("PATH");
    for (String folder :
        ((path == null ? "" : path) + ":/bin:/usr/bin:/sbin:/usr/sbin").split(":")) {
      if (!folder.isEmpty() && Files.isExecutable(Path.of(folder, program))) {
        return Path.of(folder, program).toString();
      }
    }
    return null;
  }
}
