package io.ryegrass.lambda;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Notes each running worker in a small file, so that a core that was killed can end at its next
 * start what it left behind. The notes need not survive a power cut (neither do processes), so they
 * are not fsynced.
 */
final class Leftovers {
  private static final Logger LOG = LoggerFactory.getLogger(Leftovers.class);
  private final Path folder;

  Leftovers(Path folder) {
    this.folder = folder;
    DurableFiles.createDirectories(folder);
  }

  /** Notes a worker that leads its own session. */
  void note(String worker, long pid) {
    Optional<ProcessTree.Identity> identity = ProcessTree.Identity.of(pid);
    if (identity.isEmpty()) {
      return; // it has already ended
    }
    ObjectNode note = Json.object();
    note.put("pid", pid);
    note.put("startTicks", identity.get().startTicks());
    note.put("bootId", identity.get().bootId());
    try {
      Files.writeString(file(worker), note.toString(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot note the worker " + worker + " in " + folder, e);
    }
  }

  void forget(String worker) {
    try {
      Files.deleteIfExists(file(worker));
    } catch (IOException e) {
      LOG.warn("The note of worker {} stays in {}: {}", worker, folder, e.toString());
    }
  }

  /** Ends what an earlier core left behind; returns how many workers still ran. */
  int reclaim() throws InterruptedException {
    int ended = 0;
    try (DirectoryStream<Path> notes = Files.newDirectoryStream(folder, "*.json")) {
      for (Path note : notes) {
        Optional<ProcessTree.Identity> identity = read(note);
        String file = note.getFileName().toString();
        String worker = file.substring(0, file.length() - ".json".length());
        if (identity.isPresent()
            && identity.get().sessionMayLive()
            && !ProcessTree.members(identity.get().pid(), worker).isEmpty()) {
          ended++;
          if (!ProcessTree.kill(identity.get().pid(), worker, Duration.ofSeconds(5))) {
            LOG.error(
                "Process {} of an earlier core does not end even by SIGKILL", identity.get().pid());
          }
        }
        Files.deleteIfExists(note);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read the notes of workers in " + folder, e);
    }
    return ended;
  }

  private static Optional<ProcessTree.Identity> read(Path note) throws IOException {
    try {
      JsonNode n = Json.read(Files.readAllBytes(note));
      long pid = n.path("pid").asLong(0);
      return pid <= 1
          ? Optional.empty()
          : Optional.of(
              new ProcessTree.Identity(
                  pid, n.path("startTicks").asLong(-1), n.path("bootId").asString("")));
    } catch (JacksonException e) {
      return Optional.empty(); // cut short by the crash: the worker had not begun
    }
  }

  private Path file(String worker) {
    return folder.resolve(worker + ".json");
  }
}
