package io.ryegrass.groups;

import io.ryegrass.functions.FunctionVersion;
import io.ryegrass.model.ComponentType;
import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.Recipe;
import io.ryegrass.model.VersionRequirement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One function of a group as a Lambda component: the recipe depends on the function version alone,
 * everything of the group is configuration. Error texts are those of the V1 guide's troubleshooting
 * pages.
 */
final class FunctionCompiler {
  static final Set<String> ISOLATION_MODES = Set.of("GreengrassContainer", "NoContainer");

  private static final int DEFAULT_TIMEOUT_SECONDS = 3;
  private static final int DEFAULT_MEMORY_KB = 16_384;

  private final GroupContents group;
  private final Map<String, JsonNode> resources = new LinkedHashMap<>();

  FunctionCompiler(GroupContents group) {
    this.group = group;
    for (JsonNode resource : group.resources()) {
      resources.put(resource.path("Id").asString(""), resource);
    }
  }

  /** {@code DefaultConfig.Execution.IsolationMode}, or empty. */
  static String isolation(JsonNode defaults) {
    return defaults.path("Execution").path("IsolationMode").asString("");
  }

  static String clean(String text) {
    return text.replaceAll("[^a-zA-Z0-9-_.]", "-");
  }

  String componentName(FunctionVersion version) {
    return clean(version.name());
  }

  Recipe recipe(String name, FunctionVersion version) {
    Recipe.Artifact code =
        new Recipe.Artifact(
            "greengrass:" + CompiledGroup.CODE,
            version.codeSha256(),
            "SHA-256",
            Recipe.Unarchive.ZIP,
            new Recipe.Permission(Recipe.Access.ALL, Recipe.Access.ALL));
    return new Recipe(
        name,
        ComponentVersion.parse(version.version() + ".0.0"),
        ComponentType.LAMBDA,
        "Lambda function " + version.name() + ", version " + version.version(),
        "",
        version.functionArn(),
        Shapes.empty(),
        Map.of(
            GroupCompiler.LAMBDA_MANAGER,
            new Recipe.Dependency(
                VersionRequirement.parse(">=2.0.0 <3.0.0"), Recipe.DependencyType.HARD)),
        List.of(
            new Recipe.Manifest(
                "linux", Map.of("os", "linux"), Shapes.empty(), List.of(), List.of(code))),
        Shapes.empty());
  }

  /**
   * @param aliasArn the alias by which the group names the function, or empty
   */
  ObjectNode configuration(JsonNode definition, FunctionVersion version, String aliasArn) {
    String arn = definition.path("FunctionArn").asString("");
    JsonNode given = definition.path("FunctionConfiguration");
    JsonNode environment = given.path("Environment");
    boolean container = container(arn, given);
    ObjectNode c = Shapes.empty();
    c.put("lambdaArn", version.functionArn());
    ArrayNode aliases = c.putArray("aliasArns");
    if (!aliasArn.isEmpty()) {
      aliases.add(aliasArn);
    }
    String override = given.path("FunctionRuntimeOverride").asString("");
    c.put("runtime", override.isEmpty() ? version.runtime() : override);
    c.put("handler", version.handler());
    c.put("pinned", given.path("Pinned").asBoolean(false));
    c.put("timeoutInSeconds", given.path("Timeout").asInt(DEFAULT_TIMEOUT_SECONDS));
    c.put("maxQueueSize", 1000);
    c.put("maxInstancesCount", 100);
    c.put("maxIdleTimeInSeconds", 60);
    c.put("statusTimeoutInSeconds", 60);
    c.put("inputPayloadEncodingType", given.path("EncodingType").asString("json"));
    c.put("containerMode", container ? "GreengrassContainer" : "NoContainer");
    if (container) {
      ObjectNode params = c.putObject("containerParams");
      params.put("memorySize", given.path("MemorySize").asInt(DEFAULT_MEMORY_KB));
      params.put("mountROSysfs", environment.path("AccessSysfs").asBoolean(false));
    }
    resources(arn, container, environment.path("ResourceAccessPolicies"), c);
    runAs(environment, c);
    ArrayNode arguments = c.putArray("execArgs");
    String execArgs = given.path("ExecArgs").asString("").strip();
    if (!execArgs.isEmpty()) {
      for (String argument : execArgs.split("\\s+")) {
        arguments.add(argument);
      }
    }
    ObjectNode variables =
        c.putObject("lambdaExecutionParameters").putObject("EnvironmentVariables");
    environment
        .path("Variables")
        .properties()
        .forEach(variable -> variables.set(variable.getKey(), variable.getValue()));
    c.putObject("pubsubTopics");
    c.putObject("group").put("id", group.groupId()).put("name", group.groupName());
    return c;
  }

