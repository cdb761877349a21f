package io.ryegrass.cli.v1;

import io.ryegrass.cli.v1.Rescue.Definition;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What {@code aws greengrass get-*} and {@code list-*} printed, one answer a file, and what {@code
 * aws lambda} and {@code aws iot} printed beside it. Each answer tells by its members what it is;
 * files have no particular names, but for packages: {@code <function>.zip} or {@code
 * <function>-<version>.zip}.
 */
final class DumpReader {
  private static final String UNNAMED = "";

  private record Version(
      String file, String id, String version, String created, ObjectNode content) {
    /** The definition's or group's ARN, or the id where the answer has none. */
    String source(String arn) {
      int versions = arn.indexOf("/versions/");
      return versions < 0 ? (arn.isEmpty() ? id : arn) : arn.substring(0, versions);
    }
  }

  private final Rescue rescue;
  private final Map<String, byte[]> packages = new HashMap<>();
  private final Map<String, String> names = new HashMap<>();
  private final Map<String, String> latest = new HashMap<>();
  private final Map<String, String> expiries = new HashMap<>();

  /** Source → its versions by version id. */
  private final Map<String, Map<String, Version>> definitions = new LinkedHashMap<>();

  private final Map<String, Map<String, Version>> groups = new LinkedHashMap<>();
  private final Map<String, V1Kind> kinds = new HashMap<>();
  private final List<String> roles = new ArrayList<>();
  private final List<JsonNode> functions = new ArrayList<>();

  DumpReader(Rescue rescue) {
    this.rescue = rescue;
  }

  /** A package of a function's code. */
  void zip(String fileName, byte[] content) {
    packages.put(fileName, content);
  }

  /**
   * @return whether the document is one of these
   */
  boolean json(String file, JsonNode document) {
    if (document.path("Definition").isObject()) {
      version(file, document);
    } else if (document.path("Groups").isArray()) {
      document.path("Groups").forEach(this::named);
    } else if (document.path("Definitions").isArray()) {
      document.path("Definitions").forEach(this::named);
    } else if (document.has("LatestVersionArn") || document.has("LatestVersion")) {
      named(document);
    } else if (document.has("CertificateExpiryInMilliseconds") && document.has("GroupId")) {
      expiries.put(
          document.path("GroupId").asString(""),
          document.path("CertificateExpiryInMilliseconds").asString(""));
    } else if (document.has("RoleArn") && document.has("AssociatedAt")) {
      roles.add(document.path("RoleArn").asString(""));
    } else {
      return beside(file, document);
    }
    return true;
  }

  private boolean beside(String file, JsonNode document) {
    V1Kind bare = V1Kind.ofContent(document);
    if (bare != null && document instanceof ObjectNode content) {
      String source = file;
      kinds.put(source, bare);
      definitions
          .computeIfAbsent(source, s -> new LinkedHashMap<>())
          .put("", new Version(file, source, "", "", content));
    } else if (document.path("Configuration").has("FunctionArn")) {
      functions.add(document.path("Configuration"));
    } else if (document.has("FunctionArn") && document.has("Handler")) {
      functions.add(document);
    } else if (document.has("AliasArn")) {
      alias(document);
    } else if (document.path("Aliases").isArray()) {
      document.path("Aliases").forEach(this::alias);
    } else if (document.has("thingName")) {
      rescue.thing(document.path("thingName").asString(""));
    } else if (document.path("certificateDescription").has("certificatePem")) {
      rescue.certificates.add(
          new Rescue.Certificate(
              file,
              document.path("certificateDescription").path("certificatePem").asString(""),
              UNNAMED));
    } else if (document.has("policyName") && document.has("policyDocument")) {
      policy(document);
    } else {
      return false;
    }
    return true;
  }

  private void policy(JsonNode document) {
    JsonNode text = document.path("policyDocument");
    JsonNode policy =
        text.isString()
            ? tools.jackson.databind.json.JsonMapper.shared().readTree(text.stringValue())
            : text;
    if (policy instanceof ObjectNode object) {
      rescue.policies.put(document.path("policyName").asString(""), object);
    }
  }

  private void alias(JsonNode alias) {
    String arn = alias.path("AliasArn").asString("");
    String[] parts = arn.split(":");
    if (parts.length == 8) {
      rescue.aliases.add(
          new Rescue.Alias(
              arn,
              parts[6],
              alias.path("Name").asString(parts[7]),
              alias.path("FunctionVersion").asString("")));
    }
  }

  private void named(JsonNode information) {
    String id = information.path("Id").asString("");
    if (information.has("Name")) {
      names.put(id, information.path("Name").asString(""));
    }
    latest.put(id, information.path("LatestVersion").asString(""));
  }

