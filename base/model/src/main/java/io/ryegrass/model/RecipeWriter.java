package io.ryegrass.model;

import java.util.Map;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@link Recipe} to JSON, in the spelling of the guide; absent and empty parts are left out. */
final class RecipeWriter {
  private RecipeWriter() {}

  static ObjectNode write(Recipe recipe) {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.put("RecipeFormatVersion", "2020-01-25");
    root.put("ComponentName", recipe.componentName());
    root.put("ComponentVersion", recipe.componentVersion().text());
    root.put("ComponentType", recipe.componentType().wireName());
    text(root, "ComponentDescription", recipe.description());
    text(root, "ComponentPublisher", recipe.publisher());
    text(root, "ComponentSource", recipe.componentSource());
    if (!recipe.defaultConfiguration().isEmpty()) {
      root.putObject("ComponentConfiguration")
          .set("DefaultConfiguration", recipe.defaultConfiguration().deepCopy());
    }
    if (!recipe.dependencies().isEmpty()) {
      ObjectNode dependencies = root.putObject("ComponentDependencies");
      for (Map.Entry<String, Recipe.Dependency> entry : recipe.dependencies().entrySet()) {
        dependencies
            .putObject(entry.getKey())
            .put("VersionRequirement", entry.getValue().versionRequirement().text())
            .put("DependencyType", entry.getValue().type().name());
      }
    }
    ArrayNode manifests = root.putArray("Manifests");
    recipe.manifests().forEach(m -> manifest(manifests.addObject(), m));
    root.set("Lifecycle", recipe.lifecycle().deepCopy());
    return root;
  }

  private static void manifest(ObjectNode node, Recipe.Manifest manifest) {
    text(node, "Name", manifest.name());
    if (!manifest.platform().isEmpty()) {
      ObjectNode platform = node.putObject("Platform");
      manifest.platform().forEach(platform::put);
    }
    node.set("Lifecycle", manifest.lifecycle().deepCopy());
    if (!manifest.selections().isEmpty()) {
      ArrayNode selections = node.putArray("Selections");
      manifest.selections().forEach(selections::add);
    }
    if (!manifest.artifacts().isEmpty()) {
      ArrayNode artifacts = node.putArray("Artifacts");
      for (Recipe.Artifact artifact : manifest.artifacts()) {
        ObjectNode item = artifacts.addObject().put("Uri", artifact.uri());
        if (artifact.digest() != null) {
          item.put("Digest", artifact.digest());
        }
        if (artifact.algorithm() != null) {
          item.put("Algorithm", artifact.algorithm());
        }
        item.put("Unarchive", artifact.unarchive().name());
        item.putObject("Permission")
            .put("Read", artifact.permission().read().name())
            .put("Execute", artifact.permission().execute().name());
      }
    }
  }

  private static void text(ObjectNode node, String field, String value) {
    if (!value.isEmpty()) {
      node.put(field, value);
    }
  }
}
