package io.ryegrass.cli.device;

import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.ConfigurationMerge;
import io.ryegrass.model.DeploymentDocument.ConfigurationUpdate;
import io.ryegrass.model.Recipe;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a local deployment would do to a core, worked out from the recipes on this device: those of
 * the deployment and those in the core's store. What only the cloud could say stands in the notes.
 */
final class DeploymentPlan {
  /** What happens to a component. */
  enum Action {
    INSTALL,
    UPDATE,
    RECONFIGURE,
    RESTART,
    REMOVE
  }

  /**
   * One line of the plan.
   *
   * @param restarts whether processes of the component end, or begin, because of it
   */
  record Step(
      Action action,
      String component,
      @Nullable String from,
      @Nullable String to,
      boolean restarts,
      String why) {
    String versions() {
      return from == null
          ? String.valueOf(to)
          : to == null || from.equals(to) ? from : from + " -> " + to;
    }
  }

  private record Running(String version, ObjectNode configuration) {}

  private final KnownRecipes recipes = new KnownRecipes();
  private final Map<String, Running> running = new LinkedHashMap<>();
  private final Map<String, Step> steps = new LinkedHashMap<>();
  private final Map<String, String> chosen = new LinkedHashMap<>();
  private final List<String> notes = new ArrayList<>();
  private GroupRoots asked = new GroupRoots();
  private String group = GroupRoots.LOCAL;

  private DeploymentPlan() {}

  /**
   * @param request as CreateLocalDeployment takes it
   * @param components as ListComponents answers them
   * @throws io.ryegrass.model.InvalidDocumentException for a recipe of the deployment that is wrong
   */
  static DeploymentPlan of(
      ObjectNode request, JsonNode components, @Nullable Path recipeFolder, Path root) {
    DeploymentPlan plan = new DeploymentPlan();
    for (JsonNode c : components) {
      plan.running.put(
          c.path("componentName").asString(""),
          new Running(
              c.path("version").asString(""),
              c.path("configuration") instanceof ObjectNode o ? o : CoreAccess.empty()));
    }
    plan.recipes.readStore(root.resolve("packages/recipes"), plan.notes);
    plan.asked = GroupRoots.read(root, plan.notes);
    String group = request.path("groupName").asString("");
    plan.group = group.isEmpty() ? GroupRoots.LOCAL : "thinggroup/" + group;
    Map<String, Recipe> stored = new HashMap<>();
    plan.running.forEach(
        (name, r) -> plan.find(name, r.version()).ifPresent(x -> stored.put(name, x)));
    if (recipeFolder != null) {
      plan.recipes.readBrought(recipeFolder);
    }
    plan.roots(request);
    plan.dependencies();
    plan.changes(request, stored);
    plan.removals(request);
    plan.restarts();
    return plan;
  }

  List<Step> steps() {
    return List.copyOf(steps.values());
  }

  List<String> notes() {
    return notes;
  }

  ObjectNode json() {
    ObjectNode json = CoreAccess.empty();
    var list = json.putArray("steps");
    for (Step step : steps.values()) {
      ObjectNode one = list.addObject();
      one.put("action", step.action().name()).put("componentName", step.component());
      one.put("fromVersion", step.from()).put("toVersion", step.to());
      one.put("restarts", step.restarts()).put("reason", step.why());
    }
    var said = json.putArray("notes");
    notes.forEach(said::add);
    return json;
  }

  private java.util.Optional<Recipe> find(String name, String version) {
    return recipes.find(name, version);
  }

  private void roots(ObjectNode request) {
    for (Map.Entry<String, JsonNode> e : request.path("rootComponentVersionsToAdd").properties()) {
      String version = e.getValue().asString("");
      chosen.put(e.getKey(), version);
      asked
          .others(group, e.getKey())
          .forEach(
              (other, wanted) -> {
                if (!wanted.equals(version)) {
                  notes.add(
                      "this would fail: "
                          + other
                          + " requires "
                          + e.getKey()
                          + " ="
                          + wanted
                          + ", this deployment ="
                          + version);
                }
              });
      if (find(e.getKey(), version).isEmpty()) {
        notes.add(
            "the recipe of "
                + e.getKey()
                + " "
                + version
                + " is not on this device; the cloud is asked for it, and what it needs is not"
                + " known here");
      }
    }
  }

