package io.ryegrass.nucleus;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Read access to everything configured: identity, the nucleus' configuration, and each component's
 * effective configuration.
 */
public interface ConfigTree {
  CoreIdentity identity();

  NucleusConfiguration nucleus();

  /** The root folder. */
  Path root();

  /**
   * Effective configuration of a component (a copy); empty object when the component does not run
   * here.
   */
  ObjectNode component(String name);

  /**
   * One node of a component's configuration; an empty path is the whole configuration. Keys are
   * found without regard to case.
   */
  Optional<JsonNode> find(String component, List<String> path);

  /**
   * The tree in the AWS form: {@code system}, {@code services.<component>.{version, componentType,
   * configuration, …}}.
   */
  ObjectNode effective();

  /**
   * All values at and below a node, each with where it comes from (LESSON-30). Empty when there is
   * no such component or node.
   */
  default List<Explained> explain(String component, List<String> path) {
    return List.of();
  }

  /**
   * One value; lists and empty objects count as values.
   *
   * @param origin RECIPE, DEPLOYMENT, COMPONENT (it set it itself), FILE (config.yaml) or UNKNOWN
   * @param originId version of the recipe or id of the deployment; empty for the others
   * @param time when it was set, milliseconds since 1970; 0 when that is not known
   */
  record Explained(List<String> path, JsonNode value, String origin, String originId, long time) {}
}
