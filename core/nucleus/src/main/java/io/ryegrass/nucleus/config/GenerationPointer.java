package io.ryegrass.nucleus.config;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.Json;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Which generation is current, which one is known to be good, and which one was good before that,
 * each with the digest of its file. In the file {@code current} and, written after it, once more in
 * {@code current.copy}.
 *
 * @param before -1 when there is none
 */
record GenerationPointer(
    long current, String digest, long good, String goodDigest, long before, String beforeDigest) {
  private static final Logger LOG = LoggerFactory.getLogger(GenerationPointer.class);

  static GenerationPointer to(GenerationFiles.Loaded g) {
    long n = g.generation().number();
    return new GenerationPointer(n, g.digest(), n, g.digest(), -1, "");
  }

  /** Another current generation, not yet known to be good. */
  GenerationPointer switchedTo(long number, String itsDigest) {
    return new GenerationPointer(number, itsDigest, good, goodDigest, before, beforeDigest);
  }

  /** The current generation is good. */
  GenerationPointer proven() {
    return current == good
        ? this
        : new GenerationPointer(current, digest, current, digest, good, goodDigest);
  }

  GenerationPointer withoutBefore() {
    return new GenerationPointer(current, digest, good, goodDigest, -1, "");
  }

  boolean keeps(long number) {
    return number == current || number == good || number == before;
  }

  /**
   * What the files name; null when neither can be read. A copy that is behind is brought up to
   * date.
   */
  static @Nullable GenerationPointer read(Path folder) {
    GenerationPointer named = parse(file(folder));
    GenerationPointer copy = parse(copy(folder));
    if (named != null) {
      if (!named.equals(copy)) {
        // Killed between the two, or written by a version that kept no copy.
        named.writeCopy(folder);
      }
      return named;
    }
    if (copy != null) {
      LOG.warn(
          "{} is missing or damaged; its copy names generation {} and is put in its place",
          file(folder),
          copy.current);
      copy.repair(folder);
    }
    return copy;
  }

  /** As {@link #write} where there is something to start with anyway. */
  void repair(Path folder) {
    try {
      write(folder);
    } catch (DurableException e) {
      LOG.error("{}; deployments fail until then", e.getMessage());
    }
  }

  /** Durable when it returns; when it throws, nothing has changed. */
  void write(Path folder) {
    DurableFiles.writeAtomically(file(folder), toBytes());
    writeCopy(folder);
  }

  /**
   * A copy that cannot be written names the generation before: something that worked. It must not
   * make a switch look as if it had failed that the file above has made already.
   */
  private void writeCopy(Path folder) {
    try {
      DurableFiles.writeAtomically(copy(folder), toBytes());
    } catch (DurableException e) {
      LOG.warn("{}; the copy is written with the next change", e.getMessage());
    }
  }

  static Path file(Path folder) {
    return folder.resolve("current");
  }

  private static Path copy(Path folder) {
    return folder.resolve("current.copy");
  }

  private static @Nullable GenerationPointer parse(Path file) {
    try {
      Optional<byte[]> bytes = DurableFiles.read(file);
      if (bytes.isEmpty()) {
        return null;
      }
      JsonNode p = Json.read(bytes.get());
      boolean whole =
          p.path("current").isIntegralNumber()
              && p.path("good").isIntegralNumber()
              && p.path("digest").isString()
              && p.path("goodDigest").isString();
      return whole
          ? new GenerationPointer(
              p.path("current").asLong(),
              p.path("digest").asString(),
              p.path("good").asLong(),
              p.path("goodDigest").asString(),
              p.path("before").asLong(-1),
              p.path("beforeDigest").asString(""))
          : null;
    } catch (JacksonException e) {
      LOG.debug("{} is not readable JSON: {}", file, e.getMessage());
      return null;
    } catch (DurableException e) {
      LOG.warn("{}", e.getMessage());
      return null;
    }
  }

  private byte[] toBytes() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("current", current);
    node.put("digest", digest);
    node.put("good", good);
    node.put("goodDigest", goodDigest);
    node.put("before", before);
    node.put("beforeDigest", beforeDigest);
    return node.toString().getBytes(StandardCharsets.UTF_8);
  }
}
