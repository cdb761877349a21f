package io.ryegrass.components;

import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.JsonPointers;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The cloud API's form of components and policies (v2-deployments.md §1.1) to the device's (§1).
 */
final class DeploymentRequests {
  private DeploymentRequests() {}

  /** The component versions that can be deployed. */
  @FunctionalInterface
  interface Existence {
    /** For what was checked when it was created. */
    Existence CHECKED = (name, version) -> Optional.empty();

    /** Why a component version cannot be deployed and what to do; empty when it can. */
    Optional<String> missing(String name, ComponentVersion version);
  }

  static Map<String, DeploymentDocument.ComponentUpdate> components(
      @Nullable JsonNode components, Existence existence) {
    Map<String, DeploymentDocument.ComponentUpdate> result = new LinkedHashMap<>();
    if (!(components instanceof ObjectNode given)) {
      return result;
    }
    for (Map.Entry<String, JsonNode> entry : given.properties()) {
      String where = "components." + entry.getKey();
      String version = Json.text(entry.getValue(), "componentVersion");
      ComponentVersion number;
      try {
        number = ComponentVersion.parse(version);
      } catch (InvalidDocumentException e) {
        throw Faults.validation(where + ".componentVersion", where + ": " + e.getMessage());
      }
      existence
          .missing(entry.getKey(), number)
          .ifPresent(
              why -> {
                throw Faults.notFound("COMPONENT", entry.getKey() + ":" + version, why);
              });
      result.put(
          entry.getKey(),
          new DeploymentDocument.ComponentUpdate(
              version,
              update(where, entry.getValue().path("configurationUpdate")),
              runWith(entry.getValue().path("runWith"))));
    }
    return result;
  }

  private static DeploymentDocument.ConfigurationUpdate update(String where, JsonNode node) {
    String mergeText = Json.text(node, "merge");
    ObjectNode merge = mergeText.isEmpty() ? null : Json.tryRead(mergeText);
    if (!mergeText.isEmpty() && merge == null) {
      throw Faults.validation(
          where + ".configurationUpdate.merge",
          where + ".configurationUpdate.merge must be the text of a JSON object");
    }
    List<String> reset = new ArrayList<>();
    for (JsonNode pointer : node.path("reset")) {
      try {
        JsonPointers.parse(pointer.asString());
      } catch (InvalidDocumentException e) {
        throw Faults.validation(
            where + ".configurationUpdate.reset",
            where + ".configurationUpdate.reset: " + e.getMessage());
      }
      reset.add(pointer.asString());
    }
    return new DeploymentDocument.ConfigurationUpdate(merge, reset);
  }

  private static DeploymentDocument.@Nullable RunWith runWith(JsonNode node) {
    if (!node.isObject()) {
      return null;
    }
    JsonNode limits = node.path("systemResourceLimits");
    return new DeploymentDocument.RunWith(
        node.has("posixUser") ? Json.text(node, "posixUser") : null,
        node.has("windowsUser") ? Json.text(node, "windowsUser") : null,
        limits.isObject()
            ? new DeploymentDocument.SystemResourceLimits(
                limits.path("memory").asLong(0), limits.path("cpus").asDouble(0))
            : null);
  }

  /** What the model does not say of iotJobConfiguration (API-19). */
  static void checkJobConfiguration(JsonNode given) {
    JsonNode criteria =
        given
            .path("jobExecutionsRolloutConfig")
            .path("exponentialRate")
            .path("rateIncreaseCriteria");
    if (criteria.isObject()
        && criteria.has("numberOfNotifiedThings") == criteria.has("numberOfSucceededThings")) {
      throw Faults.validation(
          "iotJobConfiguration.jobExecutionsRolloutConfig.exponentialRate.rateIncreaseCriteria",
          "rateIncreaseCriteria must have exactly one of numberOfNotifiedThings and"
              + " numberOfSucceededThings");
    }
    JsonNode timeout = given.path("timeoutConfig").path("inProgressTimeoutInMinutes");
    if (timeout.isNumber() && (timeout.asLong() < 1 || timeout.asLong() > 10_080)) {
      throw Faults.validation(
          "iotJobConfiguration.timeoutConfig.inProgressTimeoutInMinutes",
          "inProgressTimeoutInMinutes must be from 1 to 10080, not " + timeout.asLong());
    }
  }

