package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** Static thing groups, nested, and who is in them. */
final class ThingGroups {
  private static final int MAX_DEPTH = 7;

  private final CloudStore store;
  private final Registry registry;
  private final Clock clock;

  ThingGroups(CloudStore store, Registry registry, Clock clock) {
    this.store = store;
    this.registry = registry;
    this.clock = clock;
  }

  private record Group(
      String name,
      String id,
      @Nullable String parent,
      @Nullable String description,
      ObjectNode attributes,
      long version,
      long created) {
    static Group of(Row row) {
      return new Group(
          row.text("name"),
          row.text("id"),
          row.textOrNull("parent"),
          row.textOrNull("description"),
          Answers.parse(row.text("attributes")),
          row.number("version"),
          row.number("created"));
    }
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("CreateThingGroup", this::create)
        .json("DescribeThingGroup", this::describe)
        .json("ListThingGroups", this::list)
        .json("UpdateThingGroup", this::update)
        .json("DeleteThingGroup", this::delete)
        .json("AddThingToThingGroup", this::add)
        .json("RemoveThingFromThingGroup", this::remove)
        .json("ListThingsInThingGroup", this::things)
        .json("ListThingGroupsForThing", this::groupsOf);
  }

  private static Optional<Group> find(Sql sql, String name) {
    return sql.one("SELECT * FROM thing_groups WHERE name = ?", Group::of, name);
  }

  private static Group require(Sql sql, String name) {
    return find(sql, name).orElseThrow(() -> Answers.missing("Thing group " + name + " not found"));
  }

  boolean exists(String name) {
    return store.read(sql -> find(sql, name).isPresent());
  }

  /** The group's parents, nearest first. */
  List<String> parents(String name) {
    return store.read(
        sql -> {
          List<String> parents = new ArrayList<>();
          Optional<Group> group = find(sql, name);
          while (group.isPresent() && group.get().parent() != null && parents.size() < MAX_DEPTH) {
            parents.add(group.get().parent());
            group = find(sql, parents.getLast());
          }
          return parents;
        });
  }

  List<String> of(String thing) {
    return store.read(
        sql ->
            sql.list(
                "SELECT group_name FROM thing_group_members WHERE thing = ? ORDER BY group_name"
                    + " LIMIT 1000",
                row -> row.text("group_name"),
                thing));
  }

  List<String> members(String group) {
    return store.read(
        sql ->
            sql.list(
                "SELECT thing FROM thing_group_members WHERE group_name = ? ORDER BY thing"
                    + " LIMIT 100000",
                row -> row.text("thing"),
                group));
  }

  private ObjectNode create(CallContext call, ObjectNode in) {
    String name = text(in, "thingGroupName");
    String parent = in.has("parentGroupName") ? text(in, "parentGroupName") : null;
    return registry.change(
        sql -> {
          if (find(sql, name).isPresent()) {
            throw Answers.exists(
                "Thing group " + name + " already exists", name, registry.thingGroupArn(name));
          }
          if (parent != null) {
            require(sql, parent);
            if (parents(parent).size() + 2 > MAX_DEPTH) {
              throw Answers.invalid("Thing groups nest at most " + MAX_DEPTH + " deep");
            }
          }
          String id = UUID.randomUUID().toString();
          sql.update(
              "INSERT INTO thing_groups (name, id, parent, description, attributes, version,"
                  + " created) VALUES (?, ?, ?, ?, ?, 1, ?)",
              name,
              id,
              parent,
              description(in),
              Things.attributes(in.path("thingGroupProperties").path("attributePayload"))
                  .toString(),
              clock.instant());
          return Answers.object()
              .put("thingGroupName", name)
              .put("thingGroupArn", registry.thingGroupArn(name))
              .put("thingGroupId", id);
        });
  }

  private static @Nullable String description(ObjectNode in) {
    var properties = in.path("thingGroupProperties");
    return properties.has("thingGroupDescription")
        ? properties.path("thingGroupDescription").asString()
        : null;
  }

