package io.ryegrass.durable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/**
 * Small files that are replaced whole. A write goes to a file aside, which is fsynced and renamed
 * over the target; then the folder is fsynced, since a rename that only lives in the folder's
 * cached page is lost with the power (LESSON-02).
 *
 * <p>The file aside has a fixed name ({@code .<name>.~new}), so a crash leaves at most one of it,
 * and the next write of the same target removes it. Writers of one target within the process take
 * turns; other processes are kept out by {@link DataFolderLock}.
 */
public final class DurableFiles {
  /** Owner may read and write, nobody else may do anything: for keys and credentials. */
  public static final Set<PosixFilePermission> OWNER_ONLY =
      Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

  private static final Set<PosixFilePermission> ORDINARY =
      PosixFilePermissions.fromString("rw-r--r--");
  private static final ReentrantLock[] TURNS = new ReentrantLock[64];

  static {
    for (int i = 0; i < TURNS.length; i++) {
      TURNS[i] = new ReentrantLock();
    }
  }

  private DurableFiles() {}

  /**
   * Replaces {@code file} by {@code content}; missing folders are made. When this returns, the new
   * content survives a power cut; when it throws or the process dies in between, the file is the
   * old one or the new one.
   *
   * @throws DurableException {@code IO_FAILED}
   */
  public static void writeAtomically(Path file, byte[] content) {
    writeAtomically(file, content, ORDINARY);
  }

  /**
   * As {@link #writeAtomically(Path, byte[])}; the file has these permissions from its first byte
   * on, so that a key is at no moment readable by others.
   */
  public static void writeAtomically(
      Path file, byte[] content, Set<PosixFilePermission> permissions) {
    Path target = file.toAbsolutePath();
    Path folder = target.getParent();
    Path name = target.getFileName();
    if (folder == null || name == null) {
      throw new DurableException(
          DurableException.IO_FAILED,
          "Cannot write " + file + ": it is a folder; name a file inside it",
          null);
    }
    ReentrantLock turn = TURNS[Math.floorMod(target.hashCode(), TURNS.length)];
    turn.lock();
    try {
      createDirectories(folder);
      Path aside = folder.resolve("." + name + ".~new");
      uninterrupted(
          "write",
          target,
          () -> {
            writeAside(aside, content, permissions);
            rename(aside, target);
          });
      syncDirectory(folder);
    } finally {
      turn.unlock();
    }
  }

