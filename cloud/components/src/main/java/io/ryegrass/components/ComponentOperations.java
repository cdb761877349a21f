package io.ryegrass.components;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.PlatformMatcher;
import io.ryegrass.model.Recipe;
import io.ryegrass.model.VersionRequirement;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** The operations of greengrassv2 on components, for callers and for devices. */
final class ComponentOperations {
  private static final YAMLMapper YAML = YAMLMapper.builder().build();

  private final Catalogue catalogue;
  private final Artifacts artifacts;
  private final Tags tags;
  private final Tokens tokens;
  private final Arns arns;

  ComponentOperations(
      Catalogue catalogue, Artifacts artifacts, Tags tags, Tokens tokens, Arns arns) {
    this.catalogue = catalogue;
    this.artifacts = artifacts;
    this.tags = tags;
    this.tokens = tokens;
    this.arns = arns;
  }

  ObjectNode create(CallContext context, ObjectNode input) {
    if (input.path("lambdaFunction").isObject()) {
      throw Faults.validation(
          "lambdaFunction",
          "making a component from a Lambda function is not served here; give an inlineRecipe, or put"
              + " the function into a V1 group");
    }
    String recipeText = Json.text(input, "inlineRecipe");
    if (recipeText.isEmpty()) {
      throw Faults.validation("inlineRecipe", "inlineRecipe is missing; give a recipe");
    }
    return tokens.once(
        "CreateComponentVersion", input, () -> createFrom(context.identity(), recipeText, input));
  }

  private ObjectNode createFrom(@Nullable Object caller, String recipeText, ObjectNode input) {
    Recipe recipe;
    try {
      recipe = Recipe.parse(Base64.getDecoder().decode(recipeText));
    } catch (InvalidDocumentException e) {
      throw Faults.validation(
          "inlineRecipe", "The recipe is not valid (" + e.code() + "): " + e.getMessage());
    }
    recipe = artifacts.withDigests(recipe, caller);
    String name = recipe.componentName();
    String version = recipe.componentVersion().text();
    if (!catalogue.insert(recipe, false)) {
      throw Faults.conflict(
          "COMPONENT",
          name + ":" + version,
          "Component ["
              + name
              + " : "
              + version
              + "] for account ["
              + arns.account()
              + "] already exists; give the recipe a new ComponentVersion");
    }
    Catalogue.Version created =
        catalogue.find(name, version).orElseThrow(() -> unknown(name + ":" + version));
    tags.put(created.arn(), Json.texts(input.get("tags")));
    ObjectNode result = Json.object();
    result.put("arn", created.arn());
    result.put("componentName", name);
    result.put("componentVersion", version);
    result.put("creationTimestamp", Json.seconds(created.created()));
    // it is deployable already, but callers of the API know that they have to ask (API-01)
    result.set("status", status("REQUESTED"));
    return result;
  }

  ObjectNode get(ObjectNode input) {
    Catalogue.Version version = required(input);
    boolean yaml = Json.text(input, "recipeOutputFormat").equals("YAML");
    ObjectNode recipe = version.recipe().toJson();
    byte[] text =
        yaml ? YAML.writeValueAsBytes(recipe) : recipe.toString().getBytes(StandardCharsets.UTF_8);
    ObjectNode result = Json.object();
    result.put("recipeOutputFormat", yaml ? "YAML" : "JSON");
    result.put("recipe", Base64.getEncoder().encodeToString(text));
    Json.putTags(result, tags.of(version.arn()));
    return result;
  }

  ObjectNode describe(ObjectNode input) {
    Catalogue.Version version = required(input);
    Recipe recipe = version.recipe();
    ObjectNode result = Json.object();
    result.put("arn", version.arn());
    result.put("componentName", recipe.componentName());
    result.put("componentVersion", recipe.componentVersion().text());
    result.put("creationTimestamp", Json.seconds(version.created()));
    Json.putUnlessEmpty(result, "publisher", recipe.publisher());
    Json.putUnlessEmpty(result, "description", recipe.description());
    result.set("status", status("DEPLOYABLE"));
    result.set("platforms", platforms(recipe));
    Json.putTags(result, tags.of(version.arn()));
    return result;
  }

  ObjectNode list(ObjectNode input) {
    boolean publicScope = Json.text(input, "scope").equals(Catalogue.PUBLIC);
    List<ObjectNode> items = new ArrayList<>();
    for (Catalogue.Version version : catalogue.latest(publicScope)) {
      Recipe recipe = version.recipe();
      ObjectNode item = Json.object();
      item.put("arn", arns.component(publicScope ? "aws" : arns.account(), recipe.componentName()));
      item.put("componentName", recipe.componentName());
      ObjectNode latest = item.putObject("latestVersion");
      latest.put("arn", version.arn());
      latest.put("componentVersion", recipe.componentVersion().text());
      latest.put("creationTimestamp", Json.seconds(version.created()));
      Json.putUnlessEmpty(latest, "description", recipe.description());
      Json.putUnlessEmpty(latest, "publisher", recipe.publisher());
      latest.set("platforms", platforms(recipe));
      items.add(item);
    }
    return Json.page(input, "components", items);
  }

  ObjectNode listVersions(ObjectNode input) {
    Arns.Name name = Arns.parse(Json.text(input, "arn"));
    List<Catalogue.Version> versions =
        name.isPublic()
            ? catalogue.publicVersions(name.component())
            : catalogue.privateVersions(name.component());
    if (versions.isEmpty()) {
      throw unknown(Json.text(input, "arn"));
    }
    List<ObjectNode> items = new ArrayList<>();
    for (Catalogue.Version version : versions) {
      ObjectNode item = Json.object();
      item.put("componentName", version.recipe().componentName());
      item.put("componentVersion", version.number().text());
      item.put("arn", version.arn());
      items.add(item);
    }
    return Json.page(input, "componentVersions", items);
  }

