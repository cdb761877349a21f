package io.ryegrass.nucleus.deploy;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The records of deployments, in memory and one file each, oldest first. Not safe for several
 * threads: the engine's lock guards it.
 *
 * <p>A record is written anew in each state. A large document is not: it has a file of its own,
 * which is whole before the record names it. A document that takes its place has the other of two
 * names, so that a crash never leaves a record with half a document.
 */
final class Ledger {
  private static final Logger LOG = LoggerFactory.getLogger(Ledger.class);

  /** Longer documents have files of their own. */
  private static final int INLINE = 16 << 10;

  private static final String FIRST = ".document-a.json";
  private static final String SECOND = ".document-b.json";

  /** A document that is on the disk, and the name of its file. */
  private record Kept(DeploymentDocument document, String file) {}

  private final Path folder;
  private final Reserve reserve;
  private final TreeMap<Long, Progress> records = new TreeMap<>();

  private final Map<Long, Kept> documents = new HashMap<>();

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
      forgetDocumentsOfNobody();
    } catch (IOException e) {
      throw new NucleusException("IO_READ_ERROR", "Cannot list " + folder + ".", e);
    }
  }

  /** What a crash between a document and its record has left. */
  private void forgetDocumentsOfNobody() throws IOException {
    Set<String> named = new HashSet<>();
    documents.values().forEach(k -> named.add(k.file()));
    try (Stream<Path> files = Files.list(folder)) {
      for (Path p : files.toList()) {
        String name = String.valueOf(p.getFileName());
        if (name.matches("\\d{10}\\.document-[ab]\\.json")
            && !named.contains(name)
            && !isUnread(name.substring(0, 10))) {
          forget(name);
        }
      }
    }
  }

  /** Whether there is a record that could not be read: its document stays for people. */
  private boolean isUnread(String sequence) {
    return !records.containsKey(Long.parseLong(sequence))
        && (Files.exists(folder.resolve(sequence + ".json"))
            || Files.exists(folder.resolve(sequence + ".json.unreadable")));
  }

  private void read(Path file, long sequence) throws IOException {
    try {
      byte[] bytes = DurableFiles.read(file).orElseThrow(() -> new IOException("It went away."));
      String beside = Progress.documentFile(bytes);
      String document = beside == null ? null : document(sequence, beside);
      Progress p = Progress.read(sequence, bytes, document);
      records.put(sequence, p);
      if (beside != null) {
        documents.put(sequence, new Kept(p.request().document(), beside));
      }
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

  private String document(long sequence, String file) throws IOException {
    if (!file.equals(name(sequence, FIRST)) && !file.equals(name(sequence, SECOND))) {
      throw new IOException("Its document is said to be in " + file + ".");
    }
    return new String(
        DurableFiles.read(folder.resolve(file))
            .orElseThrow(() -> new IOException("Its document " + file + " is missing.")),
        StandardCharsets.UTF_8);
  }

  private static String name(long sequence, String suffix) {
    return String.format("%010d", sequence) + suffix;
  }

  private void write(Progress p) {
    Kept before = documents.get(p.sequence());
    DeploymentDocument document = p.request().document();
    if (before != null && before.document() == document) {
      p.write(folder, before.file(), true);
      return;
    }
    String text = Json.text(document.toJson());
    if (text.length() <= INLINE) {
      p.write(folder, text, false);
      documents.remove(p.sequence());
    } else {
      String file =
          name(p.sequence(), before != null && before.file().endsWith(FIRST) ? SECOND : FIRST);
      DurableFiles.writeAtomically(folder.resolve(file), text.getBytes(StandardCharsets.UTF_8));
      p.write(folder, file, true);
      documents.put(p.sequence(), new Kept(document, file));
    }
    if (before != null) {
      forget(before.file());
    }
  }

  private void forget(String document) {
    try {
      DurableFiles.delete(folder.resolve(document));
    } catch (DurableException e) {
      LOG.warn("A document that is not needed any more stays: {}", e.getMessage());
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
      write(p);
    } catch (DurableException e) {
      if (!reserve.release()) {
        throw e;
      }
      write(p);
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
      Kept document = documents.remove(oldest.sequence());
      if (document != null) {
        forget(document.file());
      }
    }
  }
}
