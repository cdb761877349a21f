package io.ryegrass.groups;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Connectors (CON rows) as components. Where AWS has a component of V2 for the same work, it has
 * that one's name; the others are {@code ryegrass.connectors.<Name>}. Either takes the connector's
 * parameters as they are in the group: {@code {connector: {arn, version, parameters}}}.
 */
final class ConnectorCompiler {
  private static final Pattern ARN =
      Pattern.compile("arn:[^:]+:greengrass:[^:]*:[^:]*:/?connectors/([^/]+)/versions/([^/]+)");

  private static final Map<String, String> OF_AWS =
      Map.of(
          "CloudWatchMetrics", "aws.greengrass.Cloudwatch",
          "DeviceDefender", "aws.greengrass.DeviceDefender",
          "KinesisFirehose", "aws.greengrass.KinesisFirehose",
          "SNS", "aws.greengrass.SNS",
          "ModbusRTUProtocolAdapter", "aws.greengrass.Modbus");

  private final CompilerOutput out;

  /** Connector name → ARN: a group has one instance of each (CON-02). */
  private final Map<String, String> seen = new LinkedHashMap<>();

  ConnectorCompiler(CompilerOutput out) {
    this.out = out;
  }

  static String componentOf(String connector) {
    return OF_AWS.getOrDefault(connector, "ryegrass.connectors." + connector);
  }

  /**
   * @return the name by which subscriptions reach it
   */
  String compile(JsonNode connector) {
    String arn = connector.path("ConnectorArn").asString("");
    Matcher matcher = ARN.matcher(arn);
    if (!matcher.matches()) {
      throw new GroupCompilationException(
          "Connector "
              + connector.path("Id").asString("")
              + " has the ARN '"
              + arn
              + "', which names no connector with a version.");
    }
    String name = matcher.group(1);
    String other = seen.put(name, arn);
    if (other != null) {
      throw new GroupCompilationException(
          "The group has connector "
              + name
              + " twice ("
              + other
              + " and "
              + arn
              + "); a group may have one instance of a connector.");
    }
    String component = componentOf(name);
    ObjectNode configuration = Shapes.empty();
    ObjectNode settings = configuration.putObject("connector").put("arn", arn);
    settings.put("version", matcher.group(2));
    settings.set(
        "parameters",
        connector.path("Parameters").isObject() ? connector.path("Parameters") : Shapes.empty());
    out.need(component, configuration, "Connector " + arn);
    out.became("connector", connector.path("Id").asString("") + " " + arn, component);
    return "component:" + component;
  }
}
