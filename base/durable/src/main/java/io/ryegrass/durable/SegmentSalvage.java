package io.ryegrass.durable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Finds where a damaged segment can be read again.
 *
 * <p>The algorithm: of a segment that was sealed two things are known, the offset behind its last
 * record (the next segment's name) and that its last frame ends with the file. So from a position
 * behind the damage the lengths of the frames are walked; when they lead exactly to the end of the
 * file, the number of records on the way tells the offset of the first one, and with it its
 * checksum can be checked. The first position where that holds is the place. False beginnings end
 * after a frame or two, because a kind or a length does not fit.
 */
final class SegmentSalvage {
  /**
   * @param position in the file
   * @param offset of the record there
   */
  record Place(long position, long offset) {}

  private final byte[] file;
  private final FrameChecksum checksum = new FrameChecksum();

  private SegmentSalvage(byte[] file) {
    this.file = file;
  }

  /**
   * @param damaged offset of the record that cannot be read
   * @param end offset behind the segment's last record
   * @return where reading goes on; position -1 and offset {@code end} when nowhere in this segment
   */
  static Place after(Path segment, long damaged, long end) {
    try {
      return new SegmentSalvage(Files.readAllBytes(segment)).find(damaged, end);
    } catch (IOException | OutOfMemoryError e) {
      return new Place(-1, end); // nothing of it can be read
    }
  }

  private Place find(long damaged, long end) {
    for (int at = SegmentFile.HEADER; at + SegmentFile.FRAME_HEADER <= file.length; at++) {
      int length = lengthAt(at);
      if (length < 0 || file[at] != SegmentFile.KIND_RECORD) {
        continue;
      }
      long offset = end - recordsFrom(at);
      if (offset > damaged
          && offset < end
          && checksum.of(
                  SegmentFile.KIND_RECORD, offset, file, at + SegmentFile.FRAME_HEADER, length)
              == ByteBuffer.wrap(file).getInt(at + 5)) {
        return new Place(at, offset);
      }
    }
    return new Place(-1, end);
  }

  /** Records from a position to the end of the file; a number that never fits when it is no way. */
  private long recordsFrom(int start) {
    long records = 0;
    int at = start;
    while (at < file.length) {
      int length = lengthAt(at);
      if (length < 0) {
        return Long.MAX_VALUE;
      }
      records += file[at] == SegmentFile.KIND_RECORD ? 1 : 0;
      at += SegmentFile.FRAME_HEADER + length;
    }
    return records;
  }

  /** Length of the data of a frame that may begin here; -1 when none does. */
  private int lengthAt(int at) {
    if (at + SegmentFile.FRAME_HEADER > file.length
        || (file[at] != SegmentFile.KIND_RECORD && file[at] != SegmentFile.KIND_MARK)) {
      return -1;
    }
    int length = ByteBuffer.wrap(file).getInt(at + 1);
    return length < 0 || length > file.length - at - SegmentFile.FRAME_HEADER ? -1 : length;
  }
}
