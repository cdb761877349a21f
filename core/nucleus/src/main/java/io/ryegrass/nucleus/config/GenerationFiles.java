package io.ryegrass.nucleus.config;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** The generations as folders: {@code <n>/generation.json}, written once and whole. */
final class GenerationFiles {
  private static final Logger LOG = LoggerFactory.getLogger(GenerationFiles.class);

  private final Path folder;

  /** A generation and the digest of its file. */
  record Loaded(Generation generation, String digest) {}

  /** Versions that a generation needs: it never changes, and is not read again only for them. */
  private final Map<Long, Set<String>> versions = new ConcurrentHashMap<>();

  GenerationFiles(Path folder) {
    this.folder = folder;
  }

  Path folder() {
    return folder;
  }

  Path changes(long number) {
    return folder.resolve(Long.toString(number)).resolve("changes");
  }

  private Path file(long number) {
    return folder.resolve(Long.toString(number)).resolve("generation.json");
  }

  /** Durable when it returns; gives the digest. */
  String write(Generation g) {
    byte[] bytes = g.toBytes();
    DurableFiles.writeAtomically(file(g.number()), bytes);
    DurableFiles.syncDirectory(folder);
    versions.put(g.number(), versionsOf(g));
    return sha256(bytes);
  }

  /**
   * Null, with a line in the log, when it is not there, not whole, or not what was written.
   *
   * @param expectedDigest null when nobody knows it any more
   */
  @Nullable Loaded load(long number, @Nullable String expectedDigest) {
    Optional<byte[]> bytes;
    try {
      bytes = DurableFiles.read(file(number));
    } catch (DurableException e) {
      LOG.warn("{}", e.getMessage());
      return null;
    }
    if (bytes.isEmpty()) {
      LOG.warn("{}", missing(number));
      return null;
    }
    String digest = sha256(bytes.get());
    if (expectedDigest != null && !digest.equals(expectedDigest)) {
      LOG.warn("{} does not have the digest it was written with", file(number));
      return null;
    }
    try {
      JsonNode top = Json.read(bytes.get());
      if (!top.path("components").isObject() || top.path("number").asLong(-1) != number) {
        // An empty file is valid for the parser, and would be a core without components.
        LOG.warn("{} is not a whole generation", file(number));
        return null;
      }
      return new Loaded(Generation.parse(top), digest);
    } catch (JacksonException | IllegalArgumentException e) {
      LOG.warn("{} cannot be parsed: {}", file(number), e.getMessage());
      return null;
    }
  }

  /** As {@link #load}, for one that must be there. */
  Loaded require(long number) {
    Loaded found = load(number, null);
    if (found == null) {
      throw new NucleusException(
          "IO_READ_ERROR", "Generation " + number + " in " + folder + " cannot be read any more.");
    }
    return found;
  }

  /** The newest generation below {@code bound} that can be read. */
  @Nullable Loaded newestBefore(long bound) {
    for (long n : new ArrayList<>(numbers()).reversed()) {
      Loaded found = n < bound ? load(n, null) : null;
      if (found != null) {
        return found;
      }
    }
    return null;
  }

  private String missing(long number) {
    return "Generation " + number + " is not in " + folder + ".";
  }

  /** Numbers of all folders, whole or not, ascending. */
  Set<Long> numbers() {
    Set<Long> found = new TreeSet<>();
    try (Stream<Path> children = Files.list(folder)) {
      children.forEach(
          p -> {
            String name = String.valueOf(p.getFileName());
            if (!name.isEmpty()
                && name.length() < 19
                && name.chars().allMatch(c -> c >= '0' && c <= '9')) {
              found.add(Long.parseLong(name));
            }
          });
    } catch (IOException e) {
      throw new NucleusException("IO_READ_ERROR", "Cannot list " + folder + ".", e);
    }
    return found;
  }

  /** All that can be read. */
  List<Generation> all() {
    List<Generation> found = new ArrayList<>();
    for (long n : numbers()) {
      Loaded g = load(n, null);
      if (g != null) {
        found.add(g.generation());
      }
    }
    return found;
  }

  /** What the generations on disk need: {@code name@version}. */
  Set<String> versions() {
    Set<String> all = new HashSet<>();
    for (long n : numbers()) {
      Set<String> known = versions.get(n);
      if (known == null) {
        Loaded g = load(n, null);
        if (g == null) {
          continue;
        }
        known = versionsOf(g.generation());
        versions.put(n, known);
      }
      all.addAll(known);
    }
    return all;
  }

  private static Set<String> versionsOf(Generation g) {
    Set<String> needed = new HashSet<>();
    g.components().values().forEach(e -> needed.add(e.name() + "@" + e.version()));
    return needed;
  }

  /** Removes one; what cannot be removed is told and left. */
  void delete(long number) {
    Path top = folder.resolve(Long.toString(number));
    versions.remove(number);
    try (Stream<Path> walk = Files.walk(top)) {
      for (Path p : walk.sorted(Comparator.reverseOrder()).toList()) {
        DurableFiles.delete(p);
      }
    } catch (IOException | DurableException e) {
      LOG.warn("Cannot remove the old generation {}: {}", top, e.getMessage());
    }
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has SHA-256.", e);
    }
  }
}