  /** Breadth first, so that a root's own version counts before a dependency's requirement. */
  private void dependencies() {
    List<String> open = new ArrayList<>(chosen.keySet());
    Set<String> seen = new LinkedHashSet<>(open);
    for (int i = 0; i < open.size(); i++) {
      String name = open.get(i);
      find(name, chosen.getOrDefault(name, version(name)))
          .ifPresent(
              recipe ->
                  recipe
                      .dependencies()
                      .forEach(
                          (needed, dependency) -> {
                            choose(name, needed, dependency);
                            if (seen.add(needed)) {
                              open.add(needed);
                            }
                          }));
    }
  }

  private String version(String name) {
    Running now = running.get(name);
    return now == null ? "" : now.version();
  }

  private void choose(String by, String needed, Recipe.Dependency dependency) {
    String has = chosen.getOrDefault(needed, version(needed));
    if (!has.isEmpty()) {
      if (!dependency.versionRequirement().accepts(ComponentVersion.parse(has))) {
        if (chosen.containsKey(needed)) {
          notes.add(
              by + " needs " + needed + " " + dependency.versionRequirement() + ", not " + has);
        } else {
          chooseLocal(by, needed, dependency);
        }
      }
      return;
    }
    chooseLocal(by, needed, dependency);
  }

  private void chooseLocal(String by, String needed, Recipe.Dependency dependency) {
    for (ComponentVersion version : recipes.versions(needed).keySet()) {
      if (dependency.versionRequirement().accepts(version)) {
        chosen.put(needed, version.text());
        return;
      }
    }
    notes.add(
        by
            + " needs "
            + needed
            + " "
            + dependency.versionRequirement()
            + ", which is not on this device; the cloud is asked for it");
  }

  private void changes(ObjectNode request, Map<String, Recipe> stored) {
    JsonNode updates = request.path("componentToConfiguration");
    Set<String> names = new LinkedHashSet<>(chosen.keySet());
    updates.propertyNames().forEach(names::add);
    request.path("componentToRunWithInfo").propertyNames().forEach(names::add);
    for (String name : names) {
      Running now = running.get(name);
      String to = chosen.getOrDefault(name, version(name));
      if (now == null) {
        if (chosen.containsKey(name)) {
          step(Action.INSTALL, name, null, to, true, "new");
        } else {
          notes.add(name + " does not run here; its configuration update has nothing to change");
        }
      } else if (!now.version().equals(to)) {
        step(Action.UPDATE, name, now.version(), to, true, "another version");
      } else if (recipeChanged(name, to, stored)) {
        step(Action.UPDATE, name, to, to, true, "the recipe changes under the same version");
      } else {
        reconfigure(name, now, updates.path(name), request);
      }
    }
  }

  /** Its scripts change with what they use; another value is told to it while it runs. */
  private void reconfigure(String name, Running now, JsonNode update, ObjectNode request) {
    ObjectNode after = configured(name, now, update);
    JsonNode runWith = request.path("componentToRunWithInfo").path(name);
    boolean user = runWith.has("posixUser");
    if (!after.equals(now.configuration())) {
      String use =
          find(name, now.version())
              .flatMap(r -> ConfigurationUses.of(r).changed(name, now.configuration(), after))
              .orElse("");
      step(
          Action.RECONFIGURE,
          name,
          now.version(),
          now.version(),
          user || !use.isEmpty(),
          use.isEmpty()
              ? "its configuration changes; no script uses what changes, so it is told over IPC"
                  + " and goes on"
              : "its configuration changes and " + use + ", so it restarts");
      others(name, now.configuration(), after);
    } else if (user || runWith.has("systemResourceLimits")) {
      step(
          Action.RECONFIGURE,
          name,
          now.version(),
          now.version(),
          user,
          user ? "it restarts as another user, when that is new" : "its limits count at once");
    }
  }

  /** Components whose scripts use another one's configuration. */
  private void others(String changed, ObjectNode before, ObjectNode after) {
    running.forEach(
        (other, r) -> {
          if (!other.equals(changed) && !steps.containsKey(other)) {
            find(other, r.version())
                .flatMap(recipe -> ConfigurationUses.of(recipe).changed(changed, before, after))
                .ifPresent(
                    use ->
                        step(
                            Action.RESTART,
                            other,
                            r.version(),
                            r.version(),
                            true,
                            use + " of " + changed));
          }
        });
  }

