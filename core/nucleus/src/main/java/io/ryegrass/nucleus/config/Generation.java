package io.ryegrass.nucleus.config;

import io.ryegrass.model.ComponentType;
import io.ryegrass.model.DeploymentDocument.SystemResourceLimits;
import io.ryegrass.model.Json;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The complete, immutable result of a deployment: which components run, in which version, with
 * which configuration, and which groups asked for them. Configuration inside is copied on the way
 * in and out by {@link Entry}.
 *
 * @param number counts up, also over rolled-back ones
 * @param createdBy deployment that made it, for people
 * @param components by name
 * @param groups by group key ({@code thing/X}, {@code thinggroup/Y}, {@code LOCAL_DEPLOYMENT})
 * @param membership thing groups as last heard from the cloud
 */
public record Generation(
    long number,
    String createdBy,
    Instant created,
    Map<String, Entry> components,
    Map<String, Group> groups,
    List<String> membership) {

  /** The generation of a core that was never deployed to: only the nucleus itself. */
  public static Generation first(String nucleusVersion, Instant now) {
    JsonNodeFactory nodes = JsonNodeFactory.instance;
    Entry nucleus =
        new Entry(
            CoreConfigFile.NUCLEUS,
            nucleusVersion,
            ComponentType.NUCLEUS,
            "",
            "",
            Map.of(),
            nodes.objectNode(),
            nodes.objectNode(),
            null);
    return new Generation(
        0, "first start", now, Map.of(CoreConfigFile.NUCLEUS, nucleus), Map.of(), List.of());
  }

  /**
   * One component of a generation.
   *
   * @param arn component version ARN as the cloud named it
   * @param recipeDigest SHA-256 (hex) of the stored recipe file
   * @param artifacts digest by file name
   * @param posixUser runWith of the deployment, or null
   * @param limits runWith of the deployment, or null
   */
  public record Entry(
      String name,
      String version,
      ComponentType type,
      String arn,
      String recipeDigest,
      Map<String, String> artifacts,
      ObjectNode configuration,
      ObjectNode stamps,
      @Nullable String posixUser,
      @Nullable SystemResourceLimits limits) {

    /** Without limits. */
    public Entry(
        String name,
        String version,
        ComponentType type,
        String arn,
        String recipeDigest,
        Map<String, String> artifacts,
        ObjectNode configuration,
        ObjectNode stamps,
        @Nullable String posixUser) {
      this(
          name,
          version,
          type,
          arn,
          recipeDigest,
          artifacts,
          configuration,
          stamps,
          posixUser,
          null);
    }

    public StampedConfiguration stamped() {
      return StampedConfiguration.of(configuration, stamps);
    }

    public Entry with(StampedConfiguration c) {
      return new Entry(
          name,
          version,
          type,
          arn,
          recipeDigest,
          artifacts,
          c.values(),
          c.stamps(),
          posixUser,
          limits);
    }
  }

  /**
   * What one group asks for.
   *
   * @param timestamp creation time (ms) of its last deployment, for staleness
   * @param roots root component → version
   */
  public record Group(
      String configurationArn,
      long timestamp,
      @Nullable String deploymentId,
      Map<String, String> roots) {}

  /** Configuration ARNs of all groups that name the component as a root. */
  public List<String> configurationArns(String component) {
    List<String> arns = new ArrayList<>();
    for (Group g : groups.values()) {
      if (g.roots().containsKey(component)) {
        arns.add(g.configurationArn());
      }
    }
    return arns;
  }

  /** The same under another number. */
  public Generation numbered(long other) {
    return new Generation(other, createdBy, created, components, groups, membership);
  }

  /** The same with its components in the order in which they are read again from the disk. */
  Generation inOrder() {
    return new Generation(
        number,
        createdBy,
        created,
        Collections.unmodifiableMap(new TreeMap<>(components)),
        groups,
        membership);
  }

  byte[] toBytes() {
    JsonNodeFactory nodes = JsonNodeFactory.instance;
    ObjectNode top = nodes.objectNode();
    top.put("formatVersion", 1);
    top.put("number", number);
    top.put("createdBy", createdBy);
    top.put("created", created.toEpochMilli());
    ObjectNode all = top.putObject("components");
    for (Entry e : new TreeMap<>(components).values()) {
      ObjectNode one = all.putObject(e.name());
      one.put("version", e.version());
      one.put("type", e.type().name());
      one.put("arn", e.arn());
      one.put("recipeDigest", e.recipeDigest());
      ObjectNode artifacts = one.putObject("artifacts");
      e.artifacts().forEach(artifacts::put);
      one.set("configuration", e.configuration());
      one.set("stamps", e.stamps());
      if (e.posixUser() != null) {
        one.put("posixUser", e.posixUser());
      }
      SystemResourceLimits limits = e.limits();
      if (limits != null) {
        one.putObject("limits").put("memory", limits.memory()).put("cpus", limits.cpus());
      }
    }
    ObjectNode allGroups = top.putObject("groups");
    groups.forEach(
        (key, g) -> {
          ObjectNode one = allGroups.putObject(key);
          one.put("configurationArn", g.configurationArn());
          one.put("timestamp", g.timestamp());
          if (g.deploymentId() != null) {
            one.put("deploymentId", g.deploymentId());
          }
          ObjectNode roots = one.putObject("roots");
          g.roots().forEach(roots::put);
        });
    ArrayNode names = top.putArray("membership");
    membership.forEach(names::add);
    return Json.bytes(top);
  }

  static Generation parse(JsonNode top) {
    Map<String, Entry> components = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> e : top.path("components").properties()) {
      JsonNode one = e.getValue();
      JsonNode user = one.get("posixUser");
      components.put(
          e.getKey(),
          new Entry(
              e.getKey(),
              one.path("version").asString(),
              ComponentType.valueOf(one.path("type").asString()),
              one.path("arn").asString(),
              one.path("recipeDigest").asString(),
              texts(one.path("artifacts")),
              object(one.path("configuration")),
              object(one.path("stamps")),
              user == null ? null : user.asString(),
              one.get("limits") instanceof ObjectNode l
                  ? new SystemResourceLimits(l.path("memory").asLong(0), l.path("cpus").asDouble(0))
                  : null));
    }
    Map<String, Group> groups = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> e : top.path("groups").properties()) {
      JsonNode one = e.getValue();
      JsonNode id = one.get("deploymentId");
      groups.put(
          e.getKey(),
          new Group(
              one.path("configurationArn").asString(),
              one.path("timestamp").asLong(),
              id == null ? null : id.asString(),
              texts(one.path("roots"))));
    }
    List<String> membership = new ArrayList<>();
    top.path("membership").forEach(n -> membership.add(n.asString()));
    return new Generation(
        top.path("number").asLong(),
        top.path("createdBy").asString(),
        Instant.ofEpochMilli(top.path("created").asLong()),
        components,
        groups,
        membership);
  }

  private static Map<String, String> texts(JsonNode node) {
    Map<String, String> map = new LinkedHashMap<>();
    node.properties().forEach(e -> map.put(e.getKey(), e.getValue().asString()));
    return map;
  }

  private static ObjectNode object(JsonNode node) {
    return node instanceof ObjectNode o ? o : JsonNodeFactory.instance.objectNode();
  }
}
