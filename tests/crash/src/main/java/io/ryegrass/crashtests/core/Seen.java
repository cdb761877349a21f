package io.ryegrass.crashtests.core;

import java.util.Map;

/**
 * What can be seen of the components of a core at rest.
 *
 * @param components by name
 */
record Seen(Map<String, Component> components) {
  /**
   * @param configuration as GetComponentDetails tells it
   * @param files digest of its recipe, artifacts and unpacked archives in the store
   * @param processes how many of its long-lived processes there are
   */
  record Component(
      String version,
      String state,
      Map<String, Object> configuration,
      String files,
      int processes) {}

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    components.forEach(
        (name, c) ->
            text.append("\n        ")
                .append(name.substring(Spec.PREFIX.length()))
                .append(' ')
                .append(c.version())
                .append(' ')
                .append(c.state())
                .append(' ')
                .append(c.configuration())
                .append(" files ")
                .append(c.files())
                .append(" processes ")
                .append(c.processes()));
    return components.isEmpty() ? "no components" : text.toString();
  }
}
