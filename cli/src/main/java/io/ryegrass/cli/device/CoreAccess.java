package io.ryegrass.cli.device;

import io.ryegrass.eventstream.EventStreamException;
import io.ryegrass.eventstream.RpcClient;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The way to a running core: its socket and a token that this user may read (CLI-05, CLI-06). */
final class CoreAccess {
  /** The CLI of AWS waits as long. */
  static final Duration PATIENCE = Duration.ofSeconds(60);

  /** How long a core may take from its process's start to its socket. */
  private static final Duration START = Duration.ofSeconds(20);

  private static final Duration PAUSE = Duration.ofMillis(100);

  private final Path root;
  private final Supplier<List<Path>> running;

  /**
   * @param running root folders of the cores that run here, or are starting
   */
  CoreAccess(Path root, Supplier<List<Path>> running) {
    this.root = root;
    this.running = running;
  }

  /** What went wrong, on which thing, and what to do, for the person at the terminal. */
  static final class CommandFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    CommandFailure(String message) {
      super(message);
    }
  }

  /**
   * The root folder, by option or environment (CLI-08); without both that of the one core that runs
   * on this machine.
   *
   * @param running root folders of the cores that run here
   * @throws CommandFailure when nothing names it, or no core ever ran there (TRB-46)
   */
  static Path root(
      @Nullable Path option, @Nullable String environment, Supplier<List<Path>> running) {
    Path named =
        option != null
            ? option
            : environment != null && !environment.isBlank() ? Path.of(environment) : null;
    if (named == null) {
      List<Path> cores = running.get();
      if (cores.size() != 1) {
        throw new CommandFailure(
            "Unable to create ipc client: which core? Name its root folder with --ggcRootPath or in"
                + " GGC_ROOT_PATH"
                + (cores.isEmpty()
                    ? "; none that this user can see runs here"
                    : "; here run "
                        + String.join(", ", cores.stream().map(Path::toString).toList())));
      }
      named = cores.getFirst();
    }
    Path root = named.toAbsolutePath().normalize();
    if (!Files.isDirectory(root) && !running.get().contains(root)) {
      throw new CommandFailure(
          "Unable to create ipc client: " + root + " is no folder; name the core's root folder");
    }
    return root;
  }

  Path root() {
    return root;
  }

  /**
   * Waits for a core that is just starting.
   *
   * @throws CommandFailure when no core runs there, or this user may not use it
   */
  RpcClient connect() {
    long until = System.nanoTime() + START.toNanos();
    while (true) {
      List<Path> files = tokenFiles();
      String refused = "";
      for (Path file : files) {
        try {
          JsonNode info = Result.JSON.readTree(Files.readString(file));
          return RpcClient.connect(
              Path.of(info.path("domain_socket_path").asString("")),
              info.path("cli_auth_token").asString(""));
        } catch (IOException | JacksonException e) {
          refused = "cannot read " + file + ": " + e.getClass().getSimpleName();
        } catch (EventStreamException e) {
          refused = String.valueOf(e.getMessage());
        }
      }
      boolean othersMay = files.isEmpty() && hasTokens();
      if (othersMay || System.nanoTime() > until || !running.get().contains(root)) {
        throw new CommandFailure(
            "Unable to create ipc client: "
                + (files.isEmpty() ? nobody() : refused + "; is the core running?"));
      }
      LockSupport.parkNanos(PAUSE.toNanos());
    }
  }

  private boolean hasTokens() {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(root.resolve("cli_ipc_info"))) {
      return files.iterator().hasNext();
    } catch (IOException e) {
      return false; // not there yet, or not to be looked into
    }
  }

  private String nobody() {
    Path folder = root.resolve("cli_ipc_info");
    if (!Files.isDirectory(folder)) {
      return "no core runs with root folder "
          + root
          + "; start it with './ryegrass core --root "
          + root
          + "', or name another with --ggcRootPath";
    }
    return hasTokens()
        ? "this user may not manage the core at "
            + root
            + "; become a member of a group in AuthorizedPosixGroups of aws.greengrass.Cli, or"
            + " run this as the core's user"
        : "the core at " + root + " is not running; start it";
  }

  /** What this user may read, its own file first. */
  private List<Path> tokenFiles() {
    List<Path> readable = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(root.resolve("cli_ipc_info"))) {
      for (Path file : files) {
        if (Files.isReadable(file) && Files.isRegularFile(file)) {
          readable.add(file);
        }
      }
    } catch (IOException e) {
      return List.of();
    }
    readable.sort((a, b) -> b.getFileName().toString().compareTo(a.getFileName().toString()));
    return readable;
  }

  /** One call on a connection of its own. */
  ObjectNode call(String operation, ObjectNode request) {
    try (RpcClient client = connect()) {
      return client.call(qualified(operation), request, PATIENCE);
    }
  }

  /** Listens until the thread is interrupted or the core ends the stream. */
  void listen(String operation, ObjectNode request, Consumer<ObjectNode> events, Runnable begun) {
    try (RpcClient client = connect()) {
      RpcClient.Stream stream = client.subscribe(qualified(operation), request, PATIENCE, events);
      begun.run();
      stream.end().join();
    }
  }

  static ObjectNode empty() {
    return Result.JSON.createObjectNode();
  }

  private static String qualified(String operation) {
    return operation.indexOf('#') >= 0 ? operation : "aws.greengrass#" + operation;
  }
}
