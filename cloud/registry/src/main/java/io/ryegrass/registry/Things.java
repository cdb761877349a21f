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
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Things and their types. */
final class Things {
  private final CloudStore store;
  private final Registry registry;
  private final Clock clock;

  Things(CloudStore store, Registry registry, Clock clock) {
    this.store = store;
    this.registry = registry;
    this.clock = clock;
  }

  record Thing(String name, String id, @Nullable String type, ObjectNode attributes, long version) {
    static Thing of(Row row) {
      return new Thing(
          row.text("name"),
          row.text("id"),
          row.textOrNull("type"),
          Answers.parse(row.text("attributes")),
          row.number("version"));
    }
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("CreateThing", this::create)
        .json("DescribeThing", this::describe)
        .json("ListThings", this::list)
        .json("UpdateThing", this::update)
        .json("DeleteThing", this::delete)
        .json("CreateThingType", this::createType)
        .json("DescribeThingType", this::describeType)
        .json("ListThingTypes", this::listTypes)
        .json("DeprecateThingType", this::deprecateType)
        .json("DeleteThingType", this::deleteType);
  }

  static Optional<Thing> find(Sql sql, String name) {
    return sql.one("SELECT * FROM things WHERE name = ?", Thing::of, name);
  }

  static Thing require(Sql sql, String name) {
    return find(sql, name).orElseThrow(() -> Answers.missing("Thing " + name + " not found"));
  }

  private ObjectNode create(CallContext call, ObjectNode in) {
    String name = text(in, "thingName");
    String type = in.has("thingTypeName") ? text(in, "thingTypeName") : null;
    ObjectNode attributes = attributes(in.path("attributePayload"));
    return registry.change(
        sql -> {
          Optional<Thing> known = find(sql, name);
          if (known.isPresent()) {
            Thing thing = known.get();
            if (!thing.attributes().equals(attributes)
                || !java.util.Objects.equals(thing.type(), type)) {
              throw Answers.exists(
                  "Thing " + name + " already exists in account with different properties",
                  name,
                  registry.thingArn(name));
            }
            return created(thing);
          }
          if (type != null && findType(sql, type).isEmpty()) {
            throw Answers.missing("Thing type " + type + " not found");
          }
          Thing thing = new Thing(name, UUID.randomUUID().toString(), type, attributes, 1);
          sql.update(
              "INSERT INTO things (name, id, type, attributes, version, created)"
                  + " VALUES (?, ?, ?, ?, 1, ?)",
              name,
              thing.id(),
              type,
              attributes.toString(),
              clock.instant());
          return created(thing);
        });
  }

  private ObjectNode created(Thing thing) {
    return Answers.object()
        .put("thingName", thing.name())
        .put("thingArn", registry.thingArn(thing.name()))
        .put("thingId", thing.id());
  }

  static ObjectNode attributes(JsonNode payload) {
    ObjectNode attributes = Answers.object();
    payload.path("attributes").properties().stream()
        .filter(a -> !a.getValue().asString("").isEmpty())
        .forEach(a -> attributes.put(a.getKey(), a.getValue().asString()));
    return attributes;
  }

  private ObjectNode describe(CallContext call, ObjectNode in) {
    Thing thing = store.read(sql -> require(sql, text(in, "thingName")));
    ObjectNode out = created(thing);
    out.put("defaultClientId", thing.name()).put("version", thing.version());
    if (thing.type() != null) {
      out.put("thingTypeName", thing.type());
    }
    out.set("attributes", thing.attributes());
    return out;
  }

  private ObjectNode list(CallContext call, ObjectNode in) {
    String type = text(in, "thingTypeName");
    String attribute = text(in, "attributeName");
    List<Thing> things =
        store
            .read(sql -> sql.list("SELECT * FROM things ORDER BY name LIMIT 100000", Thing::of))
            .stream()
            .filter(t -> type.isEmpty() || type.equals(t.type()))
            .filter(
                t ->
                    attribute.isEmpty()
                        || t.attributes()
                            .path(attribute)
                            .asString("")
                            .equals(text(in, "attributeValue")))
            .toList();
    return Answers.page(
        in,
        "maxResults",
        "nextToken",
        "nextToken",
        "things",
        things,
        (thing, out) -> {
          ObjectNode node = out.addObject();
          node.put("thingName", thing.name()).put("thingArn", registry.thingArn(thing.name()));
          node.put("version", thing.version());
          if (thing.type() != null) {
            node.put("thingTypeName", thing.type());
          }
          node.set("attributes", thing.attributes());
        });
  }

  private ObjectNode update(CallContext call, ObjectNode in) {
    return registry.change(
        sql -> {
          Thing thing = require(sql, text(in, "thingName"));
          if (in.has("expectedVersion") && in.path("expectedVersion").asLong() != thing.version()) {
            throw Answers.conflict(
                "VersionConflictException",
                "Thing " + thing.name() + " has version " + thing.version());
          }
          String type =
              in.path("removeThingType").asBoolean(false)
                  ? null
                  : in.has("thingTypeName") ? text(in, "thingTypeName") : thing.type();
          if (type != null && findType(sql, type).isEmpty()) {
            throw Answers.missing("Thing type " + type + " not found");
          }
          ObjectNode attributes = thing.attributes();
          if (in.has("attributePayload")) {
            JsonNode payload = in.path("attributePayload");
            if (payload.path("merge").asBoolean(false)) {
              payload
                  .path("attributes")
                  .properties()
                  .forEach(
                      a -> {
                        if (a.getValue().asString("").isEmpty()) {
                          attributes.remove(a.getKey());
                        } else {
                          attributes.set(a.getKey(), a.getValue());
                        }
                      });
            } else {
              attributes.removeAll();
              attributes.setAll(attributes(payload));
            }
          }
          sql.update(
              "UPDATE things SET type = ?, attributes = ?, version = version + 1 WHERE name = ?",
              type,
              attributes.toString(),
              thing.name());
          return Answers.object();
        });
  }

