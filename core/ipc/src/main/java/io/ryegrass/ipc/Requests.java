package io.ryegrass.ipc;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads members of requests; what is missing or of the wrong type is an InvalidArgumentsError that
 * names the member.
 */
final class Requests {
  private Requests() {}

  static ObjectNode empty() {
    return JsonNodeFactory.instance.objectNode();
  }

  static String text(ObjectNode request, String member) {
    String text = optionalText(request, member);
    if (text == null || text.isEmpty()) {
      throw Errors.invalidArguments(member + " must be given");
    }
    return text;
  }

  static @Nullable String optionalText(ObjectNode request, String member) {
    JsonNode node = request.get(member);
    if (node == null || node.isNull()) {
      return null;
    }
    if (!node.isString()) {
      throw Errors.invalidArguments(member + " must be a string");
    }
    return node.stringValue();
  }

  static ObjectNode object(ObjectNode request, String member) {
    JsonNode node = request.get(member);
    if (node instanceof ObjectNode object) {
      return object;
    }
    throw Errors.invalidArguments(
        node == null ? member + " must be given" : member + " must be an object");
  }

  static byte[] blob(ObjectNode request, String member) {
    JsonNode node = request.get(member);
    if (node == null || !node.isString()) {
      throw Errors.invalidArguments(member + " must be given, in base64");
    }
    try {
      return Base64.getDecoder().decode(node.stringValue());
    } catch (IllegalArgumentException e) {
      throw Errors.invalidArguments(member + " is not base64: " + Errors.text(e));
    }
  }

  /** A path of keys; absent counts as empty. */
  static List<String> keyPath(ObjectNode request) {
    JsonNode node = request.get("keyPath");
    List<String> path = new ArrayList<>();
    if (node == null || node.isNull()) {
      return path;
    }
    if (!node.isArray()) {
      throw Errors.invalidArguments("keyPath must be a list of strings");
    }
    for (JsonNode key : node) {
      if (!key.isString()) {
        throw Errors.invalidArguments("keyPath must be a list of strings");
      }
      path.add(key.stringValue());
    }
    return path;
  }
}
