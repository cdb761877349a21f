package io.ryegrass.components;

import io.ryegrass.model.ComponentType;
import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.Recipe;
import io.ryegrass.model.VersionRequirement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The recipe of a component made from a Lambda function (LMB-12 to LMB-16, API-13): the keys of its
 * configuration are those that AWS writes, and beside them what a core needs to know of the
 * function itself (lambdaArn, runtime, handler).
 */
final class LambdaComponents {
  /** Name of the artifact that holds the function's code. */
  static final String CODE = "lambda-artifact.zip";

  private static final Pattern VERSIONED =
      Pattern.compile("arn:[^:]+:lambda:[^:]+:\\d{12}:function:[a-zA-Z0-9-_]+:\\d+");
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9-_.]{1,128}");
  private static final String FIELD = "lambdaFunction.";

  private final LambdaFunctions functions;

  LambdaComponents(LambdaFunctions functions) {
    this.functions = functions;
  }

  /** A recipe without digests, and the package that belongs to it. */
  record Made(Recipe recipe, byte[] code) {}

  Made make(@Nullable Object caller, ObjectNode source) {
    String arn = Json.text(source, "lambdaArn");
    if (!VERSIONED.matcher(arn).matches()) {
      throw Faults.validation(
          FIELD + "lambdaArn",
          "lambdaArn '"
              + arn
              + "' must name a published version by its number, such as"
              + " arn:aws:lambda:REGION:ACCOUNT:function:NAME:1; aliases and $LATEST cannot be used");
    }
    LambdaFunctions.Version function =
        functions
            .find(caller, arn)
            .orElseThrow(
                () ->
                    Faults.notFound(
                        "LAMBDA_FUNCTION",
                        arn,
                        "Lambda function version "
                            + arn
                            + " does not exist; publish it with lambda publish-version"));
    String name = Json.text(source, "componentName");
    if (name.isEmpty()) {
      name = function.name();
    }
    if (!NAME.matcher(name).matches() || name.equals(".") || name.equals("..")) {
      throw Faults.validation(
          FIELD + "componentName",
          "componentName '" + name + "' must have 1 to 128 characters out of a-z A-Z 0-9 - _ .");
    }
    Recipe recipe =
        new Recipe(
            name,
            version(source, function),
            ComponentType.LAMBDA,
            "",
            "AWS Lambda",
            function.arn(),
            configuration(source.path("componentLambdaParameters"), function),
            dependencies(source.path("componentDependencies")),
            manifests(source.path("componentPlatforms")),
            Json.object());
    return new Made(recipe, function.code().get());
  }

  private static ComponentVersion version(ObjectNode source, LambdaFunctions.Version function) {
    String given = Json.text(source, "componentVersion");
    try {
      return ComponentVersion.parse(given.isEmpty() ? function.version() + ".0.0" : given);
    } catch (InvalidDocumentException e) {
      throw Faults.validation(
          FIELD + "componentVersion", FIELD + "componentVersion: " + e.getMessage());
    }
  }

  private static Map<String, Recipe.Dependency> dependencies(JsonNode given) {
    Map<String, Recipe.Dependency> result = new LinkedHashMap<>();
    put(result, "aws.greengrass.LambdaLauncher", Recipe.DependencyType.HARD);
    put(result, "aws.greengrass.TokenExchangeService", Recipe.DependencyType.HARD);
    put(result, "aws.greengrass.LambdaRuntimes", Recipe.DependencyType.SOFT);
    for (Map.Entry<String, JsonNode> entry : given.properties()) {
      String where = FIELD + "componentDependencies." + entry.getKey();
      String requirement = Json.text(entry.getValue(), "versionRequirement");
      try {
        result.put(
            entry.getKey(),
            new Recipe.Dependency(
                requirement.isEmpty()
                    ? VersionRequirement.ANY_VERSION
                    : VersionRequirement.parse(requirement),
                Json.text(entry.getValue(), "dependencyType").equals("SOFT")
                    ? Recipe.DependencyType.SOFT
                    : Recipe.DependencyType.HARD));
      } catch (InvalidDocumentException e) {
        throw Faults.validation(
            where + ".versionRequirement", where + ".versionRequirement: " + e.getMessage());
      }
    }
    return result;
  }

  private static void put(
      Map<String, Recipe.Dependency> all, String name, Recipe.DependencyType type) {
    all.put(name, new Recipe.Dependency(VersionRequirement.parse("^2.0.0"), type));
  }

  private static List<Recipe.Manifest> manifests(JsonNode platforms) {
    Recipe.Artifact code =
        new Recipe.Artifact(
            "greengrass:" + CODE,
            null,
            null,
            Recipe.Unarchive.ZIP,
            new Recipe.Permission(Recipe.Access.ALL, Recipe.Access.ALL));
    List<Recipe.Manifest> result = new ArrayList<>();
    for (JsonNode platform : platforms) {
      Map<String, String> attributes = Json.texts(platform.get("attributes"));
      String os = attributes.getOrDefault("os", "linux");
      if (!os.equals("linux")) {
        throw Faults.validation(
            FIELD + "componentPlatforms",
            "platform os '" + os + "' cannot run Lambda functions; only linux can");
      }
      attributes.putIfAbsent("os", "linux");
      String name = Json.text(platform, "name");
      result.add(
          new Recipe.Manifest(
              name.isEmpty() ? "Linux" : name,
              attributes,
              Json.object(),
              List.of(),
              List.of(code)));
    }
    if (result.isEmpty()) {
      result.add(
          new Recipe.Manifest(
              "Linux", Map.of("os", "linux"), Json.object(), List.of(), List.of(code)));
    }
    return result;
  }

  private static ObjectNode configuration(JsonNode given, LambdaFunctions.Version function) {
    ObjectNode c = Json.object();
    c.put("lambdaArn", function.arn());
    c.put("runtime", function.runtime());
    c.put("handler", function.handler());
    ObjectNode variables =
        c.putObject("lambdaExecutionParameters").putObject("EnvironmentVariables");
    Json.texts(given.get("environmentVariables")).forEach(variables::put);
    JsonNode process = given.path("linuxProcessParams");
    containerParams(c.putObject("containerParams"), process.path("containerParams"));
    String mode = Json.text(process, "isolationMode");
    c.put("containerMode", mode.isEmpty() ? "GreengrassContainer" : mode);
    c.put("timeoutInSeconds", number(given, "timeoutInSeconds", 3));
    c.put("maxInstancesCount", number(given, "maxInstancesCount", 100));
    String encoding = Json.text(given, "inputPayloadEncodingType");
    c.put("inputPayloadEncodingType", encoding.isEmpty() ? "json" : encoding);
    c.put("maxQueueSize", number(given, "maxQueueSize", 1000));
    c.put("pinned", given.path("pinned").asBoolean(true));
    c.put("maxIdleTimeInSeconds", number(given, "maxIdleTimeInSeconds", 60));
    c.put("statusTimeoutInSeconds", number(given, "statusTimeoutInSeconds", 60));
    ArrayNode arguments = c.putArray("execArgs");
    given.path("execArgs").forEach(arguments::add);
    ObjectNode topics = c.putObject("pubsubTopics");
    int i = 0;
    for (JsonNode source : given.path("eventSources")) {
      topics
          .putObject(Integer.toString(i++))
          .put("topic", Json.text(source, "topic"))
          .put("type", Json.text(source, "type"));
    }
    return c;
  }

  private static void containerParams(ObjectNode target, JsonNode given) {
    target.put("memorySize", number(given, "memorySizeInKB", 16384));
    target.put("mountROSysfs", given.path("mountROSysfs").asBoolean(false));
    ObjectNode volumes = target.putObject("volumes");
    int i = 0;
    for (JsonNode volume : given.path("volumes")) {
      ObjectNode entry = volumes.putObject(Integer.toString(i++));
      entry.put("sourcePath", Json.text(volume, "sourcePath"));
      entry.put("destinationPath", Json.text(volume, "destinationPath"));
      access(entry, volume);
    }
    ObjectNode devices = target.putObject("devices");
    i = 0;
    for (JsonNode device : given.path("devices")) {
      ObjectNode entry = devices.putObject(Integer.toString(i++));
      entry.put("path", Json.text(device, "path"));
      access(entry, device);
    }
  }

  private static void access(ObjectNode entry, JsonNode given) {
    String permission = Json.text(given, "permission");
    entry.put("permission", permission.isEmpty() ? "ro" : permission);
    entry.put("addGroupOwner", given.path("addGroupOwner").asBoolean(false));
  }

  private static int number(JsonNode given, String field, int absent) {
    int value = given.path(field).asInt(absent);
    if (value < 1) {
      throw Faults.validation(
          FIELD + "componentLambdaParameters." + field, field + " must be 1 or more, not " + value);
    }
    return value;
  }
}
