package io.ryegrass.ipc;

import io.ryegrass.eventstream.SharedEvent;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.Message;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * Messages of the bus as events of SubscribeToTopic, in JSON. The bus hands one message to its
 * subscribers one after the other on the publisher's thread, so remembering the last event is
 * enough for it to be written once and shared by all of them.
 */
final class TopicEvents {
  private static final byte[] JSON = ascii("{\"jsonMessage\":{\"message\":");
  private static final byte[] BINARY = ascii("{\"binaryMessage\":{\"message\":\"");
  private static final byte[] JSON_CONTEXT = ascii(",\"context\":{\"topic\":");
  private static final byte[] BINARY_CONTEXT = ascii("\",\"context\":{\"topic\":");
  private static final byte[] END = ascii("}}}");

  private record Written(Message message, SharedEvent event) {}

  private volatile @Nullable Written last;

  SharedEvent of(Message message) {
    Written known = last;
    if (known != null && known.message() == message) {
      return known.event();
    }
    SharedEvent event = new SharedEvent(write(message));
    last = new Written(message, event);
    return event;
  }

  /** Forgets the last event, so that a large one does not stay in memory until the next. */
  void forget() {
    last = null;
  }

  private static byte[] write(Message message) {
    byte[] topic = Json.quoted(message.topic());
    return message.format() == Message.Format.JSON
        ? join(JSON, message.payload(), JSON_CONTEXT, topic)
        : join(BINARY, Base64.getEncoder().encode(message.payload()), BINARY_CONTEXT, topic);
  }

  private static byte[] join(byte[] head, byte[] content, byte[] context, byte[] topic) {
    byte[] event =
        new byte[head.length + content.length + context.length + topic.length + END.length];
    int at = put(event, 0, head);
    at = put(event, at, content);
    at = put(event, at, context);
    at = put(event, at, topic);
    put(event, at, END);
    return event;
  }

  private static int put(byte[] event, int at, byte[] part) {
    System.arraycopy(part, 0, event, at, part.length);
    return at + part.length;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
