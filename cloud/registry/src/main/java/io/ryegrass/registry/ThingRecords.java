package io.ryegrass.registry;

import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Things as rows: every way in which a thing is made, changed or deleted goes through here, so that
 * limits and events are the same for the API, for provisioning and for bulk registration.
 */
final class ThingRecords {
  /** Quotas of the registry: attributes of a thing without type, and with one. */
  private static final int MAX_ATTRIBUTES_WITHOUT_TYPE = 3;

  private static final int MAX_ATTRIBUTES = 50;

  private final CloudStore store;
  private final RegistryEvents events;
  private final Clock clock;
  private final List<BiConsumer<Sql, String>> changes = new CopyOnWriteArrayList<>();

  ThingRecords(CloudStore store, RegistryEvents events, Clock clock) {
    this.store = store;
    this.events = events;
    this.clock = clock;
  }

  record Thing(
      String name,
      String id,
      @Nullable String type,
      ObjectNode attributes,
      long version,
      @Nullable String billingGroup,
      long created) {
    static Thing of(Row row) {
      return new Thing(
          row.text("name"),
          row.text("id"),
          row.textOrNull("type"),
          Answers.parse(row.text("attributes")),
          row.number("version"),
          row.textOrNull("billing_group"),
          row.number("created"));
    }
  }

  /** Told of each thing that was made or changed, inside the transaction. */
  void onChange(BiConsumer<Sql, String> listener) {
    changes.add(listener);
  }

  static Optional<Thing> find(Sql sql, String name) {
    return sql.one("SELECT * FROM things WHERE name = ?", Thing::of, name);
  }

  static Thing require(Sql sql, String name) {
    return find(sql, name).orElseThrow(() -> Answers.missing("Thing " + name + " not found"));
  }

  Thing create(
      Sql sql,
      String name,
      @Nullable String type,
      ObjectNode attributes,
      @Nullable String billingGroup) {
    checkAttributes(name, type, attributes);
    Thing thing =
        new Thing(
            name, UUID.randomUUID().toString(), type, attributes, 1, billingGroup, clock.millis());
    sql.update(
        "INSERT INTO things (name, id, type, attributes, version, billing_group, created)"
            + " VALUES (?, ?, ?, ?, 1, ?, ?)",
        name,
        thing.id(),
        type,
        attributes.toString(),
        billingGroup,
        thing.created());
    events.thing(thing, "CREATED");
    if (type != null) {
      events.typeAssociation(thing, type, true);
    }
    changes.forEach(l -> l.accept(sql, name));
    return thing;
  }

  /** Writes another type and other attributes; each update counts one version. */
  Thing update(Sql sql, Thing before, @Nullable String type, ObjectNode attributes) {
    checkAttributes(before.name(), type, attributes);
    Thing now =
        new Thing(
            before.name(),
            before.id(),
            type,
            attributes,
            before.version() + 1,
            before.billingGroup(),
            before.created());
    sql.update(
        "UPDATE things SET type = ?, attributes = ?, version = ? WHERE name = ?",
        type,
        attributes.toString(),
        now.version(),
        now.name());
    events.thing(now, "UPDATED");
    if (!Objects.equals(before.type(), type)) {
      if (before.type() != null) {
        events.typeAssociation(now, before.type(), false);
      }
      if (type != null) {
        events.typeAssociation(now, type, true);
      }
    }
    changes.forEach(l -> l.accept(sql, now.name()));
    return now;
  }

  void delete(Sql sql, Thing thing) {
    sql.update("DELETE FROM things WHERE name = ?", thing.name());
    if (thing.type() != null) {
      events.typeAssociation(thing, thing.type(), false);
    }
    events.thing(thing, "DELETED");
  }

  private static void checkAttributes(String name, @Nullable String type, ObjectNode attributes) {
    int most = type == null ? MAX_ATTRIBUTES_WITHOUT_TYPE : MAX_ATTRIBUTES;
    if (attributes.size() > most) {
      throw Answers.invalid(
          "Thing "
              + name
              + " would have "
              + attributes.size()
              + " attributes; "
              + (type == null
                  ? "a thing without a thing type has at most " + most + ", give it a type"
                  : "a thing has at most " + most));
    }
  }

  /** The attributes of a payload; an empty value says that there is none of the name. */
  static ObjectNode attributes(JsonNode payload) {
    return merge(Answers.object(), payload, false);
  }

  /**
   * The attributes after an update: replaced, or with {@code merge} laid over those before; an
   * empty value removes.
   */
  static ObjectNode merge(ObjectNode before, JsonNode payload, boolean mayMerge) {
    ObjectNode after =
        mayMerge && payload.path("merge").asBoolean(false) ? before.deepCopy() : Answers.object();
    payload
        .path("attributes")
        .properties()
        .forEach(
            a -> {
              String value = a.getValue().asString("");
              if (value.isEmpty()) {
                after.remove(a.getKey());
              } else {
                after.put(a.getKey(), value);
              }
            });
    return after;
  }

  /** What {@code ListThings} filters by; empty texts do not. */
  record Filter(String type, String attribute, @Nullable String value, boolean prefix) {
    boolean accepts(Thing thing) {
      if (!type.isEmpty() && !type.equals(thing.type())) {
        return false;
      }
      if (attribute.isEmpty()) {
        return true;
      }
      String found = thing.attributes().path(attribute).asString("");
      return value == null
          ? !found.isEmpty()
          : prefix && !value.isEmpty() ? found.startsWith(value) : found.equals(value);
    }
  }

  /** Things after a moment and a name, in the order in which they were made; at most so many. */
  List<Thing> after(long created, String name, Filter filter, int most) {
    List<Thing> found = new ArrayList<>();
    long from = created;
    String last = name;
    int batch = Math.max(most, 100);
    while (found.size() < most) {
      long at = from;
      String after = last;
      List<Thing> next =
          store.read(
              sql ->
                  sql.list(
                      "SELECT * FROM things WHERE created > ? OR (created = ? AND name > ?)"
                          + " ORDER BY created, name LIMIT "
                          + batch,
                      Thing::of,
                      at,
                      at,
                      after));
      next.stream().filter(filter::accepts).limit(most - (long) found.size()).forEach(found::add);
      if (next.size() < batch) {
        break;
      }
      from = next.getLast().created();
      last = next.getLast().name();
    }
    return found;
  }
}
