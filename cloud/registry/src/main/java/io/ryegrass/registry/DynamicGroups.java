package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.registry.query.IndexQuery;
import io.ryegrass.store.Sql;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import tools.jackson.databind.node.ObjectNode;

/**
 * Dynamic thing groups: a query says which things are in them. Members are rows like those of
 * static groups, and change in the transaction that changes a thing or a query, so that policies,
 * jobs and deployments see them at once and in order.
 */
final class DynamicGroups {
  private static final int MAX_GROUPS = 100;
  private static final int MAX_KEPT = 1000;

  private final Registry registry;
  private final ThingGroups groups;
  private final ConcurrentHashMap<String, IndexQuery> read = new ConcurrentHashMap<>();

  DynamicGroups(Registry registry, ThingGroups groups) {
    this.registry = registry;
    this.groups = groups;
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("CreateDynamicThingGroup", this::create)
        .json("UpdateDynamicThingGroup", this::update)
        .json("DeleteDynamicThingGroup", this::delete);
  }

  private static String query(ObjectNode in) {
    if (in.has("indexName") && !text(in, "indexName").equals(FleetIndex.THINGS)) {
      throw Answers.invalid("'indexName' must be " + FleetIndex.THINGS);
    }
    if (in.has("queryVersion") && !text(in, "queryVersion").equals(FleetIndex.QUERY_VERSION)) {
      throw Answers.invalid("'queryVersion' must be " + FleetIndex.QUERY_VERSION);
    }
    String query = text(in, "queryString");
    FleetIndex.query(query);
    return query;
  }

  private ObjectNode create(CallContext call, ObjectNode in) {
    String query = query(in);
    return registry.change(
        sql -> {
          FleetIndex.requireThings(sql);
          if (sql.count("SELECT COUNT(*) AS n FROM thing_groups WHERE query IS NOT NULL")
              >= MAX_GROUPS) {
            throw Answers.limit("There are as many dynamic thing groups as can be: " + MAX_GROUPS);
          }
          ThingGroups.Group group = groups.create(sql, in, query);
          fill(sql, group);
          return groups
              .created(group)
              .put("indexName", FleetIndex.THINGS)
              .put("queryString", query)
              .put("queryVersion", FleetIndex.QUERY_VERSION);
        });
  }

  private static ThingGroups.Group require(Sql sql, ObjectNode in) {
    ThingGroups.Group group = ThingGroups.require(sql, text(in, "thingGroupName"));
    if (group.query() == null) {
      throw Answers.invalid("Thing group " + group.name() + " is not dynamic");
    }
    return group;
  }

  private ObjectNode update(CallContext call, ObjectNode in) {
    return registry.change(
        sql -> {
          ThingGroups.Group before = require(sql, in);
          String query = in.has("queryString") ? query(in) : String.valueOf(before.query());
          ThingGroups.Group now = groups.update(sql, before, in, query);
          fill(sql, now);
          return Answers.object().put("version", now.version());
        });
  }

  private ObjectNode delete(CallContext call, ObjectNode in) {
    return registry.change(
        sql -> {
          if (ThingGroups.find(sql, text(in, "thingGroupName")).isPresent()) {
            groups.delete(sql, require(sql, in), in);
          }
          return Answers.object();
        });
  }

  /** Looks at all things. */
  private void fill(Sql sql, ThingGroups.Group group) {
    IndexQuery query = FleetIndex.query(String.valueOf(group.query()));
    Set<String> before = Set.copyOf(GroupMembers.members(sql, group.name()));
    for (ThingRecords.Thing thing :
        sql.list("SELECT * FROM things ORDER BY name LIMIT 1000000", ThingRecords.Thing::of)) {
      place(sql, group.name(), query, thing, before.contains(thing.name()));
    }
  }

  /** Looks at one thing, after it or its static groups changed. */
  void reconsider(Sql sql, String name) {
    List<ThingGroups.Group> dynamic =
        sql.list(
            "SELECT * FROM thing_groups WHERE query IS NOT NULL ORDER BY created LIMIT 1000",
            ThingGroups.Group::of);
    if (dynamic.isEmpty()) {
      return;
    }
    ThingRecords.find(sql, name)
        .ifPresent(
            thing -> {
              Set<String> before = Set.copyOf(GroupMembers.groupsOf(sql, name));
              for (ThingGroups.Group group : dynamic) {
                place(
                    sql,
                    group.name(),
                    kept(String.valueOf(group.query())),
                    thing,
                    before.contains(group.name()));
              }
            });
  }

  private IndexQuery kept(String query) {
    if (read.size() > MAX_KEPT) {
      read.clear();
    }
    return read.computeIfAbsent(query, FleetIndex::query);
  }

  private void place(
      Sql sql, String group, IndexQuery query, ThingRecords.Thing thing, boolean member) {
    boolean belongs = FleetIndex.matches(sql, query, thing);
    if (belongs && !member) {
      registry.join(sql, thing.name(), group);
    } else if (!belongs && member) {
      registry.leave(sql, thing.name(), group);
    }
  }
}
