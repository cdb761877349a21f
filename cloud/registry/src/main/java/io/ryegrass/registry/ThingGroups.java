package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Thing groups, nested: the groups themselves. Who is in them is {@link GroupMembers}' concern. */
final class ThingGroups {
  private static final int MAX_DEPTH = 7;
  private static final int MAX_CHILDREN = 100;
  private static final int MAX_ATTRIBUTES = 50;

  private final CloudStore store;
  private final Registry registry;
  private final RegistryEvents events;
  private final Clock clock;

  ThingGroups(CloudStore store, Registry registry, RegistryEvents events, Clock clock) {
    this.store = store;
    this.registry = registry;
    this.events = events;
    this.clock = clock;
  }

  /**
   * @param query what things of a dynamic group fulfil; null for a static group
   */
  record Group(
      String name,
      String id,
      @Nullable String parent,
      @Nullable String description,
      ObjectNode attributes,
      @Nullable String query,
      long version,
      long created) {
    static Group of(Row row) {
      return new Group(
          row.text("name"),
          row.text("id"),
          row.textOrNull("parent"),
          row.textOrNull("description"),
          Answers.parse(row.text("attributes")),
          row.textOrNull("query"),
          row.number("version"),
          row.number("created"));
    }

    /** Whether a request for the other one would make this one. */
    boolean isLike(Group other) {
      return Objects.equals(parent, other.parent)
          && Objects.equals(description, other.description)
          && attributes.equals(other.attributes)
          && Objects.equals(query, other.query);
    }
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("CreateThingGroup", this::create)
        .json("DescribeThingGroup", this::describe)
        .json("ListThingGroups", this::list)
        .json("UpdateThingGroup", this::update)
        .json("DeleteThingGroup", this::delete);
  }

  static Optional<Group> find(Sql sql, String name) {
    return sql.one("SELECT * FROM thing_groups WHERE name = ?", Group::of, name);
  }

  static Group require(Sql sql, String name) {
    return find(sql, name).orElseThrow(() -> Answers.missing("Thing group " + name + " not found"));
  }

  /** The group's parents, nearest first. */
  static List<Group> parents(Sql sql, Group group) {
    List<Group> parents = new ArrayList<>();
    Optional<Group> next = Optional.of(group);
    while (next.isPresent() && next.get().parent() != null && parents.size() < MAX_DEPTH) {
      next = find(sql, next.get().parent());
      next.ifPresent(parents::add);
    }
    return parents;
  }

  /** The groups below a group, all levels, without itself. */
  static Set<String> below(Sql sql, String name) {
    Set<String> all = new LinkedHashSet<>();
    List<String> level = List.of(name);
    while (!level.isEmpty()) {
      List<String> next = new ArrayList<>();
      for (String parent : level) {
        sql
            .list(
                "SELECT name FROM thing_groups WHERE parent = ? ORDER BY name LIMIT 10000",
                row -> row.text("name"),
                parent)
            .stream()
            .filter(all::add)
            .forEach(next::add);
      }
      level = next;
    }
    return all;
  }

  List<String> parents(String name) {
    return store.read(
        sql ->
            find(sql, name).stream()
                .flatMap(g -> parents(sql, g).stream())
                .map(Group::name)
                .toList());
  }

  boolean exists(String name) {
    return store.read(sql -> find(sql, name).isPresent());
  }

