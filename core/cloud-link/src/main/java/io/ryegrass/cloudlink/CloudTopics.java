package io.ryegrass.cloudlink;

import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.Topics;
import io.ryegrass.nucleus.CloudMessage;
import io.ryegrass.nucleus.CloudMessagingException;

/**
 * The limits of AWS IoT Core, checked before anything is sent: the cloud ends a connection that
 * breaks them, and a message in the spool that does so would do it for ever (LESSON-07;
 * mqtt-cloud.md section 2).
 */
final class CloudTopics {
  private static final int MAX_BYTES = 256;
  private static final int MAX_SLASHES = 7;

  /** Topics of the cloud itself, with MQTT 5 (v2-recipes-config.md section 7.1). */
  private static final int MAX_RESERVED_BYTES = 512;

  private static final int ANY_SLASHES = MAX_RESERVED_BYTES;
  private static final String INVALID_TOPIC = "INVALID_TOPIC";

  private CloudTopics() {}

  /**
   * @throws CloudMessagingException with the reason why it cannot be sent
   */
  static void checkPublish(CloudMessage message, MqttSettings mqtt) {
    String topic = message.topic();
    checkQos(message.qos());
    if (topic.startsWith("$") && !topic.startsWith("$aws/")) {
      throw new CloudMessagingException(
          INVALID_TOPIC,
          "Topic '"
              + topic
              + "' begins with '$', which the cloud keeps for itself; use another first level.");
    }
    try {
      // Basic Ingest: the prefix $aws/rules/<rule>/ does not count
      if (topic.startsWith("$aws/rules/")) {
        Topics.checkTopic(afterLevels(topic, 3), MAX_BYTES, MAX_SLASHES);
      } else if (topic.startsWith("$aws/") && mqtt.version() == 5) {
        Topics.checkTopic(topic, MAX_RESERVED_BYTES, ANY_SLASHES);
      } else {
        Topics.checkTopic(topic, MAX_BYTES, MAX_SLASHES);
      }
    } catch (InvalidDocumentException e) {
      throw new CloudMessagingException(
          INVALID_TOPIC, "Cannot publish to the cloud: " + e.getMessage() + ".", e);
    }
    int bytes = message.payload().length;
    if (bytes > mqtt.maxMessageBytes()) {
      throw new CloudMessagingException(
          "PAYLOAD_TOO_LARGE",
          "The message for topic '"
              + topic
              + "' has "
              + bytes
              + " bytes, mqtt.maxMessageSizeInBytes allows "
              + mqtt.maxMessageBytes()
              + "; split it or send it as a stream.");
    }
    if (mqtt.version() == 5) {
      String fault = CloudMessages.of(message, 0).properties().fault();
      if (fault != null) {
        throw new CloudMessagingException(
            "INVALID_PROPERTIES",
            "The message for topic '" + topic + "' cannot be sent: " + fault + ".");
      }
    }
  }

  static void checkSubscribe(String filter, int qos) {
    checkQos(qos);
    try {
      Topics.checkFilter(bare(filter), MAX_BYTES, MAX_SLASHES);
    } catch (InvalidDocumentException e) {
      throw new CloudMessagingException(
          INVALID_TOPIC, "Cannot subscribe in the cloud: " + e.getMessage() + ".", e);
    }
  }

  /** The filter by which messages come: without {@code $share/<group>/}. */
  static String bare(String filter) {
    return filter.startsWith("$share/") ? afterLevels(filter, 2) : filter;
  }

  private static void checkQos(int qos) {
    if (qos != 0 && qos != 1) {
      throw new CloudMessagingException(
          "INVALID_QOS", "The cloud knows QoS 0 and 1, not " + qos + ".");
    }
  }

  private static String afterLevels(String topic, int levels) {
    int at = 0;
    for (int i = 0; i < levels; i++) {
      int slash = topic.indexOf('/', at);
      if (slash < 0) {
        return topic;
      }
      at = slash + 1;
    }
    return topic.substring(at);
  }
}
