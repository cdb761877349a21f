package io.ryegrass.identity;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The tags a request speaks of, for {@code aws:RequestTag/…} and {@code aws:TagKeys} (catalogue
 * TAG-04, TAG-07): given at creation or tagging, or only named when untagging. Services write them
 * as a map or as a list of key and value.
 */
record RequestedTags(Map<String, String> tags, List<String> keys) {

  static RequestedTags of(ObjectNode input) {
    Map<String, String> tags = new LinkedHashMap<>();
    List<String> keys = new ArrayList<>();
    for (String member : List.of("tags", "Tags")) {
      JsonNode given = input.path(member);
      if (given.isObject()) {
        given.properties().forEach(e -> tags.put(e.getKey(), e.getValue().asString("")));
      }
      for (JsonNode tag : given.isArray() ? given : List.<JsonNode>of()) {
        String key = tag.path("Key").asString(tag.path("key").asString(""));
        String value = tag.path("Value").asString(tag.path("value").asString(""));
        if (tag.isString()) {
          keys.add(tag.asString()); // UntagLogGroup calls the keys "tags"
        } else if (!key.isEmpty()) {
          tags.put(key, value);
        }
      }
    }
    keys.addAll(tags.keySet());
    for (String member : List.of("tagKeys", "TagKeys")) {
      input.path(member).forEach(key -> keys.add(key.asString("")));
    }
    return new RequestedTags(tags, keys);
  }
}
