package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/** Which things are in which groups (developer guide, "Static thing groups"). */
final class GroupMembers {
  private static final int MAX_GROUPS = 10;

  private final CloudStore store;
  private final Registry registry;

  GroupMembers(CloudStore store, Registry registry) {
    this.store = store;
    this.registry = registry;
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("AddThingToThingGroup", this::add)
        .json("RemoveThingFromThingGroup", this::remove)
        .json("UpdateThingGroupsForThing", this::update)
        .json("ListThingsInThingGroup", this::things)
        .json("ListThingGroupsForThing", this::groups);
  }

  /** The groups of a thing, dynamic ones included, without parents. */
  static List<String> groupsOf(Sql sql, String thing) {
    return sql.list(
        "SELECT group_name FROM thing_group_members WHERE thing = ? ORDER BY group_name"
            + " LIMIT 1000",
        row -> row.text("group_name"),
        thing);
  }

  static List<String> members(Sql sql, String group) {
    return sql.list(
        "SELECT thing FROM thing_group_members WHERE group_name = ? ORDER BY thing LIMIT 100000",
        row -> row.text("thing"),
        group);
  }

  List<String> groupsOf(String thing) {
    return store.read(sql -> groupsOf(sql, thing));
  }

  List<String> members(String group) {
    return store.read(sql -> members(sql, group));
  }

  private String name(ObjectNode in) {
    return Names.of(in, "thingName", "thingArn", registry.thingArn(""));
  }

  private String thing(Sql sql, ObjectNode in) {
    return ThingRecords.require(sql, name(in)).name();
  }

  private ThingGroups.Group group(Sql sql, ObjectNode in) {
    return ThingGroups.require(
        sql, Names.of(in, "thingGroupName", "thingGroupArn", registry.thingGroupArn("")));
  }

  private ObjectNode add(CallContext call, ObjectNode in) {
    boolean override = in.path("overrideDynamicGroups").asBoolean(false);
    return registry.changeOf(
        name(in),
        sql -> {
          join(sql, thing(sql, in), group(sql, in), override);
          return Answers.object();
        });
  }

  /** A thing joins a static group, when it may. */
  void join(Sql sql, String thing, ThingGroups.Group group, boolean override) {
    if (group.query() != null) {
      throw Answers.invalid(
          "Thing group " + group.name() + " is dynamic; its query says which things are in it");
    }
    List<String> before = groupsOf(sql, thing);
    if (before.contains(group.name())) {
      return;
    }
    String root = root(sql, group);
    List<ThingGroups.Group> dynamic = new ArrayList<>();
    for (String name : before) {
      ThingGroups.Group other = ThingGroups.require(sql, name);
      if (other.query() != null) {
        dynamic.add(other);
      } else if (root(sql, other).equals(root)) {
        throw Answers.invalid(
            "Thing "
                + thing
                + " is in thing group "
                + name
                + " of the same hierarchy; a thing can be in one group of a hierarchy only");
      }
    }
    if (before.size() >= MAX_GROUPS) {
      if (!override || dynamic.isEmpty()) {
        throw Answers.invalid(
            "Thing " + thing + " is in " + before.size() + " thing groups, and cannot be in more");
      }
      dynamic.stream()
          .max(java.util.Comparator.comparing(ThingGroups.Group::created))
          .ifPresent(newest -> registry.leave(sql, thing, newest.name()));
    }
    registry.join(sql, thing, group.name());
  }

  private static String root(Sql sql, ThingGroups.Group group) {
    List<ThingGroups.Group> parents = ThingGroups.parents(sql, group);
    return parents.isEmpty() ? group.name() : parents.getLast().name();
  }

  private ObjectNode remove(CallContext call, ObjectNode in) {
    return registry.changeOf(
        name(in),
        sql -> {
          leave(sql, thing(sql, in), group(sql, in));
          return Answers.object();
        });
  }

  private void leave(Sql sql, String thing, ThingGroups.Group group) {
    if (group.query() != null) {
      throw Answers.invalid(
          "Thing group " + group.name() + " is dynamic; its query says which things are in it");
    }
    registry.leave(sql, thing, group.name());
  }

  private ObjectNode update(CallContext call, ObjectNode in) {
    boolean override = in.path("overrideDynamicGroups").asBoolean(false);
    return registry.changeOf(
        text(in, "thingName"),
        sql -> {
          String thing = ThingRecords.require(sql, text(in, "thingName")).name();
          in.path("thingGroupsToRemove")
              .forEach(g -> leave(sql, thing, ThingGroups.require(sql, g.asString(""))));
          in.path("thingGroupsToAdd")
              .forEach(g -> join(sql, thing, ThingGroups.require(sql, g.asString("")), override));
          return Answers.object();
        });
  }

  private ObjectNode things(CallContext call, ObjectNode in) {
    boolean recursive = in.path("recursive").asBoolean(false);
    Set<String> things = new LinkedHashSet<>();
    store.read(
        sql -> {
          String group = ThingGroups.require(sql, text(in, "thingGroupName")).name();
          things.addAll(members(sql, group));
          if (recursive) {
            ThingGroups.below(sql, group).forEach(g -> things.addAll(members(sql, g)));
          }
          return things.size();
        });
    return Answers.page(in, Answers.Paging.RESULTS, "things", List.copyOf(things));
  }

  /** "Lists the groups a thing belongs to, including any parent groups" (developer guide). */
  private ObjectNode groups(CallContext call, ObjectNode in) {
    Set<String> groups = new LinkedHashSet<>();
    store.read(
        sql -> {
          for (String name :
              groupsOf(sql, ThingRecords.require(sql, text(in, "thingName")).name())) {
            groups.add(name);
            ThingGroups.parents(sql, ThingGroups.require(sql, name))
                .forEach(p -> groups.add(p.name()));
          }
          return groups.size();
        });
    return Answers.page(
        in,
        Answers.Paging.RESULTS,
        "thingGroups",
        List.copyOf(groups),
        g -> g,
        (g, out) -> out.addObject().put("groupName", g).put("groupArn", registry.thingGroupArn(g)));
  }
}
