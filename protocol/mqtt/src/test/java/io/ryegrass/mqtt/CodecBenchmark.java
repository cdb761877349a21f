package io.ryegrass.mqtt;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.mqtt.MqttDecoder;
import io.netty.handler.codec.mqtt.MqttEncoder;
import io.netty.handler.codec.mqtt.MqttFixedHeader;
import io.netty.handler.codec.mqtt.MqttMessageType;
import io.netty.handler.codec.mqtt.MqttProperties;
import io.netty.handler.codec.mqtt.MqttPublishMessage;
import io.netty.handler.codec.mqtt.MqttPublishVariableHeader;
import io.netty.handler.codec.mqtt.MqttQoS;
import io.netty.util.ReferenceCountUtil;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.function.IntSupplier;

/**
 * Nanoseconds and bytes allocated for each PUBLISH of 100 bytes payload, decoded and encoded by us
 * and by Netty; reads of 64 packets, topic of 23 bytes. A plain main, best of ten rounds: enough to
 * see which one is the faster, not for the last nanosecond.
 */
final class CodecBenchmark {
  private static final int PER_READ = 64;
  private static final int READS = 20_000;

  private CodecBenchmark() {}

  public static void main(String[] args) {
    for (int version : new int[] {4, 5}) {
      for (int qos = 0; qos < 2; qos++) {
        byte[] none = version == 5 ? new byte[] {0} : new byte[0];
        byte[] id = qos == 0 ? new byte[0] : new byte[] {0, 9};
        byte[] publish =
            Raw.packet(0x30 | qos << 1, "device/00017/telemetry1", id, none, new byte[100]);
        String what = "MQTT " + version + " QoS " + qos + " ";
        decode(
            what + "decode, ours ",
            version,
            publish,
            new PacketDecoder(1 << 20, 1 << 20, new TopicCache()));
        decode(what + "decode, Netty", version, publish, new MqttDecoder(1 << 20));
        encode(what, version, qos);
      }
    }
  }

  private static void decode(
      String what, int version, byte[] publish, ChannelInboundHandlerAdapter decoder) {
    int[] count = new int[1];
    EmbeddedChannel channel =
        new EmbeddedChannel(
            decoder,
            new ChannelInboundHandlerAdapter() {
              @Override
              public void channelRead(ChannelHandlerContext ctx, Object message) {
                count[0]++;
                ReferenceCountUtil.release(message);
              }
            });
    channel.pipeline().fireChannelRead(Unpooled.wrappedBuffer(Raw.connect(version)));
    ByteBuf in = Unpooled.directBuffer(PER_READ * publish.length);
    for (int i = 0; i < PER_READ; i++) {
      in.writeBytes(publish);
    }
    measure(
        what,
        () -> {
          count[0] = 0;
          for (int i = 0; i < READS; i++) {
            channel.pipeline().fireChannelRead(in.readerIndex(0).retain());
          }
          return count[0];
        });
    in.release();
  }

  private static void encode(String what, int version, int qos) {
    Message message =
        new Message(
            Topic.of("device/00017/telemetry1"), new byte[100], qos, false, new byte[0], 0, null);
    Queued queued = new Queued(0, message, qos, false, Queued.NO_IDENTIFIERS, 0);
    ByteBuf out = Unpooled.directBuffer(PER_READ * 160);
    measure(
        what + "encode, ours ",
        () -> {
          int count = 0;
          for (int i = 0; i < READS; i++) {
            out.clear();
            for (int j = 0; j < PER_READ; j++) {
              PacketEncoder.publish(out, version, queued, 9, false, 0, true, -1);
              count++;
            }
          }
          return count;
        });
    out.release();
    EmbeddedChannel channel = new EmbeddedChannel(MqttEncoder.INSTANCE);
    ByteBuf payload = Unpooled.directBuffer(100).writeZero(100);
    MqttPublishMessage netty =
        new MqttPublishMessage(
            new MqttFixedHeader(MqttMessageType.PUBLISH, false, MqttQoS.valueOf(qos), false, 0),
            new MqttPublishVariableHeader(
                "device/00017/telemetry1", qos == 0 ? 0 : 9, MqttProperties.NO_PROPERTIES),
            payload);
    measure(
        what + "encode, Netty",
        () -> {
          int count = 0;
          for (int i = 0; i < READS / 10; i++) {
            for (int j = 0; j < PER_READ; j++) {
              channel.write(netty.retain());
              count++;
            }
            channel.flush();
            for (Object o = channel.readOutbound(); o != null; o = channel.readOutbound()) {
              ReferenceCountUtil.release(o);
            }
          }
          return count;
        });
  }

  private static void measure(String what, IntSupplier round) {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    double best = Double.MAX_VALUE;
    double bytes = 0;
    for (int i = 0; i < 10; i++) {
      long allocated = threads.getCurrentThreadAllocatedBytes();
      long start = System.nanoTime();
      int count = round.getAsInt();
      double each = (System.nanoTime() - start) / (double) count;
      if (each < best) {
        best = each;
        bytes = (threads.getCurrentThreadAllocatedBytes() - allocated) / (double) count;
      }
    }
    System.out.printf(Locale.ROOT, "%s %6.1f ns %6.0f bytes%n", what, best, bytes);
  }
}
