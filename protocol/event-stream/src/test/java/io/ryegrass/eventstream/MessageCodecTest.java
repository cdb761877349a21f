package io.ryegrass.eventstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.eventstream.EventStreamException.Code;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

/** Frames, v2-ipc.md §2. */
class MessageCodecTest {
  private static final String CONNECT =
      "0000007800000048d487bdc5083a76657273696f6e070005302e312e300d3a6d6573736167652d74797065040000"
          + "00040e3a6d6573736167652d666c61677304000000000a3a73747265616d2d696404000000007b22617574685"
          + "46f6b656e223a224142434445464748494a4b4c4d4e4f50227dfc808abe";
  private static final String CONNECT_ACK =
      "0000004700000037374cfe3f0d3a6d6573736167652d7479706504000000050e3a6d6573736167652d666c616773"
          + "04000000010a3a73747265616d2d69640400000000e237e27d";

  @Test
  void theConnectMessageHasTheBytesOfTheCheckVector() {
    byte[] frame = RpcMessage.connect("ABCDEFGHIJKLMNOP").encode();
    assertThat(HexFormat.of().formatHex(frame)).isEqualTo(CONNECT);
  }

  @Test
  void theConnectAckHasTheBytesOfTheCheckVector() {
    assertThat(HexFormat.of().formatHex(RpcMessage.connectAck(true).encode()))
        .isEqualTo(CONNECT_ACK);
  }

  @Test
  void aCheckVectorIsReadBackToItsParts() {
    RpcMessage message = RpcMessage.of(MessageCodec.decode(HexFormat.of().parseHex(CONNECT)));
    assertThat(message.type()).isEqualTo(RpcMessage.Type.CONNECT);
    assertThat(message.text(":version")).isEqualTo("0.1.0");
    assertThat(new String(message.payload(), StandardCharsets.UTF_8))
        .isEqualTo("{\"authToken\":\"ABCDEFGHIJKLMNOP\"}");
  }

  @Test
  void everyHeaderTypeSurvivesTheWayThere() {
    EventStreamMessage message =
        new EventStreamMessage(
            List.of(
                new Header("t", new HeaderValue.Bool(true)),
                new Header("f", new HeaderValue.Bool(false)),
                new Header("b", new HeaderValue.Int8((byte) -3)),
                new Header("s", new HeaderValue.Int16((short) -300)),
                Header.int32("i", Integer.MIN_VALUE),
                new Header("l", new HeaderValue.Int64(Long.MAX_VALUE)),
                new Header("raw", new HeaderValue.Bytes(new byte[] {0, -1, 5})),
                Header.text("grün", "ä€😀"),
                new Header("when", new HeaderValue.Timestamp(Instant.ofEpochMilli(-5))),
                new Header("id", new HeaderValue.Uuid(new UUID(1, -2)))),
            "payload".getBytes(StandardCharsets.UTF_8));
    assertThat(MessageCodec.decode(MessageCodec.encode(message))).isEqualTo(message);
  }

  @Test
  void theSmallestMessageHasSixteenBytes() {
    byte[] frame = MessageCodec.encode(new EventStreamMessage(List.of(), new byte[0]));
    assertThat(frame).hasSize(16);
    assertThat(MessageCodec.decode(frame).headers()).isEmpty();
  }

  @Test
  void anyFlippedBitIsFound() {
    byte[] frame = HexFormat.of().parseHex(CONNECT);
    for (int bit = 0; bit < frame.length * 8; bit++) {
      byte[] damaged = frame.clone();
      damaged[bit / 8] ^= (byte) (1 << bit % 8);
      assertThatThrownBy(() -> MessageCodec.decode(damaged))
          .as("bit %s", bit)
          .isInstanceOf(EventStreamException.class);
    }
  }

  @Test
  void lengthsBeyondTheLimitsAreRefusedBeforeAnythingIsAllocated() {
    assertThatThrownBy(() -> read(prelude(MessageCodec.MAX_MESSAGE_BYTES + 1, 0)))
        .isInstanceOfSatisfying(
            EventStreamException.class, e -> assertThat(e.code()).isEqualTo(Code.TOO_LARGE));
    assertThatThrownBy(() -> read(prelude(15, 0)))
        .isInstanceOfSatisfying(
            EventStreamException.class, e -> assertThat(e.code()).isEqualTo(Code.MALFORMED));
    assertThatThrownBy(() -> read(prelude(-1, 0))).isInstanceOf(EventStreamException.class);
    assertThatThrownBy(() -> read(prelude(100, 85))).isInstanceOf(EventStreamException.class);
    assertThatThrownBy(() -> read(prelude(100, -1))).isInstanceOf(EventStreamException.class);
  }

