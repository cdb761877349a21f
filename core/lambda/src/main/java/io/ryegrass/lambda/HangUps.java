package io.ryegrass.lambda;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What processes do about SIGHUP: those that ignore or handle it outlive their function (LAM-32).
 *
 * <p>A core that was itself started by {@code nohup} ignores it, and what a process ignores its
 * children ignore: then no child of any function would end. So workers of such a core are started
 * by {@code env}, which undoes that (Java cannot).
 */
final class HangUps {
  private static final Logger LOG = LoggerFactory.getLogger(HangUps.class);
  private static final Path PROC = Path.of("/proc");

  enum Disposition {
    ENDS,
    HANDLES,
    IGNORES
  }

  private HangUps() {}

  /** SIGHUP is bit 0 of the masks of ignored and of caught signals. */
  static Disposition of(long pid) {
    return of(Long.toString(pid));
  }

  private static Disposition of(String process) {
    try {
      for (String line :
          Files.readAllLines(
              PROC.resolve(process).resolve("status"), StandardCharsets.ISO_8859_1)) {
        boolean ignored = line.startsWith("SigIgn:");
        if ((ignored || line.startsWith("SigCgt:"))
            && (Long.parseUnsignedLong(line.substring(7).strip(), 16) & 1) != 0) {
          return ignored ? Disposition.IGNORES : Disposition.HANDLES;
        }
      }
    } catch (IOException e) {
      return Disposition.ENDS; // it has ended
    }
    return Disposition.ENDS;
  }

  /** What a command has to begin with so that its process hears SIGHUP: nothing, mostly. */
  static List<String> heardAgain() {
    if (of("self") != Disposition.IGNORES) {
      return List.of();
    }
    return Env.COMMAND;
  }

  /** Looked for once, and only by a core that needs it. */
  private static final class Env {
    private static final List<String> COMMAND = find();

    private static List<String> find() {
      Optional<Path> env = PlainProcesses.find("env");
      if (env.isPresent()) {
        List<String> command = List.of(env.get().toString(), "--default-signal=HUP");
        List<String> trial = List.of(command.getFirst(), command.getLast(), "true");
        if (new OciTool(Thread::startVirtualThread).run(trial).isGood()) {
          return command;
        }
      }
      LOG.warn(
          "This core ignores SIGHUP (it was started by nohup), and this system's env has no"
              + " --default-signal (coreutils 8.31): processes that functions start outlive them;"
              + " start the core without nohup, by setsid or as a service.");
      return List.of();
    }
  }
}
