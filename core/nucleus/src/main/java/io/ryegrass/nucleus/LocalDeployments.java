package io.ryegrass.nucleus;

import io.ryegrass.model.DeploymentDocument.ConfigurationUpdate;
import io.ryegrass.model.DeploymentDocument.RunWith;
import io.ryegrass.model.FailureHandlingPolicy;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Deployments asked for on this device: what the four operations CreateLocalDeployment,
 * ListLocalDeployments, GetLocalDeploymentStatus and CancelLocalDeployment stand on (v2-ipc.md
 * section 7.5, v2-deployments.md section 16). They need no cloud. Each call returns at once; the
 * work goes through the one queue of all deployments.
 */
public interface LocalDeployments {
  /** The list keeps this many (guide: the last 10). */
  int LISTED = 10;

  /** Codes of {@link NucleusException} that these calls throw. */
  String INVALID_ARGUMENTS = "INVALID_ARGUMENTS";

  String INVALID_RECIPE_DIRECTORY = "INVALID_RECIPE_DIRECTORY_PATH";
  String INVALID_ARTIFACTS_DIRECTORY = "INVALID_ARTIFACTS_DIRECTORY_PATH";
  String QUEUE_FULL = "QUEUE_FULL";
  String RESOURCE_NOT_FOUND = "RESOURCE_NOT_FOUND";

  /**
   * Checks a request and queues it; stored when this returns.
   *
   * @return the deployment's id, a random UUID
   * @throws NucleusException with one of the codes above
   */
  String create(Request r);

  /** The last {@link #LISTED} local deployments, newest first. */
  List<Status> list();

  /**
   * One local deployment.
   *
   * @throws NucleusException INVALID_ARGUMENTS when the id is no UUID
   */
  Optional<Status> find(String deploymentId);

  /**
   * Cancels a queued or running local deployment.
   *
   * @return what was done, as a sentence; one that has ended stays as it is
   * @throws NucleusException INVALID_ARGUMENTS, RESOURCE_NOT_FOUND
   */
  String cancel(String deploymentId);

  /**
   * What is asked for: the new roots of the group are its present ones less {@code remove} plus
   * {@code merge}.
   *
   * @param group thing group name without colon, or null for the group of local deployments
   * @param merge root component → version
   * @param remove root components that this group no longer asks for
   * @param configuration updates by component; see {@link #update}
   * @param runWith user and limits by component
   * @param recipes absolute folder with recipes to take over, or null
   * @param artifacts absolute folder {@code <component>/<version>/<file>} to take over, or null
   * @param failureHandlingPolicy null means DO_NOTHING (section 16)
   */
  record Request(
      @Nullable String group,
      Map<String, String> merge,
      List<String> remove,
      Map<String, ConfigurationUpdate> configuration,
      Map<String, RunWith> runWith,
      @Nullable Path recipes,
      @Nullable Path artifacts,
      @Nullable FailureHandlingPolicy failureHandlingPolicy) {}

  /**
   * How a local deployment stands.
   *
   * @param status QUEUED, IN_PROGRESS, SUCCEEDED, FAILED, REJECTED or CANCELED
   * @param detailedStatus SUCCESSFUL, FAILED_NO_STATE_CHANGE …; empty before the end
   * @param phase state in the deployment table (docs/reference/deployment-states.md)
   */
  record Status(
      String deploymentId,
      String status,
      Instant createdOn,
      String detailedStatus,
      List<String> errorStack,
      List<String> errorTypes,
      @Nullable String failureCause,
      String phase) {}

  /**
   * Reads a configuration update as the command line and IPC have it: {@code {"MERGE": {…},
   * "RESET": ["/pointer"]}}; keys without regard to case.
   *
   * @throws NucleusException INVALID_ARGUMENTS
   */
  static ConfigurationUpdate update(String component, JsonNode json) {
    ObjectNode merge = null;
    List<String> reset = new ArrayList<>();
    for (Map.Entry<String, JsonNode> e : json.properties()) {
      boolean known = true;
      if (e.getKey().equalsIgnoreCase("MERGE") && e.getValue() instanceof ObjectNode o) {
        merge = o;
      } else if (e.getKey().equalsIgnoreCase("RESET") && e.getValue().isArray()) {
        for (JsonNode pointer : e.getValue()) {
          known &= pointer.isString();
          reset.add(pointer.asString(""));
        }
      } else {
        known = e.getValue().isNull();
      }
      if (!known) {
        throw notUnderstood(component);
      }
    }
    if (!json.isObject()) {
      throw notUnderstood(component);
    }
    return new ConfigurationUpdate(merge, reset);
  }

  private static NucleusException notUnderstood(String component) {
    return new NucleusException(
        INVALID_ARGUMENTS,
        "The configuration update of "
            + component
            + " is not understood; write {\"MERGE\": {…}, \"RESET\": [\"/json/pointer\"]}.");
  }
}
