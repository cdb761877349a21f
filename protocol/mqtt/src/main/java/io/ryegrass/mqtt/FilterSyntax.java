package io.ryegrass.mqtt;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** What a topic filter may look like: MQTT 5, sections 4.7 and 4.8.2 (3.1.1: section 4.7). */
final class FilterSyntax {
  private static final String SHARE = "$share/";
  private static final int LONGEST = 65_535;

  private FilterSyntax() {}

  /** Either a filter or the reason why it is none. */
  sealed interface Result {}

  /**
   * @param group of a shared subscription, else null
   * @param filter without {@code $share/<group>/}
   */
  record Valid(@Nullable String group, String filter) implements Result {}

  /** To be answered with reason code 0x8F (Topic Filter invalid). */
  record Invalid(String reason) implements Result {}

  /**
   * Reads a filter as it stands in SUBSCRIBE or UNSUBSCRIBE.
   *
   * @param maximumLevels of the filter without {@code $share/<group>/}; at least 1
   */
  static Result parse(String text, int maximumLevels) {
    if (tooLong(text)) {
      return new Invalid("is longer than 65,535 bytes"); // [MQTT5-4.7.3-3]
    }
    if (!text.startsWith(SHARE)) {
      String fault = fault(text, maximumLevels);
      return fault == null ? new Valid(null, text) : new Invalid(fault);
    }
    int slash = text.indexOf('/', SHARE.length());
    if (slash < 0) {
      return new Invalid("has a group but no filter"); // [MQTT5-4.8.2-2]
    }
    String group = text.substring(SHARE.length(), slash);
    if (group.isEmpty()) {
      return new Invalid("has an empty group name"); // [MQTT5-4.8.2-1]
    }
    if (group.indexOf('+') >= 0 || group.indexOf('#') >= 0) {
      return new Invalid("has a wildcard in its group name"); // [MQTT5-4.8.2-2]
    }
    if (group.indexOf('\0') >= 0) {
      return new Invalid("has U+0000 in it"); // [MQTT5-4.7.3-2]
    }
    String filter = text.substring(slash + 1);
    String fault = fault(filter, maximumLevels);
    return fault == null ? new Valid(group, filter) : new Invalid(fault);
  }

  /** Whether a filter is of a shared subscription, well-formed or not. */
  static boolean isShared(String text) {
    return text.startsWith(SHARE);
  }

  /** Levels of a topic name or filter: the slashes and one. */
  static int levels(String text) {
    int levels = 1;
    for (int at = text.indexOf('/'); at >= 0; at = text.indexOf('/', at + 1)) {
      levels++;
    }
    return levels;
  }

  private static @Nullable String fault(String filter, int maximumLevels) {
    if (filter.isEmpty()) {
      return "is empty"; // [MQTT5-4.7.3-1]
    }
    int levels = 1;
    int last = filter.length() - 1;
    for (int i = 0; i <= last; i++) {
      switch (filter.charAt(i)) {
        case '/' -> {
          if (++levels > maximumLevels) {
            return "has more than " + maximumLevels + " levels";
          }
        }
        case '#' -> {
          if (i != last || (i > 0 && filter.charAt(i - 1) != '/')) {
            return "has a # that is not a whole last level"; // [MQTT5-4.7.1-1]
          }
        }
        case '+' -> {
          if ((i > 0 && filter.charAt(i - 1) != '/') || (i < last && filter.charAt(i + 1) != '/')) {
            return "has a + that is not a whole level"; // [MQTT5-4.7.1-2]
          }
        }
        case '\0' -> {
          return "has U+0000 in it"; // [MQTT5-4.7.3-2]
        }
        default -> {}
      }
    }
    return null;
  }

  /** UTF-8 has one to three bytes for each char of Java. */
  private static boolean tooLong(String text) {
    return text.length() * 3L > LONGEST
        && (text.length() > LONGEST || text.getBytes(StandardCharsets.UTF_8).length > LONGEST);
  }
}
