package io.ryegrass.durable;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Tells a crash test, in order, what this module does to the disk, so that it can work out what the
 * disk may look like after the power went at each of these steps (see {@link
 * io.ryegrass.durable.crash.CrashDisk}). In a program nobody watches, and each step costs one read
 * of a field.
 *
 * <p>A file system of our own behind every file would be the other way; it would put itself between
 * the log and its file in every program for the sake of the tests (docs/decisions).
 */
public final class DiskWatch {
  /** Hears each step after it was done; called by the thread that did it. */
  public interface Watcher {
    /** A file was made, or cut to nothing; it is empty now. */
    void made(Path file);

    void wrote(Path file, long position, byte[] bytes);

    void truncated(Path file, long length);

    /** What the file held is on the disk. */
    void synced(Path file);

    void madeFolder(Path folder);

    /** Creations, renames and deletions in the folder are on the disk. */
    void folderSynced(Path folder);

    /** A file or a folder with all in it has another name. */
    void moved(Path from, Path to);

    void deleted(Path file);
  }

  private static volatile @Nullable Watcher watcher;

  private DiskWatch() {}

  /**
   * Tells this one from now on; for one test at a time.
   *
   * @throws IllegalStateException when somebody watches already
   */
  public static AutoCloseable begin(Watcher w) {
    if (watcher != null) {
      throw new IllegalStateException("The disk is watched already.");
    }
    watcher = w;
    return () -> watcher = null;
  }

  /** Null outside of tests. */
  static @Nullable Watcher watcher() {
    return watcher;
  }
}
