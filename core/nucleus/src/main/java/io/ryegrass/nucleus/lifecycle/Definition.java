package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.model.DeploymentDocument.SystemResourceLimits;
import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.config.Generation;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * A component of a generation, worked out: recipe, life cycle with variables replaced, user.
 *
 * @param lifecycle empty when the definition is not usable
 * @param limits of its processes together, or null for none
 * @param hard names of hard dependencies
 * @param unusable why it cannot run, or null
 */
record Definition(
    Generation.Entry entry,
    Recipe recipe,
    Recipe.@Nullable Manifest manifest,
    ObjectNode lifecycle,
    @Nullable String posixUser,
    @Nullable SystemResourceLimits limits,
    Set<String> hard,
    @Nullable NucleusException unusable) {

  /**
   * Whether a change from {@code old} to this needs the body to be made anew (v2-recipes-config.md
   * section 4.2).
   */
  boolean differsInBody(Definition old) {
    return needsInstall(old)
        || !withoutShutdown(lifecycle).equals(withoutShutdown(old.lifecycle))
        || !hard.equals(old.hard);
  }

  /** Whether the scripts differ at all, also in what a running component has no use for yet. */
  boolean differsInScripts(Definition old) {
    return !lifecycle.equals(old.lifecycle);
  }

  /** Whether the change needs an installation. */
  boolean needsInstall(Definition old) {
    return !entry.version().equals(old.entry.version())
        || !entry.recipeDigest().equals(old.entry.recipeDigest())
        || !entry.artifacts().equals(old.entry.artifacts())
        || !Objects.equals(posixUser, old.posixUser)
        || (unusable == null) != (old.unusable == null)
        || !Objects.equals(step(lifecycle, "install"), step(old.lifecycle, "install"));
  }

  private static @Nullable Object step(ObjectNode lifecycle, String name) {
    for (var e : lifecycle.properties()) {
      if (e.getKey().equalsIgnoreCase(name)) {
        return e.getValue();
      }
    }
    return null;
  }

  private static ObjectNode withoutShutdown(ObjectNode lifecycle) {
    ObjectNode copy = lifecycle.deepCopy();
    for (String key : Set.copyOf(copy.propertyNames())) {
      if (key.equalsIgnoreCase("shutdown")) {
        copy.remove(key);
      }
    }
    return copy;
  }
}
