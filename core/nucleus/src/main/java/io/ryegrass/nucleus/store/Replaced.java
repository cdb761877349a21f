package io.ryegrass.nucleus.store;

import io.ryegrass.durable.DurableFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one deployment has replaced in the store, under the names it had there. The first that is
 * kept of a name is the one from before the deployment; it stays when the deployment begins again
 * after a restart.
 */
final class Replaced {
  private static final Logger LOG = LoggerFactory.getLogger(Replaced.class);

  private final Path packages;
  private final Path undo;

  Replaced(Path packages, Path undo) {
    this.packages = packages;
    this.undo = undo;
  }

  /**
   * Keeps a file by a copy when it is small and written over, a folder or artifact by moving it.
   */
  void keep(Path file) {
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Path kept = undo.resolve(packages.relativize(file).toString());
    if (Files.exists(kept, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    if (packages.relativize(file).startsWith("recipes")) {
      DurableFiles.read(file).ifPresent(bytes -> DurableFiles.writeAtomically(kept, bytes));
    } else {
      DurableFiles.move(file, kept);
    }
  }

  /** May be cut off anywhere and called again. */
  void putBack() {
    if (!Files.isDirectory(undo)) {
      return;
    }
    for (Path kept : units()) {
      Path file = packages.resolve(undo.relativize(kept).toString());
      if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
        DurableFiles.deleteTree(file);
      }
      DurableFiles.move(kept, file);
      LOG.info("{} is again what it was before the deployment", file);
    }
    DurableFiles.deleteTree(undo);
  }

  /** Recipes lie one folder deep, artifacts and unpacked archives three. */
  private List<Path> units() {
    try (Stream<Path> walk = Files.walk(undo, 4)) {
      return walk.filter(
              p -> {
                Path name = undo.relativize(p);
                return name.getNameCount() == (name.startsWith("recipes") ? 2 : 4)
                    && !String.valueOf(p.getFileName()).endsWith(".~new");
              })
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot list " + undo, e);
    }
  }
}
