package io.ryegrass.mqtt;

/**
 * What a client asked to be published when its connection ends without DISCONNECT ([MQTT-3.1.2-8]).
 *
 * @param properties MQTT 5 properties that go on to the receivers, encoded; empty for none
 * @param expirySeconds of the message once published; -1 for none
 * @param delaySeconds between the end of the connection and the publishing, less if the session
 *     ends before
 */
public record Will(
    String topic,
    byte[] payload,
    int qos,
    boolean retain,
    byte[] properties,
    long expirySeconds,
    long delaySeconds) {
  static Will of(Packet.WillMessage w) {
    return new Will(
        w.topic().name(),
        w.payload(),
        w.qos(),
        w.retain(),
        w.properties(),
        w.expirySeconds(),
        w.delaySeconds());
  }
}
