package io.ryegrass.cli.device;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Who asked for which component: the groups of the core's present generation (thing, thing groups,
 * local deployments), as they stand in its folder.
 */
final class GroupRoots {
  static final String LOCAL = "LOCAL_DEPLOYMENT";

  private final Map<String, Map<String, String>> groups = new LinkedHashMap<>();

  /** Reads them; whoever may not read the generations gets none, and a note. */
  static GroupRoots read(Path root, List<String> notes) {
    GroupRoots roots = new GroupRoots();
    Path folder = root.resolve("generations");
    try {
      JsonNode pointer = Result.JSON.readTree(Files.readString(folder.resolve("current")));
      Path file = folder.resolve(pointer.path("current").asString("")).resolve("generation.json");
      JsonNode generation = Result.JSON.readTree(Files.readString(file));
      for (Map.Entry<String, JsonNode> group : generation.path("groups").properties()) {
        Map<String, String> versions = new LinkedHashMap<>();
        group
            .getValue()
            .path("roots")
            .properties()
            .forEach(r -> versions.put(r.getKey(), r.getValue().asString("")));
        roots.groups.put(group.getKey(), versions);
      }
    } catch (IOException | JacksonException e) {
      notes.add(
          "this user may not read "
              + folder
              + ", so which other groups ask for a component is not known here");
    }
    return roots;
  }

  /** The groups but this one that ask for a component, with the version they ask for. */
  Map<String, String> others(String group, String component) {
    Map<String, String> found = new LinkedHashMap<>();
    groups.forEach(
        (name, roots) -> {
          String version = roots.get(component);
          if (!name.equals(group) && version != null) {
            found.put(name, version);
          }
        });
    return found;
  }

  /** All that any group asks for. */
  List<String> all() {
    List<String> found = new ArrayList<>();
    groups.values().forEach(roots -> found.addAll(roots.keySet()));
    return found;
  }

  boolean isEmpty() {
    return groups.isEmpty();
  }
}
