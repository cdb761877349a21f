package io.ryegrass.mqtt;

import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Names of the files in a journal's folder, and the errors about them.
 *
 * <ul>
 *   <li>{@code journal/}: the log of changes;
 *   <li>{@code checkpoint-<number>}: the state before some offset of the log, messages by
 *       reference;
 *   <li>{@code messages-<number>}: messages that a checkpoint wrote aside, never changed;
 *   <li>{@code retained-<number>}: changes of retained messages, never changed;
 *   <li>{@code current}: the name of the checkpoint that counts.
 * </ul>
 */
final class JournalFiles {
  private static final Logger LOG = LoggerFactory.getLogger(JournalFiles.class);
  static final String LOG_FOLDER = "journal";
  static final String CURRENT = "current";
  static final String CHECKPOINT = "checkpoint-";
  static final String MESSAGES = "messages-";
  static final String RETAINED = "retained-";

  /** Folders of the format before this one. */
  static final String SNAPSHOT = "snapshot-";

  private final Path folder;
  private final Runnable afterStep;

  /**
   * Held shared while files of a checkpoint are read, exclusively while another becomes current.
   */
  final ReentrantReadWriteLock reading = new ReentrantReadWriteLock();

  /**
   * @param afterStep told after each change of a file or of the folder, so that a test can look at
   *     what a crash would leave
   */
  JournalFiles(Path folder, Runnable afterStep) {
    this.folder = folder;
    this.afterStep = afterStep;
  }

  void stepDone() {
    afterStep.run();
  }

  Path folder() {
    return folder;
  }

  Path log() {
    return folder.resolve(LOG_FOLDER);
  }

  Path checkpoint(int number) {
    return folder.resolve(CHECKPOINT + number);
  }

  Path messages(int number) {
    return folder.resolve(MESSAGES + number);
  }

  Path retained(int number) {
    return folder.resolve(RETAINED + number);
  }

  /** What {@code current} names, or an empty text. */
  String current() {
    return DurableFiles.read(folder.resolve(CURRENT))
        .map(b -> new String(b, StandardCharsets.UTF_8))
        .orElse("");
  }

  /** The files that this checkpoint needs have to be on the disk. */
  void setCurrent(String name) {
    DurableFiles.syncDirectory(folder); // their names as well
    stepDone();
    DurableFiles.writeAtomically(folder.resolve(CURRENT), name.getBytes(StandardCharsets.UTF_8));
  }

  /** Removes files of checkpoints that are not among these. What cannot be removed is told. */
  void removeAllBut(Set<String> kept) {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        String name = String.valueOf(file.getFileName());
        if (!kept.contains(name)
            && Stream.of(CHECKPOINT, MESSAGES, RETAINED, SNAPSHOT).anyMatch(name::startsWith)) {
          remove(file);
          stepDone();
        }
      }
    } catch (IOException e) {
      LOG.warn(
          "Files of old checkpoints in {} could not be removed; they only take space: {}",
          folder,
          e.toString());
    }
  }

  private static void remove(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      List<Path> inside;
      try (Stream<Path> files = Files.list(file)) {
        inside = files.toList();
      }
      for (Path f : inside) {
        Files.delete(f);
      }
    }
    Files.deleteIfExists(file);
  }

  static int crc(byte[] bytes, int from, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, from, length);
    return (int) crc.getValue();
  }

  /** Reads exactly this part; null when the file ends before. */
  static byte @Nullable [] read(Path file, long position, int length) throws IOException {
    try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
      if (position < 0 || length < 0 || position + length > in.length()) {
        return null;
      }
      byte[] bytes = new byte[length];
      in.seek(position);
      in.readFully(bytes);
      return bytes;
    }
  }

  static MqttBrokerException failed(String what, Path file, Exception cause) {
    if (cause instanceof DurableException || cause instanceof MqttBrokerException) {
      return new MqttBrokerException(
          MqttBrokerException.STORE_FAILED,
          "The MQTT journal cannot " + what + ": " + cause.getMessage(),
          cause);
    }
    return new MqttBrokerException(
        MqttBrokerException.STORE_FAILED,
        "The MQTT journal cannot "
            + what
            + " "
            + file
            + " ("
            + cause
            + "); check that the disk has room and the folder is readable and writable",
        cause);
  }

  /** Bytes that a checkpoint wrote are not as they were. */
  static MqttBrokerException damaged(Path file, long position, String remedy) {
    return new MqttBrokerException(
        MqttBrokerException.STORE_FAILED,
        "The MQTT journal's file "
            + file
            + " is damaged at byte "
            + position
            + "; check the disk, then "
            + remedy,
        null);
  }
}
