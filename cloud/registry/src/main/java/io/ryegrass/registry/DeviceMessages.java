package io.ryegrass.registry;

/** The way to the devices: publishes to all MQTT sessions whose subscriptions match. */
@FunctionalInterface
public interface DeviceMessages {
  void publish(String topic, byte[] payload, int qos);
}
