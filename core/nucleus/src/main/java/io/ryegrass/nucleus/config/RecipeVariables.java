package io.ryegrass.nucleus.config;

import io.ryegrass.model.Json;
import io.ryegrass.model.JsonPointers;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Replaces recipe variables (v2-recipes-config.md section 5): {@code {ns:key}} of the own component
 * first, then {@code {component:ns:key}} of direct dependencies on the result. What cannot be found
 * is left as it is; there is no escaping.
 */
public final class RecipeVariables {
  private static final Pattern OWN = Pattern.compile("\\{([a-zA-Z0-9_.-]+):([^:}]+)\\}");
  private static final Pattern CROSS =
      Pattern.compile("\\{([a-zA-Z0-9_.-]+):([a-zA-Z0-9_.-]+):([^:}]+)\\}");

  /**
   * What can be said about one component.
   *
   * @param artifacts its artifact folder
   * @param unarchived its folder of unpacked archives
   * @param work its working directory
   */
  public record Facts(ObjectNode configuration, Path artifacts, Path unarchived, Path work) {}

  private final Path root;
  private final String thingName;
  private final Facts own;
  private final Function<String, @Nullable Facts> dependencies;

  /**
   * @param dependencies facts of a direct dependency in the resolved set, or null for any other
   *     name
   */
  public RecipeVariables(
      Path root, String thingName, Facts own, Function<String, @Nullable Facts> dependencies) {
    this.root = root;
    this.thingName = thingName;
    this.own = own;
    this.dependencies = dependencies;
  }

  /** All text of a life cycle section. */
  public ObjectNode lifecycle(ObjectNode lifecycle) {
    return (ObjectNode) TextChange.apply(lifecycle, text -> replace(text, true));
  }

  /** Text of a configuration value: all variables except {@code configuration:}. */
  public String configurationText(String text) {
    return replace(text, false);
  }

  private String replace(String text, boolean withConfiguration) {
    if (text.indexOf('{') < 0) {
      return text;
    }
    String first =
        OWN.matcher(text)
            .replaceAll(m -> quote(m, value(own, m.group(1), m.group(2), withConfiguration)));
    return CROSS
        .matcher(first)
        .replaceAll(
            m -> {
              Facts other = dependencies.apply(m.group(1));
              return quote(
                  m,
                  other == null ? null : value(other, m.group(2), m.group(3), withConfiguration));
            });
  }

  private static String quote(java.util.regex.MatchResult m, @Nullable String value) {
    return Matcher.quoteReplacement(value == null ? m.group() : value);
  }

  private @Nullable String value(
      Facts facts, String namespace, String key, boolean withConfiguration) {
    return switch (namespace + ":" + key) {
      case "artifacts:path" -> facts.artifacts().toString();
      case "artifacts:decompressedPath" -> facts.unarchived().toString();
      case "work:path" -> facts.work().toString();
      case "kernel:rootPath" -> root.toString();
      case "iot:thingName" -> thingName;
      default ->
          namespace.equals("configuration") && withConfiguration
              ? text(facts.configuration(), key)
              : null;
    };
  }

  private static @Nullable String text(ObjectNode configuration, String pointer) {
    if (!pointer.startsWith("/")) {
      return null;
    }
    JsonNode node = JsonPointers.get(configuration, pointer);
    if (node == null) {
      return null;
    }
    if (node.isContainer()) {
      return Json.text(sorted(node));
    }
    return node.isNull() ? "null" : node.asString();
  }

  private static JsonNode sorted(JsonNode node) {
    if (node instanceof ObjectNode o) {
      Map<String, JsonNode> byName = new TreeMap<>();
      o.properties().forEach(e -> byName.put(e.getKey(), sorted(e.getValue())));
      ObjectNode made = JsonNodeFactory.instance.objectNode();
      byName.forEach(made::set);
      return made;
    }
    if (node instanceof ArrayNode a) {
      ArrayNode made = JsonNodeFactory.instance.arrayNode();
      a.forEach(item -> made.add(sorted(item)));
      return made;
    }
    return node;
  }
}