  private void version(String file, JsonNode document) {
    ObjectNode content = (ObjectNode) document.path("Definition");
    Version version =
        new Version(
            file,
            document.path("Id").asString(""),
            document.path("Version").asString(""),
            document.path("CreationTimestamp").asString(""),
            content);
    String source = version.source(document.path("Arn").asString(""));
    V1Kind kind = V1Kind.ofContent(content);
    if (kind == null && document.path("Arn").asString("").contains("/definition/")) {
      rescue.left.add(file + ": the definition version is empty");
    } else if (kind == null) {
      groups.computeIfAbsent(source, s -> new LinkedHashMap<>()).put(version.version(), version);
    } else {
      kinds.put(source, kind);
      definitions
          .computeIfAbsent(source, s -> new LinkedHashMap<>())
          .put(version.version(), version);
    }
  }

  /** What all that was read comes to. */
  void finish() {
    Map<String, String> wanted = new HashMap<>();
    groups.forEach((source, versions) -> group(source, choose(versions, ""), versions, wanted));
    definitions.forEach(
        (source, versions) -> {
          Version chosen = choose(versions, wanted.getOrDefault(source, ""));
          rescue.definitions.add(
              new Definition(
                  source,
                  kinds.getOrDefault(source, V1Kind.CORE),
                  names.getOrDefault(chosen.id(), ""),
                  chosen.content()));
          older("definition " + source, versions, chosen);
        });
    if (rescue.groups.size() != 1) {
      roles.forEach(
          role ->
              rescue.left.add("group role " + role + ": the answer does not say of which group"));
    }
    functions.forEach(this::function);
  }

  private void older(String what, Map<String, Version> versions, Version chosen) {
    if (versions.size() > 1) {
      rescue.left.add(
          what
              + ": "
              + (versions.size() - 1)
              + " other version(s); "
              + chosen.version()
              + " is carried over");
    }
  }

  /** The one that is wanted, the latest by what the definition says, or the youngest. */
  private Version choose(Map<String, Version> versions, String wanted) {
    Version youngest = versions.values().iterator().next();
    for (Version version : versions.values()) {
      if (version.version().equals(wanted) && !wanted.isEmpty()) {
        return version;
      }
      if (version.created().compareTo(youngest.created()) > 0) {
        youngest = version;
      }
    }
    Version named = versions.get(latest.getOrDefault(youngest.id(), ""));
    return named == null || !wanted.isEmpty() ? youngest : named;
  }

  private void group(
      String source, Version chosen, Map<String, Version> versions, Map<String, String> wanted) {
    Map<V1Kind, String> references = new EnumMap<>(V1Kind.class);
    for (V1Kind kind : V1Kind.values()) {
      String arn = chosen.content().path(kind.reference()).asString("");
      if (arn.isEmpty()) {
        continue;
      }
      String definition = chosen.source(arn);
      if (definitions.containsKey(definition)) {
        references.put(kind, definition);
        wanted.put(definition, arn.substring(arn.lastIndexOf('/') + 1));
      } else {
        rescue.left.add(
            chosen.file()
                + ": the group's "
                + kind.word.toLowerCase(java.util.Locale.ROOT)
                + " definition "
                + arn
                + " was not saved");
      }
    }
    rescue.groups.add(
        new Rescue.Group(
            source,
            names.getOrDefault(chosen.id(), "imported-" + chosen.id()),
            references,
            groups.size() == 1 && roles.size() == 1 ? roles.getFirst() : null,
            nullIfEmpty(expiries.getOrDefault(chosen.id(), ""))));
    older("group " + source, versions, chosen);
  }

  private static @Nullable String nullIfEmpty(String text) {
    return text.isEmpty() ? null : text;
  }

  private void function(JsonNode configuration) {
    String arn = configuration.path("FunctionArn").asString("");
    String name = configuration.path("FunctionName").asString("");
    String version = configuration.path("Version").asString("");
    String qualified = arn.split(":").length == 8 ? arn : arn + ":" + version;
    byte[] zip = packages.get(name + "-" + version + ".zip");
    zip = zip == null ? packages.get(name + ".zip") : zip;
    if (zip == null) {
      rescue.left.add(
          "function " + qualified + ": its package " + name + "-" + version + ".zip is not there");
      return;
    }
    Map<String, String> variables = new TreeMap<>();
    configuration
        .path("Environment")
        .path("Variables")
        .properties()
        .forEach(v -> variables.put(v.getKey(), v.getValue().asString("")));
    rescue.functions.add(
        new Rescue.Function(
            qualified,
            name,
            configuration.path("Runtime").asString(""),
            configuration.path("Handler").asString(""),
            configuration.path("Timeout").asInt(3),
            configuration.path("MemorySize").asInt(128),
            variables,
            zip));
  }

  /** Function ARNs that contents name, and nothing among what was read is. */
  static void unknownFunctions(Rescue rescue) {
    Set<String> known = new HashSet<>();
    rescue.functions.forEach(f -> known.add(f.arn()));
    rescue.aliases.forEach(a -> known.add(a.arn()));
    for (Definition definition : rescue.definitions) {
      for (JsonNode function : definition.content().path(V1Kind.FUNCTION.member())) {
        String arn = function.path("FunctionArn").asString("");
        if (!arn.startsWith("arn:aws:lambda:::") && known.add(arn)) {
          rescue.left.add(
              "function "
                  + arn
                  + ": its code is not among the files; publish it under the same name");
        }
      }
    }
  }
}
