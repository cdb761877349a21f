package io.ryegrass.durable;

import java.util.zip.CRC32C;

/** The checksum of frames, made without allocating. For one thread at a time. */
final class FrameChecksum {
  private final CRC32C crc = new CRC32C();
  private final byte[] head = new byte[13];

  /** Of the kind, the length, the record's offset and the data. */
  int of(byte kind, long offset, byte[] data, int from, int length) {
    head[0] = kind;
    for (int i = 0; i < 4; i++) {
      head[1 + i] = (byte) (length >>> (24 - 8 * i));
    }
    for (int i = 0; i < 8; i++) {
      head[5 + i] = (byte) (offset >>> (56 - 8 * i));
    }
    crc.reset();
    crc.update(head, 0, head.length);
    crc.update(data, from, length);
    return (int) crc.getValue();
  }
}
