package io.ryegrass.model;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** JSON pointers (RFC 6901) over configuration, whose keys are compared without regard to case. */
public final class JsonPointers {
  private JsonPointers() {}

  /**
   * The unescaped segments of a pointer; empty for the whole document.
   *
   * @throws InvalidDocumentException code {@code DEPLOYMENT_DOCUMENT_NOT_VALID}
   */
  public static List<String> parse(String pointer) {
    if (pointer.isEmpty()) {
      return List.of();
    }
    if (!pointer.startsWith("/")) {
      throw new InvalidDocumentException(
          "DEPLOYMENT_DOCUMENT_NOT_VALID",
          "'" + pointer + "' is not a JSON pointer; it must be empty or start with '/'");
    }
    List<String> segments = new ArrayList<>();
    for (String segment : pointer.substring(1).split("/", -1)) {
      segments.add(segment.replace("~1", "/").replace("~0", "~"));
    }
    return List.copyOf(segments);
  }

  /** The value a pointer names, or null when there is none. Array elements may be read by index. */
  public static @Nullable JsonNode get(JsonNode root, String pointer) {
    return get(root, parse(pointer));
  }

  /** The value at a path of keys, or null when there is none. */
  public static @Nullable JsonNode get(JsonNode root, List<String> path) {
    JsonNode node = root;
    for (String segment : path) {
      JsonNode next;
      if (node instanceof ObjectNode object) {
        next = JsonFields.get(object, segment);
      } else if (node.isArray() && isIndex(segment)) {
        next = node.get(Integer.parseInt(segment));
      } else {
        next = null;
      }
      if (next == null) {
        return null;
      }
      node = next;
    }
    return node;
  }

  static boolean isIndex(String segment) {
    return !segment.isEmpty()
        && segment.length() <= 9
        && segment.chars().allMatch(c -> c >= '0' && c <= '9');
  }
}
