package io.ryegrass.groups;

import org.jspecify.annotations.Nullable;

/**
 * What has versions in V1: the seven kinds of definitions, and groups, which work the same way.
 *
 * <p>The names are those of the API: {@code segment} in paths and ARNs, {@code operation} in
 * operation and member names, {@code member} in the content; {@code plural} and {@code list} are
 * the words of the service's own error texts.
 */
enum Kind {
  CORE("cores", "Core", "Cores", "cores", "Core List"),
  DEVICE("devices", "Device", "Devices", "devices", "Device List"),
  FUNCTION("functions", "Function", "Functions", "lambdas", "Lambda List"),
  SUBSCRIPTION(
      "subscriptions", "Subscription", "Subscriptions", "subscriptions", "Subscription List"),
  RESOURCE("resources", "Resource", "Resources", "resources", "Resource List"),
  CONNECTOR("connectors", "Connector", "Connectors", "connectors", "Connector List"),
  LOGGER("loggers", "Logger", "Loggers", "loggers", "Logger List"),
  GROUP("groups", "Group", "", "group", "Group");

  final String segment;
  final String operation;
  final String member;
  final String plural;
  final String list;

  Kind(String segment, String operation, String member, String plural, String list) {
    this.segment = segment;
    this.operation = operation;
    this.member = member;
    this.plural = plural;
    this.list = list;
  }

  boolean isDefinition() {
    return this != GROUP;
  }

  /** The member that carries the id in requests: {@code CoreDefinitionId}, {@code GroupId}. */
  String idMember() {
    return isDefinition() ? operation + "DefinitionId" : "GroupId";
  }

  String versionMember() {
    return isDefinition() ? operation + "DefinitionVersionId" : "GroupVersionId";
  }

  /** The member of a group version that refers to this kind. */
  String referenceMember() {
    return operation + "DefinitionVersionArn";
  }

  static @Nullable Kind ofSegment(String segment) {
    for (Kind kind : values()) {
      if (kind.segment.equals(segment)) {
        return kind;
      }
    }
    return null;
  }
}
