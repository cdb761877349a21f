package io.ryegrass.groups;

import io.ryegrass.awsapi.AwsException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a definition version must be to be stored: limits, ids, and the simple rules of each kind
 * (v1-group-deployment.md §4). What needs more than the one definition is checked when the group is
 * deployed.
 */
final class DefinitionRules {
  private static final Pattern ID = Pattern.compile("[a-zA-Z0-9:_-]{1,128}");
  private static final Pattern FUNCTION_ARN =
      Pattern.compile("arn:[^:]+:lambda:[^:]*:[^:]*:function:[^:]+(:[^:]+)?");

  private DefinitionRules() {}

  /** Keeps the members of the version's content and throws for what the service would refuse. */
  static ObjectNode check(Kind kind, ObjectNode given) {
    ObjectNode content = Shapes.empty();
    JsonNode entities = given.path(kind.member);
    if (entities.isArray()) {
      content.set(kind.member, entities);
    }
    if (kind == Kind.FUNCTION && given.path("DefaultConfig").isObject()) {
      content.set("DefaultConfig", given.path("DefaultConfig"));
    }
    limit(kind, entities.size());
    Set<String> ids = new HashSet<>();
    for (JsonNode entity : entities) {
      String id = entity.path("Id").asString("");
      if (!ID.matcher(id).matches()) {
        throw invalid(
            kind, "ID '" + id + "' is invalid: use 1 to 128 characters of a-z A-Z 0-9 : _ -");
      }
      if (!ids.add(id)) {
        throw invalid(kind, "ID '" + id + "' is used more than once");
      }
      entity(kind, id, entity);
    }
    if (kind == Kind.RESOURCE) {
      uniqueNames(entities);
    }
    return content;
  }

  private static void limit(Kind kind, int size) {
    int max =
        switch (kind) {
          case CORE -> 1;
          case DEVICE -> 2500;
          case FUNCTION, RESOURCE, CONNECTOR -> 200;
          case SUBSCRIPTION -> 10_000;
          case LOGGER, GROUP -> Integer.MAX_VALUE;
        };
    if (size > max) {
      throw invalid(kind, "It has " + size + " entries; at most " + max + " are allowed");
    }
  }

  private static void entity(Kind kind, String id, JsonNode entity) {
    switch (kind) {
      case SUBSCRIPTION -> {
        end(id, "source", "Source", entity.path("Source").asString(""));
        end(id, "target", "Target", entity.path("Target").asString(""));
      }
      case RESOURCE -> resource(entity.path("ResourceDataContainer"));
      case FUNCTION -> {
        String arn = entity.path("FunctionArn").asString("");
        if (!FUNCTION_ARN.matcher(arn).matches()) {
          throw invalid(
              kind, "Function ARN is invalid. ID is '" + id + "' and ARN is '" + arn + "'");
        }
        if (entity
                .path("FunctionConfiguration")
                .path("Environment")
                .path("ResourceAccessPolicies")
                .size()
            > 20) {
          throw invalid(kind, "Function '" + id + "' uses more than 20 resources");
        }
      }
      case CORE, DEVICE -> {
        String thing = entity.path("ThingArn").asString("");
        if (!thing.contains(":thing/")) {
          throw invalid(
              kind, "Thing ARN is invalid. ID is '" + id + "' and ARN is '" + thing + "'");
        }
      }
      case CONNECTOR, LOGGER, GROUP -> {}
    }
  }

  private static void end(String id, String word, String member, String end) {
    boolean valid =
        end.equals("cloud")
            || end.equals("GGShadowService")
            || FUNCTION_ARN.matcher(end).matches()
            || end.startsWith("arn:") && (end.contains(":thing/") || end.contains("/connectors/"));
    if (!valid) {
      throw invalid(
          Kind.SUBSCRIPTION,
          "Subscription "
              + word
              + " is invalid. ID is '"
              + id
              + "' and "
              + member
              + " is '"
              + end
              + "'");
    }
  }

  private static void resource(JsonNode container) {
    List<String> given = container.propertyNames().stream().toList();
    if (given.size() != 1) {
      throw invalid(Kind.RESOURCE, "ResourceDataContainer must hold exactly one kind of resource");
    }
    String volume = container.path("LocalVolumeResourceData").path("SourcePath").asString("");
    if (volume.equals("/sys") || volume.startsWith("/sys/")) {
      throw V1Errors.badRequest(
          "The resources definition is invalid. (ErrorDetails: [Accessing /sys is prohibited])");
    }
    JsonNode device = container.path("LocalDeviceResourceData");
    String path = device.path("SourcePath").asString("");
    if (device.isObject() && !path.startsWith("/dev")) {
      throw V1Errors.badRequest(
          "The resources definition is invalid. (ErrorDetails: [Device resource path should begin with /dev, but got: "
              + path
              + "])");
    }
  }

  private static void uniqueNames(JsonNode resources) {
    Set<String> names = new HashSet<>();
    for (JsonNode resource : resources) {
      String name = resource.path("Name").asString("");
      if (!ID.matcher(name).matches()) {
        throw V1Errors.invalidInput("Invalid resource name.");
      }
      if (!names.add(name)) {
        throw invalid(Kind.RESOURCE, "Name '" + name + "' is used more than once");
      }
    }
  }

  private static AwsException invalid(Kind kind, String detail) {
    return V1Errors.badRequest(
        "The "
            + kind.segment
            + " definition is invalid or corrupted. (ErrorDetails: ["
            + detail
            + "])");
  }
}
