package io.ryegrass.crashtests;

import static io.ryegrass.crashtests.Story.message;
import static io.ryegrass.crashtests.Story.retained;
import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.crashtests.Event.Ack;
import io.ryegrass.crashtests.Violation.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One broken history for each promise, and beside it the nearest one that is not broken. */
class CheckerTest {
  private static final Message ONE = message(1, 1);
  private static final Message TWO = message(2, 1);
  private static final Message EXACT = message(3, 2);

  // ---- loss

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void anAcknowledgedMessageThatNeverArrivedIsLost(int qos) {
    Message m = message(1, qos);
    assertThat(Story.begun().subscriber("s", "t/#", 2).published(m).kinds())
        .containsExactly(Kind.LOST);
    assertThat(Story.begun().subscriber("s", "t/#", 2).published(m).delivered("s", m).kinds())
        .isEmpty();
  }

  @Test
  void pubrecAloneMakesTheBrokerAnswerable() {
    assertThat(
            Story.begun()
                .subscriber("s", "t/#", 2)
                .sent(EXACT)
                .add(new Event.Acknowledged(EXACT, Ack.PUBREC, 0))
                .kinds())
        .containsExactly(Kind.LOST);
  }

  @Test
  void pubrecIsNotEnoughWhenThePublisherDropsItsState() {
    assertThat(
            Story.begun()
                .connect("p", true, false)
                .subscriber("s", "t/#", 2)
                .sent(EXACT)
                .add(new Event.Acknowledged(EXACT, Ack.PUBREC, 0))
                .kinds())
        .isEmpty();
  }

  @Test
  void whatWasNotAcknowledgedOrWasRefusedMayBeMissing() {
    assertThat(Story.begun().subscriber("s", "t/#", 1).sent(ONE).kinds()).isEmpty();
    assertThat(
            Story.begun()
                .subscriber("s", "t/#", 1)
                .sent(ONE)
                .add(new Event.Acknowledged(ONE, Ack.PUBACK, 0x97))
                .kinds())
        .isEmpty();
  }

  @Test
  void aMessageIsOwedOnlyToSubscriptionsConfirmedBeforeAndStillHeld() {
    assertThat(
            Story.begun()
                .connect("s", false, false)
                .add(new Event.SubscribeSent("s", "t/#", 1))
                .published(ONE)
                .add(new Event.Subscribed("s", "t/#", 1))
                .kinds())
        .isEmpty();
    assertThat(
            Story.begun()
                .subscriber("s", "t/#", 1)
                .published(ONE)
                .add(new Event.UnsubscribeSent("s", "t/#"))
                .kinds())
        .isEmpty();
    assertThat(Story.begun().subscriber("s", "u/#", 1).published(ONE).kinds()).isEmpty();
    assertThat(Story.begun().subscriber("s", "t/#", 0).published(ONE).kinds()).isEmpty();
  }

  @Test
  void askingAgainForAHeldFilterDoesNotExcuseALoss() {
    assertThat(
            Story.begun().subscriber("s", "t/#", 1).published(ONE).subscribe("s", "t/#", 1).kinds())
        .containsExactly(Kind.LOST);
  }

  @Test
  void aStoredCopyAfterSubscribeIsNotTheLiveMessage() {
    Message m = retained(1, false);
    assertThat(
            Story.begun()
                .subscriber("s", "ret/#", 1)
                .published(m)
                .add(new Event.Delivered("s", m, 1, 1, false, true))
                .kinds())
        .containsExactly(Kind.LOST);
  }

  @Test
  void aSessionThatEndedIsOwedNothing() {
    assertThat(
            Story.begun()
                .subscriber("s", "t/#", 1)
                .published(ONE)
                .connect("s", true, false)
                .kinds())
        .isEmpty();
  }

  // ---- copies

  @Test
  void qos2TwiceIsADuplicateEvenOverAKill() {
    assertThat(
            Story.begun()
                .subscriber("s", "t/#", 2)
                .sent(EXACT)
                .delivered("s", EXACT)
                .killed()
                .sentAgain(EXACT)
                .acknowledged(EXACT)
                .deliveredAgain("s", EXACT)
                .kinds())
        .containsExactly(Kind.DUPLICATE);
  }

  @Test
  void aRecognisedQos2PacketIsNoDuplicate() {
    assertThat(
            Story.begun()
                .subscriber("s", "t/#", 2)
                .published(EXACT)
                .delivered("s", EXACT)
                .killed()
                .add(new Event.Recognised("s", EXACT, 1))
                .kinds())
        .isEmpty();
  }

