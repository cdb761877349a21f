package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Tags of what the registry keeps, by ARN (TAG rows). Which resources can have tags is what the
 * operations that make them take: things themselves cannot, as with IoT Core.
 */
final class RegistryTags {
  private static final int MAX_TAGS = 50;

  /** Kind of an ARN's resource to the statement that tells whether it is there. */
  private static final Map<String, String> KINDS =
      Map.ofEntries(
          Map.entry("thinggroup", "SELECT COUNT(*) AS n FROM thing_groups WHERE name = ?"),
          Map.entry("thingtype", "SELECT COUNT(*) AS n FROM thing_types WHERE name = ?"),
          Map.entry("billinggroup", "SELECT COUNT(*) AS n FROM billing_groups WHERE name = ?"),
          Map.entry("cacert", "SELECT COUNT(*) AS n FROM ca_certificates WHERE id = ?"),
          Map.entry("policy", "SELECT COUNT(*) AS n FROM iot_policies WHERE name = ?"),
          Map.entry("rolealias", "SELECT COUNT(*) AS n FROM role_aliases WHERE alias = ?"),
          Map.entry(
              "provisioningtemplate",
              "SELECT COUNT(*) AS n FROM provisioning_templates WHERE name = ?"));

  /** Kinds that others keep, and whose existence is theirs to check. */
  private static final List<String> FOREIGN = List.of("job", "jobtemplate");

  private final CloudStore store;
  private final Registry registry;

  RegistryTags(CloudStore store, Registry registry) {
    this.store = store;
    this.registry = registry;
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("TagResource", this::tag)
        .json("UntagResource", this::untag)
        .json("ListTagsForResource", this::list);
  }

  /** Tags given to an operation that makes something. */
  static void put(Sql sql, String arn, JsonNode tags) {
    Map<String, String> given = new LinkedHashMap<>();
    for (JsonNode tag : tags) {
      String key = tag.path("Key").asString("");
      if (key.startsWith("aws:")) {
        throw Answers.invalid("Tag keys that begin with 'aws:' are reserved: " + key);
      }
      if (given.put(key, tag.path("Value").asString("")) != null) {
        throw Answers.invalid("The tag key '" + key + "' is given twice");
      }
    }
    given.forEach(
        (key, value) ->
            sql.update(
                "INSERT INTO iot_tags (arn, tag, content) VALUES (?, ?, ?)"
                    + " ON CONFLICT (arn, tag) DO UPDATE SET content = excluded.content",
                arn,
                key,
                value));
    if (sql.count("SELECT COUNT(*) AS n FROM iot_tags WHERE arn = ?", arn) > MAX_TAGS) {
      throw Answers.limit("A resource has at most " + MAX_TAGS + " tags: " + arn);
    }
  }

  static void deleteAll(Sql sql, String arn) {
    sql.update("DELETE FROM iot_tags WHERE arn = ?", arn);
  }

  static Map<String, String> of(Sql sql, String arn) {
    Map<String, String> tags = new LinkedHashMap<>();
    sql.list(
            "SELECT tag, content FROM iot_tags WHERE arn = ? ORDER BY tag LIMIT 100",
            row -> Map.entry(row.text("tag"), row.text("content")),
            arn)
        .forEach(t -> tags.put(t.getKey(), t.getValue()));
    return tags;
  }

  private String known(Sql sql, ObjectNode in) {
    String arn = text(in, "resourceArn");
    String prefix = registry.arn("");
    int slash = arn.indexOf('/');
    if (!arn.startsWith(prefix) || slash < prefix.length()) {
      throw Answers.invalid("'" + arn + "' is no ARN of a resource of this account and Region");
    }
    String kind = arn.substring(prefix.length(), slash);
    String[] path = arn.substring(slash + 1).split("/", 2);
    String statement = KINDS.get(kind);
    if (statement == null) {
      if (FOREIGN.contains(kind)) {
        return arn;
      }
      throw Answers.invalid("Resources of type '" + kind + "' cannot have tags: " + arn);
    }
    if (sql.count(statement, path[0]) == 0) {
      throw Answers.missing("There is no resource " + arn);
    }
    return arn;
  }

  private ObjectNode tag(CallContext call, ObjectNode in) {
    return store.write(
        sql -> {
          put(sql, known(sql, in), in.path("tags"));
          return Answers.object();
        });
  }

  private ObjectNode untag(CallContext call, ObjectNode in) {
    return store.write(
        sql -> {
          String arn = known(sql, in);
          in.path("tagKeys")
              .forEach(
                  key ->
                      sql.update(
                          "DELETE FROM iot_tags WHERE arn = ? AND tag = ?", arn, key.asString("")));
          return Answers.object();
        });
  }

  private ObjectNode list(CallContext call, ObjectNode in) {
    ObjectNode out = Answers.object();
    var list = out.putArray("tags");
    store
        .read(sql -> of(sql, known(sql, in)))
        .forEach((key, value) -> list.addObject().put("Key", key).put("Value", value));
    return out;
  }
}
