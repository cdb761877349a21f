package io.ryegrass.nucleus;

/**
 * A message that goes to the cloud or came from there.
 *
 * @param retain to the cloud: it is to be kept for later subscribers; from there: it had been kept
 * @param properties what MQTT 5 lets it carry beside the payload
 */
public record CloudMessage(
    String topic, byte[] payload, int qos, boolean retain, CloudMessageProperties properties) {
  /** A message with a payload and nothing else. */
  public CloudMessage(String topic, byte[] payload, int qos) {
    this(topic, payload, qos, false, CloudMessageProperties.NONE);
  }
}
