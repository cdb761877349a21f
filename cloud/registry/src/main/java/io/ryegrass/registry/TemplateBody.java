package io.ryegrass.registry;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A provisioning template (catalogue PRV-13): parameters, mappings, resources with intrinsic
 * functions, and what the device is told. Pure: it says what is to be made for a device; {@link
 * ThingRegistration} makes it. Everything that a template may not say is found when it is created,
 * not when the first device comes.
 */
final class TemplateBody {
  static final int MAX_BYTES = 10_240;
  private static final String CERTIFICATE_ID = "AWS::IoT::Certificate::Id";
  private static final Pattern SUB = Pattern.compile("\\$\\{(!?)([^}]+)}");
  private static final int MAX_DEPTH = 16;
  private static final Set<String> FUNCTIONS =
      Set.of("Ref", "Fn::Join", "Fn::Select", "Fn::Split", "Fn::FindInMap", "Fn::Sub");

  private final ObjectNode body;

  private TemplateBody(ObjectNode body) {
    this.body = body;
  }

  /** What to do with a property of a thing that exists with another value. */
  enum Override {
    DO_NOTHING,
    REPLACE,
    MERGE,
    FAIL
  }

  /** The thing that a device becomes. */
  record ThingPlan(
      String name,
      @Nullable String type,
      ObjectNode attributes,
      List<String> groups,
      Map<String, Override> overrides) {
    Override override(String property) {
      return overrides.getOrDefault(property, Override.DO_NOTHING);
    }
  }

  /**
   * A policy for the certificate: one that exists, or one with a text of the template's own.
   *
   * @param document null when it must exist
   */
  record PolicyPlan(@Nullable String name, @Nullable String document) {}

  /**
   * What a registration makes.
   *
   * @param thing null when the template makes none
   * @param status of the certificate
   */
  record Plan(
      @Nullable ThingPlan thing,
      String status,
      List<PolicyPlan> policies,
      ObjectNode deviceConfiguration) {}

  /**
   * Reads and checks a template.
   *
   * @throws IllegalArgumentException with one sentence for its author
   */
  static TemplateBody parse(String text) {
    if (text.length() > MAX_BYTES) {
      throw new IllegalArgumentException(
          "the template is larger than " + MAX_BYTES + " characters");
    }
    JsonNode read;
    try {
      read = JsonMapper.shared().readTree(text);
    } catch (JacksonException e) {
      throw new IllegalArgumentException("the template is no JSON: " + e.getOriginalMessage(), e);
    }
    if (!(read instanceof ObjectNode body) || !body.path("Resources").isObject()) {
      throw new IllegalArgumentException("the template has no object 'Resources'");
    }
    for (Map.Entry<String, JsonNode> p : body.path("Parameters").properties()) {
      if (!p.getValue().path("Type").asString("").equals("String")) {
        throw new IllegalArgumentException("parameter " + p.getKey() + " must be of Type String");
      }
    }
    TemplateBody template = new TemplateBody(body);
    int certificates = 0;
    int things = 0;
    for (Map.Entry<String, JsonNode> r : body.path("Resources").properties()) {
      String type = r.getValue().path("Type").asString("");
      JsonNode properties = r.getValue().path("Properties");
      switch (type) {
        case "AWS::IoT::Thing" -> {
          things++;
          if (!properties.has("ThingName")) {
            throw new IllegalArgumentException("resource " + r.getKey() + " has no ThingName");
          }
          template.overrides(r.getKey(), r.getValue());
        }
        case "AWS::IoT::Certificate" -> {
          certificates++;
          if (!properties.path("CertificateId").path("Ref").asString("").equals(CERTIFICATE_ID)) {
            throw new IllegalArgumentException(
                "resource "
                    + r.getKey()
                    + " must have CertificateId {\"Ref\": \""
                    + CERTIFICATE_ID
                    + "\"}: devices ask for their certificate before they register");
          }
        }
        case "AWS::IoT::Policy" -> {
          if (properties.has("PolicyName") == properties.has("PolicyDocument")) {
            throw new IllegalArgumentException(
                "resource " + r.getKey() + " must have PolicyName or PolicyDocument, and not both");
          }
        }
        default ->
            throw new IllegalArgumentException(
                "resource "
                    + r.getKey()
                    + " has Type '"
                    + type
                    + "'; known are AWS::IoT::Thing, AWS::IoT::Certificate and AWS::IoT::Policy");
      }
    }
    if (certificates != 1 || things > 1) {
      throw new IllegalArgumentException(
          "the template must have one AWS::IoT::Certificate and at most one AWS::IoT::Thing");
    }
    template.checkFunctions(body.path("Resources"));
    template.checkFunctions(body.path("DeviceConfiguration"));
    return template;
  }

