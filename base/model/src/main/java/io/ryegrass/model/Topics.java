package io.ryegrass.model;

import java.nio.charset.StandardCharsets;

/**
 * Topic names and filters: matching after MQTT §4.7 and after AWS IoT Core's variant, and the
 * length checks of IoT Core (mqtt-cloud.md).
 */
public final class Topics {
  private static final String NOT_VALID = "TOPIC_NOT_VALID";

  private Topics() {}

  /**
   * MQTT's own rule: {@code +} is one level, {@code #} any number including none, so that {@code
   * a/#} also matches {@code a}; a filter that starts with a wildcard matches no topic that starts
   * with {@code $} [MQTT-4.7.2-1].
   */
  public static boolean matches(String filter, String topic) {
    return matches(filter, topic, true);
  }

  /** AWS IoT Core's rule: as {@link #matches}, but {@code a/#} does not match {@code a}. */
  public static boolean matchesAws(String filter, String topic) {
    return matches(filter, topic, false);
  }

  private static boolean matches(String filter, String topic, boolean hashMatchesParent) {
    int f = 0;
    int t = 0;
    int filterLength = filter.length();
    int topicLength = topic.length();
    if (filterLength == 0 || topicLength == 0) {
      return false;
    }
    if (topic.charAt(0) == '$' && (filter.charAt(0) == '+' || filter.charAt(0) == '#')) {
      return false;
    }
    while (true) {
      int filterEnd = end(filter, f);
      if (filterEnd == f + 1 && filter.charAt(f) == '#') {
        return filterEnd == filterLength;
      }
      int topicEnd = end(topic, t);
      boolean plus = filterEnd == f + 1 && filter.charAt(f) == '+';
      if (!plus
          && (filterEnd - f != topicEnd - t || !filter.regionMatches(f, topic, t, topicEnd - t))) {
        return false;
      }
      boolean filterDone = filterEnd == filterLength;
      boolean topicDone = topicEnd == topicLength;
      if (filterDone || topicDone) {
        return filterDone && topicDone
            || hashMatchesParent
                && topicDone
                && filterEnd + 2 == filterLength
                && filter.charAt(filterEnd + 1) == '#';
      }
      f = filterEnd + 1;
      t = topicEnd + 1;
    }
  }

  private static int end(String text, int from) {
    int slash = text.indexOf('/', from);
    return slash < 0 ? text.length() : slash;
  }

  /**
   * A topic name that may be published to.
   *
   * @throws InvalidDocumentException code {@code TOPIC_NOT_VALID}
   */
  public static void checkTopic(String topic, int maxBytes, int maxSlashes) {
    check("topic", topic, maxBytes, maxSlashes);
    if (topic.indexOf('+') >= 0 || topic.indexOf('#') >= 0) {
      throw new InvalidDocumentException(
          NOT_VALID, "topic '" + topic + "' holds a wildcard (+ or #); publish to a plain topic");
    }
  }

  /**
   * A topic filter that may be subscribed to; wildcards stand alone in their level and {@code #} is
   * the last [MQTT-4.7.1-2] [MQTT-4.7.1-3].
   *
   * @throws InvalidDocumentException code {@code TOPIC_NOT_VALID}
   */
  public static void checkFilter(String filter, int maxBytes, int maxSlashes) {
    check("topic filter", filter, maxBytes, maxSlashes);
    int from = 0;
    while (from <= filter.length()) {
      int end = end(filter, from);
      String level = filter.substring(from, end);
      boolean wild = level.indexOf('+') >= 0 || level.indexOf('#') >= 0;
      if (wild && (level.length() != 1 || level.equals("#") && end != filter.length())) {
        throw new InvalidDocumentException(
            NOT_VALID,
            "topic filter '"
                + filter
                + "' uses a wildcard inside a level or '#' before the end; '+' must be a whole"
                + " level and '#' the last one");
      }
      from = end + 1;
    }
  }

  private static void check(String what, String text, int maxBytes, int maxSlashes) {
    if (text.isEmpty()) {
      throw new InvalidDocumentException(
          NOT_VALID, "the " + what + " is empty; write at least one character");
    }
    if (text.indexOf('\0') >= 0) {
      throw new InvalidDocumentException(
          NOT_VALID, "the " + what + " holds the character U+0000, which MQTT does not allow");
    }
    int bytes = text.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > maxBytes) {
      throw new InvalidDocumentException(
          NOT_VALID,
          "the " + what + " has " + bytes + " bytes, at most " + maxBytes + " are allowed");
    }
    long slashes = text.chars().filter(c -> c == '/').count();
    if (slashes > maxSlashes) {
      throw new InvalidDocumentException(
          NOT_VALID,
          what
              + " '"
              + text
              + "' has "
              + slashes
              + " slashes, at most "
              + maxSlashes
              + " are allowed");
    }
  }
}
