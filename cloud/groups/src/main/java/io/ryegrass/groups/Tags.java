package io.ryegrass.groups;

import io.ryegrass.awsapi.ServiceOperations;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Tags of groups and definitions: at most 50 each (v1-group-deployment.md §3.2). */
final class Tags {
  private static final int MAX = 50;
  private final VersionedStore store;

  Tags(VersionedStore store) {
    this.store = store;
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
    VersionedStore.Item item = find(input);
    ObjectNode tags = item.tags().deepCopy();
    input.path("tags").properties().forEach(tag -> tags.set(tag.getKey(), tag.getValue()));
    store.tag(item.kind(), item.id(), checked(tags));
    return Shapes.empty();
  }

  private ObjectNode untag(ObjectNode input) {
    VersionedStore.Item item = find(input);
    ObjectNode tags = item.tags().deepCopy();
    for (JsonNode key : input.path("TagKeys")) {
      tags.remove(key.asString(""));
    }
    store.tag(item.kind(), item.id(), tags);
    return Shapes.empty();
  }

  private VersionedStore.Item find(ObjectNode input) {
    String arn = input.path("ResourceArn").asString("");
    return GroupArns.parse(arn)
        .filter(named -> named.version() == null)
        .map(named -> store.get(named.kind(), named.id()))
        .orElseThrow(() -> V1Errors.badRequest("No resource that has tags is named " + arn));
  }
}
