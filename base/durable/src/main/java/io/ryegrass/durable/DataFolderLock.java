package io.ryegrass.durable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One process per data folder. The lock is the operating system's on {@code <folder>/.lock}: it
 * ends with the process however that ends, so a stale lock cannot exist. The file holds the
 * holder's process id for the message to the second one.
 */
public final class DataFolderLock implements AutoCloseable {
  /**
   * Folders that this process holds. POSIX gives up a process's lock when it closes <em>any</em>
   * descriptor of the file, so a second attempt in the same process must be refused before it opens
   * the file.
   */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path folder;
  private final FileChannel channel;
  private final FileLock lock;

  private DataFolderLock(Path folder, FileChannel channel, FileLock lock) {
    this.folder = folder;
    this.channel = channel;
    this.lock = lock;
  }

  /**
   * Locks the folder, making it when it is missing.
   *
   * @throws DurableException {@code FOLDER_LOCKED} with one sentence that names the holder and the
   *     remedy, {@code IO_FAILED} when the folder cannot be written
   */
  @SuppressWarnings("Finally") // the folder is released exactly when the lock was not taken
  public static DataFolderLock acquire(Path folder) {
    DurableFiles.createDirectories(folder);
    Path real = realPath(folder);
    if (!HELD.add(real)) {
      throw locked(folder, "this process (" + ProcessHandle.current().pid() + ")");
    }
    boolean taken = false;
    try {
      DataFolderLock result = open(folder, real);
      taken = true;
      return result;
    } finally {
      if (!taken) {
        HELD.remove(real);
      }
    }
  }

  private static DataFolderLock open(Path folder, Path real) {
    Path file = real.resolve(".lock");
    FileChannel channel;
    try {
      channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw DurableFiles.failed("lock the folder: cannot open", file, e);
    }
    try {
      FileLock lock = channel.tryLock();
      if (lock == null) {
        String holder = readHolder(channel);
        channel.close();
        throw locked(folder, holder.isEmpty() ? "another process" : "process " + holder);
      }
      channel.truncate(0);
      channel.write(
          ByteBuffer.wrap(
              Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII)),
          0);
      return new DataFolderLock(real, channel, lock);
    } catch (OverlappingFileLockException e) {
      throw locked(folder, "this process (" + ProcessHandle.current().pid() + ")");
    } catch (IOException e) {
      throw DurableFiles.failed("lock", file, e);
    }
  }

  private static Path realPath(Path folder) {
    try {
      return folder.toRealPath();
    } catch (IOException e) {
      throw DurableFiles.failed("find the folder", folder, e);
    }
  }

  private static String readHolder(FileChannel channel) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(32);
    channel.read(buffer, 0);
    String text = StandardCharsets.US_ASCII.decode(buffer.flip()).toString().strip();
    return text.chars().allMatch(c -> c >= '0' && c <= '9') ? text : "";
  }

  private static DurableException locked(Path folder, String holder) {
    return new DurableException(
        DurableException.FOLDER_LOCKED,
        "The folder "
            + folder
            + " is in use by "
            + holder
            + "; stop that process or choose another folder",
        null);
  }

  /**
   * Gives the folder free. The lock file stays: deleting it would let two processes lock two
   * different files.
   */
  @Override
  public void close() {
    if (HELD.remove(folder)) {
      try {
        lock.release();
        channel.close();
      } catch (IOException e) {
        throw DurableFiles.failed("unlock", folder.resolve(".lock"), e);
      }
    }
  }
}
