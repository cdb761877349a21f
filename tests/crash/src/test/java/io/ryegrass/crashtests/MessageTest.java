package io.ryegrass.crashtests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class MessageTest {
  @ParameterizedTest
  @EnumSource(Version.class)
  void aMessageGoesOverTheWireWhole(Version version) throws IOException {
    Message m = new Message("pub", 37, "t/ä/0", 2, true, false);
    byte[] packet = Wire.publish(version, m, 4711, true);
    Wire.Publish read =
        Wire.publish(Wire.read(new DataInputStream(new ByteArrayInputStream(packet))), version);
    assertThat(read.packetId()).isEqualTo(4711);
    assertThat(read.dup()).isTrue();
    assertThat(read.retain()).isTrue();
    assertThat(read.qos()).isEqualTo(2);
    assertThat(Message.read(read.topic(), read.payload())).isEqualTo(m);
  }

  @Test
  void aChangedByteOrAMissingEndIsNoticed() {
    byte[] payload = new Message("pub", 5, "t", 1, false, false).payload();
    byte[] changed = payload.clone();
    changed[changed.length - 1]++;
    assertThat(Message.read("t", changed)).isNull();
    assertThat(Message.read("t", Arrays.copyOf(payload, payload.length - 1))).isNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "#",
        "t/#",
        "t/a/0",
        "t/+/0",
        "+/a/+",
        "t/a/0/#",
        "$share/g/t/#",
        "$share/g/+/a/0"
      })
  void theseFiltersSelectTheTopic(String filter) {
    assertThat(Filters.matches(filter, "t/a/0")).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"t", "t/a", "t/+", "t/a/0/+", "u/#", "$share/g/t", "+/+"})
  void theseFiltersDoNot(String filter) {
    assertThat(Filters.matches(filter, "t/a/0")).isFalse();
  }
}
