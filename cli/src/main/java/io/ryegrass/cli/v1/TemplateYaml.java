package io.ryegrass.cli.v1;

import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * YAML templates as the JSON that they are short for: {@code !Ref X} is {@code {"Ref": "X"}},
 * {@code !GetAtt A.B} is {@code {"Fn::GetAtt": ["A", "B"]}}, each other {@code !Name} is {@code
 * Fn::Name}. Scalars stay texts but for true and false, as CloudFormation takes them.
 */
final class TemplateYaml {
  private static final JsonNodeFactory NODES = JsonMapper.shared().getNodeFactory();

  private TemplateYaml() {}

  static JsonNode read(String yaml) {
    return new Compose(LoadSettings.builder().build())
        .composeString(yaml)
        .map(TemplateYaml::node)
        .orElseGet(NODES::objectNode);
  }

  private static JsonNode node(Node node) {
    JsonNode plain = plain(node);
    String tag = node.getTag().getValue();
    if (!tag.startsWith("!") || tag.length() < 2) {
      return plain;
    }
    String name = tag.substring(1);
    ObjectNode full = NODES.objectNode();
    switch (name) {
      case "Ref", "Condition" -> full.set(name, plain);
      case "GetAtt" -> {
        if (plain.isString()) {
          ArrayNode parts = full.putArray("Fn::GetAtt");
          String text = plain.stringValue();
          int dot = text.indexOf('.');
          parts.add(dot < 0 ? text : text.substring(0, dot));
          parts.add(dot < 0 ? "" : text.substring(dot + 1));
        } else {
          full.set("Fn::GetAtt", plain);
        }
      }
      default -> full.set("Fn::" + name, plain);
    }
    return full;
  }

  private static JsonNode plain(Node node) {
    return switch (node) {
      case MappingNode mapping -> {
        ObjectNode object = NODES.objectNode();
        for (NodeTuple tuple : mapping.getValue()) {
          object.set(
              tuple.getKeyNode() instanceof ScalarNode key ? key.getValue() : "",
              node(tuple.getValueNode()));
        }
        yield object;
      }
      case SequenceNode sequence -> {
        ArrayNode array = NODES.arrayNode();
        sequence.getValue().forEach(element -> array.add(node(element)));
        yield array;
      }
      case ScalarNode scalar -> NODES.stringNode(scalar.getValue());
      default -> NODES.nullNode();
    };
  }
}
