package io.ryegrass.eventstream;

import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;

/**
 * Buffers in which frames are gathered for one write. Lent while a connection writes, so that a
 * quiet connection holds none; a few are kept for the next one.
 */
final class WriteBuffers {
  static final int BYTES = 32 * 1024;
  private static final int KEPT = 16;

  private final ArrayBlockingQueue<ByteBuffer> free = new ArrayBlockingQueue<>(KEPT);

  ByteBuffer take() {
    ByteBuffer buffer = free.poll();
    return buffer == null ? ByteBuffer.allocateDirect(BYTES) : buffer.clear();
  }

  void give(ByteBuffer buffer) {
    boolean _ = free.offer(buffer);
  }
}
