package io.ryegrass.shadows;

import io.ryegrass.model.Json;
import io.ryegrass.model.shadow.ShadowDocument;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.databind.node.ObjectNode;

/**
 * The shadows of this core on its disk. A deleted one leaves its version behind for 48 hours, as in
 * the cloud, so that the next one of that name goes on counting. Whoever calls holds the shadow's
 * lock.
 */
final class ShadowStore {
  private static final Duration REMEMBERED = Duration.ofHours(48);

  /** Once in so many deletions the thing's forgotten versions are swept out. */
  private static final int SWEEP = 32;

  private final ShadowFiles files;
  private final AtomicInteger deletions = new AtomicInteger();

  ShadowStore(Path folder) {
    this.files = new ShadowFiles(folder);
  }

  /**
   * @param present false for one that was deleted or never was; its document is empty then
   */
  record Stored(ShadowDocument document, boolean present) {
    long version() {
      return document.version();
    }

    ObjectNode state() {
      return document.state();
    }
  }

  Stored find(ShadowKey key, Instant now) {
    return files
        .read(key)
        .filter(f -> !forgotten(f, now))
        .map(
            f ->
                new Stored(
                    new ShadowDocument(
                        object(f, "state"), object(f, "metadata"), f.path("version").asLong(0)),
                    f.path("present").asBoolean(true)))
        .orElseGet(() -> new Stored(ShadowDocument.empty(0), false));
  }

  private static boolean forgotten(ObjectNode file, Instant now) {
    return !file.path("present").asBoolean(true)
        && Instant.ofEpochSecond(file.path("updated").asLong(0)).isBefore(now.minus(REMEMBERED));
  }

  private static ObjectNode object(ObjectNode file, String member) {
    return file.get(member) instanceof ObjectNode object ? object : Json.object();
  }

  /** Durable when it returns. */
  void save(ShadowKey key, ShadowDocument document, boolean present, Instant now) {
    ObjectNode file = Json.object().put("version", document.version()).put("present", present);
    file.put("updated", now.getEpochSecond());
    file.set("state", document.state());
    file.set("metadata", document.metadata());
    files.write(key, file);
    if (!present && deletions.incrementAndGet() % SWEEP == 0) {
      sweep(key, now);
    }
  }

  private void sweep(ShadowKey after, Instant now) {
    for (String name : files.names(after.thing())) {
      ShadowKey key = new ShadowKey(after.thing(), name);
      if (!key.equals(after) && files.read(key).filter(f -> forgotten(f, now)).isPresent()) {
        files.delete(key);
      }
    }
  }

  /** Names of a thing's named shadows after this one, in order. */
  List<String> names(String thing, String after, int most, Instant now) {
    return files.names(thing).stream()
        .filter(n -> n.compareTo(after) > 0)
        .filter(n -> find(new ShadowKey(thing, n), now).present())
        .limit(most)
        .toList();
  }
}
