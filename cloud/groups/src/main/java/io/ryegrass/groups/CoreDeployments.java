package io.ryegrass.groups;

import io.ryegrass.model.DeploymentDocument.ComponentUpdate;
import io.ryegrass.model.Recipe;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** What groups need of the V2 side; the real one is {@link V2CoreDeployments}. */
interface CoreDeployments {
  /** An address at which a core's local broker is reached. */
  record Address(String id, String hostAddress, int portNumber, String metadata) {}

  /** Told after the commit. */
  interface Listener {
    void changed(String deploymentId, String status, JsonNode statusDetails);
  }

  /** How far a deployment is on its core, in the words that {@link Listener} gets. */
  record Standing(String status, JsonNode statusDetails) {}

  /** Makes a component version available; does nothing when the same one is there. */
  void putComponent(Recipe recipe, Map<String, byte[]> artifacts);

  /**
   * Sends the components to the core, as those of the hidden thing group. Joins the caller's
   * transaction.
   */
  void deploy(
      String deploymentId,
      String groupId,
      String coreThingName,
      Map<String, ComponentUpdate> components);

  /** The group has nothing on the core any more. Joins the caller's transaction. */
  void forget(String groupId, String coreThingName);

  void onChanged(Listener listener);

  /** As last committed; empty when there is no record of the deployment. */
  Optional<Standing> standing(String deploymentId);

  List<Address> addresses(String coreThingName);
}
