package io.ryegrass.mqtt;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.mqtt.MqttConnAckMessage;
import io.netty.handler.codec.mqtt.MqttDecoder;
import io.netty.handler.codec.mqtt.MqttEncoder;
import io.netty.handler.codec.mqtt.MqttFixedHeader;
import io.netty.handler.codec.mqtt.MqttMessage;
import io.netty.handler.codec.mqtt.MqttMessageBuilders;
import io.netty.handler.codec.mqtt.MqttMessageIdVariableHeader;
import io.netty.handler.codec.mqtt.MqttMessageType;
import io.netty.handler.codec.mqtt.MqttProperties;
import io.netty.handler.codec.mqtt.MqttPubReplyMessageVariableHeader;
import io.netty.handler.codec.mqtt.MqttPublishMessage;
import io.netty.handler.codec.mqtt.MqttQoS;
import io.netty.handler.codec.mqtt.MqttReasonCodeAndPropertiesVariableHeader;
import io.netty.handler.codec.mqtt.MqttSubAckMessage;
import io.netty.handler.codec.mqtt.MqttSubscriptionOption;
import io.netty.handler.codec.mqtt.MqttUnsubAckMessage;
import io.netty.handler.codec.mqtt.MqttVersion;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A client of any version that does what it is told, with Netty's codec as an independent peer. */
final class TestPeer implements AutoCloseable {
  private final MqttVersion version;
  private final Socket socket;
  private final EmbeddedChannel codec =
      new EmbeddedChannel(MqttEncoder.INSTANCE, new MqttDecoder(1 << 21, 1 << 16));

  TestPeer(MqttBroker broker, MqttVersion version) throws IOException {
    this.version = version;
    this.socket = new Socket(InetAddress.getLoopbackAddress(), broker.port("mqtt"));
    socket.setSoTimeout(20_000);
    // Tests keep messages without releasing them: on the heap, and not told as leaks.
    codec.config().setAllocator(new UnpooledByteBufAllocator(false, true));
  }

  static TestPeer v5(
      MqttBroker broker, String id, Consumer<MqttMessageBuilders.ConnectBuilder> more)
      throws IOException {
    TestPeer peer = new TestPeer(broker, MqttVersion.MQTT_5);
    MqttConnAckMessage ack = peer.connect(id, more);
    if (ack.variableHeader().connectReturnCode().byteValue() != 0) {
      throw new IOException("refused: " + ack.variableHeader().connectReturnCode());
    }
    return peer;
  }

  static TestPeer v5(MqttBroker broker, String id) throws IOException {
    return v5(broker, id, c -> {});
  }

  /** CONNECT with clean start, changed by {@code more}; gives what comes back. */
  MqttConnAckMessage connect(String id, Consumer<MqttMessageBuilders.ConnectBuilder> more)
      throws IOException {
    MqttMessageBuilders.ConnectBuilder builder =
        MqttMessageBuilders.connect().protocolVersion(version).clientId(id).cleanSession(true);
    more.accept(builder);
    send(builder.build());
    return (MqttConnAckMessage) read(MqttMessageType.CONNACK);
  }

  static MqttProperties properties(Object... idsAndValues) {
    MqttProperties all = new MqttProperties();
    for (int i = 0; i < idsAndValues.length; i += 2) {
      int id = (int) idsAndValues[i];
      switch (idsAndValues[i + 1]) {
        case Integer number -> all.add(new MqttProperties.IntegerProperty(id, number));
        case String text -> all.add(new MqttProperties.StringProperty(id, text));
        case byte[] bytes -> all.add(new MqttProperties.BinaryProperty(id, bytes));
        case List<?> pair ->
            all.add(new MqttProperties.UserProperty((String) pair.get(0), (String) pair.get(1)));
        default -> throw new IllegalArgumentException();
      }
    }
    return all;
  }

  TestPeer send(MqttMessage message) throws IOException {
    codec.writeOutbound(message);
    for (ByteBuf out = codec.readOutbound(); out != null; out = codec.readOutbound()) {
      out.readBytes(socket.getOutputStream(), out.readableBytes());
      out.release();
    }
    return this;
  }

  TestPeer publish(String topic, String payload, int qos, int packetId) throws IOException {
    return publish(topic, payload, qos, packetId, false, new MqttProperties());
  }

  TestPeer publish(
      String topic,
      String payload,
      int qos,
      int packetId,
      boolean retain,
      MqttProperties properties)
      throws IOException {
    MqttMessageBuilders.PublishBuilder b =
        MqttMessageBuilders.publish()
            .topicName(topic)
            .payload(Unpooled.copiedBuffer(payload, StandardCharsets.UTF_8))
            .qos(MqttQoS.valueOf(qos))
            .retained(retain)
            .properties(properties);
    if (qos > 0) {
      b.messageId(packetId);
    }
    return send(b.build());
  }

