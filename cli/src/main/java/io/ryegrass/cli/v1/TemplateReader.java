package io.ryegrass.cli.v1;

import io.ryegrass.cli.CliException;
import io.ryegrass.cli.v1.Rescue.Definition;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * CloudFormation templates with {@code AWS::Greengrass::*} (CFN rows), and what they have of
 * things, policies and Lambda functions beside it.
 */
final class TemplateReader {
  private static final String GREENGRASS = "AWS::Greengrass::";
  private static final Set<String> SILENT =
      Set.of(
          "AWS::IoT::ThingPrincipalAttachment",
          "AWS::IoT::PolicyPrincipalAttachment",
          "AWS::CloudFormation::WaitConditionHandle");

  private final String file;
  private final ObjectNode template;
  private final Rescue rescue;
  private final TemplateValues values;
  private final String region;
  private final String account;

  private TemplateReader(
      String file,
      ObjectNode template,
      Map<String, String> parameters,
      String region,
      String account,
      Rescue rescue) {
    this.file = file;
    this.template = template;
    this.rescue = rescue;
    this.region = region;
    this.account = account;
    this.values =
        new TemplateValues(
            template,
            parameters,
            Map.of(
                "AWS::Region",
                region,
                "AWS::AccountId",
                account,
                "AWS::Partition",
                "aws",
                "AWS::URLSuffix",
                "amazonaws.com",
                "AWS::StackName",
                file.replaceAll("\\..*", ""),
                "AWS::StackId",
                "arn:aws:cloudformation:" + region + ":" + account + ":stack/x/x"),
            this::attribute);
  }

  /** Whether a document is such a template. */
  static boolean is(JsonNode document) {
    for (JsonNode resource : document.path("Resources")) {
      if (resource.path("Type").asString("").startsWith(GREENGRASS)) {
        return true;
      }
    }
    return false;
  }

  static void read(
      String file,
      ObjectNode template,
      Map<String, String> parameters,
      String region,
      String account,
      Rescue rescue) {
    new TemplateReader(file, template, parameters, region, account, rescue).all();
  }

  private void all() {
    template
        .path("Resources")
        .properties()
        .forEach(
            e -> {
              String type = e.getValue().path("Type").asString("");
              try {
                if (values.condition(e.getValue().path("Condition").asString(""))) {
                  resource(e.getKey(), type, e.getValue().path("Properties"));
                }
              } catch (CliException unknown) {
                rescue.left.add(
                    file + ", " + e.getKey() + " (" + type + "): " + unknown.getMessage());
              }
            });
  }

  private void resource(String id, String type, JsonNode properties) {
    if (type.startsWith(GREENGRASS)) {
      greengrass(id, type.substring(GREENGRASS.length()), properties);
      return;
    }
    switch (type) {
      case "AWS::IoT::Thing" -> rescue.thing(thingName(id));
      case "AWS::IoT::Policy" -> {
        if (values.of(properties.path("PolicyDocument")) instanceof ObjectNode document) {
          rescue.policies.put(name(id, properties, "PolicyName"), document);
        }
      }
      case "AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias" ->
          lambda(id, type, properties);
      default -> {
        if (!SILENT.contains(type)) {
          rescue.left.add(
              file + ", " + id + ": " + type + " is not carried over; make it yourself");
        }
      }
    }
  }

  private String source(String id) {
    return file + "#" + id;
  }

  private String name(String id, JsonNode properties, String member) {
    JsonNode given = properties.path(member);
    return given.isMissingNode() ? id : values.text(given);
  }

  private String thingName(String id) {
    return name(id, properties(id), "ThingName");
  }

  private JsonNode properties(String id) {
    return template.path("Resources").path(id).path("Properties");
  }

  private void greengrass(String id, String type, JsonNode properties) {
    if (type.equals("Group")) {
      JsonNode role = properties.path("RoleArn");
      rescue.groups.add(
          new Rescue.Group(
              source(id),
              name(id, properties, "Name"),
              references(groupVersion(id, properties)),
              role.isMissingNode() ? null : values.text(role),
              null));
      return;
    }
    for (V1Kind kind : V1Kind.values()) {
      if (type.equals(kind.word + "Definition")) {
        definition(id, kind, properties);
        return;
      }
    }
    // versions are read with what they are versions of
  }

  /** A group's own version, or that of the last AWS::Greengrass::GroupVersion which names it. */
  private JsonNode groupVersion(String id, JsonNode properties) {
    JsonNode found = properties.path("InitialVersion");
    for (JsonNode other : template.path("Resources")) {
      if (other.path("Type").asString("").equals(GREENGRASS + "GroupVersion")
          && values.text(other.path("Properties").path("GroupId")).equals("group:" + source(id))) {
        found = other.path("Properties");
      }
    }
    return found;
  }

  private Map<V1Kind, String> references(JsonNode version) {
    Map<V1Kind, String> references = new EnumMap<>(V1Kind.class);
    for (V1Kind kind : V1Kind.values()) {
      JsonNode reference = version.path(kind.reference());
      if (!reference.isMissingNode()) {
        String text = values.text(reference);
        if (text.startsWith("version:")) {
          references.put(kind, text.substring("version:".length()));
        } else if (!text.isEmpty()) {
          rescue.left.add(
              file
                  + ": the group's "
                  + kind.word
                  + " definition "
                  + text
                  + " is not in the template");
        }
      }
    }
    return references;
  }

