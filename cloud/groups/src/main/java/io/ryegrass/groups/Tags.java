package io.ryegrass.groups;

import io.ryegrass.awsapi.ServiceOperations;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Tags of groups, definitions and bulk deployments: at most 50 each (v1-group-deployment.md §3.2).
 */
final class Tags {
  private static final int MAX = 50;
  private final VersionedStore store;
  private final BulkStore bulks;

  Tags(VersionedStore store, BulkStore bulks) {
    this.store = store;
    this.bulks = bulks;
  }

  void addTo(ServiceOperations.Builder builder) {
    builder
        .json("ListTagsForResource", (context, input) -> list(input))
        .json("TagResource", (context, input) -> tag(input))
        .json("UntagResource", (context, input) -> untag(input));
  }

  /** The tags of a create request. */
  static ObjectNode of(ObjectNode input) {
    return checked(input.path("tags") instanceof ObjectNode tags ? tags : Shapes.empty());
  }

  private static ObjectNode checked(ObjectNode tags) {
    if (tags.size() > MAX) {
      throw V1Errors.badRequest("A resource has at most " + MAX + " tags");
    }
    return tags;
  }

  private ObjectNode list(ObjectNode input) {
    ObjectNode output = Shapes.empty();
    output.set("tags", find(input).tags());
    return output;
  }

  private ObjectNode tag(ObjectNode input) {
    Tagged item = find(input);
    ObjectNode tags = item.tags().deepCopy();
    input.path("tags").properties().forEach(tag -> tags.set(tag.getKey(), tag.getValue()));
    item.store().accept(checked(tags));
    return Shapes.empty();
  }

  private ObjectNode untag(ObjectNode input) {
    Tagged item = find(input);
    ObjectNode tags = item.tags().deepCopy();
    for (JsonNode key : input.path("TagKeys")) {
      tags.remove(key.asString(""));
    }
    item.store().accept(tags);
    return Shapes.empty();
  }

  /** Something with tags, and what changes them. */
  private record Tagged(ObjectNode tags, Consumer<ObjectNode> store) {}

  private Tagged find(ObjectNode input) {
    String arn = input.path("ResourceArn").asString("");
    return GroupArns.parse(arn)
        .filter(named -> named.version() == null)
        .map(named -> store.get(named.kind(), named.id()))
        .map(item -> new Tagged(item.tags(), tags -> store.tag(item.kind(), item.id(), tags)))
        .or(
            () ->
                GroupArns.bulkId(arn)
                    .flatMap(bulks::find)
                    .map(bulk -> new Tagged(bulk.tags(), tags -> bulks.tag(bulk.id(), tags))))
        .orElseThrow(() -> V1Errors.badRequest("No resource that has tags is named " + arn));
  }
}
