package io.ryegrass.nucleus.deploy;

import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.LocalDeployment;
import io.ryegrass.nucleus.config.Generation;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A local deployment on disk, and what becomes of it when its turn comes: "the group's roots less
 * the removed plus the merged" counts from what the deployments before it have left.
 */
final class LocalForm {
  private static final String LOCAL_GROUP = "LOCAL_DEPLOYMENT";

  private LocalForm() {}

  static String groupKey(LocalDeployment d) {
    return d.group() == null ? LOCAL_GROUP : "thinggroup/" + d.group();
  }

  /** Root components of its group when it has been applied. */
  static Map<String, String> roots(LocalDeployment d, Generation current) {
    Map<String, String> roots = new LinkedHashMap<>();
    Generation.Group before = current.groups().get(groupKey(d));
    if (before != null) {
      roots.putAll(before.roots());
    }
    roots.keySet().removeAll(d.componentsToRemove());
    roots.putAll(d.componentsToMerge());
    return roots;
  }

  /**
   * The document of a local deployment (v2-deployments.md section 16). Components whose
   * configuration or user it changes are in it with the version that runs, without becoming roots.
   */
  static DeploymentDocument document(LocalDeployment d, Generation current) {
    Map<String, String> versions = roots(d, current);
    Set<String> changed = new HashSet<>(d.updates().keySet());
    changed.addAll(d.runWith().keySet());
    for (String name : changed) {
      Generation.Entry running = current.components().get(name);
      versions.putIfAbsent(name, running == null ? "0.0.0" : running.version());
    }
    Map<String, DeploymentDocument.ComponentUpdate> updates = new LinkedHashMap<>();
    versions.forEach(
        (name, version) ->
            updates.put(
                name,
                new DeploymentDocument.ComponentUpdate(
                    version,
                    d.updates().getOrDefault(name, DeploymentDocument.ConfigurationUpdate.NONE),
                    d.runWith().get(name))));
    return new DeploymentDocument(
        d.requestId(),
        "local",
        groupKey(d),
        null,
        null,
        d.requestTimestamp(),
        updates,
        d.failureHandlingPolicy(),
        java.util.List.of(),
        new DeploymentDocument.ComponentUpdatePolicy(
            0, DeploymentDocument.ComponentUpdatePolicy.Action.SKIP_NOTIFY_COMPONENTS),
        new DeploymentDocument.ConfigurationValidationPolicy(20));
  }

  static String toText(LocalDeployment d) {
    ObjectNode n = JsonNodeFactory.instance.objectNode();
    n.put("id", d.requestId());
    n.put("time", d.requestTimestamp());
    ObjectNode merge = n.putObject("merge");
    d.componentsToMerge().forEach(merge::put);
    d.componentsToRemove().forEach(n.putArray("remove")::add);
    n.put("group", d.group());
    ObjectNode updates = n.putObject("updates");
    d.updates()
        .forEach(
            (name, u) -> {
              ObjectNode one = updates.putObject(name);
              if (u.merge() != null) {
                one.set("merge", u.merge());
              }
              u.reset().forEach(one.putArray("reset")::add);
            });
    ObjectNode runWith = n.putObject("runWith");
    d.runWith()
        .forEach(
            (name, r) -> {
              ObjectNode one = runWith.putObject(name);
              one.put("posixUser", r.posixUser());
              one.put("windowsUser", r.windowsUser());
              if (r.systemResourceLimits() != null) {
                one.put("memory", r.systemResourceLimits().memory());
                one.put("cpus", r.systemResourceLimits().cpus());
              }
            });
    n.put("recipes", d.recipes() == null ? null : d.recipes().toString());
    n.put("artifacts", d.artifacts() == null ? null : d.artifacts().toString());
    n.put("policy", d.failureHandlingPolicy().name());
    return Json.text(n);
  }

  static LocalDeployment parse(String text) {
    JsonNode n = Json.read(text);
    Map<String, String> merge = new LinkedHashMap<>();
    n.path("merge").properties().forEach(e -> merge.put(e.getKey(), e.getValue().asString()));
    Set<String> remove = new HashSet<>();
    n.path("remove").forEach(v -> remove.add(v.asString()));
    Map<String, DeploymentDocument.ConfigurationUpdate> updates = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> e : n.path("updates").properties()) {
      java.util.List<String> reset = new java.util.ArrayList<>();
      e.getValue().path("reset").forEach(v -> reset.add(v.asString()));
      updates.put(
          e.getKey(),
          new DeploymentDocument.ConfigurationUpdate(
              e.getValue().path("merge") instanceof ObjectNode o ? o : null, reset));
    }
    Map<String, DeploymentDocument.RunWith> runWith = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> e : n.path("runWith").properties()) {
      JsonNode r = e.getValue();
      runWith.put(
          e.getKey(),
          new DeploymentDocument.RunWith(
              string(r, "posixUser"),
              string(r, "windowsUser"),
              r.has("memory") || r.has("cpus")
                  ? new DeploymentDocument.SystemResourceLimits(
                      r.path("memory").asLong(0), r.path("cpus").asDouble(0))
                  : null));
    }
    String recipes = string(n, "recipes");
    String artifacts = string(n, "artifacts");
    return new LocalDeployment(
        n.path("id").asString(),
        n.path("time").asLong(),
        merge,
        remove,
        string(n, "group"),
        updates,
        runWith,
        recipes == null ? null : Path.of(recipes),
        artifacts == null ? null : Path.of(artifacts),
        FailureHandlingPolicy.valueOf(n.path("policy").asString()));
  }

  private static @Nullable String string(JsonNode n, String key) {
    JsonNode v = n.get(key);
    return v == null || v.isNull() ? null : v.asString();
  }
}
