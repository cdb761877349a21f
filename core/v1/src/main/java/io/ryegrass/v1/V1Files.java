package io.ryegrass.v1;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/** Folders that are pictures of something else: made, replaced and removed without ceremony. */
final class V1Files {
  private V1Files() {}

  /** Removes a folder and all in it; what is linked stays. */
  static void deleteTree(Path top) throws IOException {
    if (!Files.exists(top, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Files.walkFileTree(
        top,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes a) throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException failed)
              throws IOException {
            Files.deleteIfExists(folder);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /** Makes a link, in one step where one was before; anything else that is in its place stays. */
  static void link(Path link, Path to) throws IOException {
    Path folder = link.toAbsolutePath().getParent();
    if (folder == null) {
      throw new IOException(link + " is no place for a link");
    }
    Files.createDirectories(folder);
    if (Files.exists(link, LinkOption.NOFOLLOW_LINKS) && !Files.isSymbolicLink(link)) {
      throw new IOException(link + " is not ours to replace");
    }
    Path next = folder.resolve("." + link.getFileName() + ".~new");
    Files.deleteIfExists(next);
    Files.createSymbolicLink(next, to);
    Files.move(next, link, StandardCopyOption.ATOMIC_MOVE);
  }
}
