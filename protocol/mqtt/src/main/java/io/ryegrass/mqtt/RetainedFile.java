package io.ryegrass.mqtt;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Changes of retained messages in their order, or all of them.
 *
 * @param number of the file
 * @param bytes its size
 * @param crc of all its bytes
 */
record RetainedFile(int number, long bytes, int crc) {
  private static final int SET = 1;
  private static final int REMOVED = 2;

  /**
   * @param changes by topic; null for one that was removed
   */
  static RetainedFile write(Path path, int number, Map<String, @Nullable Message> changes)
      throws IOException {
    CRC32C crc = new CRC32C();
    ByteWriter head = new ByteWriter(256);
    ByteWriter body = new ByteWriter(256);
    try (FileOutput out = new FileOutput(path)) {
      for (Map.Entry<String, @Nullable Message> change : changes.entrySet()) {
        Message m = change.getValue();
        head.clear();
        if (m == null) {
          put(out, crc, head.u8(REMOVED).text(change.getKey()));
          continue;
        }
        MessageCodec.head(body.clear(), m);
        head.u8(SET).varint((long) body.size() + m.payload().length);
        put(out, crc, head.raw(body.array(), 0, body.size()));
        crc.update(m.payload());
        out.write(m.payload(), 0, m.payload().length);
      }
      out.finish();
      return new RetainedFile(number, out.position(), (int) crc.getValue());
    }
  }

  private static void put(FileOutput out, CRC32C crc, ByteWriter bytes) throws IOException {
    crc.update(bytes.array(), 0, bytes.size());
    out.write(bytes);
  }

  void readInto(Path path, Map<String, Message> retained, MessageCodec.Names names)
      throws IOException {
    byte[] all = JournalFiles.read(path, 0, Math.toIntExact(bytes));
    if (all == null || JournalFiles.crc(all, 0, all.length) != crc) {
      throw JournalFiles.damaged(path, 0, "restore the folder from a copy");
    }
    ByteReader in = new ByteReader(all);
    while (in.hasMore()) {
      if (in.u8() == REMOVED) {
        retained.remove(in.text());
        continue;
      }
      int length = in.intVarint();
      int from = in.position();
      Message m = MessageCodec.read(new ByteReader(all, from, from + length), names);
      in.skip(length);
      retained.put(m.topic().name(), m);
    }
  }
}
