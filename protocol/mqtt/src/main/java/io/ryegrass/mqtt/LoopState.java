package io.ryegrass.mqtt;

import java.util.ArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What belongs to one event loop and is touched by its thread alone: the topics in use, and the
 * connections that got something to send while a batch of input was handled.
 *
 * <p>A batch is what one socket had to read. What it causes is collected in the connections' output
 * buffers and written when the batch ends: one system call per receiver and batch, not one per
 * message.
 */
final class LoopState {
  private static final Logger LOG = LoggerFactory.getLogger(LoopState.class);

  /** Output is written at the latest after so many packets, however much there is to read. */
  private static final int MOST_PACKETS = 256;

  private final TopicCache topics = new TopicCache();
  private final ArrayList<Connection> touched = new ArrayList<>();
  private final Latencies latencies = new Latencies();
  private int depth;
  private int packets;
  private long nanos = System.nanoTime();

  TopicCache topics() {
    return topics;
  }

  Latencies latencies() {
    return latencies;
  }

  /** {@code System.nanoTime()} of the batch's begin; exact enough for rates and latencies. */
  long nanos() {
    return nanos;
  }

  void begin() {
    if (depth++ == 0) {
      nanos = System.nanoTime();
    }
  }

  void end() {
    if (depth == 1) {
      writeAll();
    }
    depth--;
  }

  /** One more packet of this batch was handled. */
  void packetDone() {
    if (++packets >= MOST_PACKETS) {
      writeAll();
      nanos = System.nanoTime();
    }
  }

  void touch(Connection connection) {
    touched.add(connection);
  }

  /** Connections that are touched meanwhile are added behind and written, too. */
  private void writeAll() {
    packets = 0;
    if (touched.isEmpty()) {
      return;
    }
    long now = System.nanoTime();
    for (int i = 0; i < touched.size(); i++) {
      Connection each = touched.get(i);
      try {
        each.endOfBatch(now);
      } catch (RuntimeException e) {
        // Its own fault, not that of whoever sent the batch.
        LOG.warn("What waited for MQTT client {} could not be sent", each.packets().describe(), e);
        each.terminate(DisconnectReason.SERVER_ERROR.name());
      }
    }
    touched.clear();
  }
}
