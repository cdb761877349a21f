package io.ryegrass.lambda;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One way to call an OCI runtime.
 *
 * @param program {@code runc} or {@code crun}
 * @param hidden a cgroup2 mount that is taken out of the runtime's sight first, because it refuses
 *     hosts that mount it beside version 1 ("hybrid"); in a mount namespace of its own, so that the
 *     host keeps it. Null where the runtime takes the host as it is
 * @param keeps whether {@code run --keep} leaves the control group for a look at why it ended
 * @param showsCgroups whether it can mount the container's own control group for it to read its
 *     limits
 */
record OciEngine(Path program, @Nullable Path hidden, boolean keeps, boolean showsCgroups) {

  /** The command line up to the subcommand. */
  List<String> command(Path state) {
    List<String> command = new ArrayList<>();
    if (hidden != null) {
      command.addAll(
          List.of(
              PlainProcesses.tool("unshare"),
              "-m",
              "--propagation",
              "private",
              "/bin/sh",
              "-c",
              "umount \"$0\" && exec \"$@\"",
              hidden.toString()));
    }
    command.addAll(List.of(program.toString(), "--root", state.toString()));
    return command;
  }

  /** A whole command. */
  List<String> command(Path state, String... arguments) {
    List<String> command = command(state);
    command.addAll(List.of(arguments));
    return command;
  }

  List<String> run(Path state, Path bundle, String id) {
    List<String> command = command(state);
    command.add("run");
    if (keeps) {
      command.add("--keep");
    }
    command.addAll(List.of("--bundle", bundle.toString(), id));
    return command;
  }

  /**
   * All ways to try on this host, the best first.
   *
   * @param programs runtimes that are installed
   */
  static List<OciEngine> candidates(List<Path> programs, Cgroups cgroups) {
    List<OciEngine> all = new ArrayList<>();
    for (Path program : programs) {
      List<@Nullable Path> sights = new ArrayList<>();
      sights.add(null);
      cgroups.hybrid().ifPresent(sights::add);
      for (Path hidden : sights) {
        all.add(new OciEngine(program, hidden, true, true));
        all.add(new OciEngine(program, hidden, false, true));
        all.add(new OciEngine(program, hidden, false, false));
      }
    }
    return all;
  }

  @Override
  public String toString() {
    return hidden == null
        ? program.toString()
        : program
            + " (in a mount namespace without "
            + hidden
            + ", because this host's cgroups are"
            + " hybrid)";
  }
}
