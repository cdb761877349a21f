package io.ryegrass.shadows;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.node.ObjectNode;

/**
 * One small JSON file for each shadow, {@code <thing>/classic.json} or {@code
 * <thing>/name/<shadow>.json}, replaced whole (docs/decisions/040). The names that AWS allows are
 * all file names. A file that is no JSON object (a broken disk; a crash does not do it) is put
 * aside and counts as absent.
 */
final class ShadowFiles {
  private static final Logger LOG = LoggerFactory.getLogger(ShadowFiles.class);
  private static final String END = ".json";

  private final Path folder;

  ShadowFiles(Path folder) {
    this.folder = folder;
  }

  private Path file(ShadowKey key) {
    Path thing = folder.resolve(key.thing());
    return key.shadow().isEmpty()
        ? thing.resolve("classic" + END)
        : thing.resolve("name").resolve(key.shadow() + END);
  }

  Optional<ObjectNode> read(ShadowKey key) {
    Path file = file(key);
    Optional<byte[]> content = DurableFiles.read(file);
    if (content.isEmpty()) {
      return Optional.empty();
    }
    try {
      if (Json.read(content.get()) instanceof ObjectNode object) {
        return Optional.of(object);
      }
    } catch (JacksonException e) {
      LOG.debug("{} is no JSON", file, e);
    }
    Path aside = file.resolveSibling(file.getFileName() + ".damaged");
    DurableFiles.move(file, aside);
    LOG.error("The file of {} is damaged and was put aside as {}; it begins anew", key, aside);
    return Optional.empty();
  }

  /** Durable when it returns. */
  void write(ShadowKey key, ObjectNode content) {
    DurableFiles.writeAtomically(file(key), Json.bytes(content), DurableFiles.OWNER_ONLY);
  }

  void delete(ShadowKey key) {
    DurableFiles.delete(file(key));
  }

  /** Names of the named shadows of a thing that have a file, in order. */
  List<String> names(String thing) {
    Path names = folder.resolve(thing).resolve("name");
    List<String> found = new ArrayList<>();
    if (!Files.isDirectory(names)) {
      return found;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(names, "*" + END)) {
      for (Path file : files) {
        String name = String.valueOf(file.getFileName());
        found.add(name.substring(0, name.length() - END.length()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot list " + names, e);
    }
    found.sort(null);
    return found;
  }
}
