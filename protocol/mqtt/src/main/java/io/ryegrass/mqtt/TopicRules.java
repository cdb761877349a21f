package io.ryegrass.mqtt;

import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.Topics;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Which topics and filters are valid and match: the standard's rules or AWS IoT Core's (mqtt-cloud
 * reference, section 2).
 *
 * @param refusedFilter nobody may subscribe to exactly this one
 */
record TopicRules(boolean aws, Limits limits, @Nullable String refusedFilter) {
  TopicRules(boolean aws, Limits limits) {
    this(aws, limits, null);
  }

  private static final String RULES = "$aws/rules/";

  /** What lenient decoders put in the place of bytes that are not UTF-8. */
  private static final char MALFORMED = '\uFFFD';

  boolean validTopic(String topic) {
    try {
      Topics.checkTopic(counted(topic), limits.maxTopicBytes(), limits.maxTopicSlashes());
      return wellFormed(topic) && topic.length() <= 65_535;
    } catch (InvalidDocumentException e) {
      return false;
    }
  }

  /** With {@code $share/<group>/} or without; the group does not count for the limits. */
  boolean validFilter(String filter) {
    return FilterSyntax.parse(filter, limits.maxTopicSlashes() + 1)
            instanceof FilterSyntax.Valid valid
        && valid.filter().getBytes(StandardCharsets.UTF_8).length <= limits.maxTopicBytes()
        && wellFormed(filter);
  }

  /**
   * U+0000 is not allowed [MQTT-1.5.3-2]. U+FFFD is refused, too: programs that decode leniently
   * put it in the place of anything, and two different byte strings must not become one name in
   * their policies. (Ill-formed UTF-8 itself never gets past the decoder.)
   */
  static boolean wellFormed(String text) {
    return text.indexOf(MALFORMED) < 0 && text.indexOf('\0') < 0;
  }

  boolean matches(String filter, String topic) {
    return aws ? Topics.matchesAws(filter, topic) : Topics.matches(filter, topic);
  }

  boolean mayRetain(String topic) {
    return !(aws && topic.startsWith("$"));
  }

  /**
   * Whether a retained message of a topic goes to a new subscription: in AWS only to the same plain
   * topic.
   */
  boolean retainedMatches(String filter, String topic) {
    return aws ? filter.equals(topic) : Topics.matches(filter, topic);
  }

  boolean validClientId(String clientId) {
    return wellFormed(clientId) && !(aws && clientId.startsWith("$"));
  }

  /** The topic without the rule prefix, which does not count for the limits. */
  private String counted(String topic) {
    if (aws && topic.startsWith(RULES)) {
      int end = topic.indexOf('/', RULES.length());
      if (end > 0 && end + 1 < topic.length()) {
        return topic.substring(end + 1);
      }
    }
    return topic;
  }
}
