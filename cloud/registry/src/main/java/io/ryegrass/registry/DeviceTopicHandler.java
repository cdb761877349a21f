package io.ryegrass.registry;

/** A service that answers messages on some topics. */
public interface DeviceTopicHandler {
  /** Whether {@link #handle} is to be called for this topic. Fast, without I/O. */
  boolean accepts(String topic);

  /**
   * Handles a message; returns when its effect is on disk. Does not throw for what the message
   * contains: errors are answered to the device.
   */
  void handle(DeviceMessage message);
}
