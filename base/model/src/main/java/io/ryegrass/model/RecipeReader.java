package io.ryegrass.model;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Recipe text to {@link Recipe}; every refusal names the field and what to write instead. */
final class RecipeReader {
  private static final String PARSE_ERROR = "RECIPE_PARSE_ERROR";
  private static final int MAX_PROBLEM = 300;
  private static final String FORMAT = "2020-01-25";
  private static final int MAX_BYTES = 1 << 20;
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9-_.]{1,128}");

  private final ObjectNode root;

  private RecipeReader(ObjectNode root) {
    this.root = root;
  }

  static Recipe read(byte[] text) {
    if (text.length > MAX_BYTES) {
      throw notValid(
          "the recipe has " + text.length + " bytes; at most " + MAX_BYTES + " are read");
    }
    if (!(tree(text) instanceof ObjectNode root)) {
      throw notValid(
          "the recipe is not an object; start it with RecipeFormatVersion: '2020-01-25'");
    }
    return new RecipeReader(root).recipe();
  }

  private static JsonNode tree(byte[] text) {
    if (!new String(text, StandardCharsets.UTF_8).stripLeading().startsWith("{")) {
      return yaml(text);
    }
    try {
      return Json.readStrictly(text);
    } catch (JacksonException notJson) {
      try {
        return Json.readYamlStrictly(text); // YAML may start with a brace too
      } catch (JacksonException notYaml) {
        throw notReadable("JSON", notJson);
      }
    }
  }

  private static JsonNode yaml(byte[] text) {
    try {
      return Json.readYamlStrictly(text);
    } catch (JacksonException e) {
      throw notReadable("YAML", e);
    }
  }

  private static InvalidDocumentException notReadable(String what, JacksonException e) {
    String place =
        e.getLocation() == null
            ? ""
            : " (line "
                + e.getLocation().getLineNr()
                + ", column "
                + e.getLocation().getColumnNr()
                + ")";
    String problem = e.getOriginalMessage().replaceAll("\\s+", " ");
    return new InvalidDocumentException(
        PARSE_ERROR,
        "the recipe is not readable "
            + what
            + place
            + ": "
            + problem.substring(0, Math.min(problem.length(), MAX_PROBLEM)),
        e);
  }

  private Recipe recipe() {
    String format = required("RecipeFormatVersion");
    if (!format.equals(FORMAT)) {
      throw notValid("RecipeFormatVersion is '" + format + "'; only " + FORMAT + " is known");
    }
    String name = required("ComponentName");
    // the names of the folder itself and of its parent would lead out of the component's folders
    if (!NAME.matcher(name).matches() || name.equals(".") || name.equals("..")) {
      throw notValid(
          "ComponentName '"
              + name
              + "' must have 1 to 128 characters out of a-z A-Z 0-9 - _ . and not be . or ..");
    }
    ComponentVersion version = ComponentVersion.parse(required("ComponentVersion"));
    String type = JsonFields.text(root, "ComponentType");
    ObjectNode configuration = object(root, "ComponentConfiguration", "");
    return new Recipe(
        name,
        version,
        type == null ? ComponentType.GENERIC : ComponentType.parse(type),
        optional("ComponentDescription"),
        optional("ComponentPublisher"),
        optional("ComponentSource"),
        object(configuration, "DefaultConfiguration", "ComponentConfiguration."),
        dependencies(),
        manifests(),
        object(root, "Lifecycle", ""));
  }

  private Map<String, Recipe.Dependency> dependencies() {
    Map<String, Recipe.Dependency> result = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry :
        object(root, "ComponentDependencies", "").properties()) {
      String where = "ComponentDependencies." + entry.getKey();
      if (!(entry.getValue() instanceof ObjectNode dependency)) {
        throw notValid(where + " must be an object with VersionRequirement");
      }
      String requirement = JsonFields.text(dependency, "VersionRequirement");
      if (requirement == null) {
        throw notValid(where + ".VersionRequirement is missing; write for example '^1.0.0'");
      }
      result.put(
          entry.getKey(),
          new Recipe.Dependency(
              VersionRequirement.parse(requirement),
              word(
                  Recipe.DependencyType.class,
                  JsonFields.text(dependency, "DependencyType"),
                  Recipe.DependencyType.HARD,
                  where + ".DependencyType")));
    }
    return result;
  }

  private List<Recipe.Manifest> manifests() {
    JsonNode node = JsonFields.get(root, "Manifests");
    if (node == null || node.isNull() || node.isArray() && node.isEmpty()) {
      throw new InvalidDocumentException(
          "RECIPE_MISSING_MANIFEST",
          "the recipe has no Manifests; write at least one, it may be as short as '- Lifecycle: {}'");
    }
    if (!node.isArray()) {
      throw notValid("Manifests must be a list");
    }
    List<Recipe.Manifest> result = new ArrayList<>();
    for (JsonNode item : node) {
      String where = "Manifests[" + result.size() + "]";
      if (!(item instanceof ObjectNode manifest)) {
        throw notValid(where + " must be an object");
      }
      result.add(manifest(manifest, where));
    }
    return result;
  }

  private static Recipe.Manifest manifest(ObjectNode node, String where) {
    Map<String, String> platform = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : object(node, "Platform", where + ".").properties()) {
      if (entry.getValue().isContainer() || entry.getValue().isNull()) {
        throw notValid(where + ".Platform." + entry.getKey() + " must be a text");
      }
      platform.put(entry.getKey(), entry.getValue().asString());
    }
    List<String> selections = new ArrayList<>();
    for (JsonNode selection : list(node, "Selections", where + ".")) {
      if (!selection.isString()) {
        throw notValid(where + ".Selections must be a list of texts");
      }
      selections.add(selection.asString());
    }
    List<Recipe.Artifact> artifacts = new ArrayList<>();
    for (JsonNode item : list(node, "Artifacts", where + ".")) {
      artifacts.add(artifact(item, where + ".Artifacts[" + artifacts.size() + "]"));
    }
    uniqueNames(artifacts, where);
    String name = JsonFields.text(node, "Name");
    return new Recipe.Manifest(
        name == null ? nameOf(platform) : name,
        platform,
        object(node, "Lifecycle", where + "."),
        selections,
        artifacts);
  }

  /** Two files of one name would lie in the same place on the device. */
  private static void uniqueNames(List<Recipe.Artifact> artifacts, String where) {
    Map<String, String> known = new LinkedHashMap<>();
    for (Recipe.Artifact artifact : artifacts) {
      if (artifact.scheme().equals("docker")) {
        continue;
      }
      String other = known.put(artifact.fileName(), artifact.uri());
      if (other != null) {
        throw notValid(
            where
                + ".Artifacts has two files named '"
                + artifact.fileName()
                + "' ("
                + other
                + " and "
                + artifact.uri()
                + "); file names must be unique in a manifest");
      }
    }
  }

  private static Recipe.Artifact artifact(JsonNode item, String where) {
    if (!(item instanceof ObjectNode node)) {
      throw notValid(where + " must be an object with URI");
    }
    String uri = JsonFields.text(node, "URI");
    if (uri == null || uri.isBlank()) {
      throw new InvalidDocumentException(
          "EMPTY_ARTIFACT_URI", where + ".URI is missing; write for example s3://bucket/key");
    }
    if (uri.indexOf(':') <= 0) {
      throw new InvalidDocumentException(
          "EMPTY_ARTIFACT_SCHEME",
          where + ".URI is '" + uri + "', without a scheme; write for example s3://bucket/key");
    }
    String path = uri.substring(uri.indexOf(':') + 1);
    String file = path.substring(path.lastIndexOf('/') + 1);
    if (file.isBlank() || file.equals(".") || file.equals("..") || file.indexOf('\0') >= 0) {
      throw new InvalidDocumentException(
          "ARTIFACT_URI_NOT_VALID",
          where + ".URI is '" + uri + "', which does not end with the name of a file");
    }
    ObjectNode permission = object(node, "Permission", where + ".");
    return new Recipe.Artifact(
        uri,
        JsonFields.text(node, "Digest"),
        JsonFields.text(node, "Algorithm"),
        word(
            Recipe.Unarchive.class,
            JsonFields.text(node, "Unarchive"),
            Recipe.Unarchive.NONE,
            where + ".Unarchive"),
        new Recipe.Permission(
            word(
                Recipe.Access.class,
                JsonFields.text(permission, "Read"),
                Recipe.Access.OWNER,
                where + ".Permission.Read"),
            word(
                Recipe.Access.class,
                JsonFields.text(permission, "Execute"),
                Recipe.Access.NONE,
                where + ".Permission.Execute")));
  }

  private static String nameOf(Map<String, String> platform) {
    String os = platform.getOrDefault("os", "");
    String architecture = platform.getOrDefault("architecture", "");
    return os + (os.isEmpty() || architecture.isEmpty() ? "" : " ") + architecture;
  }

  private String required(String field) {
    String text = JsonFields.text(root, field);
    if (text == null || text.isEmpty()) {
      throw notValid(field + " is missing in the recipe");
    }
    return text;
  }

  private String optional(String field) {
    String text = JsonFields.text(root, field);
    return text == null ? "" : text;
  }

  private static ObjectNode object(ObjectNode parent, String field, String where) {
    JsonNode node = JsonFields.get(parent, field);
    if (node == null || node.isNull()) {
      return JsonNodeFactory.instance.objectNode();
    }
    if (node instanceof ObjectNode object) {
      return object;
    }
    throw notValid(where + field + " must be an object");
  }

  private static Iterable<JsonNode> list(ObjectNode parent, String field, String where) {
    JsonNode node = JsonFields.get(parent, field);
    if (node == null || node.isNull()) {
      return List.of();
    }
    if (node.isArray()) {
      return node;
    }
    throw notValid(where + field + " must be a list");
  }

  private static <E extends Enum<E>> E word(
      Class<E> type, @Nullable String text, E absent, String where) {
    if (text == null) {
      return absent;
    }
    for (E constant : type.getEnumConstants()) {
      if (constant.name().equals(text.toUpperCase(Locale.ROOT))) {
        return constant;
      }
    }
    throw notValid(where + " is '" + text + "'; use one of " + List.of(type.getEnumConstants()));
  }

  private static InvalidDocumentException notValid(String message) {
    return new InvalidDocumentException(PARSE_ERROR, message);
  }

  static <V> Map<String, V> ordered(Map<String, V> map) {
    return Collections.unmodifiableMap(new LinkedHashMap<>(map));
  }
}
