package io.ryegrass.coreapp;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Starts this program anew in its own process (execv, Linux): for a core that nobody would start
 * again when it ended. The process id stays, so that a service manager sees no end.
 */
final class SelfRestart {
  private static final int SET_FLAGS = 2; // F_SETFD
  private static final int CLOSE_ON_EXEC = 1; // FD_CLOEXEC

  private SelfRestart() {}

  /** Whether this system can. */
  static boolean possible() {
    return Files.isReadable(Path.of("/proc/self/cmdline"))
        && Linker.nativeLinker().defaultLookup().find("execv").isPresent();
  }

  /**
   * Does not return.
   *
   * @throws IOException when the system refuses
   */
  static void now() throws IOException {
    String program = Path.of("/proc/self/exe").toRealPath().toString();
    String line = Files.readString(Path.of("/proc/self/cmdline"), StandardCharsets.ISO_8859_1);
    List<String> arguments = List.of(line.split("\0", -1));
    arguments = arguments.subList(0, arguments.size() - 1); // the line ends with a NUL
    Linker linker = Linker.nativeLinker();
    MethodHandle exec =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("execv"),
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
    try (Arena memory = Arena.ofConfined()) {
      closeFilesOnExec(linker);
      MemorySegment vector = memory.allocate(ADDRESS, arguments.size() + 1L);
      for (int i = 0; i < arguments.size(); i++) {
        vector.setAtIndex(
            ADDRESS, i, memory.allocateFrom(arguments.get(i), StandardCharsets.ISO_8859_1));
      }
      vector.setAtIndex(ADDRESS, arguments.size(), MemorySegment.NULL);
      int result = (int) exec.invokeExact(memory.allocateFrom(program), vector);
      throw new IOException("execv of " + program + " answered " + result);
    } catch (IOException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IOException("execv of " + program + " failed", e);
    }
  }

  /** The new program gets standard input, output and error, and nothing else of ours. */
  private static void closeFilesOnExec(Linker linker) throws Throwable {
    MethodHandle control =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("fcntl"),
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT),
            Linker.Option.firstVariadicArg(2));
    List<Path> open;
    try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
      open = files.toList();
    }
    for (Path p : open) {
      int number = Integer.parseInt(String.valueOf(p.getFileName()));
      if (number > 2) {
        int ignored = (int) control.invokeExact(number, SET_FLAGS, CLOSE_ON_EXEC);
      }
    }
  }
}
