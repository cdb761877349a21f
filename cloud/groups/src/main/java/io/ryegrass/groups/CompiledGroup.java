package io.ryegrass.groups;

import io.ryegrass.functions.FunctionVersion;
import io.ryegrass.model.DeploymentDocument.ComponentUpdate;
import io.ryegrass.model.Recipe;
import java.util.List;
import java.util.Map;

/**
 * What a group version is in terms of V2.
 *
 * @param coreThingName the core it is for
 * @param components root components of the deployment, by name
 * @param functions the private components that have to be there before: one for each function
 * @param devices thing names of the client devices
 */
public record CompiledGroup(
    String coreThingName,
    Map<String, ComponentUpdate> components,
    List<FunctionComponent> functions,
    List<String> devices) {

  /** Name of the artifact that holds a function's code. */
  public static final String CODE = "lambda.zip";

  /** A function as a component, and where its code is. */
  public record FunctionComponent(Recipe recipe, FunctionVersion function) {}
}