  /**
   * Functions that nobody knows and parameters that are not declared are mistakes of the author.
   */
  private void checkFunctions(JsonNode node) {
    if (isFunction(node)) {
      Map.Entry<String, JsonNode> call = node.properties().iterator().next();
      String target = call.getValue().asString("");
      if (call.getKey().equals("Ref")
          && !target.equals(CERTIFICATE_ID)
          && !body.path("Parameters").has(target)) {
        throw new IllegalArgumentException("Ref names '" + target + "', which is no parameter");
      }
      if (!FUNCTIONS.contains(call.getKey())) {
        throw new IllegalArgumentException("function " + call.getKey() + " is not known");
      }
    }
    for (Map.Entry<String, JsonNode> member : node.properties()) {
      if (!(member.getKey().equals("PolicyDocument") && member.getValue().has("Statement"))) {
        checkFunctions(member.getValue());
      }
    }
    if (node.isArray()) {
      node.forEach(this::checkFunctions);
    }
  }

  /** What is to be made for a device with these parameters. */
  Plan plan(Map<String, String> given, String certificateId) {
    Map<String, String> values = values(given);
    values.put(CERTIFICATE_ID, certificateId);
    ThingPlan thing = null;
    String status = "ACTIVE";
    List<PolicyPlan> policies = new ArrayList<>();
    for (Map.Entry<String, JsonNode> r : body.path("Resources").properties()) {
      JsonNode properties = r.getValue().path("Properties");
      switch (r.getValue().path("Type").asString("")) {
        case "AWS::IoT::Thing" -> thing = thing(r.getKey(), r.getValue(), values);
        case "AWS::IoT::Certificate" -> {
          if (properties.has("Status")) {
            status = text(properties.path("Status"), values).toUpperCase(java.util.Locale.ROOT);
          }
        }
        default -> policies.add(policy(properties, values));
      }
    }
    ObjectNode device = JsonNodeFactory.instance.objectNode();
    for (Map.Entry<String, JsonNode> e : body.path("DeviceConfiguration").properties()) {
      device.set(e.getKey(), evaluate(e.getValue(), values, 0));
    }
    if (!status.equals("ACTIVE") && !status.equals("INACTIVE")) {
      throw ProvisioningException.invalid("the certificate's Status cannot be " + status);
    }
    return new Plan(thing, status, policies, device);
  }