  private static void writeAside(Path aside, byte[] content, Set<PosixFilePermission> permissions)
      throws IOException {
    DiskWatch.Watcher watcher = DiskWatch.watcher();
    if (Files.deleteIfExists(aside) && watcher != null) {
      watcher.deleted(aside);
    }
    boolean posix = aside.getFileSystem().supportedFileAttributeViews().contains("posix");
    FileAttribute<?>[] attributes =
        posix
            ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions)}
            : new FileAttribute<?>[0];
    try (FileChannel channel =
        FileChannel.open(
            aside, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), attributes)) {
      ByteBuffer buffer = ByteBuffer.wrap(content);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      if (watcher != null) {
        watcher.made(aside);
        watcher.wrote(aside, 0, content);
      }
      channel.force(true);
      if (watcher != null) {
        watcher.synced(aside);
      }
    }
  }

  private static void rename(Path from, Path to) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    DiskWatch.Watcher watcher = DiskWatch.watcher();
    if (watcher != null) {
      watcher.moved(from.toAbsolutePath(), to.toAbsolutePath());
    }
  }

  /**
   * Gives a file or folder another name within its file system; what the new name held before is
   * replaced when it is a file. Durable when it returns, the content only if it was synced.
   *
   * @throws DurableException {@code IO_FAILED}
   */
  public static void move(Path from, Path to) {
    Path target = to.toAbsolutePath();
    Path folder = target.getParent();
    Path old = from.toAbsolutePath().getParent();
    if (folder == null || old == null) {
      throw new DurableException(
          DurableException.IO_FAILED, "Cannot move " + from + " to " + to + ": name a file", null);
    }
    createDirectories(folder);
    try {
      rename(from, target);
    } catch (IOException e) {
      throw failed("move " + from + " to", to, e);
    }
    syncDirectory(folder);
    if (!old.equals(folder)) {
      syncDirectory(old);
    }
  }

  /** Waits until the disk has what others wrote into this file. */
  public static void syncFile(Path file) {
    uninterrupted(
        "sync",
        file,
        () -> {
          try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            channel.force(true);
          }
          DiskWatch.Watcher watcher = DiskWatch.watcher();
          if (watcher != null) {
            watcher.synced(file.toAbsolutePath());
          }
        });
  }

  /** As {@link #syncFile} for all regular files and folders below this one, and itself. */
  public static void syncTree(Path top) {
    try (Stream<Path> walk = Files.walk(top)) {
      for (Path p : walk.sorted(Comparator.reverseOrder()).toList()) {
        if (Files.isDirectory(p, LinkOption.NOFOLLOW_LINKS)) {
          syncDirectory(p);
        } else if (Files.isRegularFile(p, LinkOption.NOFOLLOW_LINKS)) {
          syncFile(p);
        }
      }
    } catch (IOException e) {
      throw failed("sync", top, e);
    }
  }

  /**
   * Deletes a folder with all in it, or one file; does nothing when it is not there. Its own name
   * does not come back after a power cut.
   */
  public static void deleteTree(Path top) {
    if (!Files.exists(top, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (Stream<Path> walk = Files.walk(top)) {
      DiskWatch.Watcher watcher = DiskWatch.watcher();
      for (Path p : walk.sorted(Comparator.reverseOrder()).toList()) {
        if (Files.deleteIfExists(p) && watcher != null) {
          watcher.deleted(p.toAbsolutePath());
        }
      }
    } catch (IOException e) {
      throw failed("delete", top, e);
    }
    Path folder = top.toAbsolutePath().getParent();
    if (folder != null) {
      syncDirectory(folder);
    }
  }

  /**
   * The whole content, or empty when there is no such file.
   *
   * @throws DurableException {@code IO_FAILED} when it is there and cannot be read
   */
  public static Optional<byte[]> read(Path file) {
    try {
      return Optional.of(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw failed("read", file, e);
    }
  }

  /** Makes creations, renames and deletions in this folder survive a power cut. */
  public static void syncDirectory(Path folder) {
    uninterrupted(
        "sync the folder",
        folder,
        () -> {
          try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
          }
          DiskWatch.Watcher watcher = DiskWatch.watcher();
          if (watcher != null) {
            watcher.folderSynced(folder.toAbsolutePath());
          }
        });
  }

  /** Makes the folder and its missing parents, each made durable in its own parent. */
  public static void createDirectories(Path folder) {
    Path absolute = folder.toAbsolutePath();
    if (Files.isDirectory(absolute)) {
      return;
    }
    Path parent = absolute.getParent();
    if (parent == null) {
      return;
    }
    createDirectories(parent);
    try {
      Files.createDirectory(absolute);
      DiskWatch.Watcher watcher = DiskWatch.watcher();
      if (watcher != null) {
        watcher.madeFolder(absolute);
      }
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(absolute)) {
        throw failed("make the folder", absolute, e);
      }
    } catch (IOException e) {
      throw failed("make the folder", absolute, e);
    }
    syncDirectory(parent);
  }

  /** Deletes the file when it exists; when this returns it does not come back after a power cut. */
  public static void delete(Path file) {
    Path absolute = file.toAbsolutePath();
    try {
      if (Files.deleteIfExists(absolute)) {
        DiskWatch.Watcher watcher = DiskWatch.watcher();
        if (watcher != null) {
          watcher.deleted(absolute);
        }
        Path folder = absolute.getParent();
        if (folder != null && Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
          syncDirectory(folder);
        }
      }
    } catch (IOException e) {
      throw failed("delete", file, e);
    }
  }

  interface FileStep {
    void run() throws IOException;
  }

  /**
   * Runs a step that uses file channels. A channel closes itself when its thread is interrupted,
   * which would turn a mere wake-up into a failed write: the interrupt is put aside and set again
   * at the end.
   */
  static void uninterrupted(String what, Path file, FileStep step) {
    boolean interrupted = Thread.interrupted();
    try {
      while (true) {
        try {
          step.run();
          return;
        } catch (ClosedByInterruptException e) {
          interrupted = true;
          Thread.interrupted();
        } catch (IOException e) {
          throw failed(what, file, e);
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  static DurableException failed(String what, Path file, IOException cause) {
    return new DurableException(
        DurableException.IO_FAILED,
        "Cannot "
            + what
            + " "
            + file
            + " ("
            + reason(cause)
            + "); check that the disk has room and the folder is writable",
        cause);
  }

  private static String reason(IOException e) {
    String message = e.getMessage();
    return e.getClass().getSimpleName() + (message == null ? "" : ": " + message);
  }
}
