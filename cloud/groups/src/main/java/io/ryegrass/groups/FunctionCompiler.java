package io.ryegrass.groups;

import io.ryegrass.functions.FunctionVersion;
import io.ryegrass.groups.GroupResources.Access;
import io.ryegrass.model.ComponentType;
import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.Recipe;
import io.ryegrass.model.VersionRequirement;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One function of a group as a Lambda component: the recipe depends on the function version alone,
 * everything of the group is configuration. Error texts are those of the V1 guide's troubleshooting
 * pages.
 */
final class FunctionCompiler {
  /** The runtime of functions made with the C SDK; {@code Executable} names their program. */
  private static final String EXECUTABLE_RUNTIME =
      "arn:aws:greengrass:::runtime/function/executable";

  private static final Recipe.Dependency HARD =
      new Recipe.Dependency(VersionRequirement.parse(">=2.0.0 <3.0.0"), Recipe.DependencyType.HARD);

  /** The second was part of every core of V1 (POL-01). */
  private static final Map<String, Recipe.Dependency> NEEDED =
      new TreeMap<>(
          Map.of(GroupCompiler.LAMBDA_MANAGER, HARD, SystemFunctions.TOKEN_EXCHANGE, HARD));

  private static final int DEFAULT_TIMEOUT_SECONDS = 3;
  private static final int DEFAULT_MEMORY_KB = 16_384;

  private final GroupContents group;
  private final GroupResources resources;
  private final ModelCompiler models;

  FunctionCompiler(GroupContents group, GroupResources resources, ModelCompiler models) {
    this.group = group;
    this.resources = resources;
    this.models = models;
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
        NEEDED,
        List.of(
            new Recipe.Manifest(
                "linux", Map.of("os", "linux"), Shapes.empty(), List.of(), List.of(code))),
        Shapes.empty());
  }

  /**
   * @param aliasArn the alias by which the group names the function, or empty
   */
  ObjectNode configuration(
      String component, JsonNode definition, FunctionVersion version, String aliasArn) {
    String arn = definition.path("FunctionArn").asString("");
    JsonNode given = definition.path("FunctionConfiguration");
    JsonNode environment = given.path("Environment");
    boolean container = FunctionRules.container(definition, group.functionDefaults());
    List<Access> accesses =
        resources.of(arn, container, environment.path("ResourceAccessPolicies"));
    ObjectNode c = Shapes.empty();
    c.put("lambdaArn", version.functionArn());
    ArrayNode aliases = c.putArray("aliasArns");
    if (!aliasArn.isEmpty()) {
      aliases.add(aliasArn);
    }
    String override = given.path("FunctionRuntimeOverride").asString("");
    String runtime = override.isEmpty() ? version.runtime() : override;
    String executable = given.path("Executable").asString("");
    c.put("runtime", runtime);
    c.put(
        "handler",
        runtime.equals(EXECUTABLE_RUNTIME) && !executable.isEmpty()
            ? executable
            : version.handler());
    c.put("pinned", given.path("Pinned").asBoolean(false));
    c.put("timeoutInSeconds", given.path("Timeout").asInt(DEFAULT_TIMEOUT_SECONDS));
    c.put("maxQueueSize", 1000);
    c.put("maxInstancesCount", 100);
    c.put("maxIdleTimeInSeconds", 60);
    c.put("statusTimeoutInSeconds", 60);
    c.put("inputPayloadEncodingType", encoding(arn, runtime, given));
    c.put("containerMode", container ? "GreengrassContainer" : "NoContainer");
    if (container) {
      ObjectNode params = c.putObject("containerParams");
      params.put("memorySize", given.path("MemorySize").asInt(DEFAULT_MEMORY_KB));
      params.put("mountROSysfs", environment.path("AccessSysfs").asBoolean(false));
    }
    resources(component, container, accesses, c);
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

  /** Executables take bytes only (LAM-16, LAM-44): nothing else is right for them. */
  private static String encoding(String arn, String runtime, JsonNode given) {
    String said = given.path("EncodingType").asString("");
    if (!runtime.equals(EXECUTABLE_RUNTIME)) {
      return said.isEmpty() ? "json" : said;
    }
    if (said.equals("json")) {
      throw new GroupCompilationException(
          "EncodingType configuration for function with arn "
              + arn
              + " is json, but Lambda executables support the binary encoding type only; set it to"
              + " binary.");
    }
    return "binary";
  }

  /** LAM-10: a function may override uid, gid or both of the group's identity. */
  private void runAs(JsonNode environment, ObjectNode c) {
    JsonNode own = environment.path("Execution").path("RunAs");
    JsonNode defaults = group.functionDefaults().path("Execution").path("RunAs");
    for (String id : List.of("Uid", "Gid")) {
      JsonNode value = own.path(id).isNumber() ? own.path(id) : defaults.path(id);
      if (value.isNumber()) {
        c.withObject("/runAs").put(id.toLowerCase(Locale.ROOT), value.asInt());
      }
    }
  }

  private void resources(String component, boolean container, List<Access> accesses, ObjectNode c) {
    int volumes = 0;
    int devices = 0;
    for (Access access : accesses) {
      JsonNode data = access.resource().data();
      ObjectNode entry;
      switch (access.resource().type()) {
        case VOLUME -> {
          entry = params(c, "/volumes").putObject(Integer.toString(volumes++));
          entry.put("sourcePath", data.path("SourcePath").asString(""));
          entry.put("destinationPath", data.path("DestinationPath").asString(""));
        }
        case DEVICE -> {
          entry = params(c, "/devices").putObject(Integer.toString(devices++));
          entry.put("path", data.path("SourcePath").asString(""));
        }
        default -> {
          continue;
        }
      }
      JsonNode owner = data.path("GroupOwnerSetting");
      entry.put("permission", access.permission());
      boolean auto = owner.path("AutoAddGroupOwner").asBoolean(false);
      entry.put("addGroupOwner", auto);
      String group = owner.path("GroupOwner").asString("");
      if (!auto && !group.isEmpty()) {
        entry.put("groupOwner", group); // LRA-11
      }
    }
    models.attach(container, accesses, c);
    owners(accesses, c);
    GroupSecrets.allow(component, accesses, c);
  }

  /**
   * Groups that own models which the function does not have: the core refuses a function that is in
   * one of them (TRB-MLI-06), because only there it is known which groups it runs with.
   */
  private void owners(List<Access> accesses, ObjectNode c) {
    for (GroupResources.Resource resource : resources.all()) {
      boolean attached = accesses.stream().anyMatch(a -> a.resource().id().equals(resource.id()));
      if (resource.type().model() && !resource.owner().isEmpty() && !attached) {
        c.withObject("/mlOwners").put(resource.id(), resource.owner());
      }
    }
  }

  private static ObjectNode params(ObjectNode c, String pointer) {
    return ((ObjectNode) c.path("containerParams")).withObject(pointer);
  }
}
