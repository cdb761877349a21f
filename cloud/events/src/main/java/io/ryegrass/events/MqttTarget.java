package io.ryegrass.events;

import java.nio.charset.StandardCharsets;

/** Publishes to whoever subscribed. */
final class MqttTarget implements EventTarget {
  static final String NAME = "mqtt";

  private final EventTopic topics;

  MqttTarget(EventTopic topics) {
    this.topics = topics;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Outcome deliver(String topic, String body) {
    try {
      topics.publish(topic, body.getBytes(StandardCharsets.UTF_8));
      return new Outcome.Taken();
    } catch (RuntimeException e) {
      return new Outcome.Later("the MQTT engine did not take it: " + e.getMessage());
    }
  }
}
