package io.ryegrass.cli.v1;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The seven kinds of definitions, by the names that the API has for them. */
enum V1Kind {
  CORE("Core", "cores"),
  DEVICE("Device", "devices"),
  FUNCTION("Function", "functions"),
  SUBSCRIPTION("Subscription", "subscriptions"),
  RESOURCE("Resource", "resources"),
  CONNECTOR("Connector", "connectors"),
  LOGGER("Logger", "loggers");

  /** {@code Core} as in CreateCoreDefinition. */
  final String word;

  /** {@code cores} as in paths and ARNs. */
  final String segment;

  V1Kind(String word, String segment) {
    this.word = word;
    this.segment = segment;
  }

  /** The list in a version's content: {@code Cores}. */
  String member() {
    return word + "s";
  }

  /** The member of a group version: {@code CoreDefinitionVersionArn}. */
  String reference() {
    return word + "DefinitionVersionArn";
  }

  /** The kind whose content this is, if it is one. */
  static @Nullable V1Kind ofContent(JsonNode content) {
    for (V1Kind kind : values()) {
      if (content.path(kind.member()).isArray()) {
        return kind;
      }
    }
    return null;
  }
}