  private ObjectNode delete(CallContext call, ObjectNode in) {
    String name = text(in, "thingName");
    return registry.change(
        sql -> {
          if (find(sql, name).isEmpty()) {
            return Answers.object();
          }
          if (sql.count("SELECT COUNT(*) AS n FROM thing_principals WHERE thing = ?", name) > 0) {
            throw Answers.invalid(
                "Cannot delete thing "
                    + name
                    + ": a certificate is attached; detach it with detach-thing-principal");
          }
          for (String group : registry.thingGroupsOf(name)) {
            registry.leave(sql, name, group);
          }
          sql.update("DELETE FROM things WHERE name = ?", name);
          return Answers.object();
        });
  }

  private record Type(
      String name,
      String id,
      @Nullable String description,
      JsonNode searchable,
      boolean deprecated,
      long created) {
    static Type of(Row row) {
      return new Type(
          row.text("name"),
          row.text("id"),
          row.textOrNull("description"),
          Answers.parse("{\"a\":" + row.text("searchable") + "}").path("a"),
          row.flag("deprecated"),
          row.number("created"));
    }
  }

  private static Optional<Type> findType(Sql sql, String name) {
    return sql.one("SELECT * FROM thing_types WHERE name = ?", Type::of, name);
  }

  private static Type requireType(Sql sql, String name) {
    return findType(sql, name)
        .orElseThrow(() -> Answers.missing("Thing type " + name + " not found"));
  }

  private ObjectNode createType(CallContext call, ObjectNode in) {
    String name = text(in, "thingTypeName");
    JsonNode properties = in.path("thingTypeProperties");
    return registry.change(
        sql -> {
          if (findType(sql, name).isPresent()) {
            throw Answers.exists(
                "Thing type " + name + " already exists", name, registry.arn("thingtype/" + name));
          }
          String id = UUID.randomUUID().toString();
          JsonNode searchable = properties.path("searchableAttributes");
          sql.update(
              "INSERT INTO thing_types (name, id, description, searchable, deprecated, created)"
                  + " VALUES (?, ?, ?, ?, 0, ?)",
              name,
              id,
              properties.has("thingTypeDescription")
                  ? properties.path("thingTypeDescription").asString()
                  : null,
              searchable.isArray() ? searchable.toString() : "[]",
              clock.instant());
          return Answers.object()
              .put("thingTypeName", name)
              .put("thingTypeArn", registry.arn("thingtype/" + name))
              .put("thingTypeId", id);
        });
  }

  private ObjectNode describeType(CallContext call, ObjectNode in) {
    Type type = store.read(sql -> requireType(sql, text(in, "thingTypeName")));
    return type(type).put("thingTypeId", type.id());
  }

  private ObjectNode type(Type type) {
    ObjectNode node = Answers.object();
    node.put("thingTypeName", type.name())
        .put("thingTypeArn", registry.arn("thingtype/" + type.name()));
    ObjectNode properties = node.putObject("thingTypeProperties");
    if (type.description() != null) {
      properties.put("thingTypeDescription", type.description());
    }
    properties.set("searchableAttributes", type.searchable());
    node.putObject("thingTypeMetadata")
        .put("deprecated", type.deprecated())
        .put("creationDate", type.created() / 1000);
    return node;
  }

  private ObjectNode listTypes(CallContext call, ObjectNode in) {
    List<Type> types =
        store.read(
            sql -> sql.list("SELECT * FROM thing_types ORDER BY name LIMIT 10000", Type::of));
    return Answers.page(
        in,
        "maxResults",
        "nextToken",
        "nextToken",
        "thingTypes",
        types,
        (t, out) -> out.add(type(t)));
  }

  private ObjectNode deprecateType(CallContext call, ObjectNode in) {
    return registry.change(
        sql -> {
          Type type = requireType(sql, text(in, "thingTypeName"));
          sql.update(
              "UPDATE thing_types SET deprecated = ? WHERE name = ?",
              !in.path("undoDeprecate").asBoolean(false),
              type.name());
          return Answers.object();
        });
  }

  private ObjectNode deleteType(CallContext call, ObjectNode in) {
    String name = text(in, "thingTypeName");
    return registry.change(
        sql -> {
          Type type = requireType(sql, name);
          if (!type.deprecated()) {
            throw Answers.invalid("Cannot delete thing type " + name + ": deprecate it first");
          }
          if (sql.count("SELECT COUNT(*) AS n FROM things WHERE type = ?", name) > 0) {
            throw Answers.invalid("Cannot delete thing type " + name + ": things have it");
          }
          sql.update("DELETE FROM thing_types WHERE name = ?", name);
          return Answers.object();
        });
  }
}