  /**
   * Makes a group; one that is there with the same properties is answered as it is.
   *
   * @param query of a dynamic group, null for a static one
   */
  Group create(Sql sql, ObjectNode in, @Nullable String query) {
    String name = text(in, "thingGroupName");
    String parent = in.has("parentGroupName") ? text(in, "parentGroupName") : null;
    JsonNode properties = in.path("thingGroupProperties");
    Group group =
        new Group(
            name,
            UUID.randomUUID().toString(),
            parent,
            description(properties),
            ThingRecords.attributes(properties.path("attributePayload")),
            query,
            1,
            clock.millis());
    Optional<Group> known = find(sql, name);
    if (known.isPresent()) {
      if (known.get().isLike(group)) {
        return known.get();
      }
      throw Answers.exists(
          "Thing Group " + name + " already exists in current account with different properties",
          known.get().id(),
          registry.thingGroupArn(name));
    }
    checkAttributes(group);
    List<Group> parents = parent == null ? List.of() : placed(sql, parent);
    sql.update(
        "INSERT INTO thing_groups (name, id, parent, description, attributes, query, version,"
            + " created) VALUES (?, ?, ?, ?, ?, ?, 1, ?)",
        name,
        group.id(),
        parent,
        group.description(),
        group.attributes().toString(),
        query,
        group.created());
    RegistryTags.put(sql, registry.thingGroupArn(name), in.path("tags"));
    events.group(group, parents, "CREATED");
    if (!parents.isEmpty()) {
      events.hierarchy(parents.getFirst(), group, true);
    }
    return group;
  }

  /** The parents of a new group below this one, nearest first; refused when it has no room. */
  private static List<Group> placed(Sql sql, String parent) {
    Group above = require(sql, parent);
    if (above.query() != null) {
      throw Answers.invalid("A dynamic thing group cannot be a parent: " + parent);
    }
    List<Group> parents = new ArrayList<>(List.of(above));
    parents.addAll(parents(sql, above));
    if (parents.size() + 1 > MAX_DEPTH) {
      throw Answers.invalid(
          "The hierarchy below " + parent + " is as deep as it can be: " + MAX_DEPTH + " groups");
    }
    if (sql.count("SELECT COUNT(*) AS n FROM thing_groups WHERE parent = ?", parent)
        >= MAX_CHILDREN) {
      throw Answers.invalid(
          "Thing group " + parent + " has as many child groups as it can: " + MAX_CHILDREN);
    }
    return parents;
  }

  private static void checkAttributes(Group group) {
    if (group.attributes().size() > MAX_ATTRIBUTES) {
      throw Answers.invalid(
          "Thing group "
              + group.name()
              + " would have more than "
              + MAX_ATTRIBUTES
              + " attributes");
    }
  }

  private static @Nullable String description(JsonNode properties) {
    return properties.has("thingGroupDescription")
        ? properties.path("thingGroupDescription").asString()
        : null;
  }

  private ObjectNode create(CallContext call, ObjectNode in) {
    Group group = registry.change(sql -> create(sql, in, null));
    return created(group);
  }

  ObjectNode created(Group group) {
    return Answers.object()
        .put("thingGroupName", group.name())
        .put("thingGroupArn", registry.thingGroupArn(group.name()))
        .put("thingGroupId", group.id());
  }

  private ObjectNode describe(CallContext call, ObjectNode in) {
    return store.read(
        sql -> {
          Group group = require(sql, text(in, "thingGroupName"));
          ObjectNode out = created(group).put("version", group.version());
          ObjectNode properties = out.putObject("thingGroupProperties");
          if (group.description() != null) {
            properties.put("thingGroupDescription", group.description());
          }
          if (!group.attributes().isEmpty()) {
            properties.putObject("attributePayload").set("attributes", group.attributes());
          }
          ObjectNode metadata = out.putObject("thingGroupMetadata");
          if (group.parent() != null) {
            metadata.put("parentGroupName", group.parent());
            var roots = metadata.putArray("rootToParentThingGroups");
            parents(sql, group)
                .reversed()
                .forEach(
                    p ->
                        roots
                            .addObject()
                            .put("groupName", p.name())
                            .put("groupArn", registry.thingGroupArn(p.name())));
          }
          metadata.put("creationDate", group.created() / 1000.0);
          if (group.query() != null) {
            out.put("indexName", FleetIndex.THINGS)
                .put("queryString", group.query())
                .put("queryVersion", FleetIndex.QUERY_VERSION)
                .put("status", "ACTIVE");
          }
          return out;
        });
  }

