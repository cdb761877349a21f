package io.ryegrass.v1;

import io.ryegrass.model.Json;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code deployment/group/group.json}: the group that runs here (DIR-09). V1 never published the
 * form of its file; this one has the lists of the API's definition versions, so that {@code
 * ryegrass import} makes the group again from it. Read back out of what the nucleus runs, so that
 * it is right after any crash. Pure.
 *
 * @param content empty object for no group
 * @param functions qualified ARNs of the functions
 */
record GroupFile(ObjectNode content, Set<String> functions) {
  private static final String ROUTER = "aws.greengrass.LegacySubscriptionRouter";
  private static final String AUTH = "aws.greengrass.clientdevices.Auth";
  static final String LAMBDA_MANAGER = "aws.greengrass.LambdaManager";

  /**
   * @param effective {@code services.<component>.{componentType, configuration}}
   */
  static GroupFile of(ObjectNode effective) {
    ObjectNode group = Json.object();
    Set<String> arns = new TreeSet<>();
    JsonNode services = effective.path("services");
    ArrayNode functions = Json.array();
    for (Map.Entry<String, JsonNode> e : services.properties()) {
      JsonNode c = e.getValue().path("configuration");
      if (e.getValue().path("componentType").asString("").equals("LAMBDA")
          && c.path("group").has("id")) {
        function(e.getKey(), c, functions.addObject());
        arns.add(c.path("lambdaArn").asString(""));
        group.put("GroupId", c.path("group").path("id").asString(""));
        group.put("GroupName", c.path("group").path("name").asString(""));
      }
    }
    JsonNode auth = services.path(AUTH).path("configuration");
    if (auth.has("groupId")) {
      group.put("GroupId", auth.path("groupId").asString(""));
      group.put("GroupName", auth.path("groupName").asString(""));
    }
    put(group, "Functions", functions);
    put(group, "Devices", devices(auth.path("devices")));
    put(
        group,
        "Subscriptions",
        subscriptions(services.path(ROUTER).path("configuration").path("subscriptions")));
    JsonNode loggers = services.path(LAMBDA_MANAGER).path("configuration").path("loggers");
    if (loggers instanceof ArrayNode all) {
      put(group, "Loggers", all.deepCopy());
    }
    return new GroupFile(group, arns);
  }

  boolean isEmpty() {
    return content.isEmpty();
  }

  private static void put(ObjectNode group, String name, ArrayNode list) {
    if (!list.isEmpty()) {
      group.set(name, list);
    }
  }

  private static void function(String name, JsonNode c, ObjectNode entry) {
    entry.put("Id", name).put("FunctionArn", c.path("lambdaArn").asString(""));
    ObjectNode configuration = entry.putObject("FunctionConfiguration");
    configuration
        .put("Pinned", c.path("pinned").asBoolean(false))
        .put("Timeout", c.path("timeoutInSeconds").asInt(3))
        .put("EncodingType", c.path("inputPayloadEncodingType").asString("json"));
    boolean container = c.path("containerMode").asString("").equals("GreengrassContainer");
    if (container) {
      configuration.put("MemorySize", c.path("containerParams").path("memorySize").asInt(16384));
    }
    ObjectNode environment = configuration.putObject("Environment");
    ObjectNode execution = environment.putObject("Execution");
    execution.put("IsolationMode", container ? "GreengrassContainer" : "NoContainer");
    JsonNode runAs = c.path("runAs");
    if (runAs.has("uid") || runAs.has("gid")) {
      ObjectNode as = execution.putObject("RunAs");
      runAs.properties().forEach(e -> as.set(capital(e.getKey()), e.getValue()));
    }
    JsonNode variables = c.path("lambdaExecutionParameters").path("EnvironmentVariables");
    if (!variables.isEmpty()) {
      environment.set("Variables", variables.deepCopy());
    }
  }

  private static String capital(String key) {
    return Character.toUpperCase(key.charAt(0)) + key.substring(1);
  }

  private static ArrayNode devices(JsonNode devices) {
    ArrayNode list = Json.array();
    for (Map.Entry<String, JsonNode> e : devices.properties()) {
      String thing = e.getValue().path("thingArn").asString("");
      int at = thing.indexOf(":thing/");
      list.addObject()
          .put("Id", e.getKey())
          .put("ThingArn", thing)
          .put(
              "CertificateArn",
              (at < 0 ? "" : thing.substring(0, at))
                  + ":cert/"
                  + e.getValue().path("certificateId").asString(""))
          .put("SyncShadow", e.getValue().path("syncShadow").asBoolean(false));
    }
    return list;
  }

  private static ArrayNode subscriptions(JsonNode subscriptions) {
    ArrayNode list = Json.array();
    for (JsonNode s : subscriptions) {
      list.addObject()
          .put("Id", s.path("id").asString(""))
          .put("Source", s.path("source").asString(""))
          .put("Subject", s.path("subject").asString(""))
          .put("Target", s.path("target").asString(""));
    }
    return list;
  }
}
