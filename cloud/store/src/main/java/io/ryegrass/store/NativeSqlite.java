package io.ryegrass.store;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteJDBCLoader;
import org.sqlite.util.LibraryLoaderUtil;

/**
 * Puts SQLite's native library into the data folder once, so that a start only maps it.
 *
 * <p>Left alone, the driver writes a new copy with a random name into the system's temporary folder
 * at every start, reads both copies back to compare them, and looks for the left-overs of former
 * starts. Where our copy cannot be made or loaded, the driver falls back to that.
 */
final class NativeSqlite {
  private static final Logger log = LoggerFactory.getLogger(NativeSqlite.class);

  private NativeSqlite() {}

  static void prepare(Path dataFolder) {
    if (System.getProperty("org.sqlite.lib.path") != null) {
      return; // chosen by the operator, or by a store opened before in this process
    }
    String name = LibraryLoaderUtil.getNativeLibName();
    String resource = LibraryLoaderUtil.getNativeLibResourcePath() + "/" + name;
    Path folder =
        dataFolder
            .resolve("native")
            .resolve("sqlite-" + SQLiteJDBCLoader.getVersion())
            .toAbsolutePath();
    Path library = folder.resolve(name);
    try (InputStream packed = SQLiteJDBCLoader.class.getResourceAsStream(resource)) {
      if (packed == null) {
        return; // no library for this platform in the jar; the driver reports it better than we can
      }
      if (!complete(library, resource)) {
        DurableFiles.writeAtomically(library, packed.readAllBytes());
      }
      System.setProperty("org.sqlite.tmpdir", folder.toString());
      System.setProperty("org.sqlite.lib.path", folder.toString());
      System.setProperty("org.sqlite.lib.name", name);
    } catch (IOException | DurableException e) {
      log.warn(
          "Cannot keep SQLite's library in {}: {}; using the temporary folder",
          folder,
          e.getMessage());
    }
  }

  /** Length is enough: the copy was renamed into place only when whole. */
  private static boolean complete(Path library, String resource) throws IOException {
    if (!Files.isRegularFile(library)) {
      return false;
    }
    var url = SQLiteJDBCLoader.class.getResource(resource);
    return url != null && url.openConnection().getContentLengthLong() == Files.size(library);
  }
}
