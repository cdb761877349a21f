package io.ryegrass.eventstream;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a stream of bytes into messages, however the bytes were fragmented or run together. Memory
 * grows with what has arrived, not with what a prelude claims. One thread only.
 */
final class MessageReader {
  private final InputStream in;

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
    byte[] start = in.readNBytes(MessageCodec.PRELUDE_BYTES);
    if (start.length == 0) {
      return null;
    }
    if (start.length < MessageCodec.PRELUDE_BYTES) {
      throw new EOFException("connection ended inside a prelude");
    }
    MessageCodec.Prelude prelude = MessageCodec.prelude(start, maxBytes);
    byte[] rest = in.readNBytes(prelude.totalBytes() - start.length);
    if (rest.length < prelude.totalBytes() - start.length) {
      throw new EOFException("connection ended inside a message");
    }
    byte[] frame = new byte[prelude.totalBytes()];
    System.arraycopy(start, 0, frame, 0, start.length);
    System.arraycopy(rest, 0, frame, start.length, rest.length);
    return MessageCodec.decode(frame);
  }
}
