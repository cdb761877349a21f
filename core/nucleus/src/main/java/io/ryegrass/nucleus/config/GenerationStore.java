package io.ryegrass.nucleus.config;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.durable.SegmentedLog;
import io.ryegrass.nucleus.NucleusException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The generations on disk.
 *
 * <pre>
 * generations/current            {"current": 7, "digest": …, "good": 6, "goodDigest": …}   replaced atomically
 * generations/current.copy       the same once more, written after it
 * generations/7/generation.json  written whole, fsynced, never changed
 * generations/7/changes/         log of runtime configuration changes on top of it
 * </pre>
 *
 * {@code good} is the last generation that a deployment proved healthy: what a rollback returns to.
 * A damaged current generation (its digest does not match) is answered by falling back to the good
 * one, so that the core starts with something that worked (LESSON-02, LESSON-05). A damaged or
 * missing pointer is answered by its copy, and when that is gone as well by the newest generation
 * that can be read; likewise the generation before the good one, which collecting leaves, stands in
 * for both when neither can be read. What was found is written back, and one line of the log says
 * so.
 *
 * <p>Thread safety: one lock; no I/O of others happens under it.
 */
public final class GenerationStore implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(GenerationStore.class);
  private static final SegmentedLog.Options LOG_OPTIONS =
      new SegmentedLog.Options(1 << 20, 64L << 20);

  /**
   * Above this size of the log of changes the generation is folded into a new one at the next
   * start.
   */
  private static final long FOLD_BYTES = 512 << 10;

  private final Path folder;
  private final Clock clock;
  private final JsonMapper json = JsonMapper.shared();
  private final ReentrantLock lock = new ReentrantLock();

  private Generation base;
  private Map<String, StampedConfiguration> live = new LinkedHashMap<>();
  private SegmentedLog changes;
  private long good;
  private String digest;
  private String goodDigest;

  /** A generation with the runtime changes folded in, and up to which change. */
  public record Snapshot(Generation generation, long changeOffset) {}

  private GenerationStore(Path folder, Clock clock, Generation first) {
    this.folder = folder;
    this.clock = clock;
    DurableFiles.createDirectories(folder);
    Pointer pointer = readPointer();
    Generation loaded = null;
    if (pointer != null) {
      loaded = load(pointer.current, pointer.digest);
      if (loaded == null && pointer.good != pointer.current) {
        LOG.warn(
            "Generation {} cannot be read; starting the last good one, {}",
            pointer.current,
            pointer.good);
        loaded = load(pointer.good, pointer.goodDigest);
      }
    }
    if (loaded == null && pointer != null) {
      Pointer older = newestBefore(pointer.current);
      if (older != null) {
        LOG.warn(
            "Neither the current generation {} nor the last good one can be read; starting {}, the one before",
            pointer.current,
            older.current);
        writePointer(older);
        pointer = older;
        loaded = load(older.current, older.digest);
      }
    }
    if (loaded == null && pointer != null) {
      throw new NucleusException(
          "GENERATION_CORRUPTED",
          "No generation in "
              + folder
              + " can be read; restore the folder from a backup, or remove it to start without components (the identity stays).");
    }
    if (loaded == null) {
      loaded = first;
      String written = write(loaded);
      writePointer(new Pointer(loaded.number(), written, loaded.number(), written));
      pointer = new Pointer(loaded.number(), written, loaded.number(), written);
    }
    this.base = loaded;
    Pointer known = java.util.Objects.requireNonNull(pointer);
    this.good = known.good;
    this.goodDigest = known.goodDigest;
    this.digest = loaded.number() == known.current ? known.digest : known.goodDigest;
    this.changes = SegmentedLog.open(changesOf(loaded.number()), LOG_OPTIONS);
    this.live = replay(loaded, changes);
    if (good == base.number() && changes.sizeInBytes() > FOLD_BYTES) {
      fold(); // not while a deployment still watches this generation by its number
    }
  }

  /**
   * Opens the folder; writes {@code first} when there is none.
   *
   * @throws NucleusException GENERATION_CORRUPTED when nothing readable is left
   */
  public static GenerationStore open(Path folder, Clock clock, Generation first) {
    return new GenerationStore(folder, clock, first);
  }

  /** The current generation as it was written (without runtime changes). */
  public Generation base() {
    lock.lock();
    try {
      return base;
    } finally {
      lock.unlock();
    }
  }

  /** The current generation with all runtime changes folded in. */
  public Snapshot snapshot() {
    lock.lock();
    try {
      Map<String, Generation.Entry> components = new LinkedHashMap<>();
      base.components()
          .forEach(
              (name, e) -> {
                StampedConfiguration c = live.get(name);
                components.put(name, c == null ? e : e.with(c));
              });
      return new Snapshot(
          new Generation(
              base.number(),
              base.createdBy(),
              base.created(),
              components,
              base.groups(),
              base.membership()),
          changes.nextOffset());
    } finally {
      lock.unlock();
    }
  }

  /** Number of the generation a rollback returns to. */
  public long good() {
    lock.lock();
    try {
      return good;
    } finally {
      lock.unlock();
    }
  }

  /** A generation as it stands on disk with its own runtime changes, without switching to it. */
  public Optional<Generation> read(long number) {
    Generation g = load(number, null);
    if (g == null) {
      return Optional.empty();
    }
    try (SegmentedLog log = SegmentedLog.open(changesOf(number), LOG_OPTIONS)) {
      Map<String, StampedConfiguration> all = replay(g, log);
      Map<String, Generation.Entry> components = new LinkedHashMap<>();
      g.components().forEach((n, e) -> components.put(n, e.with(all.getOrDefault(n, e.stamped()))));
      return Optional.of(
          new Generation(
              g.number(), g.createdBy(), g.created(), components, g.groups(), g.membership()));
    }
  }

  /** A number that no generation on disk has. */
  public long nextNumber() {
    return numbers().stream().mapToLong(Long::longValue).max().orElse(-1) + 1;
  }

  /** Writes a generation whole and durably; it does not become current. */
  public String write(Generation g) {
    byte[] bytes = g.toBytes(json);
    DurableFiles.writeAtomically(file(g.number()), bytes);
    DurableFiles.syncDirectory(folder);
    return sha256(bytes);
  }

  /**
   * Makes a written generation the current one. Runtime changes made after {@code since} (the
   * offset of the snapshot it was computed from) to components that live on are carried over, so
   * that nothing answered is lost.
   *
   * @param since offset of the snapshot, or -1 to carry nothing (rollback)
   * @return the generation before, with its runtime changes
   */
  public Generation switchTo(long number, long since) {
    lock.lock();
    try {
      Generation before = snapshot().generation();
      if (number == base.number()) {
        return before;
      }
      byte[] bytes =
          DurableFiles.read(file(number))
              .orElseThrow(() -> new NucleusException("IO_READ_ERROR", missing(number)));
      Generation next = Generation.parse(json.readTree(bytes));
      SegmentedLog nextChanges = SegmentedLog.open(changesOf(number), LOG_OPTIONS);
      try {
        if (since >= 0) {
          carry(next, nextChanges, since);
        }
        String nextDigest = sha256(bytes);
        writePointer(new Pointer(number, nextDigest, good, goodDigest));
        digest = nextDigest;
      } catch (RuntimeException e) {
        nextChanges.close();
        throw e;
      }
      changes.close();
      changes = nextChanges;
      base = next;
      live = replay(next, nextChanges);
      return before;
    } finally {
      lock.unlock();
    }
  }

  private void carry(Generation next, SegmentedLog target, long since) {
    boolean any = false;
    try (SegmentedLog.Reader reader = changes.reader(Math.max(since, changes.firstOffset()))) {
      while (reader.hasNext()) {
        byte[] data = reader.next().data();
        if (next.components().containsKey(json.readTree(data).path("c").asString())) {
          target.append(data);
          any = true;
        }
      }
    }
    if (any) {
      target.sync();
    }
  }

  /** Tells that the current generation is healthy: rollbacks return to it from now on. */
  public void markGood() {
    lock.lock();
    try {
      if (good == base.number()) {
        return;
      }
      writePointer(new Pointer(base.number(), digest, base.number(), digest));
      good = base.number();
      goodDigest = digest;
    } finally {
      lock.unlock();
    }
  }

  /** Effective configuration of a component, with times (a copy). */
  public Optional<StampedConfiguration> configuration(String component) {
    lock.lock();
    try {
      StampedConfiguration c = live.get(component);
      return c == null ? Optional.empty() : Optional.of(c.copy());
    } finally {
      lock.unlock();
    }
  }

  /** One node of a component's configuration (a copy); an empty path is all of it. */
  public Optional<JsonNode> find(String component, List<String> path) {
    lock.lock();
    try {
      StampedConfiguration c = live.get(component);
      return c == null ? Optional.empty() : c.find(path);
    } finally {
      lock.unlock();
    }
  }

  /**
   * A runtime change; durable when it returns.
   *
   * @return the values before and after
   */
  public Change update(String component, List<String> path, JsonNode value, long time) {
    lock.lock();
    try {
      StampedConfiguration c = live.get(component);
      if (c == null) {
        throw new NucleusException(
            "RESOURCE_NOT_FOUND", "No component " + component + " runs on this core.");
      }
      StampedConfiguration next = c.copy();
      ObjectNode before = c.values();
      if (!next.set(path, value, time)) {
        return new Change(before, before);
      }
      ObjectNode record = JsonNodeFactory.instance.objectNode();
      record.put("c", component);
      ArrayNode keys = record.putArray("p");
      path.forEach(keys::add);
      record.set("v", value);
      record.put("t", time);
      changes.append(json.writeValueAsBytes(record));
      changes.sync();
      live.put(component, next);
      return new Change(before, next.values());
    } finally {
      lock.unlock();
    }
  }

  /** Values of one component before and after a change. */
  public record Change(ObjectNode before, ObjectNode after) {}

  /** Removes generations that neither are current, good, nor listed. */
  public void collect(Set<Long> keep) {
    lock.lock();
    try {
      for (long n : numbers()) {
        if (n != base.number() && n != good && !keep.contains(n)) {
          deleteTree(folder.resolve(Long.toString(n)));
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** All generations on disk, as written: what the component store must keep files for. */
  public List<Generation> all() {
    List<Generation> found = new ArrayList<>();
    for (long n : numbers()) {
      Generation g = load(n, null);
      if (g != null) {
        found.add(g);
      }
    }
    return found;
  }

  private void fold() {
    Snapshot s = snapshot();
    Generation g = s.generation();
    long number = nextNumber();
    write(
        new Generation(
            number, g.createdBy(), clock.instant(), g.components(), g.groups(), g.membership()));
    switchTo(number, -1);
    markGood();
  }

  private Map<String, StampedConfiguration> replay(Generation g, SegmentedLog log) {
    Map<String, StampedConfiguration> all = new LinkedHashMap<>();
    g.components().forEach((name, e) -> all.put(name, e.stamped()));
    try (SegmentedLog.Reader reader = log.reader(log.firstOffset())) {
      while (reader.hasNext()) {
        JsonNode r = json.readTree(reader.next().data());
        StampedConfiguration c = all.get(r.path("c").asString());
        if (c == null) {
          continue;
        }
        List<String> path = new ArrayList<>();
        r.path("p").forEach(n -> path.add(n.asString()));
        try {
          c.set(path, r.path("v"), r.path("t").asLong());
        } catch (io.ryegrass.nucleus.ConfigurationConflictException e) {
          LOG.debug("A newer deployment value replaces a runtime change: {}", e.getMessage());
        }
      }
    }
    return all;
  }

  private @Nullable Generation load(long number, @Nullable String expectedDigest) {
    Optional<byte[]> bytes = DurableFiles.read(file(number));
    if (bytes.isEmpty()) {
      LOG.warn("{}", missing(number));
      return null;
    }
    if (expectedDigest != null && !sha256(bytes.get()).equals(expectedDigest)) {
      LOG.warn("{} does not have the digest it was written with", file(number));
      return null;
    }
    try {
      JsonNode top = json.readTree(bytes.get());
      if (!top.path("components").isObject() || top.path("number").asLong(-1) != number) {
        // An empty file is valid for the parser, and would be a core without components.
        LOG.warn("{} is not a whole generation", file(number));
        return null;
      }
      return Generation.parse(top);
    } catch (JacksonException | IllegalArgumentException e) {
      LOG.warn("{} cannot be parsed: {}", file(number), e.getMessage());
      return null;
    }
  }

  private String missing(long number) {
    return "Generation " + number + " is not in " + folder + ".";
  }

  private Path file(long number) {
    return folder.resolve(Long.toString(number)).resolve("generation.json");
  }

  private Path changesOf(long number) {
    return folder.resolve(Long.toString(number)).resolve("changes");
  }

  private record Pointer(long current, String digest, long good, String goodDigest) {}

  /** Null when there is nothing yet: the very first start. */
  private @Nullable Pointer readPointer() {
    Path file = folder.resolve("current");
    Path copy = folder.resolve("current.copy");
    Pointer named = parse(file);
    if (named != null) {
      if (!named.equals(parse(copy))) {
        // Killed between the two, or written by a version that kept no copy.
        writeCopy(named);
      }
      return named;
    }
    Pointer found = parse(copy);
    String source = copy.toString();
    if (found == null) {
      found = newestBefore(Long.MAX_VALUE);
      source = "the newest that can be read";
    }
    if (found != null) {
      LOG.warn(
          "{} is missing or damaged; starting generation {} ({}) and writing it anew",
          file,
          found.current,
          source);
      writePointer(found);
    } else if (!numbers().isEmpty()) {
      throw new NucleusException(
          "GENERATION_CORRUPTED",
          file
              + " is missing or damaged and no generation beside it can be read; restore the folder from a backup, or remove it to start without components (the identity stays).");
    }
    return found;
  }

  private @Nullable Pointer parse(Path file) {
    Optional<byte[]> bytes = DurableFiles.read(file);
    if (bytes.isEmpty()) {
      return null;
    }
    try {
      JsonNode p = json.readTree(bytes.get());
      boolean whole =
          p.path("current").isIntegralNumber()
              && p.path("good").isIntegralNumber()
              && p.path("digest").isString()
              && p.path("goodDigest").isString();
      return whole
          ? new Pointer(
              p.path("current").asLong(),
              p.path("digest").asString(),
              p.path("good").asLong(),
              p.path("goodDigest").asString())
          : null;
    } catch (JacksonException e) {
      LOG.debug("{} is not readable JSON: {}", file, e.getMessage());
      return null;
    }
  }

  /** The newest generation below {@code bound} that can be read, as if a pointer named it. */
  private @Nullable Pointer newestBefore(long bound) {
    for (long n : new ArrayList<>(numbers()).reversed()) {
      if (n < bound && load(n, null) != null) {
        String d = sha256(DurableFiles.read(file(n)).orElseThrow());
        return new Pointer(n, d, n, d);
      }
    }
    return null;
  }

  private void writePointer(Pointer p) {
    DurableFiles.writeAtomically(folder.resolve("current"), toBytes(p));
    writeCopy(p);
  }

  private void writeCopy(Pointer p) {
    DurableFiles.writeAtomically(folder.resolve("current.copy"), toBytes(p));
  }

  private static byte[] toBytes(Pointer p) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("current", p.current);
    node.put("digest", p.digest);
    node.put("good", p.good);
    node.put("goodDigest", p.goodDigest);
    return node.toString().getBytes(StandardCharsets.UTF_8);
  }

  private Set<Long> numbers() {
    Set<Long> found = new TreeSet<>();
    try (Stream<Path> children = Files.list(folder)) {
      children.forEach(
          p -> {
            String name = String.valueOf(p.getFileName());
            if (!name.isEmpty() && name.chars().allMatch(Character::isDigit)) {
              found.add(Long.parseLong(name));
            }
          });
    } catch (IOException e) {
      throw new NucleusException("IO_READ_ERROR", "Cannot list " + folder + ".", e);
    }
    return found;
  }

  private static void deleteTree(Path top) {
    try (Stream<Path> walk = Files.walk(top)) {
      for (Path p : walk.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(p);
      }
    } catch (IOException e) {
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

  @Override
  public void close() {
    lock.lock();
    try {
      changes.close();
    } finally {
      lock.unlock();
    }
  }
}
