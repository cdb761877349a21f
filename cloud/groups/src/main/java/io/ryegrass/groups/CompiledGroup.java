package io.ryegrass.groups;

import io.ryegrass.model.DeploymentDocument.ComponentUpdate;
import io.ryegrass.model.Recipe;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * What a group version is in terms of V2.
 *
 * @param coreThingName the core it is for
 * @param components root components of the deployment, by name
 * @param privateComponents those that have to be there before: one for each function and model
 * @param devices thing names of the client devices
 * @param explanation what each entry of the group became, in the group's order
 * @param missing what the group asks for and cannot have here, each a sentence that names it; with
 *     any, the group is not deployed
 */
public record CompiledGroup(
    String coreThingName,
    Map<String, ComponentUpdate> components,
    List<PrivateComponent> privateComponents,
    List<String> devices,
    List<Became> explanation,
    List<String> missing) {

  /** Name of the artifact that holds a function's code. */
  public static final String CODE = "lambda.zip";

  /** A component that this group alone needs, and its one artifact. */
  public record PrivateComponent(Recipe recipe, String fileName, Supplier<byte[]> content) {}

  /**
   * One line of the way from V1 to V2.
   *
   * @param kind {@code core}, {@code function}, {@code subscription} …
   * @param what the entry: its id, or its id and ARN
   * @param became the component and the part of its configuration
   * @param note what a reader has to know beside that, or empty
   */
  public record Became(String kind, String what, String became, String note) {}
}
