package io.ryegrass.nucleus.deploy;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The records of deployments, in memory and one file each, oldest first. Not safe for several
 * threads: the engine's lock guards it.
 */
final class Ledger {
  private static final Logger LOG = LoggerFactory.getLogger(Ledger.class);

  private final Path folder;
  private final TreeMap<Long, Progress> records = new TreeMap<>();

  /**
   * Reads all records; one that cannot be read is put aside and does not keep the core from
   * starting.
   */
  Ledger(Path folder) {
    this.folder = folder;
    DurableFiles.createDirectories(folder);
    try (Stream<Path> files = Files.list(folder)) {
      for (Path p : files.sorted().toList()) {
        String name = String.valueOf(p.getFileName());
        if (name.matches("\\d{10}\\.json")) {
          read(p, Long.parseLong(name.substring(0, 10)));
        }
      }
    } catch (IOException e) {
      throw new NucleusException("IO_READ_ERROR", "Cannot list " + folder + ".", e);
    }
  }

  private void read(Path file, long sequence) throws IOException {
    try {
      byte[] bytes = DurableFiles.read(file).orElseThrow(() -> new IOException("It went away."));
      records.put(sequence, Progress.read(sequence, bytes));
    } catch (IOException | RuntimeException e) {
      LOG.error("The record {} cannot be read and is put aside: {}", file, e.getMessage());
      DurableFiles.move(file, file.resolveSibling(file.getFileName() + ".unreadable"));
    }
  }

  /** A copy, oldest first. */
  List<Progress> all() {
    return List.copyOf(records.values());
  }

  Progress latest(Progress p) {
    return records.getOrDefault(p.sequence(), p);
  }

  long nextSequence() {
    return records.isEmpty() ? 1 : records.lastKey() + 1;
  }

  /** Durable when it returns. */
  void save(Progress p) {
    p.write(folder);
    records.put(p.sequence(), p);
  }

  /** Forgets the oldest ones that have ended and were reported. */
  void prune(int kept) {
    List<Progress> ended =
        new ArrayList<>(
            records.values().stream().filter(p -> p.state().isFinal() && p.reported()).toList());
    while (ended.size() > kept) {
      Progress oldest = ended.removeFirst();
      records.remove(oldest.sequence());
      DurableFiles.delete(Progress.file(folder, oldest.sequence()));
    }
  }
}
