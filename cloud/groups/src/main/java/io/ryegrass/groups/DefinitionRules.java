package io.ryegrass.groups;

import io.ryegrass.awsapi.AwsException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a definition version must be to be stored: limits, ids, and the rules of each kind that need
 * no other definition (v1-group-deployment.md §4, TRB-GRP rows). All that is wrong is told at once,
 * in the service's {@code (ErrorDetails: [...])}. What needs more than the one definition is
 * checked when a group version refers to both, and when the group is deployed.
 */
final class DefinitionRules {
  private static final Pattern ID = Pattern.compile("[a-zA-Z0-9:_-]{1,128}");
  private static final Pattern FUNCTION_ARN =
      Pattern.compile("arn:[^:]+:lambda:[^:]*:[^:]*:function:[^:]+(:[^:]+)?");
  private static final Pattern THING_ARN =
      Pattern.compile("arn:[^:]+:iot:[^:]*:[^:]*:thing/(?<name>.+)");
  private static final Pattern CONNECTOR_ARN =
      Pattern.compile("arn:[^:]+:greengrass:[^:]*:[^:]*:/?connectors/[^/]+/versions/[^/]+");
  private static final int MAX_RESOURCES_OF_A_FUNCTION = 20;
  private static final int MAX_CORE_NAME_BYTES = 124;
  private static final int MAX_TOPIC_BYTES = 256;

  private final Kind kind;
  private final List<String> details = new ArrayList<>();

