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
   * What one component is asked for by, for {@link #resolveAll}.
   *
   * @param requirements as for {@link #resolve}
   * @param local as for {@link #resolve}
   */
  record Wanted(String name, Map<String, String> requirements, @Nullable ComponentVersion local) {}

  /**
   * Asks for many at once: a group has up to 200 functions, and a question each would be most of a
   * deployment's time. The answer may lack any of them, for whatever reason; those are asked for
   * one by one, which also tells what is wrong.
   *
   * @return by name
   */
  default Map<String, ResolvedComponent> resolveAll(
      List<Wanted> wanted, Map<String, String> platform) {
    return Map.of();
  }

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

  /**
   * The whole document of a deployment whose message holds only its outline (capability
   * LARGE_CONFIGURATION, GetDeploymentConfiguration of v2-deployments.md section 7.3); its digest
   * is right.
   *
   * @throws CloudUnavailableException when trying again later may help
   * @throws CloudRefusedException when it does not, GET_DEPLOYMENT_CONFIGURATION_ACCESS_DENIED
   *     among others
   */
  default String deploymentDocument(String deploymentId) {
    throw new CloudRefusedException(
        "DOWNLOAD_DEPLOYMENT_DOCUMENT_ERROR",
        "This core has no cloud to fetch the document of deployment " + deploymentId + " from.");
  }
}
