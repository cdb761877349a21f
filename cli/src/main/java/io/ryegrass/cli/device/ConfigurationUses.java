package io.ryegrass.cli.device;

import io.ryegrass.model.Recipe;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Where the scripts of a recipe use configuration: a change of such a value changes the script, and
 * so restarts the component; of other values it is only told (v2-recipes-config.md §4.2).
 */
final class ConfigurationUses {
  private static final Pattern VARIABLE =
      Pattern.compile("\\{(?:([A-Za-z0-9._-]+):)?configuration:(/[^{}]*)}");
  private static final List<String> STEPS =
      List.of("setenv", "install", "startup", "run", "recover", "bootstrap", "uninstall");

  /** One variable in one step. */
  private record Use(String step, String component, String pointer) {}

  private final List<Use> uses = new ArrayList<>();

  private ConfigurationUses(String self, Recipe recipe) {
    // of all manifests: the device's own is one of them
    recipe.manifests().forEach(m -> read(self, "", recipe.lifecycleFor(m)));
  }

  static ConfigurationUses of(Recipe recipe) {
    return new ConfigurationUses(recipe.componentName(), recipe);
  }

  private void read(String self, String step, JsonNode node) {
    if (node.isObject()) {
      for (Map.Entry<String, JsonNode> e : node.properties()) {
        String key = e.getKey().toLowerCase(java.util.Locale.ROOT);
        if (step.isEmpty() && key.equals("shutdown")) {
          continue; // a running component has no use for it yet
        }
        read(self, step.isEmpty() && STEPS.contains(key) ? e.getKey() : step, e.getValue());
      }
    } else if (node.isString()) {
      Matcher variable = VARIABLE.matcher(node.asString());
      while (variable.find()) {
        String other = variable.group(1);
        uses.add(new Use(step, other == null ? self : other, variable.group(2)));
      }
    }
  }

  /** The first use of a value that differs, in words; empty when no script changes. */
  Optional<String> changed(String component, ObjectNode before, ObjectNode after) {
    Map<String, String> found = new LinkedHashMap<>();
    for (Use use : uses) {
      if (use.component().equals(component)
          && !before.at(use.pointer()).equals(after.at(use.pointer()))) {
        found.putIfAbsent(use.pointer(), use.step());
      }
    }
    return found.entrySet().stream()
        .findFirst()
        .map(e -> (e.getValue().isEmpty() ? "a script" : e.getValue()) + " uses " + e.getKey());
  }
}
