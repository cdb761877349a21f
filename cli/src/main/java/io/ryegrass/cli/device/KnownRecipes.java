package io.ryegrass.cli.device;

import io.ryegrass.cli.device.CoreAccess.CommandFailure;
import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.Recipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The recipes on this device: those in the core's store, and those that a deployment brings. */
final class KnownRecipes {
  private final Map<String, TreeMap<ComponentVersion, Recipe>> all = new HashMap<>();
  private final Map<String, Recipe> brought = new HashMap<>();

  /** Reads the core's store; what cannot be read is told and left out. */
  void readStore(Path folder, List<String> notes) {
    if (Files.isDirectory(folder) && !Files.isReadable(folder)) {
      notes.add("this user may not read the recipes of the core's store (" + folder + ")");
      return;
    }
    for (Path file : files(folder)) {
      try {
        add(Recipe.parse(Files.readAllBytes(file)));
      } catch (IOException | RuntimeException e) {
        notes.add("a recipe in the store cannot be read and is left out: " + file.getFileName());
      }
    }
  }

  /**
   * Reads the deployment's folder; its recipes count before those of the store.
   *
   * @throws io.ryegrass.model.InvalidDocumentException for a recipe that is wrong
   */
  void readBrought(Path folder) {
    for (Path file : files(folder)) {
      try {
        Recipe recipe = Recipe.parse(Files.readAllBytes(file));
        add(recipe);
        brought.put(recipe.componentName() + " " + recipe.componentVersion().text(), recipe);
      } catch (IOException e) {
        throw new CommandFailure("cannot read the recipe " + file);
      }
    }
  }

  private static List<Path> files(Path folder) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> all = Files.walk(folder, 3)) {
      return all.filter(Files::isRegularFile)
          .filter(f -> String.valueOf(f.getFileName()).matches(".*\\.(ya?ml|json)"))
          .filter(f -> !String.valueOf(f.getFileName()).endsWith(".metadata.json"))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new CommandFailure("cannot list " + folder + ": " + e.getMessage());
    }
  }

  private void add(Recipe recipe) {
    all.computeIfAbsent(recipe.componentName(), n -> new TreeMap<>())
        .put(recipe.componentVersion(), recipe);
  }

  /** The versions of a component, the highest first. */
  NavigableMap<ComponentVersion, Recipe> versions(String component) {
    return all.getOrDefault(component, new TreeMap<>()).descendingMap();
  }

  Optional<Recipe> find(String component, String version) {
    return versions(component).values().stream()
        .filter(r -> r.componentVersion().text().equals(version))
        .findFirst();
  }

  /** The recipe that the deployment brings for this version. */
  @Nullable Recipe brought(String component, String version) {
    return brought.get(component + " " + version);
  }
}
