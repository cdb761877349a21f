package io.ryegrass.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TopicCacheTest {
  private final TopicCache cache = new TopicCache();

  private Topic get(String name) throws MalformedPacketException {
    byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
    ByteBuf in = Unpooled.wrappedBuffer(new byte[] {'x'}, utf8, new byte[] {'y'});
    return cache.get(in, 1, utf8.length);
  }

  @Test
  void sameBytesGiveTheSameTopicWhateverTheirLength() throws Exception {
    for (int length = 1; length <= TopicCache.LONGEST_KEPT; length++) {
      String name = "a/ä".repeat(length).substring(0, length);
      Topic first = get(name);
      assertThat(first.name()).isEqualTo(name);
      assertThat(first.utf8()).isEqualTo(name.getBytes(StandardCharsets.UTF_8));
      if (first.utf8().length <= TopicCache.LONGEST_KEPT) {
        assertThat(get(name)).isSameAs(first);
      }
    }
  }

  @Test
  void topicsThatDifferInOneByteAreNeverTakenForEachOther() throws Exception {
    Random random = new Random(1);
    for (int round = 0; round < 20_000; round++) {
      char[] name = "device/0000000/telemetry".substring(0, 1 + random.nextInt(24)).toCharArray();
      name[random.nextInt(name.length)] = (char) ('0' + random.nextInt(70));
      String text = new String(name).replace('#', 'x').replace('+', 'x');
      assertThat(get(text).name()).isEqualTo(text);
    }
  }

  @Test
  void longTopicsAreNotKept() throws Exception {
    String name = "t".repeat(TopicCache.LONGEST_KEPT + 1);
    assertThat(get(name)).isEqualTo(get(name)).isNotSameAs(get(name));
  }

  @Test
  void mostOfTwoHundredTopicsUsedInTurnStayKnown() throws Exception {
    Topic[] first = new Topic[200];
    for (int i = 0; i < first.length; i++) {
      first[i] = get("device/" + i);
    }
    int kept = 0;
    for (int i = 0; i < first.length; i++) {
      kept += get("device/" + i) == first[i] ? 1 : 0;
    }
    assertThat(kept).isGreaterThan(180);
  }

  @Test
  void wildcardsAreNoTopicName() {
    // [MQTT5-3.3.2-2]
    for (String name : new String[] {"#", "+", "a/#", "a/+/b", "a+"}) {
      assertThatThrownBy(() -> get(name))
          .isInstanceOfSatisfying(
              MalformedPacketException.class,
              e -> assertThat(e.reasonCode()).isEqualTo(ReasonCode.TOPIC_NAME_INVALID));
    }
  }
}
