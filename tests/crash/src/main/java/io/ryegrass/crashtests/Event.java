package io.ryegrass.crashtests;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What happened, as the clients and the killer saw it. Senders note before, receivers after. */
sealed interface Event {
  /** The acknowledgements that a publisher can get. */
  enum Ack {
    PUBACK,
    PUBREC,
    PUBCOMP
  }

  /** A broker process was started on the data folder; then it took connections; then it died. */
  record BrokerStarting(int round) implements Event {}

  record BrokerReady(int port) implements Event {}

  record BrokerKilled(String when) implements Event {}

  record ConnectSent(String client, boolean clean) implements Event {}

  record Connected(String client, boolean clean, boolean sessionPresent) implements Event {}

  /** The client's end of a connection: why it is gone. */
  record Disconnected(String client, String how) implements Event {}

  record SubscribeSent(String client, String filter, int qos) implements Event {}

  record Subscribed(String client, String filter, int granted) implements Event {}

  record UnsubscribeSent(String client, String filter) implements Event {}

  record Unsubscribed(String client, String filter) implements Event {}

  record Sent(Message message, int packetId, boolean dup) implements Event {}

  /** PUBREL of a publisher. */
  record ReleaseSent(Message message, int packetId) implements Event {}

  /** Reason codes of 0x80 and more refuse the message. */
  record Acknowledged(Message message, Ack ack, int reasonCode) implements Event {}

  /**
   * Handed to the application.
   *
   * @param retained the RETAIN flag was set: a stored copy after SUBSCRIBE, not the live message
   */
  record Delivered(
      String client, Message message, int packetId, int qos, boolean dup, boolean retained)
      implements Event {}

  /** A QoS 2 packet that the client knows already, so the application does not see it. */
  record Recognised(String client, Message message, int packetId) implements Event {}

  /** Nobody can have published this. */
  record Unreadable(String client, String topic, String payload) implements Event {}

  /**
   * A fresh client asked for the retained messages.
   *
   * @param asked number of the entry before the SUBSCRIBE left
   * @param complete nothing more came for a while; else only what is there can be judged
   * @param found by topic; a topic without retained message is missing
   */
  record RetainedRead(long asked, boolean complete, Map<String, Message> found) implements Event {}

  /** All publishers idle, all clients connected, nothing under way. */
  record Drained(int rounds) implements Event {}

  /** Who it concerns, for printing; null for the broker. */
  default @Nullable String client() {
    return switch (this) {
      case ConnectSent e -> e.client;
      case Connected e -> e.client;
      case Disconnected e -> e.client;
      case SubscribeSent e -> e.client;
      case Subscribed e -> e.client;
      case UnsubscribeSent e -> e.client;
      case Unsubscribed e -> e.client;
      case Sent e -> e.message.publisher();
      case ReleaseSent e -> e.message.publisher();
      case Acknowledged e -> e.message.publisher();
      case Delivered e -> e.client;
      case Recognised e -> e.client;
      case Unreadable e -> e.client;
      case BrokerStarting e -> null;
      case BrokerReady e -> null;
      case BrokerKilled e -> null;
      case RetainedRead e -> null;
      case Drained e -> null;
    };
  }

  /** The message it is about, if it is about one. */
  default @Nullable Message about() {
    return switch (this) {
      case Sent e -> e.message;
      case ReleaseSent e -> e.message;
      case Acknowledged e -> e.message;
      case Delivered e -> e.message;
      case Recognised e -> e.message;
      default -> null;
    };
  }
}