  private Map<String, String> values(Map<String, String> given) {
    Map<String, String> values = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> p : body.path("Parameters").properties()) {
      String value = given.get(p.getKey());
      if (value == null && p.getValue().has("Default")) {
        value = p.getValue().path("Default").asString();
      }
      if (value != null) {
        values.put(p.getKey(), value);
      } else if (!p.getKey().startsWith("AWS::")) {
        throw ProvisioningException.invalid(
            "parameter " + p.getKey() + " of the template is missing in the request");
      }
    }
    return values;
  }

  private ThingPlan thing(String resource, JsonNode node, Map<String, String> values) {
    JsonNode properties = node.path("Properties");
    ObjectNode attributes = JsonNodeFactory.instance.objectNode();
    JsonNode payload = properties.path("AttributePayload");
    // both forms are in use: the attributes themselves, and the API's member 'attributes'
    JsonNode source = payload.path("attributes").isObject() ? payload.path("attributes") : payload;
    for (Map.Entry<String, JsonNode> a : source.properties()) {
      String value = text(a.getValue(), values);
      if (!value.isEmpty()) {
        attributes.put(a.getKey(), value);
      }
    }
    List<String> groups = new ArrayList<>();
    for (JsonNode g : properties.path("ThingGroups")) {
      groups.add(text(g, values));
    }
    return new ThingPlan(
        text(properties.path("ThingName"), values),
        properties.has("ThingTypeName") ? text(properties.path("ThingTypeName"), values) : null,
        attributes,
        groups,
        overrides(resource, node));
  }

  private Map<String, Override> overrides(String resource, JsonNode node) {
    Map<String, Override> all = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> o : node.path("OverrideSettings").properties()) {
      String word = o.getValue().asString("");
      boolean list = o.getKey().equals("AttributePayload") || o.getKey().equals("ThingGroups");
      if (!list && !o.getKey().equals("ThingTypeName")) {
        throw new IllegalArgumentException(
            "OverrideSettings of " + resource + " cannot name " + o.getKey());
      }
      try {
        Override override = Override.valueOf(word);
        if (override == Override.MERGE && !list) {
          throw new IllegalArgumentException(word);
        }
        all.put(o.getKey(), override);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "OverrideSettings of " + resource + ": " + o.getKey() + " cannot be '" + word + "'", e);
      }
    }
    return all;
  }

  private PolicyPlan policy(JsonNode properties, Map<String, String> values) {
    if (properties.has("PolicyName")) {
      return new PolicyPlan(text(properties.path("PolicyName"), values), null);
    }
    JsonNode document = properties.path("PolicyDocument");
    // a document is text to AWS's API; one written as JSON is taken as it stands
    return new PolicyPlan(
        null,
        document.isObject() && !isFunction(document)
            ? document.toString()
            : text(document, values));
  }

  // ---- intrinsic functions

  private static boolean isFunction(JsonNode node) {
    return node.isObject()
        && node.size() == 1
        && node.propertyNames().stream().allMatch(n -> n.equals("Ref") || n.startsWith("Fn::"));
  }

  private String text(JsonNode node, Map<String, String> values) {
    JsonNode value = evaluate(node, values, 0);
    if (value.isContainer() || value.isNull() || value.isMissingNode()) {
      throw ProvisioningException.invalid("a text is needed where the template has " + node);
    }
    return value.asString();
  }

  private JsonNode evaluate(JsonNode node, Map<String, String> values, int depth) {
    if (depth > MAX_DEPTH) {
      throw ProvisioningException.invalid("functions of the template nest too deep");
    }
    if (!isFunction(node)) {
      return node;
    }
    Map.Entry<String, JsonNode> call = node.properties().iterator().next();
    JsonNode in = call.getValue();
    JsonNodeFactory nodes = JsonNodeFactory.instance;
    return switch (call.getKey()) {
      case "Ref" -> nodes.stringNode(value(in.asString(""), values));
      case "Fn::Join" ->
          nodes.stringNode(
              list(in.path(1), values, depth).stream()
                  .map(n -> n.asString())
                  .collect(Collectors.joining(in.path(0).asString(""))));
      case "Fn::Select" -> {
        List<JsonNode> all = list(in.path(1), values, depth);
        int index = evaluate(in.path(0), values, depth + 1).asInt(-1);
        if (index < 0 || index >= all.size()) {
          throw ProvisioningException.invalid("Fn::Select has no item " + in.path(0));
        }
        yield all.get(index);
      }
      case "Fn::Split" -> {
        String by = in.path(0).asString("");
        if (by.isEmpty()) {
          throw ProvisioningException.invalid("Fn::Split needs a separator");
        }
        var parts = nodes.arrayNode();
        for (String part :
            evaluate(in.path(1), values, depth + 1).asString("").split(Pattern.quote(by), -1)) {
          parts.add(part);
        }
        yield parts;
      }
      case "Fn::FindInMap" -> {
        JsonNode found = body.path("Mappings");
        for (int i = 0; i < 3; i++) {
          found = found.path(evaluate(in.path(i), values, depth + 1).asString(""));
        }
        if (found.isMissingNode()) {
          throw ProvisioningException.invalid("Mappings have nothing for " + in);
        }
        yield found;
      }
      case "Fn::Sub" -> nodes.stringNode(substitute(in, values, depth));
      default -> throw ProvisioningException.invalid("function " + call.getKey() + " is not known");
    };
  }

  private List<JsonNode> list(JsonNode node, Map<String, String> values, int depth) {
    JsonNode all = evaluate(node, values, depth + 1);
    if (!all.isArray()) {
      throw ProvisioningException.invalid("a list is needed where the template has " + node);
    }
    List<JsonNode> out = new ArrayList<>();
    for (JsonNode n : all) {
      out.add(evaluate(n, values, depth + 1));
    }
    return out;
  }

  private String substitute(JsonNode in, Map<String, String> values, int depth) {
    Map<String, String> known = new LinkedHashMap<>(values);
    if (in.isArray()) {
      for (Map.Entry<String, JsonNode> v : in.path(1).properties()) {
        known.put(v.getKey(), evaluate(v.getValue(), values, depth + 1).asString(""));
      }
    }
    Matcher m = SUB.matcher(in.isArray() ? in.path(0).asString("") : in.asString(""));
    StringBuilder out = new StringBuilder();
    while (m.find()) {
      String with =
          m.group(1).isEmpty() ? value(m.group(2).strip(), known) : "${" + m.group(2) + "}";
      m.appendReplacement(out, Matcher.quoteReplacement(with));
    }
    return m.appendTail(out).toString();
  }

  private static String value(String name, Map<String, String> values) {
    String value = values.get(name);
    if (value == null) {
      throw ProvisioningException.invalid("the template refers to " + name + ", which is not set");
    }
    return value;
  }
}
