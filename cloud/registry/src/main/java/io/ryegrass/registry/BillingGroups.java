package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** Billing groups: names that things are counted under; nothing is billed here. */
final class BillingGroups {
  private final CloudStore store;
  private final Registry registry;
  private final Clock clock;

  BillingGroups(CloudStore store, Registry registry, Clock clock) {
    this.store = store;
    this.registry = registry;
    this.clock = clock;
  }

  record Group(String name, String id, @Nullable String description, long version, long created) {
    static Group of(Row row) {
      return new Group(
          row.text("name"),
          row.text("id"),
          row.textOrNull("description"),
          row.number("version"),
          row.number("created"));
    }
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("CreateBillingGroup", this::create)
        .json("DescribeBillingGroup", this::describe)
        .json("ListBillingGroups", this::list)
        .json("UpdateBillingGroup", this::update)
        .json("DeleteBillingGroup", this::delete)
        .json("AddThingToBillingGroup", this::add)
        .json("RemoveThingFromBillingGroup", this::remove)
        .json("ListThingsInBillingGroup", this::things);
  }

  static Group require(Sql sql, String name) {
    return sql.one("SELECT * FROM billing_groups WHERE name = ?", Group::of, name)
        .orElseThrow(() -> Answers.missing("Billing group " + name + " not found"));
  }

  private String arn(String group) {
    return registry.arn("billinggroup/" + group);
  }

  private static @Nullable String description(ObjectNode in) {
    var properties = in.path("billingGroupProperties");
    return properties.has("billingGroupDescription")
        ? properties.path("billingGroupDescription").asString()
        : null;
  }

  private ObjectNode create(CallContext call, ObjectNode in) {
    String name = text(in, "billingGroupName");
    return store.write(
        sql -> {
          Optional<Group> known =
              sql.one("SELECT * FROM billing_groups WHERE name = ?", Group::of, name);
          if (known.isPresent()) {
            throw Answers.exists(
                "Billing group " + name + " already exists", known.get().id(), arn(name));
          }
          String id = UUID.randomUUID().toString();
          sql.update(
              "INSERT INTO billing_groups (name, id, description, version, created)"
                  + " VALUES (?, ?, ?, 1, ?)",
              name,
              id,
              description(in),
              clock.instant());
          RegistryTags.put(sql, arn(name), in.path("tags"));
          return Answers.object()
              .put("billingGroupName", name)
              .put("billingGroupArn", arn(name))
              .put("billingGroupId", id);
        });
  }

  private ObjectNode describe(CallContext call, ObjectNode in) {
    Group group = store.read(sql -> require(sql, text(in, "billingGroupName")));
    ObjectNode out =
        Answers.object()
            .put("billingGroupName", group.name())
            .put("billingGroupId", group.id())
            .put("billingGroupArn", arn(group.name()))
            .put("version", group.version());
    ObjectNode properties = out.putObject("billingGroupProperties");
    if (group.description() != null) {
      properties.put("billingGroupDescription", group.description());
    }
    out.putObject("billingGroupMetadata").put("creationDate", group.created() / 1000.0);
    return out;
  }

  private ObjectNode list(CallContext call, ObjectNode in) {
    String prefix = text(in, "namePrefixFilter");
    List<Group> all =
        store
            .read(
                sql ->
                    sql.list("SELECT * FROM billing_groups ORDER BY name LIMIT 20000", Group::of))
            .stream()
            .filter(g -> g.name().startsWith(prefix))
            .toList();
    return Answers.page(
        in,
        Answers.Paging.RESULTS,
        "billingGroups",
        all,
        Group::name,
        (g, out) -> out.addObject().put("groupName", g.name()).put("groupArn", arn(g.name())));
  }

  private ObjectNode update(CallContext call, ObjectNode in) {
    return store.write(
        sql -> {
          Group group = require(sql, text(in, "billingGroupName"));
          Answers.checkVersion(in, "billing group " + group.name(), group.version());
          sql.update(
              "UPDATE billing_groups SET description = ?, version = version + 1 WHERE name = ?",
              description(in),
              group.name());
          return Answers.object().put("version", group.version() + 1);
        });
  }

  private ObjectNode delete(CallContext call, ObjectNode in) {
    return store.write(
        sql -> {
          Group group = require(sql, text(in, "billingGroupName"));
          Answers.checkVersion(in, "billing group " + group.name(), group.version());
          sql.update(
              "UPDATE things SET billing_group = NULL WHERE billing_group = ?", group.name());
          sql.update("DELETE FROM billing_groups WHERE name = ?", group.name());
          RegistryTags.deleteAll(sql, arn(group.name()));
          return Answers.object();
        });
  }

  private ObjectNode add(CallContext call, ObjectNode in) {
    return store.write(
        sql -> {
          String group =
              require(sql, Names.of(in, "billingGroupName", "billingGroupArn", arn(""))).name();
          String thing =
              ThingRecords.require(
                      sql, Names.of(in, "thingName", "thingArn", registry.thingArn("")))
                  .name();
          sql.update("UPDATE things SET billing_group = ? WHERE name = ?", group, thing);
          return Answers.object();
        });
  }

  private ObjectNode remove(CallContext call, ObjectNode in) {
    return store.write(
        sql -> {
          String group =
              require(sql, Names.of(in, "billingGroupName", "billingGroupArn", arn(""))).name();
          String thing =
              ThingRecords.require(
                      sql, Names.of(in, "thingName", "thingArn", registry.thingArn("")))
                  .name();
          sql.update(
              "UPDATE things SET billing_group = NULL WHERE name = ? AND billing_group = ?",
              thing,
              group);
          return Answers.object();
        });
  }

  private ObjectNode things(CallContext call, ObjectNode in) {
    List<String> names =
        store.read(
            sql ->
                sql.list(
                    "SELECT name FROM things WHERE billing_group = ? ORDER BY name LIMIT 100000",
                    row -> row.text("name"),
                    require(sql, text(in, "billingGroupName")).name()));
    return Answers.page(in, Answers.Paging.RESULTS, "things", names);
  }
}
