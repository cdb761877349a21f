package io.ryegrass.nucleus;

import java.util.function.Consumer;

/** Publish and subscribe at IoT Core. */
public interface CloudMessaging {
  /**
   * Returns when the spool has accepted the message (QoS 1: durably).
   *
   * @throws CloudMessagingException when it is refused for good
   */
  void publish(String topic, byte[] payload, int qos);

  /**
   * As {@link #publish(String, byte[], int)}, with what MQTT 5 carries beside the payload. Whoever
   * does not override it does as MQTT 3.1.1: the properties stay behind.
   *
   * @throws CloudMessagingException also when the message is to be retained and this cannot do it
   */
  default void publish(CloudMessage message) {
    if (message.retain()) {
      throw new CloudMessagingException(
          "RETAIN_NOT_SUPPORTED",
          "The message for topic '" + message.topic() + "' cannot be published as a retained one.");
    }
    publish(message.topic(), message.payload(), message.qos());
  }

  /**
   * Keeps a subscription in the cloud, over reconnects, until closed. Does not wait for the
   * connection.
   *
   * @throws CloudMessagingException when the filter is not valid
   */
  AutoCloseable subscribe(String filter, int qos, Consumer<CloudMessage> c);

  boolean connected();
}
