package io.ryegrass.policy;

import io.ryegrass.model.Json;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** A parsed IAM, IoT or trust policy. Immutable. */
public final class PolicyDocument {
  private static final Set<String> STATEMENT_FIELDS =
      Set.of(
          "Sid",
          "Effect",
          "Action",
          "NotAction",
          "Resource",
          "NotResource",
          "Condition",
          "Principal",
          "NotPrincipal");

  /** A variable in a pattern or in a condition's value; its name without the default. */
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{([A-Za-z0-9:/._-]+)[^}]*}");

  private final List<Statement> statements;

  private PolicyDocument(List<Statement> statements) {
    this.statements = List.copyOf(statements);
  }

  /**
   * Reads a policy document. {@code Resource} may be absent only in trust policies (those with a
   * {@code Principal}).
   *
   * @throws PolicyException when the text is not JSON or not a policy
   */
  public static PolicyDocument parse(String json) {
    JsonNode root;
    try {
      root = Json.readStrictly(json.getBytes(StandardCharsets.UTF_8));
    } catch (JacksonException e) {
      throw new PolicyException("The policy is not valid JSON: " + e.getOriginalMessage(), e);
    }
    if (!root.isObject()) {
      throw new PolicyException("The policy must be a JSON object with Version and Statement");
    }
    String version = root.path("Version").asString("2008-10-17");
    if (!version.equals("2012-10-17") && !version.equals("2008-10-17")) {
      throw new PolicyException("Version must be 2012-10-17 or 2008-10-17, not " + version);
    }
    List<Statement> statements = new ArrayList<>();
    JsonNode given = root.path("Statement");
    if (given.isObject()) {
      statements.add(statement(given, version));
    } else if (given.isArray() && !given.isEmpty()) {
      given.forEach(s -> statements.add(statement(s, version)));
    } else {
      throw new PolicyException("Statement must be an object or a list of at least one object");
    }
    return new PolicyDocument(statements);
  }

  /** The keys that the document asks for: those of its conditions and those of its variables. */
  public Set<String> contextKeys() {
    Set<String> keys = new TreeSet<>();
    for (Statement statement : statements) {
      statement.conditions().forEach(c -> keys.add(c.key()));
      if (statement.variables()) {
        List<String> texts = new ArrayList<>(statement.resources().patterns());
        statement.conditions().forEach(c -> texts.addAll(c.expected()));
        for (String text : texts) {
          VARIABLE.matcher(text).results().forEach(found -> keys.add(found.group(1)));
        }
      }
    }
    return keys;
  }

  List<Statement> statements() {
    return statements;
  }

  private static Statement statement(JsonNode node, String version) {
    if (!node.isObject()) {
      throw new PolicyException("Each Statement must be an object");
    }
    for (String field : node.propertyNames()) {
      if (!STATEMENT_FIELDS.contains(field)) {
        throw new PolicyException("Statement has an unknown field " + field);
      }
    }
    String effect = node.path("Effect").asString("");
    if (!effect.equals("Allow") && !effect.equals("Deny")) {
      throw new PolicyException("Effect must be Allow or Deny, not '" + effect + "'");
    }
    boolean allBut = node.has("NotPrincipal");
    if (allBut && node.has("Principal")) {
      throw new PolicyException("A Statement needs Principal or NotPrincipal, not both");
    }
    Map<String, List<String>> principals =
        principals(node.path(allBut ? "NotPrincipal" : "Principal"));
    boolean trust = !principals.isEmpty();
    return new Statement(
        effect.equals("Allow"),
        patterns(node, "Action", "NotAction", false),
        patterns(node, "Resource", "NotResource", trust),
        conditions(node.path("Condition")),
        version.equals("2012-10-17"),
        principals,
        allBut);
  }

  private static Statement.Patterns patterns(
      JsonNode node, String name, String inverse, boolean optional) {
    if (node.has(name) == node.has(inverse)) {
      if (!node.has(name) && optional) {
        return new Statement.Patterns(List.of("*"), false);
      }
      throw new PolicyException("A Statement needs " + name + " or " + inverse + ", not both");
    }
    boolean inverted = node.has(inverse);
    return new Statement.Patterns(texts(node.path(inverted ? inverse : name), name), inverted);
  }

  private static List<Condition> conditions(JsonNode node) {
    List<Condition> found = new ArrayList<>();
    if (node.isMissingNode()) {
      return found;
    }
    if (!node.isObject()) {
      throw new PolicyException("Condition must be an object of operators");
    }
    for (Map.Entry<String, JsonNode> operator : node.properties()) {
      if (!operator.getValue().isObject()) {
        throw new PolicyException("Condition " + operator.getKey() + " must be an object of keys");
      }
      for (Map.Entry<String, JsonNode> key : operator.getValue().properties()) {
        String where = "Condition " + operator.getKey() + "." + key.getKey();
        found.add(new Condition(operator.getKey(), key.getKey(), texts(key.getValue(), where)));
      }
    }
    return found;
  }

  private static Map<String, List<String>> principals(JsonNode node) {
    if (node.isString() && node.stringValue().equals("*")) {
      return Map.of("*", List.of("*"));
    }
    Map<String, List<String>> found = new LinkedHashMap<>();
    if (node.isObject()) {
      for (Map.Entry<String, JsonNode> kind : node.properties()) {
        found.put(kind.getKey(), texts(kind.getValue(), "Principal " + kind.getKey()));
      }
    } else if (!node.isMissingNode()) {
      throw new PolicyException(
          "Principal must be an object such as {\"Service\": \"…\"} or \"*\"");
    }
    return found;
  }

  private static List<String> texts(JsonNode node, String name) {
    List<String> found = new ArrayList<>();
    if (node.isArray()) {
      node.forEach(value -> found.add(text(value, name)));
    } else {
      found.add(text(node, name));
    }
    return List.copyOf(found);
  }

  private static String text(JsonNode value, String name) {
    if (value.isString() || value.isBoolean() || value.isNumber()) {
      return value.asString();
    }
    throw new PolicyException(name + " must be a text or a list of texts");
  }
}