  /** SUBSCRIBE; gives the reason codes. */
  List<Integer> subscribe(String filter, int qos) throws IOException {
    return subscribe(filter, MqttSubscriptionOption.onlyFromQos(MqttQoS.valueOf(qos)), null);
  }

  List<Integer> subscribe(
      String filter, MqttSubscriptionOption option, @Nullable Integer identifier)
      throws IOException {
    MqttMessageBuilders.SubscribeBuilder b =
        MqttMessageBuilders.subscribe().messageId(77).addSubscription(filter, option);
    if (identifier != null) {
      b.properties(properties(11, identifier));
    }
    send(b.build());
    return ((MqttSubAckMessage) read(MqttMessageType.SUBACK)).payload().reasonCodes();
  }

  List<Short> unsubscribe(String filter) throws IOException {
    send(MqttMessageBuilders.unsubscribe().messageId(78).addTopicFilter(filter).build());
    return ((MqttUnsubAckMessage) read(MqttMessageType.UNSUBACK))
        .payload()
        .unsubscribeReasonCodes();
  }

  /** PUBACK, PUBREC, PUBREL or PUBCOMP. */
  TestPeer ack(MqttMessageType type, int packetId) throws IOException {
    return ack(type, packetId, 0);
  }

  TestPeer ack(MqttMessageType type, int packetId, int reasonCode) throws IOException {
    MqttQoS flags = type == MqttMessageType.PUBREL ? MqttQoS.AT_LEAST_ONCE : MqttQoS.AT_MOST_ONCE;
    return send(
        new MqttMessage(
            new MqttFixedHeader(type, false, flags, false, 2),
            new MqttPubReplyMessageVariableHeader(
                packetId, (byte) reasonCode, MqttProperties.NO_PROPERTIES)));
  }

  static int packetId(MqttMessage ack) {
    return ((MqttMessageIdVariableHeader) ack.variableHeader()).messageId();
  }

  static int reasonCode(MqttMessage message) {
    return switch (message.variableHeader()) {
      case MqttPubReplyMessageVariableHeader h -> h.reasonCode() & 0xFF;
      case MqttReasonCodeAndPropertiesVariableHeader h -> h.reasonCode() & 0xFF;
      default -> 0;
    };
  }

  /** The next packet, or null when the broker has closed the connection. */
  @Nullable MqttMessage read() throws IOException {
    byte[] one = new byte[1];
    while (true) {
      MqttMessage message = codec.readInbound();
      if (message != null) {
        return message;
      }
      int got;
      try {
        got = socket.getInputStream().read(one);
      } catch (SocketException e) {
        return null;
      }
      if (got < 0) {
        return null;
      }
      codec.writeInbound(Unpooled.copiedBuffer(one));
    }
  }

  MqttMessage read(MqttMessageType type) throws IOException {
    MqttMessage message = read();
    if (message == null || message.fixedHeader().messageType() != type) {
      throw new IOException("expected " + type + ", got " + message);
    }
    return message;
  }

  MqttPublishMessage readPublish() throws IOException {
    return (MqttPublishMessage) read(MqttMessageType.PUBLISH);
  }

  static String payload(MqttPublishMessage message) {
    return message.payload().toString(StandardCharsets.UTF_8);
  }

  /** The reason code of the DISCONNECT that ends the connection [MQTT5-4.13.1-1]. */
  int readEnd() throws IOException {
    int code = reasonCode(read(MqttMessageType.DISCONNECT));
    if (read() != null) {
      throw new IOException("the connection goes on after DISCONNECT");
    }
    return code;
  }

  /** Nothing more than an answer to a ping comes. */
  boolean isQuiet() throws IOException {
    send(MqttMessage.PINGREQ);
    MqttMessage answer = read();
    return answer != null && answer.fixedHeader().messageType() == MqttMessageType.PINGRESP;
  }

  boolean hearsNothingFor(int millis) throws IOException {
    socket.setSoTimeout(millis);
    try {
      return read() == null;
    } catch (SocketTimeoutException e) {
      return true;
    } finally {
      socket.setSoTimeout(20_000);
    }
  }

  void disconnect() throws IOException {
    send(MqttMessageBuilders.disconnect().build());
    while (read() != null) {
      // to the end
    }
    close();
  }

  /** Without DISCONNECT. */
  @Override
  public void close() throws IOException {
    socket.close();
    codec.finishAndReleaseAll();
  }
}
