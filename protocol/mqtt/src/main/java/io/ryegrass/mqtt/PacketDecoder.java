package io.ryegrass.mqtt;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import org.jspecify.annotations.Nullable;

/**
 * Cuts the stream of bytes into packets and fires each as a {@link Packet}. The first fault is
 * fired as a {@link MalformedPacketException}, as a message in its place among the packets; all
 * that comes later is thrown away.
 *
 * <p>Not Netty's ByteToMessageDecoder: packets that are whole in the buffer as it was read are
 * parsed right there, and of a packet that is not, only its own bytes are kept, in a buffer that
 * grows with what has come and not with what was announced. So a connection that sends one byte
 * holds a few dozen bytes and not a read buffer, and no byte is copied twice on the way in. Reads
 * are asked for by the channel (auto-read) or by whoever handles the packets, never from here.
 */
final class PacketDecoder extends ChannelInboundHandlerAdapter {
  private final int maximumPacket;
  private final int maximumConnect;
  private final PacketParser parser;

  /** The packet that has not come in full; null for none. */
  private @Nullable ByteBuf held;

  private boolean stopped;

  // Of the fixed header that was read last; packetBytes is 0 while it has not come in full.
  private int packetBytes;
  private int headerBytes;
  private boolean shortestLength;

  /**
   * @param maximumPacket largest packet in bytes, with its header
   * @param maximumConnect the same for the CONNECT, which comes before anybody is authenticated
   * @param topics of this event loop
   */
  PacketDecoder(int maximumPacket, int maximumConnect, TopicCache topics) {
    this.maximumPacket = maximumPacket;
    this.maximumConnect = maximumConnect;
    this.parser = new PacketParser(topics);
  }

  /**
   * Which form an answer has: 3, 4 or 5 as soon as a CONNECT said so; after an unsupported level
   * (reason code 0x84) the version whose CONNACK is likely to be understood; 0 when nothing is
   * known and the connection is to be closed without an answer.
   */
  int version() {
    return parser.version();
  }

  /** From now on all input is thrown away. */
  void stop() {
    stopped = true;
    release();
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (!(message instanceof ByteBuf in)) {
      ctx.fireChannelRead(message);
      return;
    }
    try {
      if (!stopped) {
        decode(ctx, in);
      }
    } catch (MalformedPacketException fault) {
      stop();
      ctx.fireChannelRead(fault);
    } finally {
      in.release();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    stop();
    ctx.fireChannelInactive();
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext ctx) {
    stop();
  }

  private void decode(ChannelHandlerContext ctx, ByteBuf in) throws MalformedPacketException {
    if (held != null) {
      Packet packet = complete(held, in);
      if (packet == null) {
        return;
      }
      ctx.fireChannelRead(packet);
    }
    // Whoever handles a packet may stop the decoder.
    while (!stopped && in.isReadable()) {
      int available = in.readableBytes();
      int start = in.readerIndex();
      readHeader(in, start, available);
      if (packetBytes == 0 || packetBytes > available) {
        held = hold(ctx, in, available);
        return;
      }
      Packet packet = parse(in, start);
      in.readerIndex(start + packetBytes);
      ctx.fireChannelRead(packet);
    }
  }

  /** Takes what the held packet lacks from the input; null when that is not enough. */
  private @Nullable Packet complete(ByteBuf partial, ByteBuf in) throws MalformedPacketException {
    while (packetBytes == 0) {
      if (!in.isReadable()) {
        return null;
      }
      partial.writeByte(in.readByte());
      readHeader(partial, 0, partial.writerIndex());
    }
    int lacking = packetBytes - partial.writerIndex();
    if (lacking > in.readableBytes()) {
      partial.writeBytes(in);
      return null;
    }
    partial.writeBytes(in, lacking);
    Packet packet = parse(partial, 0);
    release();
    return packet;
  }

  private ByteBuf hold(ChannelHandlerContext ctx, ByteBuf in, int available) {
    int expected = Math.max(16, 2 * available);
    ByteBuf partial =
        ctx.alloc().heapBuffer(packetBytes == 0 ? expected : Math.min(packetBytes, expected));
    partial.writeBytes(in);
    return partial;
  }

  private void release() {
    ByteBuf partial = held;
    held = null;
    if (partial != null) {
      partial.release();
    }
  }

  private Packet parse(ByteBuf in, int start) throws MalformedPacketException {
    return parser.parse(
        in.getUnsignedByte(start),
        in,
        start + headerBytes,
        start + packetBytes,
        packetBytes,
        shortestLength);
  }

  /** Section 2.1: type and flags, then a remaining length of one to four bytes. */
  private void readHeader(ByteBuf in, int start, int available) throws MalformedPacketException {
    packetBytes = 0;
    parser.checkFirst(in.getUnsignedByte(start));
    int length = 0;
    for (int i = 1; i <= 4; i++) {
      if (i >= available) {
        return;
      }
      int octet = in.getByte(start + i);
      length |= (octet & 0x7F) << 7 * (i - 1);
      if (octet >= 0) {
        shortestLength = octet != 0 || i == 1;
        headerBytes = 1 + i;
        checkSize(headerBytes + length);
        packetBytes = headerBytes + length;
        return;
      }
    }
    throw PacketCursor.malformed("the remaining length has more than four bytes");
  }

  private void checkSize(int bytes) throws MalformedPacketException {
    if (bytes > maximumPacket || (!parser.connected() && bytes > maximumConnect)) {
      throw new MalformedPacketException(
          ReasonCode.PACKET_TOO_LARGE, "a packet of " + bytes + " bytes");
    }
  }
}
