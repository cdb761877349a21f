package io.ryegrass.nucleus.config;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import io.ryegrass.durable.SegmentedLog;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.config.GenerationFiles.Loaded;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The generations on disk.
 *
 * <pre>
 * generations/current            {"current": 7, "good": 6, "before": 5} with digests; replaced atomically
 * generations/current.copy       the same once more, written after it
 * generations/7/generation.json  written whole, fsynced, never changed
 * generations/7/changes/         log of runtime configuration changes on top of it
 * </pre>
 *
 * {@code good} is the last generation that a deployment proved healthy: what a rollback returns to;
 * {@code before} the one that was good before it. Both stay on disk, also after a rollback. A
 * damaged current generation (its digest does not match) is answered by falling back to the good
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

  private final GenerationFiles files;
  private final Clock clock;
  private final ReentrantLock lock = new ReentrantLock();

  private Generation base;

  /** Components whose configuration was changed at run time; all others are as in the base. */
  private Map<String, StampedConfiguration> live = new LinkedHashMap<>();

  /** The generation that was written last, which is mostly the next one to be current. */
  private @Nullable Loaded written;

  private SegmentedLog changes;

  /** The log was given up because the disk refused a change; offset at which that was. */
  private boolean changesLost;

  private long stoppedAt;
  private GenerationPointer pointer;

  /** A generation with the runtime changes folded in, and up to which change. */
  public record Snapshot(Generation generation, long changeOffset) {}

  private GenerationStore(Path folder, Clock clock, Generation first) {
    this.files = new GenerationFiles(folder);
    this.clock = clock;
    DurableFiles.createDirectories(folder);
    this.pointer = readPointer(first);
    this.base = loadBase();
    this.changes = openChanges(base.number());
    this.live = replay(base, changes);
    if (pointer.good() == base.number() && changes.sizeInBytes() > FOLD_BYTES) {
      tryFold(); // not while a deployment still watches this generation by its number
    }
  }

  private GenerationPointer readPointer(Generation first) {
    GenerationPointer found = GenerationPointer.read(files.folder());
    if (found != null) {
      return found;
    }
    Path file = GenerationPointer.file(files.folder());
    if (files.numbers().isEmpty()) {
      found = GenerationPointer.to(new Loaded(first, files.write(first)));
    } else {
      Loaded newest = files.newestBefore(Long.MAX_VALUE);
      if (newest != null) {
        LOG.warn(
            "{} is missing or damaged; starting the newest generation that can be read, {}",
            file,
            newest.generation().number());
        found = GenerationPointer.to(newest);
      } else if (files.numbers().equals(Set.of(first.number()))) {
        // The very first start was cut off before its generation was whole.
        found = GenerationPointer.to(new Loaded(first, files.write(first)));
      } else {
        throw new NucleusException(
            "GENERATION_CORRUPTED",
            file
                + " is missing or damaged and no generation beside it can be read; restore the folder from a backup, or remove it to start without components (the identity stays).");
      }
    }
    found.write(files.folder());
    return found;
  }

  /** The current generation, or the best that is left; the pointer then names that one. */
  private Generation loadBase() {
    Loaded found = files.load(pointer.current(), pointer.digest());
    if (found != null) {
      return found.generation();
    }
    if (pointer.good() != pointer.current()) {
      LOG.warn(
          "Generation {} cannot be read; starting the last good one, {}",
          pointer.current(),
          pointer.good());
      found = files.load(pointer.good(), pointer.goodDigest());
      if (found != null) {
        // The pointer stays: a deployment that was under way finds out by it that it was undone.
        return found.generation();
      }
    }
    if (pointer.before() >= 0) {
      found = files.load(pointer.before(), pointer.beforeDigest());
    }
    if (found == null) {
      found = files.newestBefore(pointer.current());
    }
    if (found == null) {
      throw new NucleusException(
          "GENERATION_CORRUPTED",
          "No generation in "
              + files.folder()
              + " can be read; restore the folder from a backup, or remove it to start without components (the identity stays).");
    }
    LOG.warn(
        "Neither the current generation {} nor the last good one can be read; starting {}, the one before",
        pointer.current(),
        found.generation().number());
    pointer = GenerationPointer.to(found);
    pointer.repair(files.folder());
    return found.generation();
  }

  /** The log of changes of a generation; a damaged one is put aside, so that the core starts. */
  private SegmentedLog openChanges(long number) {
    Path folder = files.changes(number);
    try {
      SegmentedLog log = SegmentedLog.open(folder, LOG_OPTIONS);
      try (SegmentedLog.Reader reader = log.reader(log.firstOffset())) {
        while (reader.hasNext()) {
          Json.read(reader.next().data());
        }
        return log;
      } catch (DurableException | JacksonException e) {
        log.close();
        throw e;
      }
    } catch (DurableException | JacksonException e) {
      if (e instanceof DurableException d
          && !d.code().equals(DurableException.CORRUPT)
          && allReadable(folder)) {
        throw e; // the disk's trouble, not the file's
      }
      return rescue(number, folder, e);
    }
  }

  private static boolean allReadable(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.allMatch(p -> Files.isRegularFile(p) && Files.isReadable(p));
    } catch (IOException e) {
      return false;
    }
  }

  /** Keeps the changes before the damage; the damaged log stays beside the new one for people. */
  private SegmentedLog rescue(long number, Path folder, RuntimeException why) {
    List<byte[]> whole = new ArrayList<>();
    try (SegmentedLog log = SegmentedLog.open(folder, LOG_OPTIONS);
        SegmentedLog.Reader reader = log.reader(log.firstOffset())) {
      while (reader.hasNext()) {
        byte[] data = reader.next().data();
        Json.read(data);
        whole.add(data);
      }
    } catch (DurableException | JacksonException e) {
      LOG.debug("The damage is after {} changes", whole.size());
    }
    Path aside = folder.resolveSibling("changes.damaged");
    LOG.error(
        "Runtime changes of the configuration of generation {} are damaged ({}): the first {} are kept, the file is put aside as {}",
        number,
        why.getMessage(),
        whole.size(),
        aside);
    DurableFiles.deleteTree(aside);
    DurableFiles.move(folder, aside);
    SegmentedLog log = SegmentedLog.open(folder, LOG_OPTIONS);
    whole.forEach(log::append);
    log.sync();
    return log;
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
          changesLost ? stoppedAt - 1 : changes.nextOffset());
    } finally {
      lock.unlock();
    }
  }

  /** Number of the generation a rollback returns to. */
  public long good() {
    lock.lock();
    try {
      return pointer.good();
    } finally {
      lock.unlock();
    }
  }

  /** A generation as it stands on disk with its own runtime changes, without switching to it. */
  public Optional<Generation> read(long number) {
    Loaded loaded = files.load(number, null);
    if (loaded == null) {
      return Optional.empty();
    }
    Generation g = loaded.generation();
    try (SegmentedLog log = openChanges(number)) {
      Map<String, StampedConfiguration> all = replay(g, log);
      Map<String, Generation.Entry> components = new LinkedHashMap<>();
      g.components()
          .forEach(
              (n, e) -> {
                StampedConfiguration c = all.get(n);
                components.put(n, c == null ? e : e.with(c));
              });
      return Optional.of(
          new Generation(
              g.number(), g.createdBy(), g.created(), components, g.groups(), g.membership()));
    }
  }

  /** A number that no generation on disk has. */
  public long nextNumber() {
    return files.numbers().stream().mapToLong(Long::longValue).max().orElse(-1) + 1;
  }

  /** Writes a generation whole and durably; it does not become current. */
  public String write(Generation g) {
    String digest = files.write(g);
    lock.lock();
    try {
      written = new Loaded(g.inOrder(), digest);
    } finally {
      lock.unlock();
    }
    return digest;
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
      if (since >= 0) {
        usableChanges();
      }
      Loaded last = written;
      Loaded loaded =
          last != null && last.generation().number() == number ? last : files.require(number);
      Generation next = loaded.generation();
      SegmentedLog nextChanges = openChanges(number);
      try {
        if (since >= 0) {
          carry(next, nextChanges, since);
        }
        GenerationPointer switched = pointer.switchedTo(number, loaded.digest());
        switched.write(files.folder());
        pointer = switched;
      } catch (RuntimeException e) {
        nextChanges.close();
        throw e;
      }
      closeChanges();
      written = null;
      changes = nextChanges;
      changesLost = false;
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
        if (next.components().containsKey(Json.read(data).path("c").asString())) {
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
      if (pointer.good() == base.number()) {
        return;
      }
      GenerationPointer proven = pointer.proven();
      proven.write(files.folder());
      pointer = proven;
    } finally {
      lock.unlock();
    }
  }

  /** Effective configuration as it is held here, only to be read; null for who does not run. */
  private @Nullable StampedConfiguration current(String component) {
    StampedConfiguration changed = live.get(component);
    Generation.Entry e = base.components().get(component);
    return changed != null || e == null
        ? changed
        : StampedConfiguration.view(e.configuration(), e.stamps());
  }

  /** Effective configuration of a component, with times (a copy). */
  public Optional<StampedConfiguration> configuration(String component) {
    lock.lock();
    try {
      StampedConfiguration c = current(component);
      return c == null ? Optional.empty() : Optional.of(c.copy());
    } finally {
      lock.unlock();
    }
  }

  /** One node of a component's configuration (a copy); an empty path is all of it. */
  public Optional<JsonNode> find(String component, List<String> path) {
    lock.lock();
    try {
      StampedConfiguration c = current(component);
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
      StampedConfiguration c = current(component);
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
      usableChanges();
      try {
        changes.append(Json.bytes(record));
        changes.sync();
      } catch (DurableException e) {
        // What was refused must not come back with the next change that the disk takes.
        loseChanges();
        throw e;
      }
      live.put(component, next);
      return new Change(before, next.values());
    } finally {
      lock.unlock();
    }
  }

  /** Goes back to what the log has on the disk, now or, if that fails, before its next use. */
  private void loseChanges() {
    stoppedAt = changes.nextOffset();
    changesLost = true;
    changes.abandon();
    try {
      usableChanges();
    } catch (DurableException e) {
      LOG.warn("Changes of the configuration are refused until the disk works: {}", e.getMessage());
    }
  }

  private void usableChanges() {
    if (changesLost) {
      changes = openChanges(base.number());
      changesLost = false;
      live = replay(base, changes);
    }
  }

  /** Values of one component before and after a change. */
  public record Change(ObjectNode before, ObjectNode after) {}

  /** Gives up the generation before the good one; false when there is none to give up. */
  public boolean forgetBefore() {
    lock.lock();
    try {
      long n = pointer.before();
      if (n < 0 || n == base.number() || n == pointer.good() || n == pointer.current()) {
        return false;
      }
      GenerationPointer without = pointer.withoutBefore();
      without.write(files.folder());
      pointer = without;
      files.delete(n);
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Removes generations that are neither current, good, the one before, nor listed. */
  public void collect(Set<Long> keep) {
    lock.lock();
    try {
      for (long n : files.numbers()) {
        if (n != base.number() && !pointer.keeps(n) && !keep.contains(n)) {
          files.delete(n);
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** What the generations on disk need, {@code name@version}: the component store keeps that. */
  public Set<String> versions() {
    return files.versions();
  }

  /** All generations on disk, as written. */
  public List<Generation> all() {
    return files.all();
  }

  /** A disk that has no room for it keeps the longer log. */
  private void tryFold() {
    try {
      fold();
    } catch (DurableException e) {
      LOG.warn("The log of changes stays as it is: {}", e.getMessage());
    }
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
    try (SegmentedLog.Reader reader = log.reader(log.firstOffset())) {
      while (reader.hasNext()) {
        JsonNode r = Json.read(reader.next().data());
        Generation.Entry e = g.components().get(r.path("c").asString());
        if (e == null) {
          continue;
        }
        StampedConfiguration c = all.computeIfAbsent(e.name(), name -> e.stamped());
        List<String> path = new ArrayList<>();
        r.path("p").forEach(n -> path.add(n.asString()));
        try {
          c.set(path, r.path("v"), r.path("t").asLong());
        } catch (io.ryegrass.nucleus.ConfigurationConflictException x) {
          LOG.debug("A newer deployment value replaces a runtime change: {}", x.getMessage());
        }
      }
    }
    return all;
  }

  /** All that was answered is on the disk already; what remains must not keep anybody. */
  private void closeChanges() {
    try {
      changes.close();
    } catch (DurableException e) {
      LOG.warn("{}", e.getMessage());
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closeChanges();
    } finally {
      lock.unlock();
    }
  }
}
