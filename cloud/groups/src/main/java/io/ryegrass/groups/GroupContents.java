package io.ryegrass.groups;

import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A group version with everything it refers to, as the API's JSON: the input of the compiler.
 *
 * @param functionDefaults {@code DefaultConfig} of the function definition; empty when there is
 *     none
 */
public record GroupContents(
    String groupId,
    String groupName,
    List<JsonNode> cores,
    List<JsonNode> devices,
    ObjectNode functionDefaults,
    List<JsonNode> functions,
    List<JsonNode> subscriptions,
    List<JsonNode> resources,
    List<JsonNode> connectors,
    List<JsonNode> loggers) {
  public GroupContents {
    cores = List.copyOf(cores);
    devices = List.copyOf(devices);
    functions = List.copyOf(functions);
    subscriptions = List.copyOf(subscriptions);
    resources = List.copyOf(resources);
    connectors = List.copyOf(connectors);
    loggers = List.copyOf(loggers);
  }
}
