package io.ryegrass.nucleus.config;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * Who set a value of a component's configuration.
 *
 * @param id version of the recipe or id of the deployment; empty for the others
 */
public record ValueOrigin(Kind kind, String id) {
  /** Not recorded. */
  public static final ValueOrigin UNKNOWN = new ValueOrigin(Kind.UNKNOWN, "");

  /** The component itself (UpdateConfiguration). */
  public static final ValueOrigin COMPONENT = new ValueOrigin(Kind.COMPONENT, "");

  /** Kinds of origins. */
  public enum Kind {
    /** DefaultConfiguration of a recipe. */
    RECIPE,
    /** MERGE of a deployment. */
    DEPLOYMENT,
    /** The component itself, at run time. */
    COMPONENT,
    /** {@code config.yaml}; never stored. */
    FILE,
    /** Not recorded (a value of an older version of this program). */
    UNKNOWN
  }

  /** The defaults of a recipe's version. */
  public static ValueOrigin recipe(String version) {
    return new ValueOrigin(Kind.RECIPE, version);
  }

  /** The merge of a deployment. */
  public static ValueOrigin deployment(String id) {
    return new ValueOrigin(Kind.DEPLOYMENT, id);
  }

  /** As stored beside a value: the time alone, or the time and the origin. */
  JsonNode stamp(long time) {
    JsonNodeFactory nodes = JsonNodeFactory.instance;
    return switch (kind) {
      case UNKNOWN, FILE -> nodes.numberNode(time);
      case COMPONENT -> nodes.stringNode(time + " component");
      case RECIPE -> nodes.stringNode(time + " recipe " + id);
      case DEPLOYMENT -> nodes.stringNode(time + " deployment " + id);
    };
  }

  /** The time of a stored stamp; 0 when it is not readable. */
  static long time(JsonNode stamp) {
    if (stamp.isNumber()) {
      return stamp.longValue();
    }
    String text = stamp.asString("");
    int blank = text.indexOf(' ');
    try {
      return Long.parseLong(blank < 0 ? text : text.substring(0, blank));
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  /** The origin in a stored stamp. */
  static ValueOrigin read(JsonNode stamp) {
    String[] words = stamp.isString() ? stamp.asString().split(" ", 3) : new String[0];
    return switch (words.length < 2 ? "" : words[1]) {
      case "component" -> COMPONENT;
      case "recipe" -> recipe(words.length == 3 ? words[2] : "");
      case "deployment" -> deployment(words.length == 3 ? words[2] : "");
      default -> UNKNOWN;
    };
  }
}
