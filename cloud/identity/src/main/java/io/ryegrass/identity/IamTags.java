package io.ryegrass.identity;

import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.Sql;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Tags of users, roles, managed policies and instance profiles: at most fifty each, in the order in
 * which they were given, keys unique whatever their case.
 */
final class IamTags {

  private static final int MAX_TAGS = 50;

  private final Iam iam;

  IamTags(Iam iam) {
    this.iam = iam;
  }

  void register(ServiceOperations.Builder operations) {
    for (Iam.Kind kind : List.of(Iam.Kind.USER, Iam.Kind.ROLE, Iam.Kind.PROFILE)) {
      operations
          .json("Tag" + kind.title, (call, in) -> tag(kind, kind.name(in), in))
          .json("Untag" + kind.title, (call, in) -> untag(kind, kind.name(in), in))
          .json("List" + kind.title + "Tags", (call, in) -> list(kind, kind.name(in), in));
    }
  }

  private ObjectNode tag(Iam.Kind kind, String name, ObjectNode input) {
    iam.store()
        .write(
            sql -> {
              kind.require(sql, name);
              put(sql, kind.key(), name, input.path("Tags"));
              iam.policies().changed();
              return name;
            });
    return Iam.object();
  }

  private ObjectNode untag(Iam.Kind kind, String name, ObjectNode input) {
    iam.store()
        .write(
            sql -> {
              kind.require(sql, name);
              remove(sql, kind.key(), name, input.path("TagKeys"));
              iam.policies().changed();
              return name;
            });
    return Iam.object();
  }

  private ObjectNode list(Iam.Kind kind, String name, ObjectNode input) {
    return iam.store()
        .read(
            sql -> {
              kind.require(sql, name);
              return page(sql, kind.key(), name, input);
            });
  }

  /** Paged in the order of their making. */
  static ObjectNode page(Sql sql, String kind, String name, ObjectNode input) {
    List<Map.Entry<String, String>> tags = new ArrayList<>(of(sql, kind, name).entrySet());
    record Placed(int at, Map.Entry<String, String> tag) {}
    List<Placed> placed = new ArrayList<>();
    for (int i = 0; i < tags.size(); i++) {
      placed.add(new Placed(i, tags.get(i)));
    }
    return Iam.page(
        input,
        "Tags",
        placed,
        p -> "%03d".formatted(p.at()),
        p -> node(p.tag().getKey(), p.tag().getValue()));
  }

  /** Adds or replaces. */
  static void put(Sql sql, String kind, String name, JsonNode tags) {
    Set<String> given = new HashSet<>();
    for (JsonNode tag : tags) {
      if (!given.add(tag.path("Key").asString("").toLowerCase(Locale.ROOT))) {
        throw Iam.invalidInput(
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
      }
    }
    long position =
        sql.count(
                "SELECT coalesce(max(position), 0) AS n FROM identity_tags WHERE owner_kind = ? AND"
                    + " owner_name = ?",
                kind,
                name)
            + 1;
    for (JsonNode tag : tags) {
      String key = tag.path("Key").asString("");
      String value = tag.path("Value").asString("");
      int changed =
          sql.update(
              "UPDATE identity_tags SET tag_key = ?, tag_value = ? WHERE owner_kind = ? AND"
                  + " owner_name = ? AND lower(tag_key) = ?",
              key,
              value,
              kind,
              name,
              key.toLowerCase(Locale.ROOT));
      if (changed == 0) {
        sql.update(
            "INSERT INTO identity_tags (owner_kind, owner_name, tag_key, tag_value, position)"
                + " VALUES (?, ?, ?, ?, ?)",
            kind,
            name,
            key,
            value,
            position++);
      }
    }
    if (sql.count(
            "SELECT count(*) AS n FROM identity_tags WHERE owner_kind = ? AND owner_name = ?",
            kind,
            name)
        > MAX_TAGS) {
      throw Iam.limitExceeded(
          "TagsPer" + Character.toUpperCase(kind.charAt(0)) + kind.substring(1) + ": " + MAX_TAGS);
    }
  }

  static void remove(Sql sql, String kind, String name, JsonNode keys) {
    for (JsonNode key : keys) {
      sql.update(
          "DELETE FROM identity_tags WHERE owner_kind = ? AND owner_name = ? AND lower(tag_key) = ?",
          kind,
          name,
          key.asString("").toLowerCase(Locale.ROOT));
    }
  }

  static void removeAll(Sql sql, String kind, String name) {
    sql.update("DELETE FROM identity_tags WHERE owner_kind = ? AND owner_name = ?", kind, name);
  }

  static Map<String, String> of(Sql sql, String kind, String name) {
    Map<String, String> tags = new LinkedHashMap<>();
    sql.list(
            "SELECT tag_key, tag_value FROM identity_tags WHERE owner_kind = ? AND owner_name = ?"
                + " ORDER BY position",
            row -> Map.entry(row.text("tag_key"), row.text("tag_value")),
            kind,
            name)
        .forEach(e -> tags.put(e.getKey(), e.getValue()));
    return tags;
  }

  /** Adds {@code Tags}; without tags there is none, as in IAM's answers. */
  static void show(Sql sql, String kind, String name, ObjectNode into) {
    Map<String, String> tags = of(sql, kind, name);
    if (!tags.isEmpty()) {
      ArrayNode array = into.putArray("Tags");
      tags.forEach((key, value) -> array.add(node(key, value)));
    }
  }

  private static ObjectNode node(String key, String value) {
    return Iam.object().put("Key", key).put("Value", value);
  }
}
