package io.ryegrass.ipc;

import io.ryegrass.eventstream.RpcError;
import io.ryegrass.eventstream.RpcOperation.Order;
import io.ryegrass.model.DeploymentDocument.ConfigurationUpdate;
import io.ryegrass.model.DeploymentDocument.RunWith;
import io.ryegrass.model.DeploymentDocument.SystemResourceLimits;
import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.nucleus.LocalDeployments;
import io.ryegrass.nucleus.NucleusException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Create, list, look at and cancel local deployments (v2-ipc.md §7.5, IPC-32 to IPC-34). */
final class LocalDeploymentOperations {
  private static final DateTimeFormatter CREATED =
      DateTimeFormatter.ofPattern("dd-MM-uuuu HH:mm:ss 'UTC'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private final LocalDeployments deployments;
  private final Authorisation authorisation;

  LocalDeploymentOperations(LocalDeployments deployments, Authorisation authorisation) {
    this.deployments = deployments;
    this.authorisation = authorisation;
  }

  void addTo(CoreService.Table table) {
    table.unary("CreateLocalDeployment", Order.CONCURRENT, this::create);
    table.unary("ListLocalDeployments", Order.CONCURRENT, this::list);
    table.unary("GetLocalDeploymentStatus", Order.CONCURRENT, this::status);
    table.unary("CancelLocalDeployment", Order.CONCURRENT, this::cancel);
  }

  private ObjectNode create(String principal, ObjectNode request) {
    authorise(principal, "CreateLocalDeployment", "*");
    try {
      return Requests.empty().put("deploymentId", deployments.create(request(request)));
    } catch (NucleusException e) {
      throw error(e, "");
    }
  }

  static LocalDeployments.Request request(ObjectNode request) {
    Map<String, String> merge = new LinkedHashMap<>();
    members(request, "rootComponentVersionsToAdd")
        .forEach((name, version) -> merge.put(name, text(version, "rootComponentVersionsToAdd")));
    List<String> remove = new ArrayList<>();
    request
        .path("rootComponentsToRemove")
        .forEach(name -> remove.add(text(name, "rootComponentsToRemove")));
    Map<String, ConfigurationUpdate> configuration = new LinkedHashMap<>();
    members(request, "componentToConfiguration")
        .forEach((name, update) -> configuration.put(name, LocalDeployments.update(name, update)));
    Map<String, RunWith> runWith = new LinkedHashMap<>();
    members(request, "componentToRunWithInfo")
        .forEach((name, info) -> runWith.put(name, runWith(info)));
    return new LocalDeployments.Request(
        emptyAsNull(Requests.optionalText(request, "groupName")),
        merge,
        remove,
        configuration,
        runWith,
        folder(request, "recipeDirectoryPath"),
        folder(request, "artifactsDirectoryPath"),
        policy(Requests.optionalText(request, "failureHandlingPolicy")));
  }

  private static Map<String, JsonNode> members(ObjectNode request, String member) {
    JsonNode node = request.get(member);
    if (node == null || node.isNull()) {
      return Map.of();
    }
    if (!node.isObject()) {
      throw Errors.invalidArguments(member + " must be an object");
    }
    Map<String, JsonNode> members = new LinkedHashMap<>();
    node.properties().forEach(e -> members.put(e.getKey(), e.getValue()));
    return members;
  }

  private static String text(JsonNode node, String member) {
    if (!node.isString()) {
      throw Errors.invalidArguments("the entries of " + member + " must be strings");
    }
    return node.stringValue();
  }

  private static RunWith runWith(JsonNode info) {
    JsonNode limits = info.path("systemResourceLimits");
    JsonNode posix = info.path("posixUser");
    JsonNode windows = info.path("windowsUser");
    return new RunWith(
        posix.isString() ? posix.stringValue() : null,
        windows.isString() ? windows.stringValue() : null,
        limits.isObject()
            ? new SystemResourceLimits(
                limits.path("memory").asLong(0), limits.path("cpus").asDouble(0))
            : null);
  }

  private static @Nullable Path folder(ObjectNode request, String member) {
    String text = emptyAsNull(Requests.optionalText(request, member));
    if (text == null) {
      return null;
    }
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw Errors.invalidArguments(member + " is not a path: " + Errors.text(e));
    }
  }

