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
   * Keeps a subscription in the cloud, over reconnects, until closed. Does not wait for the
   * connection.
   *
   * @throws CloudMessagingException when the filter is not valid
   */
  AutoCloseable subscribe(String filter, int qos, Consumer<CloudMessage> c);

  boolean connected();
}
