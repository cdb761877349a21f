package io.ryegrass.awsapi;

import io.ryegrass.awsapi.Shape.Member;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * Holds an input tree against the constraints of its shape, in the wording of AWS: {@code 1
 * validation error detected: Value 'a b' at 'thingName' failed to satisfy constraint: Member must
 * satisfy regular expression pattern: [a-zA-Z0-9:_-]+}.
 */
final class Validator {

  private static final int REPORTED = 10;

  private final List<String> errors = new ArrayList<>();

  private Validator() {}

  /** The sentence for the caller, or an empty text when all constraints hold. */
  static String check(Shape input, JsonNode tree) {
    Validator validator = new Validator();
    validator.structure(input, tree, "");
    List<String> errors = validator.errors;
    if (errors.isEmpty()) {
      return "";
    }
    return errors.size()
        + (errors.size() == 1 ? " validation error detected: " : " validation errors detected: ")
        + String.join("; ", errors.subList(0, Math.min(REPORTED, errors.size())));
  }

  private void structure(Shape shape, JsonNode tree, String path) {
    for (String name : shape.required) {
      if (!tree.has(name)) {
        errors.add(
            "Value null at '"
                + Trees.join(path, lowerFirst(name))
                + "' failed to satisfy constraint: Member must not be null");
      }
    }
    for (Member member : shape.members.values()) {
      JsonNode value = tree.get(member.name());
      if (value != null) {
        value(member.shape(), value, Trees.join(path, lowerFirst(member.name())));
      }
    }
  }

  private void value(Shape shape, JsonNode value, String path) {
    switch (shape.type) {
      case STRUCTURE -> structure(shape, value, path);
      case LIST -> {
        range(shape, value.size(), "length", value, path);
        for (int i = 0; i < value.size(); i++) {
          value(shape.elementMember().shape(), value.path(i), path + '.' + (i + 1) + ".member");
        }
      }
      case MAP -> {
        range(shape, value.size(), "length", value, path);
        value
            .properties()
            .forEach(
                e ->
                    value(
                        shape.valueMember().shape(),
                        e.getValue(),
                        path + '.' + e.getKey() + ".member"));
      }
      case STRING -> string(shape, value, path);
      case BLOB ->
          range(shape, Base64.getDecoder().decode(value.asString()).length, "length", value, path);
      case INTEGER, LONG, FLOAT, DOUBLE -> range(shape, value.doubleValue(), "value", value, path);
      case BOOLEAN, TIMESTAMP -> {}
    }
  }

  private void string(Shape shape, JsonNode value, String path) {
    String text = value.asString();
    if (!shape.enumValues.isEmpty() && !shape.enumValues.contains(text)) {
      failed(
          shape,
          value,
          path,
          "Member must satisfy enum value set: [" + String.join(", ", shape.enumValues) + "]");
      return;
    }
    boolean lengthFits = range(shape, text.codePointCount(0, text.length()), "length", value, path);
    // a text that is too long is not matched: the bound is what keeps matching cheap
    if (lengthFits && !shape.patternAccepts(text)) {
      failed(
          shape, value, path, "Member must satisfy regular expression pattern: " + shape.pattern);
    }
  }

  private boolean range(Shape shape, double size, String what, JsonNode value, String path) {
    if (shape.min != null && size < shape.min) {
      failed(
          shape,
          value,
          path,
          "Member must have " + what + " greater than or equal to " + number(shape.min));
      return false;
    }
    if (shape.max != null && size > shape.max) {
      failed(
          shape,
          value,
          path,
          "Member must have " + what + " less than or equal to " + number(shape.max));
      return false;
    }
    return true;
  }

  private void failed(Shape shape, JsonNode value, String path, String constraint) {
    String shown = value.isValueNode() ? value.asString() : value.toString();
    if (shown.length() > 256) {
      shown = shown.substring(0, 256) + "...";
    }
    errors.add(
        (shape.sensitive ? "Value" : "Value '" + shown + "'")
            + " at '"
            + path
            + "' failed to satisfy constraint: "
            + constraint);
  }

  private static String number(double bound) {
    return bound == Math.rint(bound) ? Long.toString((long) bound) : Double.toString(bound);
  }

  private static String lowerFirst(String name) {
    return Character.toLowerCase(name.charAt(0)) + name.substring(1);
  }
}
