package io.ryegrass.crashtests;

/** Topic filters, by MQTT 3.1.1 section 4.7 and MQTT 5 section 4.8.2; written here once more. */
final class Filters {
  private static final String SHARED = "$share/";

  private Filters() {}

  static boolean isShared(String filter) {
    return filter.startsWith(SHARED);
  }

  /** Whether the filter, shared or not, selects the topic (no topics that begin with $). */
  static boolean matches(String filter, String topic) {
    String plain =
        isShared(filter) ? filter.substring(filter.indexOf('/', SHARED.length()) + 1) : filter;
    String[] wanted = plain.split("/", -1);
    String[] levels = topic.split("/", -1);
    for (int i = 0; i < wanted.length; i++) {
      if (wanted[i].equals("#")) {
        return true;
      }
      if (i >= levels.length || !(wanted[i].equals("+") || wanted[i].equals(levels[i]))) {
        return false;
      }
    }
    return wanted.length == levels.length;
  }
}
