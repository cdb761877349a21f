package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.model.JsonPointers;
import io.ryegrass.nucleus.ConfigExplanation;
import io.ryegrass.nucleus.ConfigExplanation.Source;
import io.ryegrass.nucleus.config.StampedConfiguration.Explained;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Puts what is stored beside values into the form that others see. */
final class Explanations {
  private Explanations() {}

  /**
   * @param version and defaults of the recipe that runs now
   */
  static ConfigExplanation of(
      String component,
      String pointer,
      List<Explained> found,
      String version,
      ObjectNode defaults) {
    List<ConfigExplanation.Value> values = new ArrayList<>();
    for (Explained e : found) {
      Source source =
          switch (e.origin().kind()) {
            case RECIPE -> Source.RECIPE_DEFAULT;
            case DEPLOYMENT -> Source.DEPLOYMENT;
            case COMPONENT -> Source.COMPONENT;
            case FILE -> Source.CONFIG_FILE;
            case UNKNOWN -> e.time() == 1 ? Source.RECIPE_DEFAULT : Source.NOT_RECORDED;
          };
      boolean own = source == Source.RECIPE_DEFAULT && e.origin().id().equals(version);
      @Nullable JsonNode other = own ? null : JsonPointers.get(defaults, e.path());
      values.add(
          new ConfigExplanation.Value(
              pointer(e.path()),
              e.value(),
              source,
              e.origin().id(),
              e.time() > 1 ? Instant.ofEpochMilli(e.time()) : null,
              other == null || other.equals(e.value()) ? null : other.deepCopy()));
    }
    return new ConfigExplanation(component, pointer, values);
  }

  private static String pointer(List<String> path) {
    StringBuilder text = new StringBuilder();
    for (String key : path) {
      text.append('/').append(key.replace("~", "~0").replace("/", "~1"));
    }
    return text.toString();
  }
}
