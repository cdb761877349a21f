package io.ryegrass.model.shadow;

import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A request topic of the shadow service: {@code $aws/things/T/shadow[/name/N]/get|update|delete}.
 *
 * @param shadowName null for the classic shadow
 * @param prefix everything before the operation, without the last slash
 */
public record ShadowTopics(
    String thing, @Nullable String shadowName, String operation, String prefix) {
  private static final Pattern THING_NAME = Pattern.compile("[a-zA-Z0-9:_-]{1,128}");
  private static final Pattern SHADOW_NAME = Pattern.compile("[$a-zA-Z0-9:_-]{1,64}");

  /**
   * @param shadowName null for the classic shadow
   * @throws ShadowException 400 for what cannot be a name
   */
  public static void checkNames(String thing, @Nullable String shadowName) {
    if (!THING_NAME.matcher(thing).matches()) {
      throw new ShadowException(400, "Invalid thing name: " + thing);
    }
    if (shadowName != null && !SHADOW_NAME.matcher(shadowName).matches()) {
      throw new ShadowException(400, "Invalid shadow name: " + shadowName);
    }
  }

  /** Whether shadows are what it is about. */
  public static boolean isShadowTopic(String topic) {
    return topic.startsWith("$aws/things/") && topic.contains("/shadow/");
  }

  /** Empty for topics that are no request. */
  public static Optional<ShadowTopics> parse(String topic) {
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

  /** What the topics of a shadow begin with, without a slash at the end. */
  public static String prefix(String thing, @Nullable String shadowName) {
    return "$aws/things/" + thing + "/shadow" + (shadowName == null ? "" : "/name/" + shadowName);
  }
}