  /**
   * All groups, or those below {@code parentGroup}; with {@code recursive} false only the next
   * level. Without the member AWS lists all levels.
   */
  private ObjectNode list(CallContext call, ObjectNode in) {
    String parent = text(in, "parentGroup");
    String prefix = text(in, "namePrefixFilter");
    boolean recursive = in.path("recursive").asBoolean(true);
    List<String> names =
        store
            .read(
                sql -> {
                  if (!parent.isEmpty()) {
                    require(sql, parent);
                    if (recursive) {
                      return List.copyOf(below(sql, parent));
                    }
                  }
                  return sql
                      .list("SELECT * FROM thing_groups ORDER BY name LIMIT 100000", Group::of)
                      .stream()
                      .filter(
                          g ->
                              parent.isEmpty()
                                  ? recursive || g.parent() == null
                                  : parent.equals(g.parent()))
                      .map(Group::name)
                      .toList();
                })
            .stream()
            .filter(n -> n.startsWith(prefix))
            .toList();
    return Answers.page(
        in,
        Answers.Paging.RESULTS,
        "thingGroups",
        names,
        n -> n,
        (n, out) -> out.addObject().put("groupName", n).put("groupArn", registry.thingGroupArn(n)));
  }

  private ObjectNode update(CallContext call, ObjectNode in) {
    return registry.change(
        sql -> {
          Group group = require(sql, text(in, "thingGroupName"));
          if (group.query() != null) {
            throw Answers.invalid(
                "Thing group "
                    + group.name()
                    + " is dynamic; change it with UpdateDynamicThingGroup");
          }
          return Answers.object().put("version", update(sql, group, in, null).version());
        });
  }

  /** Writes the properties of a request, and the query of a dynamic group. */
  Group update(Sql sql, Group before, ObjectNode in, @Nullable String query) {
    Answers.checkVersion(in, "thing group " + before.name(), before.version());
    JsonNode properties = in.path("thingGroupProperties");
    Group now =
        new Group(
            before.name(),
            before.id(),
            before.parent(),
            properties.has("thingGroupDescription")
                ? description(properties)
                : before.description(),
            properties.has("attributePayload")
                ? ThingRecords.merge(before.attributes(), properties.path("attributePayload"), true)
                : before.attributes(),
            query,
            before.version() + 1,
            before.created());
    checkAttributes(now);
    sql.update(
        "UPDATE thing_groups SET description = ?, attributes = ?, query = ?, version = ?"
            + " WHERE name = ?",
        now.description(),
        now.attributes().toString(),
        query,
        now.version(),
        now.name());
    events.group(now, parents(sql, now), "UPDATED");
    return now;
  }

  private ObjectNode delete(CallContext call, ObjectNode in) {
    return registry.change(
        sql -> {
          // deleting a group that is not there succeeds (DeleteThingGroup has no such error)
          find(sql, text(in, "thingGroupName"))
              .ifPresent(
                  group -> {
                    if (group.query() != null) {
                      throw Answers.invalid(
                          "Thing group "
                              + group.name()
                              + " is dynamic; delete it with DeleteDynamicThingGroup");
                    }
                    delete(sql, group, in);
                  });
          return Answers.object();
        });
  }

  void delete(Sql sql, Group group, ObjectNode in) {
    String name = group.name();
    Answers.checkVersion(in, "thing group " + name, group.version());
    if (sql.count("SELECT COUNT(*) AS n FROM thing_groups WHERE parent = ?", name) > 0) {
      throw Answers.invalid(
          "Cannot delete thing group : "
              + name
              + " when there are still child groups attached to it");
    }
    List<Group> parents = parents(sql, group);
    for (String thing : GroupMembers.members(sql, name)) {
      registry.leave(sql, thing, name);
    }
    sql.update("DELETE FROM iot_policy_targets WHERE target = ?", registry.thingGroupArn(name));
    sql.update("DELETE FROM thing_groups WHERE name = ?", name);
    RegistryTags.deleteAll(sql, registry.thingGroupArn(name));
    if (!parents.isEmpty()) {
      events.hierarchy(parents.getFirst(), group, false);
    }
    events.group(group, parents, "DELETED");
  }
}
