package io.ryegrass.eventstream;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a stream of bytes into messages, however the bytes were fragmented or run together. Memory
 * grows with what has arrived, not with what a prelude claims. One thread only.
 */
final class MessageReader {
  /** A frame up to this size gets its memory at once. */
  private static final int SMALL_BYTES = 16 * 1024;

  private final InputStream in;
  private final byte[] start = new byte[MessageCodec.PRELUDE_BYTES];

  MessageReader(InputStream in) {
    this.in = in;
  }

  /**
   * @return the next message, or null when the peer closed between two messages
   * @throws EOFException when the peer closed inside a message
   * @throws EventStreamException when the bytes are damaged or beyond {@code maxBytes}; nothing
   *     more can be read then
   */
  @Nullable EventStreamMessage read(int maxBytes) throws IOException {
    MessageCodec.Prelude prelude = prelude(maxBytes);
    return prelude == null ? null : rest(prelude);
  }

  /** The verified start of the next message; {@link #rest} must follow. Null at the end. */
  MessageCodec.@Nullable Prelude prelude(int maxBytes) throws IOException {
    int length = in.readNBytes(start, 0, start.length);
    if (length == 0) {
      return null;
    }
    if (length < start.length) {
      throw new EOFException("connection ended inside a prelude");
    }
    return MessageCodec.prelude(start, maxBytes);
  }

  EventStreamMessage rest(MessageCodec.Prelude prelude) throws IOException {
    int total = prelude.totalBytes();
    byte[] frame = Arrays.copyOf(start, Math.min(total, SMALL_BYTES));
    int have = start.length;
    while (have < total) {
      if (have == frame.length) {
        frame = Arrays.copyOf(frame, (int) Math.min(total, frame.length * 4L));
      }
      int read = in.read(frame, have, frame.length - have);
      if (read < 0) {
        throw new EOFException("connection ended inside a message");
      }
      have += read;
    }
    return MessageCodec.content(frame, prelude);
  }
}
