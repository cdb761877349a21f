package io.ryegrass.cli.v1;

import io.ryegrass.cli.CliException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The intrinsic functions of CloudFormation: Ref, GetAtt, Sub, Join, Select, Split, If with
 * conditions, FindInMap, Base64. What a resource answers is asked of {@code attributes}.
 */
final class TemplateValues {
  private static final JsonNodeFactory NODES = JsonMapper.shared().getNodeFactory();
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{(!?)([^}]*)}");

  /** AWS::NoValue: the member is left out. */
  private static final JsonNode NO_VALUE = NODES.stringNode("\0no value");

  private final ObjectNode template;
  private final Map<String, String> parameters;
  private final Map<String, String> pseudo;

  /** Of a resource's logical id and an attribute (empty: Ref); null for none that is known. */
  private final BiFunction<String, String, @Nullable String> attributes;

  TemplateValues(
      ObjectNode template,
      Map<String, String> parameters,
      Map<String, String> pseudo,
      BiFunction<String, String, @Nullable String> attributes) {
    this.template = template;
    this.parameters = parameters;
    this.pseudo = pseudo;
    this.attributes = attributes;
  }

  String text(JsonNode node) {
    JsonNode value = of(node);
    return value == NO_VALUE ? "" : value.asString("");
  }

  /**
   * @throws CliException for what cannot be known here, with a sentence
   */
  JsonNode of(JsonNode node) {
    return switch (node) {
      case ObjectNode object -> {
        if (object.size() == 1) {
          var only = object.properties().iterator().next();
          if (only.getKey().equals("Ref") || only.getKey().startsWith("Fn::")) {
            yield function(only.getKey(), only.getValue());
          }
        }
        ObjectNode result = NODES.objectNode();
        object
            .properties()
            .forEach(
                e -> {
                  JsonNode value = of(e.getValue());
                  if (value != NO_VALUE) {
                    result.set(e.getKey(), value);
                  }
                });
        yield result;
      }
      case ArrayNode array -> {
        ArrayNode result = NODES.arrayNode();
        for (JsonNode element : array) {
          JsonNode value = of(element);
          if (value != NO_VALUE) {
            result.add(value);
          }
        }
        yield result;
      }
      default -> node;
    };
  }

  private JsonNode function(String name, JsonNode argument) {
    return switch (name) {
      case "Ref" -> reference(argument.asString(""));
      case "Fn::GetAtt" -> {
        JsonNode parts = argument;
        String resource = parts.isArray() ? parts.path(0).asString("") : before(parts.asString(""));
        String attribute = parts.isArray() ? text(parts.path(1)) : after(parts.asString(""));
        yield known(resource, attribute);
      }
      case "Fn::Sub" -> NODES.stringNode(substituted(argument));
      case "Fn::Join" -> {
        List<String> parts = new ArrayList<>();
        of(argument.path(1)).forEach(part -> parts.add(part.asString("")));
        yield NODES.stringNode(String.join(argument.path(0).asString(""), parts));
      }
      case "Fn::Split" -> {
        ArrayNode parts = NODES.arrayNode();
        for (String part :
            text(argument.path(1)).split(Pattern.quote(argument.path(0).asString("")), -1)) {
          parts.add(part);
        }
        yield parts;
      }
      case "Fn::Select" -> {
        String index = text(argument.path(0));
        yield of(argument.path(1)).path(index.matches("\\d{1,6}") ? Integer.parseInt(index) : -1);
      }
      case "Fn::If" -> of(argument.path(condition(argument.path(0).asString("")) ? 1 : 2));
      case "Fn::FindInMap" ->
          of(
              template
                  .path("Mappings")
                  .path(argument.path(0).asString(""))
                  .path(text(argument.path(1)))
                  .path(text(argument.path(2))));
      case "Fn::Base64" -> of(argument);
      default -> throw new CliException(name + " is not understood");
    };
  }

  private static String before(String dotted) {
    int dot = dotted.indexOf('.');
    return dot < 0 ? dotted : dotted.substring(0, dot);
  }

  private static String after(String dotted) {
    int dot = dotted.indexOf('.');
    return dot < 0 ? "" : dotted.substring(dot + 1);
  }

  private JsonNode reference(String name) {
    if (name.equals("AWS::NoValue")) {
      return NO_VALUE;
    }
    String known = pseudo.get(name);
    if (known != null) {
      return NODES.stringNode(known);
    }
    JsonNode parameter = template.path("Parameters").path(name);
    if (parameter.isObject()) {
      String given = parameters.get(name);
      String value = given == null ? parameter.path("Default").asString("") : given;
      if (given == null && !parameter.has("Default")) {
        throw new CliException(
            "parameter " + name + " has no value; give it with --parameter " + name + "=VALUE");
      }
      String type = parameter.path("Type").asString("");
      if (type.startsWith("List") || type.equals("CommaDelimitedList")) {
        ArrayNode list = NODES.arrayNode();
        for (String element : value.split(",")) {
          list.add(element.strip());
        }
        return list;
      }
      return NODES.stringNode(value);
    }
    return known(name, "");
  }

  private JsonNode known(String resource, String attribute) {
    String value = attributes.apply(resource, attribute);
    if (value == null) {
      String type = template.path("Resources").path(resource).path("Type").asString("");
      throw new CliException(
          "it needs "
              + (attribute.isEmpty() ? "" : attribute + " of ")
              + resource
              + (type.isEmpty() ? ", which is not in the template" : " (" + type + ")")
              + ", which is not known here");
    }
    return NODES.stringNode(value);
  }

  private String substituted(JsonNode argument) {
    String text = argument.isArray() ? argument.path(0).asString("") : argument.asString("");
    JsonNode own = argument.path(1);
    Matcher matcher = VARIABLE.matcher(text);
    StringBuilder result = new StringBuilder();
    while (matcher.find()) {
      String name = matcher.group(2);
      String value;
      if (!matcher.group(1).isEmpty()) {
        value = "${" + name + "}";
      } else if (own.has(name)) {
        value = text(own.path(name));
      } else if (name.contains(".")) {
        value = known(before(name), after(name)).asString("");
      } else {
        value = reference(name).asString("");
      }
      matcher.appendReplacement(result, Matcher.quoteReplacement(value));
    }
    return matcher.appendTail(result).toString();
  }

  /** Whether a condition of the template holds; an empty name always does. */
  boolean condition(String name) {
    return name.isEmpty() || holds(template.path("Conditions").path(name));
  }

  private boolean holds(JsonNode condition) {
    if (!(condition instanceof ObjectNode object) || object.size() != 1) {
      return false;
    }
    var only = object.properties().iterator().next();
    JsonNode arguments = only.getValue();
    return switch (only.getKey()) {
      case "Fn::Equals" -> text(arguments.path(0)).equals(text(arguments.path(1)));
      case "Fn::Not" -> !holds(arguments.path(0));
      case "Fn::And" -> arguments.valueStream().allMatch(this::holds);
      case "Fn::Or" -> arguments.valueStream().anyMatch(this::holds);
      case "Condition" -> condition(arguments.asString(""));
      default -> throw new CliException("condition " + only.getKey() + " is not understood");
    };
  }
}
