package io.ryegrass.components;

import io.ryegrass.model.InvalidDocumentException;
import io.ryegrass.model.Recipe;
import io.ryegrass.model.VersionRequirement;
import io.ryegrass.registry.Registry;
import io.ryegrass.store.CloudStore;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Deployments that no core can have together. A core runs the union of the latest deployments of
 * its targets (DPL-04), so a new deployment is held against each other target that shares a core
 * with it: roots as they stand, dependencies as the recipes want them. What cannot be met is told
 * with who wants what (DPL-05). AWS accepts such deployments, and so do we: they fail on the
 * device. The finding is kept with the deployment, is the reason of the effective deployments that
 * wait, and goes out as an event (decision 031).
 */
final class Conflicts {
  /** Other targets looked at; a fleet that has more is told nothing of the rest. */
  private static final int MAX_OTHERS = 1000;

  private static final int MAX_STEPS = 2000;

  private final CloudStore store;
  private final Registry registry;
  private final Catalogue catalogue;

  Conflicts(CloudStore store, Registry registry, Catalogue catalogue) {
    this.store = store;
    this.registry = registry;
    this.catalogue = catalogue;
  }

  /**
   * A conflict with one other target.
   *
   * @param other target's resource, {@code thinggroup/X} or {@code thing/X}
   * @param text a sentence in the device's own words
   */
  record Conflict(String other, String text) {}

  /** The conflicts of a deployment that is about to be made. */
  List<Conflict> of(DeploymentRow.Kind kind, String resource, JsonNode components) {
    Set<String> members = members(kind, resource);
    Map<String, String> roots = roots(components);
    List<Conflict> found = new ArrayList<>();
    if (members.isEmpty() || roots.isEmpty()) {
      return found;
    }
    Map<String, List<Catalogue.Version>> known = new HashMap<>();
    List<DeploymentRow> others =
        store.read(
            sql ->
                sql.list(
                    "SELECT * FROM components_deployments WHERE latest = 1 AND kind <> 'V1_GROUP' AND"
                        + " parent_target IS NULL AND status IN ('ACTIVE', 'COMPLETED') ORDER BY"
                        + " created DESC LIMIT "
                        + MAX_OTHERS,
                    DeploymentRow::of));
    for (DeploymentRow other : others) {
      String otherResource = io.ryegrass.model.Arn.parse(other.targetArn()).resource();
      if (otherResource.equals(resource) || !shares(members, other)) {
        continue;
      }
      together(resource, roots, otherResource, roots(other.request().path("components")), known)
          .ifPresent(text -> found.add(new Conflict(otherResource, text)));
    }
    return found;
  }

  private Set<String> members(DeploymentRow.Kind kind, String resource) {
    String name = resource.substring(resource.indexOf('/') + 1);
    return kind == DeploymentRow.Kind.THING
        ? Set.of(name)
        : new HashSet<>(registry.membersOf(name));
  }

  private boolean shares(Set<String> members, DeploymentRow other) {
    return other.kind() == DeploymentRow.Kind.THING
        ? members.contains(other.targetName())
        : registry.membersOf(other.targetName()).stream().anyMatch(members::contains);
  }

  private static Map<String, String> roots(JsonNode components) {
    Map<String, String> roots = new TreeMap<>();
    components
        .properties()
        .forEach(e -> roots.put(e.getKey(), Json.text(e.getValue(), "componentVersion")));
    return roots;
  }

  /** Empty when a core can have both. */
  private Optional<String> together(
      String one,
      Map<String, String> oneRoots,
      String other,
      Map<String, String> otherRoots,
      Map<String, List<Catalogue.Version>> known) {
    Wishes wishes = new Wishes();
    oneRoots.forEach((name, version) -> wishes.add(name, one, "=" + version));
    otherRoots.forEach((name, version) -> wishes.add(name, other, "=" + version));
    for (int step = 0; step < MAX_STEPS; step++) {
      String name = wishes.next();
      if (name == null) {
        return Optional.empty();
      }
      List<Catalogue.Version> versions = known.computeIfAbsent(name, catalogue::versions);
      if (versions.isEmpty()) {
        continue; // unknown here, perhaps local to the device
      }
      Optional<Catalogue.Version> chosen =
          versions.stream().filter(v -> wishes.accept(name, v)).findFirst();
      if (chosen.isEmpty()) {
        return Optional.of(
            "Component "
                + name
                + " version constraints conflict: "
                + wishes.of(name)
                + "; a core that is in both targets cannot meet them. Revise one of the"
                + " deployments");
      }
      wishes.choose(name, chosen.get().recipe());
    }
    return Optional.empty(); // larger than what is worth finding out here: the device decides
  }

  /** Who wants which version of what, and what has been chosen so far. */
  private static final class Wishes {
    private final Map<String, Map<String, VersionRequirement>> all = new TreeMap<>();
    private final Map<String, String> chosen = new LinkedHashMap<>();
    private final Set<String> open = new TreeSet<>();

    void add(String name, String who, String requirement) {
      VersionRequirement wanted;
      try {
        wanted = VersionRequirement.parse(requirement);
      } catch (InvalidDocumentException e) {
        return; // told elsewhere
      }
      Map<String, VersionRequirement> wishes = all.computeIfAbsent(name, n -> new TreeMap<>());
      if (!wanted.equals(wishes.put(who, wanted))) {
        open.add(name);
      }
    }

    @Nullable String next() {
      String name = open.isEmpty() ? null : open.iterator().next();
      if (name != null) {
        open.remove(name);
      }
      return name;
    }

    boolean accept(String name, Catalogue.Version version) {
      return all.getOrDefault(name, Map.of()).values().stream()
          .allMatch(w -> w.accepts(version.number()));
    }

    void choose(String name, Recipe recipe) {
      if (recipe
          .componentVersion()
          .text()
          .equals(chosen.put(name, recipe.componentVersion().text()))) {
        return;
      }
      all.forEach(
          (other, wishes) -> {
            if (wishes.remove(name) != null && !recipe.dependencies().containsKey(other)) {
              open.add(other);
            }
          });
      recipe
          .dependencies()
          .forEach((needed, d) -> add(needed, name, d.versionRequirement().text()));
    }

    String of(String name) {
      StringJoiner list = new StringJoiner(", ");
      all.getOrDefault(name, Map.of()).forEach((who, what) -> list.add(who + " requires " + what));
      return list.toString();
    }
  }

  // ---- kept with a deployment

  static void put(ObjectNode request, List<Conflict> conflicts) {
    if (conflicts.isEmpty()) {
      return;
    }
    ArrayNode list = request.putArray("conflicts");
    conflicts.forEach(c -> list.addObject().put("otherTarget", c.other()).put("reason", c.text()));
  }

  /** Why a waiting deployment will fail on a core; empty when nothing is known against it. */
  String reasonFor(DeploymentRow deployment, String core) {
    JsonNode conflicts = deployment.request().path("conflicts");
    if (conflicts.isEmpty()) {
      return "";
    }
    Set<String> targets = new HashSet<>();
    targets.add("thing/" + core);
    registry.thingGroupsOf(core).forEach(g -> targets.add("thinggroup/" + g));
    StringJoiner reasons = new StringJoiner(" ");
    conflicts.forEach(
        c -> {
          if (targets.contains(Json.text(c, "otherTarget"))) {
            reasons.add(Json.text(c, "reason") + ".");
          }
        });
    return reasons.toString();
  }
}