  /** The policies with the API's defaults filled in. */
  static ObjectNode policies(@Nullable JsonNode given) {
    JsonNode policies = given == null ? Json.object() : given;
    ObjectNode result = Json.object();
    String failure = Json.text(policies, "failureHandlingPolicy");
    result.put("failureHandlingPolicy", failure.isEmpty() ? "ROLLBACK" : failure);
    JsonNode update = policies.path("componentUpdatePolicy");
    String action = Json.text(update, "action");
    result
        .putObject("componentUpdatePolicy")
        .put("timeoutInSeconds", update.path("timeoutInSeconds").asInt(60))
        .put("action", action.isEmpty() ? "NOTIFY_COMPONENTS" : action);
    result
        .putObject("configurationValidationPolicy")
        .put(
            "timeoutInSeconds",
            policies.path("configurationValidationPolicy").path("timeoutInSeconds").asInt(30));
    return result;
  }

  static DeploymentDocument document(
      DeploymentRow row, Map<String, DeploymentDocument.ComponentUpdate> components) {
    JsonNode policies = row.request().path("deploymentPolicies");
    String parent = row.parentTargetArn();
    return new DeploymentDocument(
        row.id(),
        row.displayName(),
        row.configurationArn(),
        parent,
        parent,
        row.created().toEpochMilli(),
        components,
        FailureHandlingPolicy.valueOf(Json.text(policies, "failureHandlingPolicy")),
        capabilities(components, parent != null),
        new DeploymentDocument.ComponentUpdatePolicy(
            policies.at("/componentUpdatePolicy/timeoutInSeconds").asInt(60),
            DeploymentDocument.ComponentUpdatePolicy.Action.valueOf(
                Json.text(policies.path("componentUpdatePolicy"), "action"))),
        new DeploymentDocument.ConfigurationValidationPolicy(
            policies.at("/configurationValidationPolicy/timeoutInSeconds").asInt(30)));
  }

  /**
   * What is sent of a document that is too large for its way: everything but the changes of
   * configuration, for which the device then asks by GetDeploymentConfiguration (v2-deployments.md
   * §1, TRB-29).
   */
  static DeploymentDocument outline(DeploymentDocument whole) {
    Map<String, DeploymentDocument.ComponentUpdate> versions = new LinkedHashMap<>();
    whole
        .components()
        .forEach(
            (name, update) ->
                versions.put(
                    name,
                    new DeploymentDocument.ComponentUpdate(
                        update.version(),
                        DeploymentDocument.ConfigurationUpdate.NONE,
                        update.runWith())));
    List<String> capabilities = new ArrayList<>(whole.requiredCapabilities());
    capabilities.add("LARGE_CONFIGURATION");
    return new DeploymentDocument(
        whole.deploymentId(),
        whole.deploymentName(),
        whole.configurationArn(),
        whole.parentTargetArn(),
        whole.onBehalfOf(),
        whole.creationTimestamp(),
        versions,
        whole.failureHandlingPolicy(),
        capabilities,
        whole.componentUpdatePolicy(),
        whole.configurationValidationPolicy());
  }

  private static List<String> capabilities(
      Map<String, DeploymentDocument.ComponentUpdate> components, boolean subdeployment) {
    List<String> result = new ArrayList<>();
    boolean limits =
        components.values().stream()
            .map(DeploymentDocument.ComponentUpdate::runWith)
            .anyMatch(r -> r != null && r.systemResourceLimits() != null);
    if (limits) {
      result.add("LINUX_RESOURCE_LIMITS");
    }
    if (subdeployment) {
      result.add("SUB_DEPLOYMENTS");
    }
    return result;
  }
}
