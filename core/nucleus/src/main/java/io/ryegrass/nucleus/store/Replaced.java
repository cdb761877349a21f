package io.ryegrass.nucleus.store;

import io.ryegrass.durable.DurableFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one deployment brings for versions that run, and what it has replaced in the store.
 *
 * <p>Until it is applied, what it brings waits beside the store, under the names that it will have
 * there: a component that is started meanwhile meets its own files. {@link #takeAgain} brings it
 * into the store. What had those names is kept, with a mark for what was not there. The first that
 * is kept of a name is the one from before the deployment; it stays when the deployment begins
 * again after a restart.
 *
 * <p>Each step is one rename; each method may be cut off anywhere and called again.
 */
final class Replaced {
  private static final Logger LOG = LoggerFactory.getLogger(Replaced.class);

  /** Follows the name of something that was not there before. */
  private static final String ABSENT = ".~absent";

  private final Path packages;
  private final Path undo;
  private final Path again;
  private final Set<String> running;

  /** Whether the deployment is not applied yet. */
  private volatile boolean waiting = true;

  /**
   * @param undo folder of one deployment
   * @param running what the state before the deployment needs: {@code name@version} of its
   *     components, and how the names of their recipes' files begin
   */
  Replaced(Path packages, Path undo, Set<String> running) {
    this.packages = packages;
    this.undo = undo;
    this.again = undo.resolveSibling(undo.getFileName() + ".again");
    this.running = running;
  }

  /**
   * Keeps a file by a copy when it is small and written over, a folder or artifact by moving it.
   */
  void keep(Path file) {
    Path kept = kept(file);
    Path mark = kept.resolveSibling(kept.getFileName() + ABSENT);
    if (Files.exists(kept, LinkOption.NOFOLLOW_LINKS) || Files.exists(mark)) {
      return;
    }
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      if (isOfSomethingRunning(file)) {
        DurableFiles.writeAtomically(mark, new byte[0]);
      }
    } else if (packages.relativize(file).startsWith(ComponentStore.RECIPES)) {
      DurableFiles.read(file).ifPresent(bytes -> DurableFiles.writeAtomically(kept, bytes));
    } else {
      DurableFiles.move(file, kept);
    }
  }

  private Path kept(Path file) {
    return undo.resolve(packages.relativize(file).toString());
  }

  /** Artifacts and unpacked archives: {@code <kind>/<component>/<version>/<name>}. */
  private boolean isOfSomethingRunning(Path file) {
    Path name = packages.relativize(file);
    return name.getNameCount() == 4 && running.contains(name.getName(1) + "@" + name.getName(2));
  }

  private boolean isRecipeOfSomethingRunning(Path file) {
    Path name = packages.relativize(file);
    String text = String.valueOf(name.getFileName());
    for (String end : ComponentStore.RECIPE_FILES) {
      if (name.startsWith(ComponentStore.RECIPES) && text.endsWith(end)) {
        return running.contains(text.substring(0, text.length() - end.length()));
      }
    }
    return false;
  }

  /** Where a file of this name in the store has to be put now. */
  Path landing(Path file) {
    return waiting && (isOfSomethingRunning(file) || isRecipeOfSomethingRunning(file))
        ? brought(file)
        : file;
  }

  /** The file that the deployment is about: what it has brought, else the store's. */
  Path seen(Path file) {
    Path landing = landing(file);
    return Files.exists(landing, LinkOption.NOFOLLOW_LINKS) || isUnpackedOfBrought(file)
        ? landing
        : file;
  }

  private Path brought(Path file) {
    return again.resolve(packages.relativize(file).toString());
  }

  /** What was unpacked of another archive than the deployment brings is not what it is about. */
  private boolean isUnpackedOfBrought(Path file) {
    Path name = packages.relativize(file);
    if (!waiting || name.getNameCount() != 4 || !name.startsWith(ComponentStore.UNARCHIVED)) {
      return false;
    }
    Path archives =
        again
            .resolve(ComponentStore.ARTIFACTS)
            .resolve(name.getName(1).toString())
            .resolve(name.getName(2).toString());
    return children(archives).stream()
        .anyMatch(a -> unpacked(a).equals(String.valueOf(name.getName(3))));
  }

  private static String unpacked(Path archive) {
    return ArtifactPreparer.stem(String.valueOf(archive.getFileName()));
  }

  /** The deployment is undone. */
  void putBack() {
    if (Files.isDirectory(undo)) {
      for (Path kept : units(undo)) {
        restore(kept);
      }
      DurableFiles.deleteTree(undo);
    }
    DurableFiles.deleteTree(again);
  }

  /** The deployment stands. */
  void forget() {
    DurableFiles.deleteTree(undo);
    DurableFiles.deleteTree(again);
  }

  /**
   * Puts back what was there before, and keeps what the deployment brought beside the store: it
   * goes on later, and until then what runs needs its own files.
   */
  void setAside() {
    if (!Files.isDirectory(undo)) {
      return;
    }
    for (Path kept : units(undo)) {
      Path file = original(kept);
      Path brought = again.resolve(packages.relativize(file).toString());
      if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)
          && !Files.exists(brought, LinkOption.NOFOLLOW_LINKS)) {
        DurableFiles.move(file, brought);
      }
      restore(kept);
    }
    DurableFiles.deleteTree(undo);
  }

  /** Brings what waits into the store. */
  void takeAgain() {
    waiting = false;
    if (!Files.isDirectory(again)) {
      return;
    }
    List<Path> all = units(again);
    all.forEach(this::dropUnpackedOfAnother);
    for (Path brought : all) {
      Path file = packages.resolve(again.relativize(brought).toString());
      keep(file);
      if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
        DurableFiles.deleteTree(file);
      }
      DurableFiles.move(brought, file);
    }
    DurableFiles.deleteTree(again);
  }

  /** It is unpacked anew if somebody wants that. */
  private void dropUnpackedOfAnother(Path archive) {
    Path name = again.relativize(archive);
    if (!name.startsWith(ComponentStore.ARTIFACTS)) {
      return;
    }
    Path folder =
        packages
            .resolve(ComponentStore.UNARCHIVED)
            .resolve(name.getName(1).toString())
            .resolve(name.getName(2).toString())
            .resolve(unpacked(archive));
    if (Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      keep(folder);
      DurableFiles.deleteTree(folder);
    }
  }

  private void restore(Path kept) {
    Path file = original(kept);
    boolean absent = isMark(kept);
    if (absent || Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
      DurableFiles.deleteTree(file);
    }
    if (absent) {
      DurableFiles.delete(kept);
    } else {
      DurableFiles.move(kept, file);
    }
    LOG.info("{} is again what it was before the deployment", file);
  }

  private Path original(Path kept) {
    String name = undo.relativize(kept).toString();
    return packages.resolve(
        isMark(kept) ? name.substring(0, name.length() - ABSENT.length()) : name);
  }

  private static boolean isMark(Path kept) {
    return String.valueOf(kept.getFileName()).endsWith(ABSENT);
  }

  private static List<Path> children(Path folder) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> all = Files.list(folder)) {
      return all.toList();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot list " + folder, e);
    }
  }

  /** Recipes lie one folder deep, artifacts and unpacked archives three. */
  private static List<Path> units(Path top) {
    try (Stream<Path> walk = Files.walk(top, 4)) {
      return walk.filter(
              p -> {
                Path name = top.relativize(p);
                return name.getNameCount() == (name.startsWith(ComponentStore.RECIPES) ? 2 : 4)
                    && !String.valueOf(p.getFileName()).endsWith(".~new");
              })
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot list " + top, e);
    }
  }
}
