package io.ryegrass.mqtt;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What goes out on one connection: packets are encoded one behind the other into a buffer, which is
 * given to the socket when it is large or a batch ends. Event loop only.
 */
final class Output {
  /** A buffer of this size goes to the socket's queue at once. */
  private static final int CHUNK = 32 << 10;

  private final ChannelHandlerContext context;
  private final Counters counters;
  private final Latencies latencies;
  private int version = 4;
  private long maximumPacketSize;
  private int aliasMaximum;
  private boolean reasonStrings = true;
  private @Nullable Map<Topic, Integer> aliases;
  private @Nullable ByteBuf buffer;
  private boolean written;
  private int expected = 256;
  private long arrivedNanos;
  private int arrived;

  Output(ChannelHandlerContext context, Counters counters, Latencies latencies) {
    this.context = context;
    this.counters = counters;
    this.latencies = latencies;
  }

  /**
   * @param maximum largest packet that the client takes, 0 for any
   */
  void speak(int protocolVersion, long maximum, int topicAliasMaximum, boolean problemInformation) {
    version = protocolVersion;
    maximumPacketSize = maximum;
    aliasMaximum = topicAliasMaximum;
    reasonStrings = problemInformation;
  }

  int version() {
    return version;
  }

  private ByteBuf buffer() {
    ByteBuf b = buffer;
    if (b == null) {
      b = context.alloc().ioBuffer(expected);
      buffer = b;
    }
    return b;
  }

  /** False when the client does not take packets of that size [MQTT5-3.1.2-24]. */
  boolean publish(Queued q, int packetId, boolean duplicate, long nowMillis) {
    Message m = q.message();
    long left = m.expiresAt() == 0 ? -1 : Math.max(1, (m.expiresAt() - nowMillis + 999) / 1_000);
    int alias = 0;
    boolean named = true;
    if (aliasMaximum > 0) {
      Map<Topic, Integer> known = aliases == null ? aliases = new HashMap<>(8) : aliases;
      Integer set = known.get(m.topic());
      if (set != null) {
        alias = set;
        named = false;
      } else if (known.size() < aliasMaximum) {
        alias = known.size() + 1;
      }
    }
    if (maximumPacketSize > 0
        && PacketEncoder.publishSize(version, q, packetId, duplicate, alias, named, left)
            > maximumPacketSize) {
      return false;
    }
    if (alias > 0 && named && aliases != null) {
      aliases.put(m.topic(), alias);
    }
    PacketEncoder.publish(buffer(), version, q, packetId, duplicate, alias, named, left);
    counters.publishesSent.increment();
    counters.bytesSent.add(m.payload().length);
    count(m.receivedNanos());
    writeIfLarge();
    return true;
  }

  /** Messages of one batch have the same time of arrival and are recorded together. */
  private void count(long receivedNanos) {
    if (receivedNanos != arrivedNanos) {
      recordLatencies(System.nanoTime());
      arrivedNanos = receivedNanos;
    }
    arrived++;
  }

  private void recordLatencies(long now) {
    if (arrived > 0 && arrivedNanos != 0) {
      latencies.record(now - arrivedNanos, arrived);
    }
    arrived = 0;
  }

  void ack(int type, int packetId, int reasonCode, @Nullable String reason) {
    PacketEncoder.ack(buffer(), version, type, packetId, reasonCode, reasonStrings ? reason : null);
    writeIfLarge();
  }

  void connAck(boolean present, int reasonCode, ConnAckProperties properties) {
    PacketEncoder.connAck(buffer(), version, present, reasonCode, properties);
  }

  void subAck(int packetId, int[] codes) {
    PacketEncoder.subAck(buffer(), version, packetId, codes);
  }

  void unsubAck(int packetId, int[] codes) {
    PacketEncoder.unsubAck(buffer(), version, packetId, codes);
  }

  void pingResp() {
    PacketEncoder.pingResp(buffer());
  }

  /** MQTT 5 only; older clients just see the end. */
  void disconnect(int reasonCode, @Nullable String reason) {
    if (version >= 5) {
      PacketEncoder.disconnect(buffer(), reasonCode, reason);
    }
  }

  private void writeIfLarge() {
    ByteBuf b = buffer;
    if (b != null && b.readableBytes() >= CHUNK) {
      write(b);
    }
  }

  private void write(ByteBuf b) {
    expected = Math.clamp(b.readableBytes() + 64L, 256, CHUNK + (CHUNK >> 2));
    buffer = null;
    context.write(b, context.voidPromise());
    written = true;
    if (!context.channel().isWritable()) {
      context.flush(); // the socket may take it now; else the client is slow
    }
  }

  /** Gives everything to the socket. */
  void flush(long now) {
    ByteBuf b = buffer;
    if (b != null) {
      write(b);
    }
    if (written) {
      written = false;
      context.flush();
      recordLatencies(now);
    }
  }

  /** The channel is closed. */
  void release() {
    ByteBuf b = buffer;
    buffer = null;
    if (b != null) {
      b.release();
    }
  }
}
