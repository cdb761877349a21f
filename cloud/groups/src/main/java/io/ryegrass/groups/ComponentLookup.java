package io.ryegrass.groups;

import io.ryegrass.model.BuiltInComponents;
import java.util.Optional;

/**
 * Which components a compiled group may use, and in which version. What a group needs and this does
 * not know is {@linkplain CompiledGroup#missing() missing}: the group is not deployed without it.
 */
@FunctionalInterface
public interface ComponentLookup {

  /** The version to deploy of a component; empty when there is none of that name. */
  Optional<String> version(String componentName);

  /** The components that come with every core. */
  static ComponentLookup builtIn() {
    return name ->
        BuiltInComponents.recipes().stream()
            .filter(recipe -> recipe.componentName().equals(name))
            .map(recipe -> recipe.componentVersion().text())
            .findFirst();
  }
}
