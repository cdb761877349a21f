package io.ryegrass.events;

/** The way to MQTT subscribers. */
@FunctionalInterface
public interface EventTopic {
  /** Publishes with QoS 1, not retained. */
  void publish(String topic, byte[] payload);
}
