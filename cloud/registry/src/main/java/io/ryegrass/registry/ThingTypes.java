package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Thing types: made, deprecated, and five minutes later deleted. */
final class ThingTypes {
  /** How long a type must have been deprecated (developer guide, "Thing types"). */
  private static final Duration BEFORE_DELETION = Duration.ofMinutes(5);

  private static final int MAX_SEARCHABLE = 3;

  private final CloudStore store;
  private final Registry registry;
  private final RegistryEvents events;
  private final Clock clock;

  ThingTypes(CloudStore store, Registry registry, RegistryEvents events, Clock clock) {
    this.store = store;
    this.registry = registry;
    this.events = events;
    this.clock = clock;
  }

  record Type(
      String name,
      String id,
      @Nullable String description,
      ArrayNode searchable,
      boolean deprecated,
      @Nullable Long deprecatedAt,
      long created) {
    static Type of(Row row) {
      return new Type(
          row.text("name"),
          row.text("id"),
          row.textOrNull("description"),
          Answers.parseList(row.text("searchable")),
          row.flag("deprecated"),
          row.numberOrNull("deprecated_at"),
          row.number("created"));
    }
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("CreateThingType", this::create)
        .json("DescribeThingType", this::describe)
        .json("ListThingTypes", this::list)
        .json("DeprecateThingType", this::deprecate)
        .json("DeleteThingType", this::delete);
  }

  static Optional<Type> find(Sql sql, String name) {
    return sql.one("SELECT * FROM thing_types WHERE name = ?", Type::of, name);
  }

  static Type require(Sql sql, String name) {
    return find(sql, name).orElseThrow(() -> Answers.missing("Thing type " + name + " not found"));
  }

  private ObjectNode create(CallContext call, ObjectNode in) {
    String name = text(in, "thingTypeName");
    JsonNode properties = in.path("thingTypeProperties");
    JsonNode searchable = properties.path("searchableAttributes");
    if (searchable.size() > MAX_SEARCHABLE) {
      throw Answers.invalid(
          "A thing type has at most " + MAX_SEARCHABLE + " searchable attributes: " + name);
    }
    String description =
        properties.has("thingTypeDescription")
            ? properties.path("thingTypeDescription").asString()
            : null;
    return registry.change(
        sql -> {
          Optional<Type> known = find(sql, name);
          if (known.isPresent()) {
            throw Answers.exists(
                "Thing type " + name + " already exists", known.get().id(), arn(name));
          }
          Type type =
              new Type(
                  name,
                  UUID.randomUUID().toString(),
                  description,
                  searchable instanceof ArrayNode list ? list : Answers.parseList("[]"),
                  false,
                  null,
                  clock.millis());
          sql.update(
              "INSERT INTO thing_types (name, id, description, searchable, deprecated, created)"
                  + " VALUES (?, ?, ?, ?, 0, ?)",
              name,
              type.id(),
              description,
              type.searchable().toString(),
              type.created());
          RegistryTags.put(sql, arn(name), in.path("tags"));
          events.type(type, "CREATED");
          return Answers.object()
              .put("thingTypeName", name)
              .put("thingTypeArn", arn(name))
              .put("thingTypeId", type.id());
        });
  }

  private ObjectNode describe(CallContext call, ObjectNode in) {
    Type type = store.read(sql -> require(sql, text(in, "thingTypeName")));
    return described(type).put("thingTypeId", type.id());
  }

  private ObjectNode described(Type type) {
    ObjectNode node = Answers.object();
    node.put("thingTypeName", type.name()).put("thingTypeArn", arn(type.name()));
    ObjectNode properties = node.putObject("thingTypeProperties");
    if (type.description() != null) {
      properties.put("thingTypeDescription", type.description());
    }
    properties.set("searchableAttributes", type.searchable());
    ObjectNode metadata = node.putObject("thingTypeMetadata").put("deprecated", type.deprecated());
    if (type.deprecated() && type.deprecatedAt() != null) {
      metadata.put("deprecationDate", type.deprecatedAt() / 1000.0);
    }
    metadata.put("creationDate", type.created() / 1000.0);
    return node;
  }

  private ObjectNode list(CallContext call, ObjectNode in) {
    String name = text(in, "thingTypeName");
    List<Type> types =
        store
            .read(sql -> sql.list("SELECT * FROM thing_types ORDER BY name LIMIT 10000", Type::of))
            .stream()
            .filter(t -> name.isEmpty() || t.name().equals(name))
            .toList();
    return Answers.page(
        in,
        Answers.Paging.RESULTS,
        "thingTypes",
        types,
        t -> Answers.moment(t.created(), t.name()),
        (t, out) -> out.add(described(t)));
  }

  private ObjectNode deprecate(CallContext call, ObjectNode in) {
    boolean deprecated = !in.path("undoDeprecate").asBoolean(false);
    return registry.change(
        sql -> {
          Type before = require(sql, text(in, "thingTypeName"));
          Long at = deprecated ? Long.valueOf(clock.millis()) : null;
          sql.update(
              "UPDATE thing_types SET deprecated = ?, deprecated_at = ? WHERE name = ?",
              deprecated,
              at,
              before.name());
          events.type(require(sql, before.name()), "UPDATED");
          return Answers.object();
        });
  }

  private ObjectNode delete(CallContext call, ObjectNode in) {
    String name = text(in, "thingTypeName");
    return registry.change(
        sql -> {
          Type type = require(sql, name);
          if (!type.deprecated()) {
            throw Answers.invalid(
                "Cannot delete thing type : " + name + ". Deprecate it before deleting it");
          }
          Long since = type.deprecatedAt();
          if (since != null && clock.millis() < since + BEFORE_DELETION.toMillis()) {
            // the words that clients wait by: Terraform's aws_iot_thing_type looks for them
            throw Answers.invalid(
                "Cannot delete thing type : "
                    + name
                    + ". Please wait for 5 minutes after deprecation and then retry");
          }
          if (sql.count("SELECT COUNT(*) AS n FROM things WHERE type = ?", name) > 0) {
            throw Answers.invalid(
                "Cannot delete thing type : " + name + " when things are associated with it");
          }
          sql.update("DELETE FROM thing_types WHERE name = ?", name);
          RegistryTags.deleteAll(sql, arn(name));
          events.type(type, "DELETED");
          return Answers.object();
        });
  }

  private String arn(String type) {
    return registry.arn("thingtype/" + type);
  }
}