  ObjectNode delete(ObjectNode input) {
    Catalogue.Version version = required(input);
    if (Arns.parse(version.arn()).isPublic()) {
      throw Faults.denied("component " + version.arn() + " is public and cannot be deleted");
    }
    catalogue.delete(version.recipe().componentName(), version.number().text());
    artifacts.delete(version.recipe());
    tags.removeAll(version.arn());
    return Json.object();
  }

  ObjectNode artifactUrl(ObjectNode input) {
    Catalogue.Version version = required(input);
    return Json.object()
        .put("preSignedUrl", artifacts.url(version.recipe(), Json.text(input, "artifactName")));
  }

  /** Whether an ARN names a component version that exists. */
  boolean exists(String arn) {
    Arns.Name name = Arns.parse(arn);
    return name.version().isEmpty()
        ? !catalogue.versions(name.component()).isEmpty()
        : catalogue.find(name).isPresent();
  }

  // ---- resolution for devices

  /**
   * ResolveComponentCandidates (v2-deployments.md §7.1): for each candidate the highest version
   * that fulfils all requirements and fits the platform. The words of the 404 matter to devices:
   * "claim platform" tells an unfit platform from a missing version.
   */
  ObjectNode resolve(ObjectNode input) {
    Map<String, String> platform = Json.texts(input.path("platform").get("attributes"));
    ObjectNode result = Json.object();
    ArrayNode resolved = result.putArray("resolvedComponentVersions");
    if (input.path("componentCandidates").isEmpty()) {
      throw Faults.validation("componentCandidates", "componentCandidates must not be empty");
    }
    for (JsonNode candidate : input.path("componentCandidates")) {
      Catalogue.Version version = resolve(candidate, platform);
      ObjectNode item = resolved.addObject();
      item.put("arn", version.arn());
      item.put("componentName", version.recipe().componentName());
      item.put("componentVersion", version.number().text());
      item.put(
          "recipe",
          Base64.getEncoder()
              .encodeToString(
                  version.recipe().toJson().toString().getBytes(StandardCharsets.UTF_8)));
      item.put("vendorGuidance", "ACTIVE");
    }
    return result;
  }

  private Catalogue.Version resolve(JsonNode candidate, Map<String, String> platform) {
    String name = Json.text(candidate, "componentName");
    JsonNode given = candidate.get("versionRequirements");
    Map<String, String> requirements =
        Json.texts(given == null ? candidate.get("requirements") : given);
    List<VersionRequirement> wanted = new ArrayList<>();
    for (Map.Entry<String, String> entry : requirements.entrySet()) {
      try {
        wanted.add(VersionRequirement.parse(entry.getValue()));
      } catch (InvalidDocumentException e) {
        throw Faults.validation(
            "versionRequirements", "requirement of " + entry.getKey() + ": " + e.getMessage());
      }
    }
    List<Catalogue.Version> fitting =
        catalogue.versions(name).stream()
            .filter(v -> wanted.stream().allMatch(w -> w.accepts(v.number())))
            .toList();
    if (fitting.isEmpty()) {
      throw Faults.notFound(
          "COMPONENT",
          name,
          "There is no usable version of component "
              + name
              + " that fulfils "
              + requirements
              + "; create one or change the requirement");
    }
    Optional<Catalogue.Version> onPlatform =
        fitting.stream()
            .filter(
                v ->
                    v.recipe().manifests().stream()
                        .anyMatch(m -> PlatformMatcher.matches(m.platform(), platform)))
            .findFirst();
    return onPlatform.orElseThrow(
        () ->
            Faults.notFound(
                "COMPONENT",
                name,
                "Component "
                    + name
                    + " version "
                    + fitting.getFirst().number().text()
                    + " doesn't claim platform "
                    + platform
                    + " compatibility; add a manifest for it"));
  }

  // ---- parts

  private Catalogue.Version required(ObjectNode input) {
    String arn = Json.text(input, "arn");
    Arns.Name name = Arns.parse(arn);
    if (!name.isPublic() && !name.account().equals(arns.account())) {
      throw Faults.denied("component " + arn + " belongs to another account");
    }
    return catalogue.find(name).orElseThrow(() -> unknown(arn));
  }

  private static io.ryegrass.awsapi.AwsException unknown(String what) {
    return Faults.notFound("COMPONENT", what, "Component " + what + " does not exist");
  }

  private static ObjectNode status(String componentState) {
    ObjectNode status = Json.object();
    status.put("componentState", componentState);
    status.put("message", "NONE");
    status.putObject("errors");
    status.put("vendorGuidance", "ACTIVE");
    status.put("vendorGuidanceMessage", "NONE");
    return status;
  }

  private static ArrayNode platforms(Recipe recipe) {
    ArrayNode result = Json.object().putArray("platforms");
    for (Recipe.Manifest manifest : recipe.manifests()) {
      ObjectNode platform = result.addObject();
      Json.putUnlessEmpty(platform, "name", manifest.name());
      ObjectNode attributes = platform.putObject("attributes");
      manifest.platform().forEach(attributes::put);
    }
    return result;
  }

  /** For tests and callers inside the module: does a component version exist by name. */
  boolean exists(String name, ComponentVersion version) {
    return catalogue.find(name, version.text()).isPresent();
  }
}
