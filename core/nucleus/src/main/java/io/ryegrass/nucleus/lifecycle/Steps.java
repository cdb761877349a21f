package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.model.Json;
import io.ryegrass.nucleus.NucleusException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads steps from a life cycle section (v2-recipes-config.md section 3); names are found without
 * regard to case.
 */
final class Steps {
  /** One step ready to run. */
  record Step(
      String name,
      String script,
      Duration timeout,
      boolean requiresPrivilege,
      Map<String, String> environment) {}

  private final ObjectNode lifecycle;

  Steps(ObjectNode lifecycle) {
    this.lifecycle = lifecycle;
  }

  /**
   * A step, or null when the recipe has none or it is to be skipped.
   *
   * @throws NucleusException {@code <STEP>_CONFIG_NOT_VALID}
   */
  @Nullable Step find(String name, Duration defaultTimeout) {
    JsonNode node = child(lifecycle, name);
    if (node == null || node.isNull()) {
      return null;
    }
    Map<String, String> environment = environment(lifecycle);
    if (!node.isObject()) {
      return new Step(name, node.asString(""), defaultTimeout, false, environment);
    }
    JsonNode script = child(node, "Script");
    if (script == null || !script.isValueNode()) {
      throw notValid(name, "has no Script");
    }
    JsonNode skip = child(node, "Skipif");
    if (skip != null && skips(name, skip.asString(""))) {
      return null;
    }
    environment.putAll(environment(node));
    JsonNode privilege = child(node, "RequiresPrivilege");
    return new Step(
        name,
        script.asString(""),
        timeout(name, node, defaultTimeout),
        privilege != null && privilege.asString("").equalsIgnoreCase("true"),
        environment);
  }

  /** Time limit of a step by name, also when it is skipped. */
  Duration timeout(String name, Duration defaultTimeout) {
    JsonNode node = child(lifecycle, name);
    try {
      return node != null && node.isObject() ? timeout(name, node, defaultTimeout) : defaultTimeout;
    } catch (NucleusException e) {
      return defaultTimeout;
    }
  }

  /** Time after which errors are forgotten, {@code errorResetTime} in seconds. */
  Duration errorResetTime() {
    JsonNode node = child(lifecycle, "errorResetTime");
    try {
      return node == null
          ? Duration.ofHours(1)
          : Duration.ofSeconds((long) Double.parseDouble(node.asString("")));
    } catch (NumberFormatException e) {
      return Duration.ofHours(1);
    }
  }

  /**
   * Whether the component counts as running as soon as its process has begun: it has a Run step and
   * no Startup, or one that is skipped here.
   */
  boolean hasRunOnly() {
    try {
      return child(lifecycle, "Run") != null && find("Startup", Duration.ZERO) == null;
    } catch (NucleusException e) {
      return false;
    }
  }

  private static Duration timeout(String name, JsonNode step, Duration defaultTimeout) {
    JsonNode node = child(step, "Timeout");
    if (node == null || node.isNull()) {
      return defaultTimeout;
    }
    try {
      double seconds = Double.parseDouble(node.asString(""));
      if (seconds > 0) {
        return Duration.ofMillis((long) (seconds * 1000));
      }
    } catch (NumberFormatException e) {
      throw notValid(
          name, "has Timeout \"" + node.asString("") + "\", which is not a number of seconds");
    }
    throw notValid(name, "has a Timeout that is not above zero");
  }

  private static boolean skips(String step, String condition) {
    String text = condition.strip();
    boolean negated = text.startsWith("!");
    if (negated) {
      text = text.substring(1).strip();
    }
    String[] words = text.split("\\s+", 2);
    if (words.length != 2) {
      throw notValid(
          step, "has Skipif \"" + condition + "\"; write onpath <program> or exists <file>");
    }
    boolean holds =
        switch (words[0].toLowerCase(Locale.ROOT)) {
          case "onpath" ->
              words[1].startsWith("/")
                  ? Files.isExecutable(Path.of(words[1]))
                  : ScriptRunner.onPath(words[1]) != null;
          case "exists" -> Files.exists(home(words[1]));
          default ->
              throw notValid(
                  step,
                  "has Skipif \"" + condition + "\"; write onpath <program> or exists <file>");
        };
    return holds != negated;
  }

  private static Path home(String file) {
    return file.equals("~") || file.startsWith("~/")
        ? Path.of(System.getProperty("user.home", "/") + file.substring(1))
        : Path.of(file);
  }

  private static Map<String, String> environment(JsonNode section) {
    Map<String, String> found = new LinkedHashMap<>();
    JsonNode node = child(section, "Setenv");
    if (node != null) {
      node.properties()
          .forEach(
              e ->
                  found.put(
                      e.getKey(),
                      e.getValue().isContainer()
                          ? Json.text(e.getValue())
                          : e.getValue().asString("")));
    }
    return found;
  }

  private static @Nullable JsonNode child(JsonNode node, String name) {
    JsonNode exact = node.get(name);
    if (exact != null) {
      return exact;
    }
    for (Map.Entry<String, JsonNode> e : node.properties()) {
      if (e.getKey().equalsIgnoreCase(name)) {
        return e.getValue();
      }
    }
    return null;
  }

  private static NucleusException notValid(String step, String what) {
    return new NucleusException(
        step.toUpperCase(Locale.ROOT) + "_CONFIG_NOT_VALID",
        "Step " + step + " " + what + "; correct the recipe.");
  }
}
