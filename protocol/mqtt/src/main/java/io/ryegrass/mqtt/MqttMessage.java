package io.ryegrass.mqtt;

/**
 * A message as {@link MqttClient} sends and receives it.
 *
 * @param qos 0 or 1
 * @param retain whether the server is to keep it for later subscribers; of a received one, whether
 *     the server had kept it
 */
public record MqttMessage(
    String topic, byte[] payload, int qos, boolean retain, MessageProperties properties) {}