  @Test
  void qos0IsNeverRepeated() {
    Message m = message(1, 0);
    assertThat(
            Story.begun()
                .subscriber("s", "t/#", 1)
                .published(m)
                .delivered("s", m)
                .delivered("s", m)
                .kinds())
        .containsExactly(Kind.DUPLICATE);
  }

  @Test
  void qos1MayComeAgainWithDupOrForAReasonOnly() {
    assertThat(
            Story.begun()
                .subscriber("s", "t/#", 1)
                .published(ONE)
                .delivered("s", ONE)
                .deliveredAgain("s", ONE)
                .kinds())
        .isEmpty();
    assertThat(
            Story.begun()
                .subscriber("s", "t/#", 1)
                .sent(ONE)
                .delivered("s", ONE)
                .sentAgain(ONE)
                .delivered("s", ONE)
                .acknowledged(ONE)
                .kinds())
        .isEmpty();
    assertThat(
            Story.begun()
                .subscriber("s", "t/#", 1)
                .published(ONE)
                .delivered("s", ONE)
                .killed()
                .delivered("s", ONE)
                .kinds())
        .isEmpty();
    assertThat(
            Story.begun()
                .subscriber("s", "t/#", 1)
                .sent(ONE)
                .killed()
                .sentAgain(ONE)
                .acknowledged(ONE)
                .delivered("s", ONE)
                .delivered("s", ONE)
                .killed()
                .delivered("s", ONE)
                .delivered("s", ONE)
                .kinds())
        .as("taken twice from its publisher, and the second death hides both sends")
        .isEmpty();
    assertThat(
            Story.begun()
                .subscriber("s", "t/#", 1)
                .published(ONE)
                .delivered("s", ONE)
                .delivered("s", ONE)
                .kinds())
        .containsExactly(Kind.UNMARKED_COPY);
  }

  @Test
  void aQos2PublisherSendingAgainDoesNotExcuseASecondQos1Copy() {
    Event copy = new Event.Delivered("s", EXACT, 1, 1, false, false);
    assertThat(
            Story.begun()
                .subscriber("s", "t/#", 1)
                .sent(EXACT)
                .add(copy)
                .sentAgain(EXACT)
                .add(copy)
                .acknowledged(EXACT)
                .kinds())
        .containsExactly(Kind.UNMARKED_COPY);
  }

  // ---- order

  @Test
  void aFirstDeliveryMustNotOvertake() {
    assertThat(
            Story.begun()
                .subscriber("s", "t/#", 1)
                .published(ONE)
                .published(TWO)
                .delivered("s", TWO)
                .delivered("s", ONE)
                .kinds())
        .containsExactly(Kind.OUT_OF_ORDER);
  }

  @Test
  void repetitionsAndOtherQosHaveTheirOwnOrder() {
    assertThat(
            Story.begun()
                .subscriber("s", "t/#", 2)
                .published(ONE)
                .published(TWO)
                .published(EXACT)
                .delivered("s", EXACT)
                .delivered("s", ONE)
                .delivered("s", TWO)
                .deliveredAgain("s", ONE)
                .kinds())
        .isEmpty();
  }

  @Test
  void whatWasSentAgainAfterTheSubscriptionCameMayBeLateButNotWhatWasOwedFromTheStart() {
    assertThat(
            Story.begun()
                .sent(ONE)
                .subscriber("s", "t/#", 1)
                .sent(TWO)
                .delivered("s", TWO)
                .sentAgain(ONE)
                .delivered("s", ONE)
                .kinds())
        .isEmpty();
    assertThat(
            Story.begun()
                .subscriber("s", "t/#", 1)
                .sent(ONE)
                .sent(TWO)
                .delivered("s", TWO)
                .sentAgain(ONE)
                .delivered("s", ONE)
                .kinds())
        .containsExactly(Kind.OUT_OF_ORDER);
  }

  @Test
  void aCopyForEachFilterIsAllowedToOtherBrokersButNoMore() {
    Story story =
        Story.begun()
            .subscriber("s", "t/#", 2)
            .subscribe("s", "t/+", 2)
            .published(EXACT)
            .delivered("s", EXACT)
            .delivered("s", EXACT);
    assertThat(story.kinds()).containsExactly(Kind.DUPLICATE);
    assertThat(Checker.check(story.entries(), false)).isEmpty();
    story.delivered("s", EXACT);
    assertThat(Checker.check(story.entries(), false)).hasSize(1);
  }

