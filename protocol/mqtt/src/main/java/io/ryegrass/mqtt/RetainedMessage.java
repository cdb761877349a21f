package io.ryegrass.mqtt;

/**
 * The retained message of a topic.
 *
 * @param payload never changed by whoever gets it
 * @param qos as published
 * @param keptAt milliseconds since the epoch when it was published; 0 when an earlier version of
 *     the engine stored it
 * @param properties of MQTT 5, without the expiry
 */
public record RetainedMessage(
    String topic, byte[] payload, int qos, long keptAt, MessageProperties properties) {

  static RetainedMessage of(Message m) {
    return new RetainedMessage(
        m.topic().name(), m.payload(), m.qos(), m.keptAt(), MessageProperties.read(m.properties()));
  }
}
