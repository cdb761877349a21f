package io.ryegrass.cloudlink;

import io.ryegrass.mqtt.MessageProperties;
import io.ryegrass.mqtt.MqttMessage;
import io.ryegrass.nucleus.CloudMessage;
import io.ryegrass.nucleus.CloudMessageProperties;

/** The nucleus' messages and the MQTT client's. */
final class CloudMessages {
  private CloudMessages() {}

  static CloudMessage of(MqttMessage m) {
    MessageProperties p = m.properties();
    return new CloudMessage(
        m.topic(),
        m.payload(),
        m.qos(),
        m.retain(),
        p.isEmpty()
            ? CloudMessageProperties.NONE
            : new CloudMessageProperties(
                p.payloadIsText(),
                p.expirySeconds(),
                p.contentType(),
                p.responseTopic(),
                p.correlationData(),
                p.userProperties().stream()
                    .map(u -> new CloudMessageProperties.UserProperty(u.name(), u.value()))
                    .toList()));
  }

  /**
   * @param waitedSeconds taken off the message's expiry
   */
  static MqttMessage of(CloudMessage m, long waitedSeconds) {
    CloudMessageProperties p = m.properties();
    return new MqttMessage(
        m.topic(),
        m.payload(),
        m.qos(),
        m.retain(),
        p == CloudMessageProperties.NONE
            ? MessageProperties.NONE
            : new MessageProperties(
                p.payloadIsText(),
                p.expirySeconds() < 0 ? -1 : Math.max(0, p.expirySeconds() - waitedSeconds),
                p.contentType(),
                p.responseTopic(),
                p.correlationData(),
                p.userProperties().stream()
                    .map(u -> new MessageProperties.UserProperty(u.key(), u.value()))
                    .toList()));
  }
}
