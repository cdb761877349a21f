package io.ryegrass.cloudlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.cloudlink.LinkState.Event;
import io.ryegrass.model.ComponentType;
import io.ryegrass.nucleus.CloudMessage;
import io.ryegrass.nucleus.CloudMessagingException;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.ComponentStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The parts of the link that need no connection. */
class LinkTablesTest {
  @Test
  void everyStateAnswersEveryEventAndOnlyCloseIsFinal() {
    for (LinkState state : LinkState.values()) {
      for (Event event : Event.values()) {
        LinkState next = state.on(event);
        if (event == Event.CLOSE || state == LinkState.CLOSED) {
          assertThat(next).isEqualTo(LinkState.CLOSED);
        } else {
          assertThat(next).isNotEqualTo(LinkState.CLOSED);
        }
      }
    }
    assertThat(LinkState.CONNECTED.on(Event.LOST).on(Event.DUE).on(Event.ACCEPTED))
        .isEqualTo(LinkState.CONNECTED);
  }

  @Test
  void theFirstAttemptsAreQuickAndLaterOnesCappedAndJittered() {
    BackOff backOff = new BackOff(Duration.ofMillis(125), Duration.ofSeconds(30), new Random(1));
    assertThat(backOff.next()).isBetween(Duration.ofMillis(125), Duration.ofMillis(250));
    for (int i = 0; i < 30; i++) {
      assertThat(backOff.next()).isLessThanOrEqualTo(Duration.ofSeconds(30));
    }
    assertThat(backOff.next()).isGreaterThanOrEqualTo(Duration.ofSeconds(15));
    backOff.reset();
    assertThat(backOff.next()).isLessThanOrEqualTo(Duration.ofMillis(250));
  }

  @Test
  void whatTheCloudWouldCutTheConnectionForIsRefusedHere() {
    byte[] none = new byte[0];
    assertThatThrownBy(() -> check("a/b/c/d/e/f/g/h/i", none, 1))
        .isInstanceOf(CloudMessagingException.class);
    assertThatThrownBy(() -> check("a/#", none, 1)).isInstanceOf(CloudMessagingException.class);
    assertThatThrownBy(() -> check("$SYS/a", none, 1)).isInstanceOf(CloudMessagingException.class);
    assertThatThrownBy(() -> check("a", new byte[131_073], 1))
        .isInstanceOf(CloudMessagingException.class);
    assertThatThrownBy(() -> CloudTopics.checkSubscribe("a", 2))
        .isInstanceOf(CloudMessagingException.class);
    check("$aws/rules/r/a/b/c/d/e/f/g/h", none, 0);
    check("$aws/things/" + "t".repeat(250) + "/a/b/c/d/e/f/g/h", none, 1);
    check("a", new byte[131_072], 1);
    CloudTopics.checkSubscribe("$share/g/a/+/#", 1);
  }

  private static void check(String topic, byte[] payload, int qos) {
    CloudTopics.checkPublish(new CloudMessage(topic, payload, qos), MqttSettings.DEFAULT);
  }

  @Test
  void aLargeFleetStatusIsSplitIntoChunksOfOneSequenceNumberThatLoseNoComponent() {
    List<ComponentStatus> many = new ArrayList<>();
    for (int i = 0; i < 3000; i++) {
      many.add(
          new ComponentStatus(
              "com.example.Component" + i,
              "1.0.0",
              ComponentState.RUNNING,
              ComponentType.GENERIC,
              true,
              List.of("arn"),
              List.of(),
              "",
              Instant.EPOCH));
    }
    List<ObjectNode> chunks = FleetMessages.of("core-1", true, "CADENCE", 7, 1, many, many, null);
    assertThat(chunks).hasSizeGreaterThan(2);
    assertThat(chunks)
        .allMatch(c -> JsonMapper.shared().writeValueAsBytes(c).length <= FleetMessages.MAX_BYTES)
        .allMatch(c -> c.path("sequenceNumber").asLong() == 7)
        .allMatch(c -> c.path("chunkInfo").path("totalChunks").asInt() == chunks.size());
    assertThat(chunks.stream().mapToInt(c -> c.path("components").size()).sum()).isEqualTo(3000);
  }
}
