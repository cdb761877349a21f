package io.ryegrass.nucleus.deploy;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The records of deployments, in memory and one file each, oldest first. Not safe for several
 * threads: the engine's lock guards it.
 */
final class Ledger {
  private static final Logger LOG = LoggerFactory.getLogger(Ledger.class);

  private final Path folder;
  private final Reserve reserve;
  private final TreeMap<Long, Progress> records = new TreeMap<>();

  /** The highest number of a file that can neither be read nor moved. */
  private long blocked;

  /** Records that memory has newer than the disk, because it would not take them. */
  private final Set<Long> unwritten = new HashSet<>();

  /**
   * Reads all records; one that cannot be read is put aside and does not keep the core from
   * starting.
   */
  Ledger(Path folder) {
    this.folder = folder;
    this.reserve = new Reserve(folder);
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
      try {
        DurableFiles.move(file, file.resolveSibling(file.getFileName() + ".unreadable"));
      } catch (DurableException inTheWay) {
        LOG.error("{} stays where it is: {}", file, inTheWay.getMessage());
        blocked = Math.max(blocked, sequence);
      }
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
    return Math.max(blocked, records.isEmpty() ? 0 : records.lastKey()) + 1;
  }

  /**
   * Durable when it returns; on a full disk at the cost of the room that is kept for that.
   *
   * @throws DurableException when the disk does not take it; then nothing has changed
   */
  void save(Progress p) {
    try {
      p.write(folder);
    } catch (DurableException e) {
      if (!reserve.release()) {
        throw e;
      }
      p.write(folder);
    }
    records.put(p.sequence(), p);
    unwritten.remove(p.sequence());
  }

  /**
   * Saves it, or keeps it in memory until {@link #retry} when the disk does not take it: for what
   * has happened and cannot be undone by an exception.
   *
   * @return null when it is on the disk, or why not
   */
  @Nullable DurableException keep(Progress p) {
    try {
      save(p);
      return null;
    } catch (DurableException e) {
      records.put(p.sequence(), p);
      if (unwritten.add(p.sequence())) {
        LOG.error("{}; it is tried again until it succeeds", e.getMessage());
      }
      return e;
    }
  }

  /** Whether the disk still lacks something. */
  boolean owes() {
    return !unwritten.isEmpty();
  }

  /** Writes what the disk did not take before, and makes the reserve when there is room again. */
  void retry() {
    for (long sequence : List.copyOf(unwritten)) {
      Progress p = records.get(sequence);
      if (p == null) {
        unwritten.remove(sequence);
      } else if (keep(p) == null) {
        LOG.info("The record of deployment {} is on the disk now", p.request().id());
      }
    }
    if (unwritten.isEmpty()) {
      reserve.fill();
    }
  }

  /** Gives up the room that is kept for a full disk. */
  boolean makeRoom() {
    return reserve.release();
  }

  /** Forgets the oldest ones that have ended and were reported. */
  void prune(int kept) {
    List<Progress> ended =
        new ArrayList<>(
            records.values().stream().filter(p -> p.state().isFinal() && p.reported()).toList());
    while (ended.size() > kept) {
      Progress oldest = ended.removeFirst();
      try {
        DurableFiles.delete(Progress.file(folder, oldest.sequence()));
      } catch (DurableException e) {
        LOG.warn("An old record stays: {}", e.getMessage());
        return;
      }
      records.remove(oldest.sequence());
    }
  }
}