  private void definition(String id, V1Kind kind, JsonNode properties) {
    JsonNode content = properties.path("InitialVersion");
    for (JsonNode other : template.path("Resources")) {
      if (other.path("Type").asString("").equals(GREENGRASS + kind.word + "DefinitionVersion")
          && values
              .text(other.path("Properties").path(kind.word + "DefinitionId"))
              .equals("definition:" + source(id))) {
        content = other.path("Properties");
      }
    }
    ObjectNode kept = template.objectNode();
    if (values.of(content) instanceof ObjectNode evaluated
        && FieldTypes.typed(evaluated) instanceof ObjectNode typed) {
      for (String member : new String[] {kind.member(), "DefaultConfig"}) {
        if (typed.has(member)) {
          kept.set(member, typed.path(member));
        }
      }
    }
    rescue.definitions.add(new Definition(source(id), kind, name(id, properties, "Name"), kept));
  }

  private void lambda(String id, String type, JsonNode properties) {
    if (type.equals("AWS::Lambda::Function")) {
      return; // carried with its versions
    }
    String function = functionId(properties.path("FunctionName"));
    JsonNode code = properties(function).path("Code");
    String name = name(function, properties(function), "FunctionName");
    if (type.equals("AWS::Lambda::Alias")) {
      rescue.aliases.add(
          new Rescue.Alias(
              String.valueOf(attribute(id, "")),
              name,
              values.text(properties.path("Name")),
              values.text(properties.path("FunctionVersion"))));
      return;
    }
    JsonNode inline = code.path("ZipFile");
    if (inline.isMissingNode()) {
      rescue.left.add(
          file
              + ", "
              + id
              + ": the code of function "
              + name
              + " is not in the template; put it there as a"
              + " function with the same name, publish a version, and correct the function's ARN");
      return;
    }
    JsonNode p = properties(function);
    Map<String, String> variables = new HashMap<>();
    p.path("Environment")
        .path("Variables")
        .properties()
        .forEach(v -> variables.put(v.getKey(), values.text(v.getValue())));
    String runtime = values.text(p.path("Runtime"));
    rescue.functions.add(
        new Rescue.Function(
            String.valueOf(attribute(id, "")),
            name,
            runtime,
            values.text(p.path("Handler")),
            number(p.path("Timeout"), 3),
            number(p.path("MemorySize"), 128),
            new TreeMap<>(variables),
            zip(runtime.startsWith("python") ? "index.py" : "index.js", values.text(inline))));
  }

  private int number(JsonNode node, int absent) {
    String text = values.text(node);
    return text.matches("\\d{1,6}") ? Integer.parseInt(text) : absent;
  }

  /** The logical id of the function that a version or alias names. */
  private String functionId(JsonNode reference) {
    String name = values.text(reference);
    for (Map.Entry<String, JsonNode> e : template.path("Resources").properties()) {
      if (e.getValue().path("Type").asString("").equals("AWS::Lambda::Function")
          && (name.equals(name(e.getKey(), e.getValue().path("Properties"), "FunctionName"))
              || name.equals(attribute(e.getKey(), "Arn")))) {
        return e.getKey();
      }
    }
    throw new CliException("function " + name + " is not in the template");
  }

  /** Inline code is the module {@code index}; the same text makes the same package. */
  static byte[] zip(String file, String text) {
    try (ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ZipOutputStream zip = new ZipOutputStream(bytes)) {
      ZipEntry entry = new ZipEntry(file);
      entry.setTime(315_532_800_000L);
      zip.putNextEntry(entry);
      zip.write(text.getBytes(StandardCharsets.UTF_8));
      zip.closeEntry();
      zip.finish();
      return bytes.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What Ref (empty attribute) and GetAtt give. */
  private @Nullable String attribute(String id, String attribute) {
    JsonNode resource = template.path("Resources").path(id);
    String type = resource.path("Type").asString("");
    JsonNode p = resource.path("Properties");
    if (type.startsWith(GREENGRASS)) {
      return ofGreengrass(id, type.substring(GREENGRASS.length()), attribute, p);
    }
    return switch (type) {
      case "AWS::IoT::Thing" ->
          attribute.equals("Arn") ? arn("iot", "thing/" + thingName(id)) : thingName(id);
      case "AWS::Lambda::Function" -> {
        String name = name(id, p, "FunctionName");
        yield attribute.equals("Arn") ? arn("lambda", "function:" + name) : name;
      }
      case "AWS::Lambda::Version" ->
          attribute.equals("Version")
              ? id
              : arn("lambda", "function:" + functionName(p) + ":" + id);
      case "AWS::Lambda::Alias" ->
          arn("lambda", "function:" + functionName(p) + ":" + values.text(p.path("Name")));
      case "AWS::IAM::Role" -> {
        String name = name(id, p, "RoleName");
        yield attribute.equals("Arn") ? "arn:aws:iam::" + account + ":role/" + name : name;
      }
      case "AWS::IoT::Policy" -> name(id, p, "PolicyName");
      default -> null;
    };
  }

  private String functionName(JsonNode properties) {
    String id = functionId(properties.path("FunctionName"));
    return name(id, properties(id), "FunctionName");
  }

  private String arn(String service, String resource) {
    return "arn:aws:" + service + ":" + region + ":" + account + ":" + resource;
  }

  private @Nullable String ofGreengrass(
      String id, String type, String attribute, JsonNode properties) {
    if (type.equals("Group")) {
      return "group:" + source(id);
    }
    if (type.endsWith("DefinitionVersion")) {
      String kind = type.substring(0, type.length() - "Version".length());
      String definition = values.text(properties.path(kind + "Id"));
      return definition.replaceFirst("^definition:", "version:");
    }
    if (type.endsWith("Definition")) {
      return (attribute.equals("LatestVersionArn") ? "version:" : "definition:") + source(id);
    }
    return null;
  }
}