  private DefinitionRules(Kind kind) {
    this.kind = kind;
  }

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
    new DefinitionRules(kind).all(entities, given.path("DefaultConfig"));
    return content;
  }

  private void all(JsonNode entities, JsonNode defaults) {
    limit(entities.size());
    if (kind == Kind.FUNCTION) {
      asRule(() -> FunctionRules.checkDefaults(defaults));
    }
    Set<String> ids = new HashSet<>();
    for (JsonNode entity : entities) {
      String id = entity.path("Id").asString("");
      if (!ID.matcher(id).matches()) {
        details.add("ID '" + id + "' is invalid: use 1 to 128 characters of a-z A-Z 0-9 : _ -");
      } else if (!ids.add(id)) {
        details.add("ID '" + id + "' is used more than once");
      }
      entity(id, entity, defaults);
    }
    if (kind == Kind.RESOURCE) {
      uniqueNames(entities);
    }
    if (!details.isEmpty()) {
      throw invalid("The " + kind.segment + " definition is invalid or corrupted.", details);
    }
  }

  /** Of AWS's quotas that differ from year to year the largest counts (decision 058). */
  private void limit(int size) {
    int max =
        switch (kind) {
          case CORE -> 1;
          case DEVICE -> 2500;
          case FUNCTION, RESOURCE, CONNECTOR -> 200;
          case SUBSCRIPTION -> 10_000;
          case LOGGER, GROUP -> Integer.MAX_VALUE;
        };
    if (size > max) {
      details.add("It has " + size + " entries; at most " + max + " are allowed");
    }
  }

  private void asRule(Runnable rule) {
    try {
      rule.run();
    } catch (GroupCompilationException e) {
      details.add(String.valueOf(e.getMessage()));
    }
  }

  private void entity(String id, JsonNode entity, JsonNode defaults) {
    switch (kind) {
      case SUBSCRIPTION -> {
        end(id, "source", "Source", entity.path("Source").asString(""));
        end(id, "target", "Target", entity.path("Target").asString(""));
        if (bytes(entity.path("Subject").asString("")) > MAX_TOPIC_BYTES) {
          details.add(
              "Subscription subject is longer than "
                  + MAX_TOPIC_BYTES
                  + " bytes. ID is '"
                  + id
                  + "'");
        }
      }
      case RESOURCE -> resource(id, entity.path("ResourceDataContainer"));
      case FUNCTION -> function(id, entity, defaults);
      case CORE, DEVICE -> {
        String thing = entity.path("ThingArn").asString("");
        Matcher parts = THING_ARN.matcher(thing);
        if (!parts.matches()) {
          details.add("Thing ARN is invalid. ID is '" + id + "' and ARN is '" + thing + "'");
        } else if (kind == Kind.CORE && bytes(parts.group("name")) > MAX_CORE_NAME_BYTES) {
          details.add(
              "The thing name of core '"
                  + id
                  + "' is longer than "
                  + MAX_CORE_NAME_BYTES
                  + " bytes");
        }
      }
      case CONNECTOR -> {
        String arn = entity.path("ConnectorArn").asString("");
        if (!CONNECTOR_ARN.matcher(arn).matches()) {
          details.add("Connector ARN is invalid. ID is '" + id + "' and ARN is '" + arn + "'");
        }
      }
      case LOGGER, GROUP -> {}
    }
  }

  private static int bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }

  private void function(String id, JsonNode entity, JsonNode defaults) {
    String arn = entity.path("FunctionArn").asString("");
    if (!FUNCTION_ARN.matcher(arn).matches()) {
      details.add("Function ARN is invalid. ID is '" + id + "' and ARN is '" + arn + "'");
      return;
    }
    asRule(() -> FunctionRules.container(entity, defaults));
    if (entity.at("/FunctionConfiguration/Environment/ResourceAccessPolicies").size()
        > MAX_RESOURCES_OF_A_FUNCTION) {
      details.add(
          "Function '" + id + "' uses more than " + MAX_RESOURCES_OF_A_FUNCTION + " resources");
    }
  }

  private void end(String id, String word, String member, String end) {
    boolean valid =
        end.equals("cloud")
            || end.equals("GGShadowService")
            || FUNCTION_ARN.matcher(end).matches()
            || end.startsWith("arn:") && (end.contains(":thing/") || end.contains("/connectors/"));
    if (!valid) {
      details.add(
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

  /** Paths have a sentence of their own at the service. */
  private void resource(String id, JsonNode container) {
    if (container.size() != 1) {
      details.add("ResourceDataContainer of '" + id + "' must hold exactly one kind of resource");
    }
    String volume = container.path("LocalVolumeResourceData").path("SourcePath").asString("");
    if (volume.equals("/sys") || volume.startsWith("/sys/")) {
      throw path("Accessing /sys is prohibited");
    }
    JsonNode device = container.path("LocalDeviceResourceData");
    String path = device.path("SourcePath").asString("");
    if (device.isObject() && !path.startsWith("/dev")) {
      throw path("Device resource path should begin with /dev, but got: " + path);
    }
    for (String model :
        List.of(
            "S3MachineLearningModelResourceData", "SageMakerMachineLearningModelResourceData")) {
      JsonNode owner = container.path(model).path("OwnerSetting");
      if (owner.isObject()
          && (owner.path("GroupOwner").asString("").isEmpty()
              || owner.path("GroupPermission").asString("").isEmpty())) {
        details.add(
            "InvalidMLModelOwner - GroupOwnerSetting is provided in ML model resource, but"
                + " GroupOwner or GroupPermission is not present");
      }
    }
  }

  private static AwsException path(String detail) {
    return invalid("The resources definition is invalid.", List.of(detail));
  }

  private void uniqueNames(JsonNode resources) {
    Set<String> names = new HashSet<>();
    for (JsonNode resource : resources) {
      String name = resource.path("Name").asString("");
      if (!ID.matcher(name).matches()) {
        throw V1Errors.invalidInput("Invalid resource name.");
      }
      if (!names.add(name)) {
        details.add("Name '" + name + "' is used more than once");
      }
    }
  }

  private static AwsException invalid(String sentence, List<String> details) {
    return V1Errors.refused(sentence + " (ErrorDetails: [" + String.join(", ", details) + "])");
  }
}
