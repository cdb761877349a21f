package io.ryegrass.nucleus.deploy;

import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.ImageReference;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.store.ComponentStore.StoredRecipe;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Components that the artifacts of others need. */
final class Prerequisites {
  private static final String TOKEN_EXCHANGE = "aws.greengrass.TokenExchangeService";
  private static final String DOCKER = "aws.greengrass.DockerApplicationManager";

  private Prerequisites() {}

  /**
   * Images of private registries are opened with the credentials of the core's role, and all images
   * are fetched by an engine; a deployment must ask for the components of both by name
   * (v2-deployments.md section 5, step 6; DOC-03). For files in S3 the core uses its role by
   * itself, as the tutorial's first component has it (CMP-01; decision 028).
   *
   * @param fetched components that this process does not bring along
   * @param components names of all components
   */
  static void check(
      List<StoredRecipe> fetched, Set<String> components, Map<String, String> platform) {
    for (StoredRecipe r : fetched) {
      String name = r.recipe().componentName();
      for (Recipe.Artifact artifact : r.recipe().select(platform).artifacts()) {
        boolean image = artifact.scheme().equals("docker");
        if (image && !components.contains(DOCKER)) {
          throw new NucleusException(
              "MISSING_DOCKER_APPLICATION_MANAGER",
              "Artifact "
                  + artifact.uri()
                  + " of "
                  + name
                  + " is a container image, and "
                  + DOCKER
                  + " is not among the components; add it to the deployment or to the dependencies of "
                  + name
                  + ".");
        }
        boolean role = image && ImageReference.parse(artifact.uri()).isPrivateEcr();
        if (role && !components.contains(TOKEN_EXCHANGE)) {
          throw new NucleusException(
              "MISSING_TOKEN_EXCHANGE_SERVICE",
              "Artifact "
                  + artifact.uri()
                  + " of "
                  + name
                  + " is opened by credentials of "
                  + TOKEN_EXCHANGE
                  + ", which is not among the components; add it to the deployment or to the"
                  + " dependencies of "
                  + name
                  + ".");
        }
      }
    }
  }
}
