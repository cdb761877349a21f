package io.ryegrass.model;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Reading and writing of {@link DeploymentDocument}. */
final class DeploymentDocuments {
  private static final String NOT_VALID = "DEPLOYMENT_DOCUMENT_NOT_VALID";

  private DeploymentDocuments() {}

  static DeploymentDocument read(String json) {
    JsonNode tree;
    try {
      tree = Json.read(json);
    } catch (JacksonException e) {
      throw new InvalidDocumentException(
          "DEPLOYMENT_DOCUMENT_PARSE_ERROR",
          "the deployment document is not readable JSON: " + e.getOriginalMessage(),
          e);
    }
    if (!(tree instanceof ObjectNode root)) {
      throw notValid("the deployment document must be a JSON object");
    }
    String arn = text(root, "configurationArn");
    if (arn == null || arn.isEmpty()) {
      throw notValid("configurationArn is missing in the deployment document");
    }
    ObjectNode update = object(root, "componentUpdatePolicy");
    ObjectNode validation = object(root, "configurationValidationPolicy");
    return new DeploymentDocument(
        orEmpty(text(root, "deploymentId")),
        orEmpty(text(root, "deploymentName")),
        arn,
        text(root, "parentTargetArn"),
        text(root, "onBehalfOf"),
        root.path("creationTimestamp").asLong(0),
        components(object(root, "components")),
        word(
            FailureHandlingPolicy.class,
            text(root, "failureHandlingPolicy"),
            FailureHandlingPolicy.ROLLBACK,
            "failureHandlingPolicy"),
        texts(root, "requiredCapabilities"),
        new DeploymentDocument.ComponentUpdatePolicy(
            update.path("timeout").asInt(60),
            word(
                DeploymentDocument.ComponentUpdatePolicy.Action.class,
                text(update, "action"),
                DeploymentDocument.ComponentUpdatePolicy.Action.NOTIFY_COMPONENTS,
                "componentUpdatePolicy.action")),
        new DeploymentDocument.ConfigurationValidationPolicy(validation.path("timeout").asInt(60)));
  }

