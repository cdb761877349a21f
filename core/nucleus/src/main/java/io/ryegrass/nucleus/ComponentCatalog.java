package io.ryegrass.nucleus;

import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.Recipe;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Where component versions come from. Calls may block with a deadline. */
public interface ComponentCatalog {
  /**
   * The best version for the requirements and the platform.
   *
   * @param requirements who asks → version requirement
   * @param local the version on this device that would do, if any
   * @throws CloudUnavailableException when nobody could be asked
   * @throws CloudRefusedException when there is no such version, or no permission
   */
  ResolvedComponent resolve(
      String name,
      Map<String, String> requirements,
      Map<String, String> platform,
      @Nullable ComponentVersion local);

  /**
   * Names of the thing groups this core belongs to.
   *
   * @throws CloudUnavailableException when nobody could be asked
   */
  List<String> thingGroups();

  /**
   * A component version as the cloud knows it.
   *
   * @param arn component version ARN
   * @param recipe the recipe
   * @param recipeJson the recipe's text as received
   */
  record ResolvedComponent(String arn, Recipe recipe, String recipeJson) {}
}