  @Test
  void messagesBeyondTheLimitsAreNotMade() {
    byte[] tooMuch = new byte[MessageCodec.MAX_MESSAGE_BYTES];
    assertThatThrownBy(() -> MessageCodec.encode(new EventStreamMessage(List.of(), tooMuch)))
        .hasMessageContaining("limit");
    EventStreamMessage longValue =
        new EventStreamMessage(
            List.of(new Header("h", new HeaderValue.Bytes(new byte[32_768]))), new byte[0]);
    assertThatThrownBy(() -> MessageCodec.encode(longValue)).hasMessageContaining("32767");
    List<Header> many = new ArrayList<>();
    for (int i = 0; i < 1025; i++) {
      many.add(Header.int32("h" + i, i));
    }
    assertThatThrownBy(() -> MessageCodec.encode(new EventStreamMessage(many, new byte[0])))
        .hasMessageContaining("1024");
  }

  @Test
  void messagesAreFoundHoweverTheBytesAreCut() throws IOException {
    byte[] one = HexFormat.of().parseHex(CONNECT);
    byte[] two = HexFormat.of().parseHex(CONNECT_ACK);
    byte[] both = ByteBuffer.allocate(one.length + two.length).put(one).put(two).array();
    Random random = new Random(7);
    for (int round = 0; round < 50; round++) {
      MessageReader reader = new MessageReader(new Fragments(both, random));
      assertThat(reader.read(1 << 20)).isEqualTo(MessageCodec.decode(one));
      assertThat(reader.read(1 << 20)).isEqualTo(MessageCodec.decode(two));
      assertThat(reader.read(1 << 20)).isNull();
    }
  }

  @Test
  void anEndInsideAMessageIsNotACleanEnd() {
    byte[] frame = HexFormat.of().parseHex(CONNECT);
    for (int length = 1; length < frame.length; length++) {
      byte[] cut = java.util.Arrays.copyOf(frame, length);
      assertThatThrownBy(() -> read(cut)).isInstanceOf(EOFException.class);
    }
  }

  @Test
  void randomHeaderBytesNeverDoWorseThanAnException() {
    Random random = new Random(42);
    for (int round = 0; round < 20_000; round++) {
      byte[] headers = new byte[random.nextInt(40)];
      random.nextBytes(headers);
      try {
        MessageCodec.decode(frame(headers));
      } catch (EventStreamException e) {
        assertThat(e.code()).isIn(Code.MALFORMED, Code.TOO_LARGE);
      }
    }
  }

  private static byte[] frame(byte[] headers) {
    ByteBuffer out = ByteBuffer.allocate(16 + headers.length);
    out.put(prelude(16 + headers.length, headers.length)).put(headers);
    CRC32 crc = new CRC32();
    crc.update(out.array(), 0, out.position());
    return out.putInt((int) crc.getValue()).array();
  }

  private static byte[] prelude(int total, int headers) {
    ByteBuffer out = ByteBuffer.allocate(12).putInt(total).putInt(headers);
    CRC32 crc = new CRC32();
    crc.update(out.array(), 0, 8);
    return out.putInt((int) crc.getValue()).array();
  }

  private static void read(byte[] bytes) throws IOException {
    new MessageReader(new ByteArrayInputStream(bytes)).read(MessageCodec.MAX_MESSAGE_BYTES);
  }

  /** Gives its bytes in random small pieces, as a socket may. */
  private static final class Fragments extends InputStream {
    private final ByteArrayInputStream in;
    private final Random random;

    Fragments(byte[] bytes, Random random) {
      this.in = new ByteArrayInputStream(bytes);
      this.random = random;
    }

    @Override
    public int read() {
      return in.read();
    }

    @Override
    public int read(byte[] target, int offset, int length) {
      return in.read(target, offset, Math.min(length, 1 + random.nextInt(9)));
    }
  }
}
