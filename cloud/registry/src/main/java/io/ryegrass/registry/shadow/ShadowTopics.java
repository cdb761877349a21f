package io.ryegrass.registry.shadow;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A request topic of the shadow service: {@code $aws/things/T/shadow[/name/N]/get|update|delete}.
 *
 * @param shadowName null for the classic shadow
 * @param prefix everything before the operation, without the last slash
 */
record ShadowTopics(String thing, @Nullable String shadowName, String operation, String prefix) {
  static boolean isShadowTopic(String topic) {
    return topic.startsWith("$aws/things/") && topic.contains("/shadow/");
  }

  static Optional<ShadowTopics> parse(String topic) {
    String[] parts = topic.split("/", -1);
    if (parts.length == 5 && parts[3].equals("shadow")) {
      return of(parts[2], null, parts[4], topic);
    }
    if (parts.length == 7 && parts[3].equals("shadow") && parts[4].equals("name")) {
      return of(parts[2], parts[5], parts[6], topic);
    }
    return Optional.empty();
  }

  private static Optional<ShadowTopics> of(
      String thing, @Nullable String name, String operation, String topic) {
    return switch (operation) {
      case "get", "update", "delete" ->
          Optional.of(
              new ShadowTopics(
                  thing,
                  name,
                  operation,
                  topic.substring(0, topic.length() - operation.length() - 1)));
      default -> Optional.empty();
    };
  }

  static String prefix(String thing, @Nullable String shadowName) {
    return "$aws/things/" + thing + "/shadow" + (shadowName == null ? "" : "/name/" + shadowName);
  }
}
