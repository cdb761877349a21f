package io.ryegrass.eventstream;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.CRC32;

/**
 * The headers of a data message with everything in place but the stream's id: answers and events
 * are most of what a server sends, and they differ in nothing else (v2-ipc.md §3.2).
 */
final class FrameTemplate {
  /** Shapes of one service model, twice: bounded by the model, not by clients. */
  private static final Map<String, FrameTemplate> LAST = new ConcurrentHashMap<>();

  private static final Map<String, FrameTemplate> CONTINUING = new ConcurrentHashMap<>();

  /** Header name, type byte and value of an int32. */
  private static final int ID_VALUE_BYTES = 4;

  private final byte[] headers;

  private FrameTemplate(boolean last, String shape) {
    byte[] frame =
        RpcMessage.frame(
            last ? RpcMessage.TERMINATE : 0, 0, RpcMessage.dataHeaders(null, shape), new byte[0]);
    int length = ByteBuffer.wrap(frame).getInt(4);
    headers = new byte[length];
    System.arraycopy(frame, MessageCodec.PRELUDE_BYTES, headers, 0, length);
  }

  /**
   * @param last whether the message ends its stream
   */
  static FrameTemplate of(boolean last, String shape) {
    return (last ? LAST : CONTINUING).computeIfAbsent(shape, s -> new FrameTemplate(last, s));
  }

  int size(byte[] body) {
    return MessageCodec.MIN_MESSAGE_BYTES + headers.length + body.length;
  }

  byte[] encode(int streamId, byte[] body) {
    byte[] frame = new byte[size(body)];
    ByteBuffer out = ByteBuffer.wrap(frame);
    out.putInt(frame.length).putInt(headers.length);
    CRC32 crc = new CRC32();
    crc.update(frame, 0, 8);
    out.putInt((int) crc.getValue());
    out.put(headers);
    // the id is the last header, so its value ends the headers
    out.putInt(out.position() - ID_VALUE_BYTES, streamId);
    out.put(body);
    crc.update(frame, 8, frame.length - 12);
    out.putInt((int) crc.getValue());
    return frame;
  }
}