  private boolean recipeChanged(String name, String version, Map<String, Recipe> stored) {
    Recipe fresh = recipes.brought(name, version);
    Recipe old = stored.get(name);
    return fresh != null && old != null && !fresh.toJson().equals(old.toJson());
  }

  private ObjectNode configured(String name, Running now, JsonNode update) {
    if (!update.isObject()) {
      return now.configuration();
    }
    List<String> reset = new ArrayList<>();
    ObjectNode merge = null;
    for (Map.Entry<String, JsonNode> e : update.properties()) {
      if (e.getKey().equalsIgnoreCase("MERGE") && e.getValue() instanceof ObjectNode o) {
        merge = o;
      } else if (e.getKey().equalsIgnoreCase("RESET")) {
        e.getValue().forEach(pointer -> reset.add(pointer.asString("")));
      }
    }
    ObjectNode defaults =
        find(name, now.version()).map(Recipe::defaultConfiguration).orElseGet(CoreAccess::empty);
    return ConfigurationMerge.apply(
        now.configuration(), defaults, new ConfigurationUpdate(merge, reset));
  }

  private void removals(ObjectNode request) {
    for (JsonNode node : request.path("rootComponentsToRemove")) {
      String name = node.asString("");
      if (!running.containsKey(name)) {
        notes.add(name + " does not run here; there is nothing to remove");
        continue;
      }
      Map<String, String> others = asked.others(group, name);
      List<String> needing = dependers(name, false);
      if (!others.isEmpty()) {
        notes.add(name + " stays, because " + String.join(", ", others.keySet()) + " asks for it");
      } else if (!needing.isEmpty()) {
        notes.add(name + " stays, because " + String.join(", ", needing) + " need it");
      } else {
        step(Action.REMOVE, name, version(name), null, true, "no longer asked for");
        orphans(name);
      }
    }
  }

  /** What only the removed component needed goes with it. */
  private void orphans(String removed) {
    for (String dependency :
        find(removed, version(removed)).map(r -> r.dependencies().keySet()).orElse(Set.of())) {
      if (!running.containsKey(dependency)
          || steps.containsKey(dependency)
          || !dependers(dependency, false).isEmpty()) {
        continue;
      }
      if (asked.isEmpty()) {
        notes.add(dependency + " goes, too, if nothing else asks for it");
      } else if (!asked.all().contains(dependency)) {
        step(
            Action.REMOVE,
            dependency,
            version(dependency),
            null,
            true,
            "only " + removed + " needed it");
        orphans(dependency);
      }
    }
  }

  /** Components that run and need this one, after the plan. */
  private List<String> dependers(String name, boolean onlyHard) {
    List<String> found = new ArrayList<>();
    for (String other : running.keySet()) {
      Step step = steps.get(other);
      if (step != null && step.action() == Action.REMOVE) {
        continue;
      }
      find(other, chosen.getOrDefault(other, version(other)))
          .map(recipe -> recipe.dependencies().get(name))
          .filter(d -> !onlyHard || d.type() == Recipe.DependencyType.HARD)
          .ifPresent(d -> found.add(other));
    }
    return found;
  }

  /** Whoever depends hard on what restarts, restarts with it. */
  private void restarts() {
    List<String> open = new ArrayList<>();
    steps.forEach(
        (name, step) -> {
          if (step.restarts() && step.action() != Action.INSTALL) {
            open.add(name);
          }
        });
    for (int i = 0; i < open.size(); i++) {
      for (String other : dependers(open.get(i), true)) {
        Step known = steps.get(other);
        if (known == null || !known.restarts()) {
          step(
              Action.RESTART,
              other,
              version(other),
              version(other),
              true,
              "it needs " + open.get(i));
          open.add(other);
        }
      }
    }
  }

  private void step(
      Action action,
      String name,
      @Nullable String from,
      @Nullable String to,
      boolean restarts,
      String why) {
    steps.put(name, new Step(action, name, from, to, restarts, why));
  }
}
