package io.ryegrass.mqtt;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A checkpoint: first the lists of the sessions ({@link OwedList}), then a directory with all that
 * is needed at a start, then where the directory lies.
 */
final class CheckpointFile {
  private static final long MAGIC = 0x5259_4743_4850_5431L; // "RYGCHPT1"
  private static final int TRAILER = 8 + 4 + 4 + 8;

  private CheckpointFile() {}

  /**
   * @param number of the checkpoint's own file
   * @param offset records of the log below it are in the checkpoint
   * @param nextFile numbers of files below it are used up
   * @param messageFiles number to size
   * @param bytes size of the checkpoint's own file
   */
  record Directory(
      int number,
      long offset,
      long nextNumber,
      int nextFile,
      Map<Integer, Long> messageFiles,
      List<RetainedFile> retainedFiles,
      Map<Long, StoredList> lists,
      long bytes) {
    static final Directory NONE = new Directory(0, 0, 1, 1, Map.of(), List.of(), Map.of(), 0);

    /** All files together. */
    long bytesOnDisk() {
      long sum = bytes;
      for (long size : messageFiles.values()) {
        sum += size;
      }
      for (RetainedFile f : retainedFiles) {
        sum += f.bytes();
      }
      return sum;
    }
  }

  /** What the directory says of a session. */
  record Session(
      long incarnation,
      SessionMeta meta,
      Collection<Subscription> subscriptions,
      StoredList list) {}

  /** Ends the file; the lists are written already. */
  static Directory finish(
      FileOutput out,
      int number,
      long offset,
      long nextNumber,
      int nextFile,
      Map<Integer, Long> messageFiles,
      List<RetainedFile> retainedFiles,
      List<Session> sessions)
      throws IOException {
    ByteWriter d = new ByteWriter(64 << 10);
    d.varint(number).varint(offset).varint(nextNumber).varint(nextFile);
    d.varint(messageFiles.size());
    messageFiles.forEach((file, size) -> d.varint(file).varint(size));
    d.varint(retainedFiles.size());
    for (RetainedFile f : retainedFiles) {
      d.varint(f.number()).varint(f.bytes()).fixed32(f.crc());
    }
    Map<Long, StoredList> lists = new LinkedHashMap<>();
    d.varint(sessions.size());
    for (Session s : sessions) {
      write(d, s);
      lists.put(s.incarnation(), s.list());
    }
    long position = out.position();
    out.write(d);
    ByteWriter trailer = new ByteWriter(TRAILER);
    trailer.fixed64(position).fixed32(d.size());
    trailer.fixed32(JournalFiles.crc(d.array(), 0, d.size())).fixed64(MAGIC);
    out.write(trailer);
    out.finish();
    return new Directory(
        number, offset, nextNumber, nextFile, messageFiles, retainedFiles, lists, out.position());
  }

  private static void write(ByteWriter d, Session s) {
    d.varint(s.incarnation()).text(s.meta().clientId());
    d.varint(s.meta().expirySeconds()).varint(s.meta().disconnectedAt());
    StoredList list = s.list();
    d.varint(list.length());
    if (list.length() > 0) {
      d.varint(list.position()).fixed32(list.crc()).varint(list.messages()).varint(list.bytes());
    }
    d.varint(s.subscriptions().size());
    for (Subscription sub : s.subscriptions()) {
      JournalRecords.subscription(d, sub);
    }
  }

  /** Gives the sessions to the list. */
  static Directory read(Path path, List<Session> sessions) {
    String remedy =
        "restore the folder from a copy, or move it aside, which gives up all stored sessions and"
            + " retained messages";
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "r")) {
      long size = file.length();
      byte[] trailer = new byte[TRAILER];
      if (size < TRAILER) {
        throw JournalFiles.damaged(path, size, remedy);
      }
      file.seek(size - TRAILER);
      file.readFully(trailer);
      ByteReader t = new ByteReader(trailer);
      long position = t.fixed64();
      int length = t.fixed32();
      int crc = t.fixed32();
      if (t.fixed64() != MAGIC || length < 0 || position + length + TRAILER != size) {
        throw JournalFiles.damaged(path, size - TRAILER, remedy);
      }
      byte[] directory = new byte[length];
      file.seek(position);
      file.readFully(directory);
      if (JournalFiles.crc(directory, 0, length) != crc) {
        throw JournalFiles.damaged(path, position, remedy);
      }
      return decode(new ByteReader(directory), sessions, size);
    } catch (IOException e) {
      throw JournalFiles.failed("read the checkpoint", path, e);
    }
  }

  private static Directory decode(ByteReader d, List<Session> sessions, long size) {
    int number = d.intVarint();
    long offset = d.varint();
    long nextNumber = d.varint();
    int nextFile = d.intVarint();
    Map<Integer, Long> messageFiles = new LinkedHashMap<>();
    for (long n = d.varint(); n > 0; n--) {
      messageFiles.put(d.intVarint(), d.varint());
    }
    List<RetainedFile> retainedFiles = new ArrayList<>();
    for (long n = d.varint(); n > 0; n--) {
      retainedFiles.add(new RetainedFile(d.intVarint(), d.varint(), d.fixed32()));
    }
    Map<Long, StoredList> lists = new LinkedHashMap<>();
    for (long n = d.varint(); n > 0; n--) {
      long incarnation = d.varint();
      SessionMeta meta = new SessionMeta(d.text(), d.varint(), d.varint());
      int length = d.intVarint();
      StoredList list = StoredList.NONE;
      if (length > 0) {
        long position = d.varint();
        int crc = d.fixed32();
        list = new StoredList(position, length, crc, d.intVarint(), d.varint());
      }
      int count = d.intVarint();
      List<Subscription> subscriptions = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        subscriptions.add(JournalRecords.subscription(d));
      }
      sessions.add(new Session(incarnation, meta, subscriptions, list));
      lists.put(incarnation, list);
    }
    return new Directory(
        number, offset, nextNumber, nextFile, messageFiles, retainedFiles, lists, size);
  }
}
