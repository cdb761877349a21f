package io.ryegrass.mqtt;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reason codes in words (MQTT 5, table 2-6; MQTT 3.1.1, table 3.1). */
final class ReasonText {
  private static final Map<Integer, String> TEXTS =
      Map.ofEntries(
          Map.entry(0x00, "the server ended the connection"),
          Map.entry(ReasonCode.NO_MATCHING_SUBSCRIBERS, "nobody has subscribed"),
          Map.entry(ReasonCode.UNSPECIFIED_ERROR, "unspecified error"),
          Map.entry(ReasonCode.MALFORMED_PACKET, "malformed packet"),
          Map.entry(ReasonCode.PROTOCOL_ERROR, "protocol error"),
          Map.entry(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, "error of this server"),
          Map.entry(
              ReasonCode.UNSUPPORTED_PROTOCOL_VERSION, "this version of MQTT is not supported"),
          Map.entry(ReasonCode.CLIENT_IDENTIFIER_NOT_VALID, "the client id is not allowed"),
          Map.entry(ReasonCode.BAD_USER_NAME_OR_PASSWORD, "bad user name or password"),
          Map.entry(ReasonCode.NOT_AUTHORIZED, "not authorised"),
          Map.entry(ReasonCode.SERVER_UNAVAILABLE, "the server is not available"),
          Map.entry(ReasonCode.SERVER_BUSY, "the server is busy"),
          Map.entry(ReasonCode.BANNED, "the client is banned"),
          Map.entry(ReasonCode.SERVER_SHUTTING_DOWN, "the server is shutting down"),
          Map.entry(ReasonCode.BAD_AUTHENTICATION_METHOD, "bad authentication method"),
          Map.entry(ReasonCode.KEEP_ALIVE_TIMEOUT, "the server heard nothing for too long"),
          Map.entry(ReasonCode.SESSION_TAKEN_OVER, "another connection uses the same client id"),
          Map.entry(ReasonCode.TOPIC_FILTER_INVALID, "the topic filter is not allowed"),
          Map.entry(ReasonCode.TOPIC_NAME_INVALID, "the topic name is not allowed"),
          Map.entry(ReasonCode.RECEIVE_MAXIMUM_EXCEEDED, "too many unacknowledged messages"),
          Map.entry(ReasonCode.TOPIC_ALIAS_INVALID, "bad topic alias"),
          Map.entry(ReasonCode.PACKET_TOO_LARGE, "the packet is too large"),
          Map.entry(ReasonCode.MESSAGE_RATE_TOO_HIGH, "too many messages in a short time"),
          Map.entry(ReasonCode.QUOTA_EXCEEDED, "a quota is exceeded"),
          Map.entry(ReasonCode.ADMINISTRATIVE_ACTION, "an operator ended the connection"),
          Map.entry(
              ReasonCode.PAYLOAD_FORMAT_INVALID, "the payload is not of the format it claims"),
          Map.entry(ReasonCode.RETAIN_NOT_SUPPORTED, "retained messages are not supported"),
          Map.entry(ReasonCode.QOS_NOT_SUPPORTED, "the QoS is not supported"),
          Map.entry(0x9C, "use another server"),
          Map.entry(0x9D, "the server has moved"),
          Map.entry(
              ReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED,
              "shared subscriptions are not supported"),
          Map.entry(ReasonCode.CONNECTION_RATE_EXCEEDED, "it connects too often"),
          Map.entry(0xA0, "the longest time of a connection is over"),
          Map.entry(
              ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
              "subscription identifiers are not supported"),
          Map.entry(0xA2, "wildcard subscriptions are not supported"));

  private ReasonText() {}

  /**
   * @param said the server's own words; null when it gave none
   */
  static String of(int code, @Nullable String said) {
    String text = TEXTS.getOrDefault(code, "a reason without a name");
    return String.format("%s (0x%02x)", text, code)
        + (said == null || said.isBlank() ? "" : ": " + said.strip());
  }

  static String ofReturnCode(int code) {
    String text =
        switch (code) {
          case 1 -> "this version of MQTT is not supported";
          case 2 -> "the client id is not allowed";
          case 3 -> "the server is not available";
          case 4 -> "bad user name or password";
          case 5 -> "not authorised";
          default -> "a return code without a name";
        };
    return text + " (" + code + ")";
  }
}
