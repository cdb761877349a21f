package io.ryegrass.registry;

/** The way to one device: what must not reach others that subscribe to the same topic. */
@FunctionalInterface
public interface DeviceReplies {
  /**
   * Delivers to the session of this client, if it subscribed to the topic.
   *
   * @return whether it did
   */
  boolean deliver(String clientId, String topic, byte[] payload);
}
