package io.ryegrass.awsapi;

import io.ryegrass.awsapi.Shape.Member;
import java.util.Locale;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Copies of requests that may be kept: what the model calls sensitive and what is a secret by its
 * name is replaced, and of binary values only the length stays. Names begin with a small letter, as
 * CloudTrail has them whatever the service.
 */
final class Masking {

  /** CloudTrail's own words. */
  static final String HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS";

  /** Not marked in the models, or not in those that we have. */
  private static final Set<String> SECRET_NAMES =
      Set.of(
          "password",
          "newpassword",
          "oldpassword",
          "secretstring",
          "secretbinary",
          "secretaccesskey",
          "privatekey",
          "sessiontoken",
          "tokencode",
          "samlassertion",
          "webidentitytoken",
          "certificateownershiptoken");

  private Masking() {}

  static ObjectNode masked(Shape shape, JsonNode tree) {
    ObjectNode copy = JsonNodeFactory.instance.objectNode();
    for (Member member : shape.members.values()) {
      JsonNode value = tree.get(member.name());
      if (value != null) {
        copy.set(
            Character.toLowerCase(member.name().charAt(0)) + member.name().substring(1),
            SECRET_NAMES.contains(member.name().toLowerCase(Locale.ROOT))
                ? JsonNodeFactory.instance.stringNode(HIDDEN)
                : value(member.shape(), value));
      }
    }
    return copy;
  }

  private static JsonNode value(Shape shape, JsonNode value) {
    if (shape.sensitive) {
      return JsonNodeFactory.instance.stringNode(HIDDEN);
    }
    return switch (shape.type) {
      case STRUCTURE -> masked(shape, value);
      case LIST -> {
        ArrayNode copy = JsonNodeFactory.instance.arrayNode();
        value.forEach(element -> copy.add(value(shape.elementMember().shape(), element)));
        yield copy;
      }
      case MAP -> {
        ObjectNode copy = JsonNodeFactory.instance.objectNode();
        value
            .properties()
            .forEach(e -> copy.set(e.getKey(), value(shape.valueMember().shape(), e.getValue())));
        yield copy;
      }
      case BLOB ->
          JsonNodeFactory.instance.stringNode(
              "(" + value.asString().length() * 3L / 4 + " bytes, not kept)");
      default -> value;
    };
  }
}