  // ---- sessions, subscriptions

  @Test
  void aConfirmedSessionMustBeThereAgain() {
    assertThat(Story.begun().connect("s", false, false).killed().connect("s", false, false).kinds())
        .containsExactly(Kind.SESSION_LOST);
    assertThat(Story.begun().connect("s", false, false).killed().connect("s", false, true).kinds())
        .isEmpty();
    assertThat(
            Story.begun()
                .add(new Event.ConnectSent("s", false))
                .killed()
                .connect("s", false, false)
                .kinds())
        .isEmpty();
  }

  @Test
  void aCleanSessionMustNotBePresent() {
    assertThat(Story.begun().connect("s", true, true).kinds())
        .containsExactly(Kind.SESSION_NOT_CLEAN);
  }

  @Test
  void whatWasNeverAskedForMustNotCome() {
    assertThat(Story.begun().subscriber("s", "t/b/#", 1).published(ONE).delivered("s", ONE).kinds())
        .containsExactly(Kind.NOT_SUBSCRIBED);
  }

  @Test
  void whatWasNeverSentOrIsDamagedIsAPhantom() {
    assertThat(Story.begun().subscriber("s", "t/#", 1).delivered("s", ONE).kinds())
        .containsExactly(Kind.PHANTOM);
    assertThat(Story.begun().add(new Event.Unreadable("s", "t/a", "3 bytes")).kinds())
        .containsExactly(Kind.PHANTOM);
  }

  @Test
  void theQosIsTheLowerOfPublishedAndGranted() {
    assertThat(
            Story.begun()
                .subscriber("s", "t/#", 2)
                .subscribe("s", "t/+", 0)
                .published(EXACT)
                .add(new Event.Delivered("s", EXACT, 1, 1, false, false))
                .kinds())
        .containsExactly(Kind.WRONG_QOS);
  }

  // ---- shared subscriptions

  @Test
  void aSharedSubscriptionIsOwedTheMessageOnce() {
    String filter = "$share/g/t/#";
    assertThat(
            Story.begun()
                .subscriber("s", filter, 2)
                .subscriber("u", filter, 2)
                .published(EXACT)
                .delivered("u", EXACT)
                .kinds())
        .isEmpty();
    assertThat(
            Story.begun()
                .subscriber("s", filter, 2)
                .subscriber("u", filter, 2)
                .published(EXACT)
                .kinds())
        .containsExactly(Kind.LOST);
    assertThat(
            Story.begun()
                .subscriber("s", filter, 2)
                .subscriber("u", filter, 2)
                .published(EXACT)
                .delivered("s", EXACT)
                .delivered("u", EXACT)
                .kinds())
        .containsExactly(Kind.DUPLICATE);
  }

  // ---- retained messages

  @Test
  void theRetainedMessageIsTheLastAcknowledgedOrALaterOne() {
    Story story = Story.begun().published(retained(1, false)).published(retained(2, false));
    assertThat(story.readRetained(retained(2, false)).kinds()).isEmpty();
    story.sent(retained(3, false));
    assertThat(story.readRetained(retained(3, false)).readRetained(retained(2, false)).kinds())
        .isEmpty();
    assertThat(story.readRetained(retained(1, false)).kinds()).containsExactly(Kind.RETAINED_WRONG);
  }

  @Test
  void aRetainedMessageIsMissingOnlyAfterItsDeletion() {
    assertThat(Story.begun().published(retained(1, false)).readRetained().kinds())
        .containsExactly(Kind.RETAINED_WRONG);
    assertThat(Story.begun().sent(retained(1, false)).readRetained().kinds()).isEmpty();
    Story erased = Story.begun().published(retained(1, false)).published(retained(2, true));
    assertThat(erased.readRetained().kinds()).isEmpty();
    assertThat(erased.readRetained(retained(1, false)).kinds())
        .containsExactly(Kind.RETAINED_WRONG);
  }

  // ---- the report

  @Test
  void theStoryOfAViolationShowsWhatBefellTheMessageAndNoOther() {
    Story story =
        Story.begun().subscriber("s", "t/#", 1).published(TWO).published(ONE).delivered("s", TWO);
    String told = story.violations().getFirst().story(story.entries());
    assertThat(told).contains("LOST", "p#1", "Subscribed[client=s", "PUBACK");
    assertThat(told).doesNotContain("p#2");
  }
}
