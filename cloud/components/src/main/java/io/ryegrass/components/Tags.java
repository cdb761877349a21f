package io.ryegrass.components;

import io.ryegrass.store.CloudStore;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Tags of components, deployments and core devices. */
final class Tags {
  private final CloudStore store;
  private final Predicate<String> resourceExists;

  Tags(CloudStore store, Predicate<String> resourceExists) {
    this.store = store;
    this.resourceExists = resourceExists;
  }

  Map<String, String> of(String arn) {
    Map<String, String> result = new TreeMap<>();
    store.read(
        sql ->
            sql.list(
                "SELECT tag, value FROM components_tags WHERE arn = ?",
                row -> result.put(row.text("tag"), row.text("value")),
                arn));
    return result;
  }

  void put(String arn, Map<String, String> tags) {
    store.write(
        sql -> {
          tags.forEach(
              (tag, value) -> {
                sql.update("DELETE FROM components_tags WHERE arn = ? AND tag = ?", arn, tag);
                sql.update(
                    "INSERT INTO components_tags (arn, tag, value) VALUES (?, ?, ?)",
                    arn,
                    tag,
                    value);
              });
          return tags.size();
        });
  }

  void removeAll(String arn) {
    store.write(sql -> sql.update("DELETE FROM components_tags WHERE arn = ?", arn));
  }

  ObjectNode list(ObjectNode input) {
    ObjectNode result = Json.object();
    Json.putTags(result, of(resource(input)));
    return result;
  }

  ObjectNode tag(ObjectNode input) {
    put(resource(input), Json.texts(input.get("tags")));
    return Json.object();
  }

  ObjectNode untag(ObjectNode input) {
    String arn = resource(input);
    store.write(
        sql -> {
          for (JsonNode key : input.path("tagKeys")) {
            sql.update(
                "DELETE FROM components_tags WHERE arn = ? AND tag = ?", arn, key.asString());
          }
          return 0;
        });
    return Json.object();
  }

  private String resource(ObjectNode input) {
    String arn = Json.text(input, "resourceArn");
    if (!resourceExists.test(arn)) {
      throw Faults.notFound("RESOURCE", arn, "there is no resource " + arn + " to tag");
    }
    return arn;
  }
}
