package io.ryegrass.groups;

import io.ryegrass.components.ComponentsService;
import io.ryegrass.components.GroupDeployment;
import io.ryegrass.model.DeploymentDocument.ComponentUpdate;
import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.model.Recipe;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The V2 side of this cloud. A group's deployment is always rolled back when it fails, as V1 does.
 */
final class V2CoreDeployments implements CoreDeployments {
  private final ComponentsService components;

  V2CoreDeployments(ComponentsService components) {
    this.components = components;
  }

  @Override
  public void putComponent(Recipe recipe, Map<String, byte[]> artifacts) {
    components.putPrivateComponent(recipe, artifacts);
  }

  @Override
  public void deploy(
      String deploymentId,
      String groupId,
      String coreThingName,
      Map<String, ComponentUpdate> roots) {
    components.deployGroup(
        new GroupDeployment(
            deploymentId, groupKey(groupId), coreThingName, roots, FailureHandlingPolicy.ROLLBACK));
  }

  @Override
  public void forget(String groupId, String coreThingName) {
    components.forgetGroup(coreThingName, groupKey(groupId));
  }

  private static String groupKey(String groupId) {
    return "thinggroup/greengrassV1-" + groupId;
  }

  @Override
  public void onChanged(Listener listener) {
    components.onGroupDeploymentChanged(listener::changed);
  }

  @Override
  public Optional<Standing> standing(String deploymentId) {
    return components
        .groupDeployment(deploymentId)
        .map(s -> new Standing(s.status(), s.statusDetails()));
  }

  @Override
  public List<Address> addresses(String coreThingName) {
    return components.connectivityOf(coreThingName).entries().stream()
        .map(i -> new Address(i.id(), i.hostAddress(), i.portNumber(), i.metadata()))
        .toList();
  }
}
