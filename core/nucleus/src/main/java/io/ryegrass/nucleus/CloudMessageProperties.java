package io.ryegrass.nucleus;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What MQTT 5 lets a message carry beside its payload (v2-ipc.md, shapes of PublishToIoTCore and
 * MQTTMessage). Over MQTT 3.1.1 it is left behind.
 *
 * @param payloadIsText payload format {@code UTF8} or {@code BYTES}; null when not given
 * @param expirySeconds 0 to 4,294,967,295; -1 when the message does not expire
 * @param userProperties in their order, names may repeat; never changed
 */
public record CloudMessageProperties(
    @Nullable Boolean payloadIsText,
    long expirySeconds,
    @Nullable String contentType,
    @Nullable String responseTopic,
    byte @Nullable [] correlationData,
    List<UserProperty> userProperties) {
  /** A message with a payload and nothing else. */
  public static final CloudMessageProperties NONE =
      new CloudMessageProperties(null, -1, null, null, null, List.of());

  /** A name and a value of the publisher's own. */
  public record UserProperty(String key, String value) {}
}