  private static Map<String, DeploymentDocument.ComponentUpdate> components(ObjectNode node) {
    Map<String, DeploymentDocument.ComponentUpdate> result = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : node.properties()) {
      String where = "components." + entry.getKey();
      if (entry.getKey().isBlank() || !(entry.getValue() instanceof ObjectNode component)) {
        throw metadataNotValid(where + " must be a named object with a version");
      }
      String version = text(component, "version");
      if (version == null || version.isBlank()) {
        throw metadataNotValid(where + ".version is missing; name the exact version to deploy");
      }
      result.put(
          entry.getKey(),
          new DeploymentDocument.ComponentUpdate(
              version, configurationUpdate(component), runWith(component)));
    }
    return result;
  }

  private static DeploymentDocument.ConfigurationUpdate configurationUpdate(ObjectNode component) {
    ObjectNode update = object(component, "configurationUpdate");
    JsonNode merge = update.get("merge");
    if (merge != null && !merge.isNull() && !(merge instanceof ObjectNode)) {
      throw notValid("configurationUpdate.merge must be a JSON object");
    }
    return new DeploymentDocument.ConfigurationUpdate(
        merge instanceof ObjectNode object ? object : null, texts(update, "reset"));
  }

  private static DeploymentDocument.@Nullable RunWith runWith(ObjectNode component) {
    if (!(component.get("runWith") instanceof ObjectNode node)) {
      return null;
    }
    return new DeploymentDocument.RunWith(
        text(node, "posixUser"),
        text(node, "windowsUser"),
        node.get("systemResourceLimits") instanceof ObjectNode limits
            ? new DeploymentDocument.SystemResourceLimits(
                limits.path("memory").asLong(0), limits.path("cpus").asDouble(0))
            : null);
  }

  static ObjectNode write(DeploymentDocument document) {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.put("schemaDate", "2021-05-17");
    putUnlessEmpty(root, "deploymentId", document.deploymentId());
    putUnlessEmpty(root, "deploymentName", document.deploymentName());
    root.put("configurationArn", document.configurationArn());
    putUnlessEmpty(root, "parentTargetArn", document.parentTargetArn());
    putUnlessEmpty(root, "onBehalfOf", document.onBehalfOf());
    root.put("creationTimestamp", document.creationTimestamp());
    ObjectNode components = root.putObject("components");
    document.components().forEach((name, update) -> write(components.putObject(name), update));
    root.put("failureHandlingPolicy", document.failureHandlingPolicy().name());
    ArrayNode capabilities = root.putArray("requiredCapabilities");
    document.requiredCapabilities().forEach(capabilities::add);
    root.putObject("componentUpdatePolicy")
        .put("timeout", document.componentUpdatePolicy().timeout())
        .put("action", document.componentUpdatePolicy().action().name());
    root.putObject("configurationValidationPolicy")
        .put("timeout", document.configurationValidationPolicy().timeout());
    return root;
  }

  private static void write(ObjectNode node, DeploymentDocument.ComponentUpdate update) {
    node.put("version", update.version());
    DeploymentDocument.ConfigurationUpdate configuration = update.configurationUpdate();
    if (configuration.merge() != null || !configuration.reset().isEmpty()) {
      ObjectNode target = node.putObject("configurationUpdate");
      if (configuration.merge() != null) {
        target.set("merge", configuration.merge().deepCopy());
      }
      ArrayNode reset = target.putArray("reset");
      configuration.reset().forEach(reset::add);
    }
    DeploymentDocument.RunWith runWith = update.runWith();
    if (runWith != null) {
      ObjectNode target = node.putObject("runWith");
      if (runWith.posixUser() != null) {
        target.put("posixUser", runWith.posixUser());
      }
      if (runWith.windowsUser() != null) {
        target.put("windowsUser", runWith.windowsUser());
      }
      if (runWith.systemResourceLimits() != null) {
        target
            .putObject("systemResourceLimits")
            .put("memory", runWith.systemResourceLimits().memory())
            .put("cpus", runWith.systemResourceLimits().cpus());
      }
    }
  }

  private static void putUnlessEmpty(ObjectNode node, String field, @Nullable String value) {
    if (value != null && !value.isEmpty()) {
      node.put(field, value);
    }
  }

  private static @Nullable String text(ObjectNode node, String field) {
    JsonNode value = node.get(field);
    return value == null || value.isNull() || value.isContainer() ? null : value.asString();
  }

  private static String orEmpty(@Nullable String text) {
    return text == null ? "" : text;
  }

  private static ObjectNode object(ObjectNode node, String field) {
    JsonNode value = node.get(field);
    if (value == null || value.isNull()) {
      return JsonNodeFactory.instance.objectNode();
    }
    if (value instanceof ObjectNode object) {
      return object;
    }
    throw notValid(field + " must be a JSON object");
  }

  private static List<String> texts(ObjectNode node, String field) {
    JsonNode value = node.get(field);
    List<String> result = new ArrayList<>();
    if (value == null || value.isNull()) {
      return result;
    }
    if (!value.isArray()) {
      throw notValid(field + " must be a list of texts");
    }
    for (JsonNode item : value) {
      if (!item.isString()) {
        throw notValid(field + " must be a list of texts");
      }
      result.add(item.asString());
    }
    return result;
  }

  private static <E extends Enum<E>> E word(
      Class<E> type, @Nullable String text, E absent, String where) {
    if (text == null) {
      return absent;
    }
    for (E constant : type.getEnumConstants()) {
      if (constant.name().equals(text)) {
        return constant;
      }
    }
    throw notValid(where + " is '" + text + "'; use one of " + List.of(type.getEnumConstants()));
  }

  private static InvalidDocumentException notValid(String message) {
    return new InvalidDocumentException(NOT_VALID, message);
  }

  private static InvalidDocumentException metadataNotValid(String message) {
    return new InvalidDocumentException("COMPONENT_METADATA_NOT_VALID_IN_DEPLOYMENT", message);
  }
}