  private ObjectNode describe(CallContext call, ObjectNode in) {
    Group group = store.read(sql -> require(sql, text(in, "thingGroupName")));
    ObjectNode out =
        Answers.object()
            .put("thingGroupName", group.name())
            .put("thingGroupArn", registry.thingGroupArn(group.name()))
            .put("thingGroupId", group.id())
            .put("version", group.version());
    ObjectNode properties = out.putObject("thingGroupProperties");
    if (group.description() != null) {
      properties.put("thingGroupDescription", group.description());
    }
    properties.putObject("attributePayload").set("attributes", group.attributes());
    ObjectNode metadata = out.putObject("thingGroupMetadata");
    metadata.put("creationDate", group.created() / 1000);
    if (group.parent() != null) {
      metadata.put("parentGroupName", group.parent());
      var roots = metadata.putArray("rootToParentThingGroups");
      parents(group.name())
          .reversed()
          .forEach(
              p ->
                  roots.addObject().put("groupName", p).put("groupArn", registry.thingGroupArn(p)));
    }
    return out;
  }

  private ObjectNode list(CallContext call, ObjectNode in) {
    String parent = text(in, "parentGroup");
    String prefix = text(in, "namePrefixFilter");
    List<Group> groups =
        store
            .read(
                sql -> sql.list("SELECT * FROM thing_groups ORDER BY name LIMIT 10000", Group::of))
            .stream()
            .filter(g -> parent.isEmpty() || parent.equals(g.parent()))
            .filter(g -> g.name().startsWith(prefix))
            .toList();
    return Answers.page(
        in,
        "maxResults",
        "nextToken",
        "nextToken",
        "thingGroups",
        groups,
        (g, out) ->
            out.addObject()
                .put("groupName", g.name())
                .put("groupArn", registry.thingGroupArn(g.name())));
  }

  private ObjectNode update(CallContext call, ObjectNode in) {
    return registry.change(
        sql -> {
          Group group = require(sql, text(in, "thingGroupName"));
          sql.update(
              "UPDATE thing_groups SET description = ?, attributes = ?, version = version + 1"
                  + " WHERE name = ?",
              description(in),
              Things.attributes(in.path("thingGroupProperties").path("attributePayload"))
                  .toString(),
              group.name());
          return Answers.object().put("version", group.version() + 1);
        });
  }

  private ObjectNode delete(CallContext call, ObjectNode in) {
    String name = text(in, "thingGroupName");
    return registry.change(
        sql -> {
          if (sql.count("SELECT COUNT(*) AS n FROM thing_groups WHERE parent = ?", name) > 0) {
            throw Answers.invalid("Cannot delete thing group " + name + ": it has child groups");
          }
          for (String thing : members(name)) {
            registry.leave(sql, thing, name);
          }
          sql.update(
              "DELETE FROM iot_policy_targets WHERE target = ?", registry.thingGroupArn(name));
          sql.update("DELETE FROM thing_groups WHERE name = ?", name);
          return Answers.object();
        });
  }

  private ObjectNode add(CallContext call, ObjectNode in) {
    return registry.change(
        sql -> {
          String thing = Things.require(sql, name(in, "thingName", "thingArn")).name();
          String group = require(sql, name(in, "thingGroupName", "thingGroupArn")).name();
          registry.join(sql, thing, group);
          return Answers.object();
        });
  }

  private ObjectNode remove(CallContext call, ObjectNode in) {
    return registry.change(
        sql -> {
          registry.leave(
              sql, name(in, "thingName", "thingArn"), name(in, "thingGroupName", "thingGroupArn"));
          return Answers.object();
        });
  }

  /** AWS takes the name or the ARN. */
  private static String name(ObjectNode in, String nameMember, String arnMember) {
    String arn = text(in, arnMember);
    return in.has(nameMember) ? text(in, nameMember) : arn.substring(arn.indexOf('/') + 1);
  }

  private ObjectNode things(CallContext call, ObjectNode in) {
    String group = store.read(sql -> require(sql, text(in, "thingGroupName"))).name();
    return Answers.page(
        in,
        "maxResults",
        "nextToken",
        "nextToken",
        "things",
        members(group),
        (thing, out) -> out.add(thing));
  }

  private ObjectNode groupsOf(CallContext call, ObjectNode in) {
    String thing = store.read(sql -> Things.require(sql, text(in, "thingName"))).name();
    return Answers.page(
        in,
        "maxResults",
        "nextToken",
        "nextToken",
        "thingGroups",
        of(thing),
        (g, out) -> out.addObject().put("groupName", g).put("groupArn", registry.thingGroupArn(g)));
  }
}
