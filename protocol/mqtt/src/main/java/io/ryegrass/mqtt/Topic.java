package io.ryegrass.mqtt;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A topic name as text and as the bytes that go over the wire. Made once per name and kept by each
 * event loop for as long as it is in use ({@link TopicCache}), so that a stream of messages on one
 * topic is decoded, checked and matched once.
 */
final class Topic {
  private final String name;
  private final byte[] utf8;

  /** For the event loop that keeps this topic, and for nobody else. */
  private @Nullable Route route;

  private byte validity;

  Topic(String name, byte[] utf8) {
    this.name = name;
    this.utf8 = utf8;
  }

  static Topic of(String name) {
    return new Topic(name, name.getBytes(StandardCharsets.UTF_8));
  }

  String name() {
    return name;
  }

  /** Never changed by whoever gets it. */
  byte[] utf8() {
    return utf8;
  }

  /** What was found last for this topic on this event loop. */
  @Nullable Route route() {
    return route;
  }

  void route(Route found) {
    route = found;
  }

  /** Whether the broker's rules allow the name; looked at once. */
  boolean isValid(TopicRules rules) {
    if (validity == 0) {
      validity = (byte) (rules.validTopic(name) ? 1 : 2);
    }
    return validity == 1;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Topic t && t.name.equals(name);
  }

  @Override
  public int hashCode() {
    return name.hashCode();
  }

  @Override
  public String toString() {
    return name;
  }
}
