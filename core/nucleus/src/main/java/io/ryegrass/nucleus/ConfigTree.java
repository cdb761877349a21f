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
}
