package io.ryegrass.components;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.PlatformMatcher;
import io.ryegrass.model.Recipe;
import io.ryegrass.model.VersionRequirement;
import io.ryegrass.store.CloudStore;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** The operations of greengrassv2 on components, for callers and for devices. */
final class ComponentOperations {
  private static final YAMLMapper YAML = YAMLMapper.builder().build();

  /** The quota of AWS; more is a sign of something that belongs into an artifact. */
  /** How many versions a refusal names at most. */
  private static final int NAMED_VERSIONS = 5;

  private static final int MAX_RECIPE_BYTES = 16 << 10;

  private final CloudStore store;
  private final Catalogue catalogue;
  private final Artifacts artifacts;
  private final LambdaComponents lambdas;
  private final Tags tags;
  private final Tokens tokens;
  private final Pages pages;
  private final Arns arns;

  ComponentOperations(
      CloudStore store,
      Catalogue catalogue,
      Artifacts artifacts,
      LambdaComponents lambdas,
      Tags tags,
      Tokens tokens,
      Pages pages,
      Arns arns) {
    this.store = store;
    this.lambdas = lambdas;
    this.pages = pages;
    this.catalogue = catalogue;
    this.artifacts = artifacts;
    this.tags = tags;
    this.tokens = tokens;
    this.arns = arns;
  }

  ObjectNode create(CallContext context, ObjectNode input) {
    boolean inline = !Json.text(input, "inlineRecipe").isEmpty();
    boolean lambda = input.path("lambdaFunction").isObject();
    if (inline == lambda) {
      throw Faults.validation(
          inline ? "lambdaFunction" : "inlineRecipe",
          "Exactly one of inlineRecipe and lambdaFunction must be specified");
    }
    return tokens.once(
        "CreateComponentVersion",
        input,
        () -> {
          if (lambda) {
            LambdaComponents.Made made =
                lambdas.make(context.identity(), (ObjectNode) input.get("lambdaFunction"));
            return store.write(
                sql -> {
                  refuseTaken(made.recipe(), input); // before its artifact could be overwritten
                  return insert(
                      artifacts.store(made.recipe(), Map.of(LambdaComponents.CODE, made.code())),
                      input);
                });
          }
          Recipe recipe = parse(Json.text(input, "inlineRecipe"));
          refuseTaken(recipe, input);
          return insert(artifacts.withDigests(recipe, context.identity()), input);
        });
  }

  private static Recipe parse(String base64) {
    byte[] text = Base64.getDecoder().decode(base64);
    if (text.length > MAX_RECIPE_BYTES) {
      throw Faults.validation(
          "inlineRecipe",
          "The recipe has "
              + text.length
              + " bytes; at most "
              + MAX_RECIPE_BYTES
              + " are allowed. Put long texts into an artifact");
    }
    Recipe recipe;
    try {
      recipe = Recipe.parse(text);
    } catch (InvalidDocumentException e) {
      throw Faults.validation(
          "inlineRecipe", "The recipe is not valid (" + e.code() + "): " + e.getMessage());
    }
    return recipe;
  }

  private void refuseTaken(Recipe recipe, ObjectNode input) {
    if (catalogue
        .find(recipe.componentName(), recipe.componentVersion().text())
        .filter(v -> !Arns.parse(v.arn()).isPublic())
        .isPresent()) {
      throw taken(recipe, input);
    }
  }

  /** In the words of the service itself, which scripts look for. */
  private io.ryegrass.awsapi.AwsException taken(Recipe recipe, ObjectNode input) {
    String name = recipe.componentName();
    String version = recipe.componentVersion().text();
    boolean tagged = input.path("tags").isObject() && !input.path("tags").isEmpty();
    return Faults.conflict(
        "COMPONENT",
        arns.version(arns.account(), name, version),
        "Component ["
            + name
            + " : "
            + version
            + "] for account ["
            + arns.account()
            + "] already exists "
            + (tagged ? "and can't be created again with tags." : "with state: [DEPLOYABLE]"));
  }

  private ObjectNode insert(Recipe recipe, ObjectNode input) {
    String name = recipe.componentName();
    String version = recipe.componentVersion().text();
    return store.write(
        sql -> {
          if (!catalogue.insert(recipe, false)) {
            throw taken(recipe, input);
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
        });
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
    return pages.page(input, "components", items, i -> Json.text(i, "arn"));
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
    return pages.page(input, "componentVersions", items, i -> Json.text(i, "arn"));
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

  /** Why a deployment cannot name this component version; empty when it can. */
  Optional<String> missing(String name, ComponentVersion version) {
    if (catalogue.find(name, version.text()).isPresent()) {
      return Optional.empty();
    }
    List<String> others = catalogue.versions(name).stream().map(v -> v.number().text()).toList();
    boolean builtIn = !others.isEmpty() && catalogue.privateVersions(name).isEmpty();
    return Optional.of(
        "Component "
            + name
            + " version "
            + version.text()
            + " does not exist; "
            + (others.isEmpty()
                ? "create it with CreateComponentVersion or name another component"
                : (builtIn ? "the component is part of Ryegrass, so name " : "create it, or name ")
                    + String.join(
                        ", ", others.subList(0, Math.min(others.size(), NAMED_VERSIONS)))));
  }
}