  private boolean container(String arn, JsonNode given) {
    JsonNode environment = given.path("Environment");
    String own = isolation(environment);
    String mode = own.isEmpty() ? isolation(group.functionDefaults()) : own;
    if (!mode.isEmpty() && !ISOLATION_MODES.contains(mode)) {
      throw new GroupCompilationException(
          "Your 'IsolationMode' configuration for function with arn " + arn + " is invalid.");
    }
    boolean container = !mode.equals("NoContainer");
    boolean memory = given.path("MemorySize").isNumber();
    if (container && !mode.isEmpty() && !memory) {
      throw new GroupCompilationException(
          "MemorySize configuration for function with arn "
              + arn
              + " is required in IsolationMode=GreengrassContainer.");
    }
    if (!container && memory) {
      throw new GroupCompilationException(
          "MemorySize configuration for function with arn "
              + arn
              + " is not allowed in IsolationMode=NoContainer.");
    }
    if (!container && environment.path("AccessSysfs").asBoolean(false)) {
      throw new GroupCompilationException(
          "Access Sysfs configuration for function with arn "
              + arn
              + " is not allowed in IsolationMode=NoContainer.");
    }
    return container;
  }

  private void runAs(JsonNode environment, ObjectNode c) {
    JsonNode own = environment.path("Execution").path("RunAs");
    JsonNode runAs =
        own.isObject() ? own : group.functionDefaults().path("Execution").path("RunAs");
    if (runAs.path("Uid").isNumber() || runAs.path("Gid").isNumber()) {
      ObjectNode ids = c.putObject("runAs");
      if (runAs.path("Uid").isNumber()) {
        ids.put("uid", runAs.path("Uid").asInt());
      }
      if (runAs.path("Gid").isNumber()) {
        ids.put("gid", runAs.path("Gid").asInt());
      }
    }
  }

  private void resources(String arn, boolean container, JsonNode policies, ObjectNode c) {
    int volumes = 0;
    int devices = 0;
    for (JsonNode policy : policies) {
      String id = policy.path("ResourceId").asString("");
      JsonNode resource = resources.get(id);
      if (resource == null) {
        throw new GroupCompilationException(
            "Function " + arn + " refers to resource " + id + ", which is not in the group.");
      }
      JsonNode data = resource.path("ResourceDataContainer");
      JsonNode volume = data.path("LocalVolumeResourceData");
      JsonNode device = data.path("LocalDeviceResourceData");
      if (!volume.isObject() && !device.isObject()) {
        throw new GroupCompilationException(
            "Function "
                + arn
                + " refers to resource "
                + id
                + " of type "
                + String.join("", data.propertyNames())
                + ", which is not available here. Remove it from the function.");
      }
      if (!container) {
        throw new GroupCompilationException(
            "Function "
                + arn
                + " refers to resource of type "
                + (volume.isObject() ? "Local.Volume" : "Local.Device")
                + " that is not allowed in IsolationMode=NoContainer.");
      }
      ObjectNode params = (ObjectNode) c.path("containerParams");
      ObjectNode entry;
      if (volume.isObject()) {
        entry = params.withObject("/volumes").putObject(Integer.toString(volumes++));
        entry.put("sourcePath", volume.path("SourcePath").asString(""));
        entry.put("destinationPath", volume.path("DestinationPath").asString(""));
      } else {
        entry = params.withObject("/devices").putObject(Integer.toString(devices++));
        entry.put("path", device.path("SourcePath").asString(""));
      }
      JsonNode owner = (volume.isObject() ? volume : device).path("GroupOwnerSetting");
      entry.put("permission", policy.path("Permission").asString("ro"));
      entry.put("addGroupOwner", owner.path("AutoAddGroupOwner").asBoolean(false));
    }
  }
}
