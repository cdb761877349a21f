package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.registry.ThingRecords.Thing;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The operations on things. */
final class Things {
  private final CloudStore store;
  private final Registry registry;
  private final ThingRecords records;

  Things(CloudStore store, Registry registry, ThingRecords records) {
    this.store = store;
    this.registry = registry;
    this.records = records;
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("CreateThing", this::create)
        .json("DescribeThing", this::describe)
        .json("ListThings", this::list)
        .json("UpdateThing", this::update)
        .json("DeleteThing", this::delete);
  }

  private ObjectNode create(CallContext call, ObjectNode in) {
    String name = text(in, "thingName");
    String type = in.has("thingTypeName") ? text(in, "thingTypeName") : null;
    String billing = in.has("billingGroupName") ? text(in, "billingGroupName") : null;
    ObjectNode attributes = ThingRecords.attributes(in.path("attributePayload"));
    // a thing that no certificate is attached to changes nobody's rights
    return store.write(
        sql -> {
          Optional<Thing> known = ThingRecords.find(sql, name);
          if (known.isPresent()) {
            Thing thing = known.get();
            if (!thing.attributes().equals(attributes)
                || !Objects.equals(thing.type(), type)
                || !Objects.equals(thing.billingGroup(), billing)) {
              throw Answers.exists(
                  "Thing " + name + " already exists in account with different properties",
                  thing.id(),
                  registry.thingArn(name));
            }
            return created(thing);
          }
          if (type != null && ThingTypes.require(sql, type).deprecated()) {
            // "depreated" is how the service spells it
            throw Answers.invalid("Can not create new thing with depreated thing type:" + type);
          }
          if (billing != null) {
            BillingGroups.require(sql, billing);
          }
          return created(records.create(sql, name, type, attributes, billing));
        });
  }

  private ObjectNode created(Thing thing) {
    return Answers.object()
        .put("thingName", thing.name())
        .put("thingArn", registry.thingArn(thing.name()))
        .put("thingId", thing.id());
  }

  private ObjectNode describe(CallContext call, ObjectNode in) {
    Thing thing = store.read(sql -> ThingRecords.require(sql, text(in, "thingName")));
    ObjectNode out = created(thing);
    out.put("defaultClientId", thing.name()).put("version", thing.version());
    if (thing.type() != null) {
      out.put("thingTypeName", thing.type());
    }
    if (thing.billingGroup() != null) {
      out.put("billingGroupName", thing.billingGroup());
    }
    out.set("attributes", thing.attributes());
    return out;
  }

  private ObjectNode list(CallContext call, ObjectNode in) {
    Answers.Paging paging = Answers.Paging.RESULTS;
    int size = paging.size(in);
    long from = 0;
    String after = "";
    if (in.has(paging.token)) {
      String key = paging.after(in);
      int space = key.indexOf(' ');
      try {
        from = Long.parseLong(key.substring(0, Math.max(0, space)));
      } catch (NumberFormatException e) {
        throw Answers.invalid("'" + paging.token + "' is not a token that this list gave out");
      }
      after = key.substring(space + 1);
    }
    ThingRecords.Filter filter =
        new ThingRecords.Filter(
            text(in, "thingTypeName"),
            text(in, "attributeName"),
            in.has("attributeValue") ? text(in, "attributeValue") : null,
            in.path("usePrefixAttributeValue").asBoolean(false));
    List<Thing> found = records.after(from, after, filter, size + 1);
    ObjectNode out = Answers.object();
    ArrayNode list = out.putArray("things");
    found.stream().limit(size).forEach(thing -> write(thing, list.addObject()));
    if (found.size() > size) {
      Thing last = found.get(size - 1);
      paging.next(out, Answers.moment(last.created(), last.name()));
    }
    return out;
  }

  private void write(Thing thing, ObjectNode node) {
    node.put("thingName", thing.name()).put("thingArn", registry.thingArn(thing.name()));
    node.put("version", thing.version());
    if (thing.type() != null) {
      node.put("thingTypeName", thing.type());
    }
    node.set("attributes", thing.attributes());
  }

  private ObjectNode update(CallContext call, ObjectNode in) {
    return registry.changeOf(
        text(in, "thingName"),
        sql -> {
          Thing thing = ThingRecords.require(sql, text(in, "thingName"));
          Answers.checkVersion(in, "thing " + thing.name(), thing.version());
          ObjectNode attributes =
              in.has("attributePayload")
                  ? ThingRecords.merge(thing.attributes(), in.path("attributePayload"), true)
                  : thing.attributes();
          records.update(sql, thing, typeAfter(sql, thing, in), attributes);
          return Answers.object();
        });
  }

  private static @Nullable String typeAfter(Sql sql, Thing thing, ObjectNode in) {
    boolean remove = in.path("removeThingType").asBoolean(false);
    if (!in.has("thingTypeName")) {
      return remove ? null : thing.type();
    }
    if (remove) {
      throw Answers.invalid(
          "Either 'thingTypeName' or 'removeThingType' can be given, not both: " + thing.name());
    }
    String type = text(in, "thingTypeName");
    if (ThingTypes.require(sql, type).deprecated()) {
      throw Answers.invalid("Can not update a thing to use deprecated thing type: " + type);
    }
    return type;
  }

  private ObjectNode delete(CallContext call, ObjectNode in) {
    String name = text(in, "thingName");
    return store.write(
        sql -> {
          Optional<Thing> thing = ThingRecords.find(sql, name);
          if (thing.isEmpty()) {
            return Answers.object(); // deleting what is not there succeeds (DeleteThing)
          }
          Answers.checkVersion(in, "thing " + name, thing.get().version());
          if (sql.count("SELECT COUNT(*) AS n FROM thing_principals WHERE thing = ?", name) > 0) {
            throw Answers.invalid(
                "Cannot delete. Thing " + name + " is still attached to one or more principals");
          }
          for (String group : registry.thingGroupsOf(name)) {
            registry.leave(sql, name, group);
          }
          records.delete(sql, thing.get());
          return Answers.object();
        });
  }
}