  private static @Nullable FailureHandlingPolicy policy(@Nullable String text) {
    if (text == null || text.isEmpty()) {
      return null;
    }
    return switch (text) {
      case "ROLLBACK" -> FailureHandlingPolicy.ROLLBACK;
      case "DO_NOTHING" -> FailureHandlingPolicy.DO_NOTHING;
      default ->
          throw Errors.invalidArguments(
              "failureHandlingPolicy must be ROLLBACK or DO_NOTHING, but is \"" + text + "\"");
    };
  }

  private static @Nullable String emptyAsNull(@Nullable String text) {
    return text == null || text.isEmpty() ? null : text;
  }

  private ObjectNode list(String principal, ObjectNode request) {
    authorise(principal, "ListLocalDeployments", "*");
    ObjectNode response = Requests.empty();
    ArrayNode all = response.putArray("localDeployments");
    deployments.list().forEach(status -> all.add(json(status)));
    return response;
  }

  private ObjectNode status(String principal, ObjectNode request) {
    String id = Requests.text(request, "deploymentId");
    authorise(principal, "GetLocalDeploymentStatus", id);
    LocalDeployments.Status status;
    try {
      status =
          deployments
              .find(id)
              .orElseThrow(
                  () ->
                      Errors.notFound("There is no local deployment " + id, "LocalDeployment", id));
    } catch (NucleusException e) {
      // the model has no InvalidArgumentsError here
      throw Errors.service(Errors.text(e));
    }
    ObjectNode response = Requests.empty();
    response.set("deployment", json(status));
    return response;
  }

  private ObjectNode cancel(String principal, ObjectNode request) {
    String id = Requests.text(request, "deploymentId");
    authorise(principal, "CancelLocalDeployment", id);
    try {
      return Requests.empty().put("message", deployments.cancel(id));
    } catch (NucleusException e) {
      throw error(e, id);
    }
  }

  private static ObjectNode json(LocalDeployments.Status status) {
    ObjectNode json =
        Requests.empty()
            .put("deploymentId", status.deploymentId())
            // REJECTED is a detail of FAILED in this enum (v2-ipc.md §6)
            .put("status", status.status().equals("REJECTED") ? "FAILED" : status.status())
            .put("createdOn", created(status.createdOn()));
    if (!status.detailedStatus().isEmpty()) {
      ObjectNode details = json.putObject("deploymentStatusDetails");
      details.put("detailedDeploymentStatus", status.detailedStatus());
      ArrayNode stack = details.putArray("deploymentErrorStack");
      status.errorStack().forEach(stack::add);
      ArrayNode types = details.putArray("deploymentErrorTypes");
      status.errorTypes().forEach(types::add);
      if (status.failureCause() != null) {
        details.put("deploymentFailureCause", status.failureCause());
      }
    }
    return json;
  }

  static String created(Instant instant) {
    return CREATED.format(instant);
  }

  private static RpcError error(NucleusException e, String id) {
    return switch (e.code()) {
      case LocalDeployments.INVALID_RECIPE_DIRECTORY ->
          Errors.error("InvalidRecipeDirectoryPathError", Errors.text(e));
      case LocalDeployments.INVALID_ARTIFACTS_DIRECTORY ->
          Errors.error("InvalidArtifactsDirectoryPathError", Errors.text(e));
      default -> Errors.of(e, "LocalDeployment", id);
    };
  }

  private void authorise(String principal, String operation, String resource) {
    authorisation.check(principal, Authorisation.CLI, Errors.NAMESPACE + operation, resource);
  }
}
