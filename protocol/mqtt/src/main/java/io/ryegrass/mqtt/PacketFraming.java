package io.ryegrass.mqtt;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.util.List;

/**
 * Cuts the stream into packets by their remaining length before they are decoded.
 *
 * <p>Netty's decoder reads strings as long as they say they are, beyond the packet's own end if
 * need be, and so would take the following packets for a part of this one. Given one whole packet
 * at a time it must make exactly one message of each; {@link Connection} closes when it does not.
 */
final class PacketFraming extends ByteToMessageDecoder {
  private final int maxPacketBytes;
  private final Connection connection;

  PacketFraming(int maxPacketBytes, Connection connection) {
    this.maxPacketBytes = maxPacketBytes;
    this.connection = connection;
  }

  @Override
  protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
    int at = in.readerIndex() + 1;
    int length = 0;
    for (int i = 0; ; i++) {
      if (at + i >= in.writerIndex()) {
        return;
      }
      int b = in.getUnsignedByte(at + i);
      length |= (b & 0x7F) << (7 * i);
      if ((b & 0x80) == 0) {
        at += i + 1;
        break;
      }
      if (i == 3) { // [MQTT-2.2.3]: at most four bytes
        reject(in, "a remaining length of more than four bytes");
        return;
      }
    }
    if (length > maxPacketBytes) {
      reject(in, "a packet of " + length + " bytes");
      return;
    }
    int end = at + length;
    if (end <= in.writerIndex()) {
      connection.packetBegins();
      out.add(in.readRetainedSlice(end - in.readerIndex()));
    }
  }

  private void reject(ByteBuf in, String what) {
    in.skipBytes(in.readableBytes());
    connection.protocolError(what);
  }
}
