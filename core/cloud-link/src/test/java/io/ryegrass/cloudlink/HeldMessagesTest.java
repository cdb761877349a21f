package io.ryegrass.cloudlink;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.nucleus.CloudMessage;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;

/** The bounds of what waits for subscribers. */
class HeldMessagesTest {
  private final LongAdder unwanted = new LongAdder();
  private final HeldMessages held = new HeldMessages(unwanted);
  private final List<String> acknowledged = new ArrayList<>();

  private void add(String topic, String filter, boolean returning) {
    held.add(
        new CloudMessage(topic, new byte[0], 1),
        new HashSet<>(Set.of(filter)),
        returning,
        false,
        () -> acknowledged.add(topic));
  }

  @Test
  void aFloodForAFilterThatWasLeftGivesUpItsOwnOldestAndNothingThatASubscriberWillComeFor() {
    for (int i = 0; i < HeldMessages.MOST_FOR_RETURNING; i++) {
      add("back/" + i, "back/+", true);
    }
    for (int i = 0; i <= HeldMessages.MOST_FOR_LEAVING; i++) {
      add("left/" + i, "left/+", false);
    }
    assertThat(acknowledged).containsExactly("left/0");
    assertThat(unwanted.sum()).isEqualTo(1);
    add("back/more", "back/+", true);
    assertThat(acknowledged).containsExactly("left/0", "back/0");

    List<String> given = new ArrayList<>();
    held.give("back/+", m -> given.add(m.topic()));
    assertThat(given)
        .hasSize(HeldMessages.MOST_FOR_RETURNING)
        .startsWith("back/1")
        .endsWith("back/more");
    assertThat(unwanted.sum()).isEqualTo(2);
  }

  @Test
  void aMessageForTwoFiltersIsAcknowledgedWhenBothHaveItOrAreGivenUp() {
    held.add(
        new CloudMessage("t", new byte[0], 1),
        new HashSet<>(Set.of("a", "b")),
        true,
        false,
        () -> acknowledged.add("t"));
    held.give("a", m -> true);
    assertThat(acknowledged).isEmpty();
    assertThat(held.giveUp("b")).isEmpty();
    assertThat(acknowledged).containsExactly("t");
    assertThat(unwanted.sum()).isZero();
  }
}
