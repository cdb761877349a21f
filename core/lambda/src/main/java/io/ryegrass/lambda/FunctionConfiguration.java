package io.ryegrass.lambda;

import io.ryegrass.nucleus.NucleusException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The configuration of a Lambda component, as the V1 group compiler writes it and as V2 Lambda
 * components carry it (v1-lambda-runtime.md section 9: names and defaults).
 *
 * @param statusTimeout how long a long-lived function's worker may be neither working nor asking
 * @param memorySizeKb limit of a container
 * @param models machine-learning models it has
 * @param modelOwners group that owns each model of the V1 group that it does not have, by resource
 * @param user {@code runAs}, or null when the component's user applies
 */
record FunctionConfiguration(
    String arn,
    String region,
    String account,
    String functionName,
    List<String> aliasArns,
    String runtime,
    String handler,
    boolean pinned,
    Duration timeout,
    int maxQueueSize,
    int maxInstances,
    Duration maxIdle,
    Duration statusTimeout,
    boolean binary,
    boolean container,
    int memorySizeKb,
    boolean mountSysfs,
    List<Volume> volumes,
    List<Device> devices,
    List<Model> models,
    Map<String, String> modelOwners,
    @Nullable RunAs user,
    List<String> execArgs,
    Map<String, String> variables,
    List<EventSource> eventSources,
    String groupId,
    String groupName) {

  private static final Pattern ARN =
      Pattern.compile(
          "arn:aws(?:-[a-z]+)*:lambda:([a-z0-9-]*):(\\d*):function:([a-zA-Z0-9-_]+):([a-zA-Z0-9-_$]+)");

  /** A part of the host that a container is given (LRA rows). */
  sealed interface LocalResource {
    Path host();

    boolean writable();

    boolean addGroupOwner();

    String groupOwner();
  }

  /**
   * A file or folder of the host.
   *
   * @param addGroupOwner whether the group that owns it is added to the function's (LRA-10)
   * @param groupOwner name or number of another group to add, or empty (LRA-11)
   */
  record Volume(
      Path source, String destination, boolean writable, boolean addGroupOwner, String groupOwner)
      implements LocalResource {
    @Override
    public Path host() {
      return source;
    }
  }

  record Device(String path, boolean writable, boolean addGroupOwner, String groupOwner)
      implements LocalResource {
    @Override
    public Path host() {
      return Path.of(path);
    }
  }

  /**
   * A machine-learning model, unpacked by the nucleus as the artifact of a component.
   *
   * @param version version of the component, which follows the archive's content
   * @param artifact file name of the archive
   * @param destination where a container has it; below {@code AWS_GG_RESOURCE_PREFIX} without one
   * @param groupOwner number or name of the group that owns it, or empty
   */
  record Model(
      String resourceId,
      String component,
      String version,
      String artifact,
      String destination,
      boolean writable,
      String groupOwner) {}

  /** Ids, as V1 gives them; negative: not given. */
  record RunAs(int uid, int gid) {}

  record EventSource(boolean cloud, String topic) {}

  /**
   * Reads a component's configuration.
   *
   * @throws NucleusException {@code INVALID_LAMBDA_CONFIGURATION} that names component, field and
   *     remedy
   */
  static FunctionConfiguration read(String component, ObjectNode c) {
    Reader r = new Reader(component, c);
    String arn = r.text("lambdaArn", "");
    Matcher matcher = ARN.matcher(arn);
    if (!matcher.matches()) {
      throw r.invalid(
          "lambdaArn",
          "\"" + arn + "\" is not a function ARN with a version; deploy a published version");
    }
    boolean binary =
        switch (r.text("inputPayloadEncodingType", "json")) {
          case "json" -> false;
          case "binary" -> true;
          default -> throw r.invalid("inputPayloadEncodingType", "use json or binary");
        };
    boolean container =
        switch (r.text("containerMode", "GreengrassContainer")) {
          case "GreengrassContainer" -> true;
          case "NoContainer" -> false;
          default -> throw r.invalid("containerMode", "use GreengrassContainer or NoContainer");
        };
    JsonNode containerParams = c.path("containerParams");
    JsonNode runAs = c.path("runAs");
    return new FunctionConfiguration(
        arn,
        matcher.group(1),
        matcher.group(2),
        matcher.group(3),
        r.texts("aliasArns"),
        r.text("runtime", "python3.8"),
        r.required("handler"),
        r.flag("pinned", true),
        Duration.ofSeconds(r.number("timeoutInSeconds", 3, 1)),
        r.number("maxQueueSize", 1000, 1),
        r.number("maxInstancesCount", 100, 1),
        Duration.ofSeconds(r.number("maxIdleTimeInSeconds", 60, 1)),
        Duration.ofSeconds(r.number("statusTimeoutInSeconds", 60, 1)),
        binary,
        container,
        Math.max(0, containerParams.path("memorySize").asInt(16384)),
        containerParams.path("mountROSysfs").asBoolean(false),
        elements(containerParams.path("volumes")).stream()
            .map(
                v ->
                    new Volume(
                        Path.of(r.member(v, "sourcePath", "containerParams.volumes")),
                        r.member(v, "destinationPath", "containerParams.volumes"),
                        v.path("permission").asString("ro").equals("rw"),
                        v.path("addGroupOwner").asBoolean(false),
                        v.path("groupOwner").asString("")))
            .toList(),
        elements(containerParams.path("devices")).stream()
            .map(
                d ->
                    new Device(
                        r.member(d, "path", "containerParams.devices"),
                        d.path("permission").asString("ro").equals("rw"),
                        d.path("addGroupOwner").asBoolean(false),
                        d.path("groupOwner").asString("")))
            .toList(),
        elements(c.path("mlResources")).stream()
            .map(
                m ->
                    new Model(
                        m.path("resourceId").asString(""),
                        r.member(m, "component", "mlResources"),
                        r.member(m, "version", "mlResources"),
                        r.member(m, "artifact", "mlResources"),
                        r.member(m, "destinationPath", "mlResources"),
                        m.path("permission").asString("ro").equals("rw"),
                        m.path("groupOwner").asString("")))
            .toList(),
        variables(c.path("mlOwners")),
        runAs.isObject() && (runAs.has("uid") || runAs.has("gid"))
            ? new RunAs(runAs.path("uid").asInt(-1), runAs.path("gid").asInt(-1))
            : null,
        r.texts("execArgs"),
        variables(c.path("lambdaExecutionParameters").path("EnvironmentVariables")),
        elements(c.path("pubsubTopics")).stream()
            .map(
                s ->
                    new EventSource(
                        switch (r.member(s, "type", "pubsubTopics")) {
                          case "Pubsub", "PUB_SUB" -> false;
                          case "IotCore", "IOT_CORE" -> true;
                          default -> throw r.invalid("pubsubTopics", "type is Pubsub or IotCore");
                        },
                        r.member(s, "topic", "pubsubTopics")))
            .toList(),
        c.path("group").path("id").asString(""),
        c.path("group").path("name").asString(""));
  }

  /** Maps with string indices (as deployed) and lists (as written by hand) alike. */
  private static List<JsonNode> elements(JsonNode mapOrList) {
    List<JsonNode> all = new ArrayList<>();
    mapOrList.forEach(all::add);
    return all;
  }

  private static Map<String, String> variables(JsonNode node) {
    Map<String, String> all = new LinkedHashMap<>();
    node.propertyStream().forEach(e -> all.put(e.getKey(), e.getValue().asString()));
    return all;
  }

  private record Reader(String component, ObjectNode c) {
    NucleusException invalid(String field, String problem) {
      return new NucleusException(
          "INVALID_LAMBDA_CONFIGURATION",
          "Lambda component " + component + ", configuration " + field + ": " + problem + ".");
    }

    String text(String field, String absent) {
      JsonNode node = c.path(field);
      return node.isMissingNode() || node.isNull() ? absent : node.asString("");
    }

    String required(String field) {
      String value = text(field, "");
      if (value.isEmpty()) {
        throw invalid(field, "it is missing");
      }
      return value;
    }

    String member(JsonNode node, String name, String field) {
      String value = node.path(name).asString("");
      if (value.isEmpty()) {
        throw invalid(field, "an entry has no " + name);
      }
      return value;
    }

    int number(String field, int absent, int least) {
      JsonNode node = c.path(field);
      if (node.isMissingNode() || node.isNull()) {
        return absent;
      }
      long value = node.asLong(Long.MIN_VALUE);
      if (value == Long.MIN_VALUE || value > Integer.MAX_VALUE) {
        throw invalid(field, node + " is not a number");
      }
      return value < least ? absent : (int) value;
    }

    boolean flag(String field, boolean absent) {
      return c.path(field).asBoolean(absent);
    }

    List<String> texts(String field) {
      return elements(c.path(field)).stream().map(n -> n.asString("")).toList();
    }
  }
}
