package io.ryegrass.mqtt;

import org.jspecify.annotations.Nullable;

/**
 * A message as it was published, shared by all who get it; nothing in it is ever changed.
 *
 * @param qos as published, 0 to 2
 * @param retain as published
 * @param properties the MQTT 5 properties that go on to the receivers, as the bytes of their
 *     encoding without the length in front: payload format indicator, content type, response topic,
 *     correlation data, user properties in their order [MQTT5-3.3.2-17]. Empty for none. Topic
 *     alias, subscription identifiers and message expiry are not among them
 * @param expiresAt milliseconds since the epoch, 0 for never
 * @param publisher the client that published it, for the option "no local"; null for the host
 * @param receivedNanos {@code System.nanoTime()} of its arrival, 0 when unknown
 * @param keptAt milliseconds since the epoch when it became the retained message of its topic, 0
 *     when unknown
 */
record Message(
    Topic topic,
    byte[] payload,
    int qos,
    boolean retain,
    byte[] properties,
    long expiresAt,
    @Nullable String publisher,
    long receivedNanos,
    long keptAt) {
  static final byte[] NO_PROPERTIES = new byte[0];

  /** As it is published. */
  Message(
      Topic topic,
      byte[] payload,
      int qos,
      boolean retain,
      byte[] properties,
      long expiresAt,
      @Nullable String publisher,
      long receivedNanos) {
    this(topic, payload, qos, retain, properties, expiresAt, publisher, receivedNanos, 0);
  }

  /** As it comes back from the disk. */
  Message(
      Topic topic,
      byte[] payload,
      int qos,
      boolean retain,
      byte[] properties,
      long expiresAt,
      @Nullable String publisher) {
    this(topic, payload, qos, retain, properties, expiresAt, publisher, 0);
  }

  /**
   * The same as the retained message of its topic, tied to no event loop.
   *
   * @param now milliseconds since the epoch
   */
  Message keptAt(long now) {
    return new Message(
        new Topic(topic.name(), topic.utf8()),
        payload,
        qos,
        retain,
        properties,
        expiresAt,
        publisher,
        0,
        now);
  }

  /** The same for waiting: tied to no event loop and to no time of arrival. */
  Message atRest() {
    return keptAt(keptAt);
  }

  boolean isExpired(long nowMillis) {
    return expiresAt != 0 && expiresAt <= nowMillis;
  }

  /** What it counts against the bounds of queues: payload, properties and topic. */
  int weight() {
    return payload.length + properties.length + topic.utf8().length;
  }
}
