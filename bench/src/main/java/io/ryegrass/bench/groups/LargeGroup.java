package io.ryegrass.bench.groups;

import io.ryegrass.bench.cloud.Api;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A large group: its Lambda functions, which are made once, and its definitions. The first function
 * is pinned and counts what it gets, so that it can be seen whether its process lives on; the
 * others are on demand. Subscriptions are of four kinds in turn: cloud to function, function to
 * cloud, device to function, function to function.
 */
final class LargeGroup {
  /** Where the counting function writes {@code <count> <pid>}; a variable of its environment. */
  private static final String FILE = "BENCH_FILE";

  private static final String COUNTER =
      """
      import os

      count = 0


      def handler(event, context):
          global count
          count += 1
          path = os.environ["BENCH_FILE"]
          with open(path + ".new", "w") as f:
              f.write("%d %d\\n" % (count, os.getpid()))
          os.rename(path + ".new", path)
      """;

  private final List<String> arns;
  private final int subscriptions;
  private final int devices;
  private final String account;

  private LargeGroup(List<String> arns, int subscriptions, int devices) {
    this.arns = arns;
    this.subscriptions = subscriptions;
    this.devices = devices;
    this.account = arns.getFirst().split(":")[4];
  }

  /** Makes the functions, each with code of its own, and publishes a version of each. */
  static LargeGroup in(Api api, int functions, int subscriptions, int devices) {
    List<String> arns = new ArrayList<>();
    try (Api.Caller caller = api.caller()) {
      for (int i = 0; i < functions; i++) {
        String code =
            i == 0
                ? COUNTER
                : "NUMBER = %d\n\n\ndef handler(event, context):\n    return event\n".formatted(i);
        ObjectNode request =
            object()
                .put("FunctionName", "bench-" + i)
                .put("Runtime", "python3.8")
                .put("Handler", "code.handler")
                .put("Role", "arn:aws:iam::000000000000:role/bench")
                .put("Publish", true);
        request.putObject("Code").put("ZipFile", zip(code));
        JsonNode made = caller.post("lambda", "/2015-03-31/functions", request.toString());
        String arn = made.path("FunctionArn").asString();
        String version = ":" + made.path("Version").asString();
        arns.add(arn.endsWith(version) ? arn : arn + version);
      }
    }
    return new LargeGroup(arns, subscriptions, devices);
  }

  private static String zip(String code) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream out = new ZipOutputStream(bytes)) {
      out.putNextEntry(new ZipEntry("code.py"));
      out.write(code.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return Base64.getEncoder().encodeToString(bytes.toByteArray());
  }

  int functions() {
    return arns.size();
  }

  private static ObjectNode object() {
    return JsonMapper.shared().createObjectNode();
  }

  private String thing(String name) {
    return "arn:aws:iot:us-east-1:" + account + ":thing/" + name;
  }

  private ObjectNode entity(String id, String name) {
    return object()
        .put("Id", id)
        .put("ThingArn", thing(name))
        .put(
            "CertificateArn",
            "arn:aws:iot:us-east-1:" + account + ":cert/" + "0123456789abcdef".repeat(4))
        .put("SyncShadow", false);
  }

  private static ObjectNode initial(String name, String member, ArrayNode entries) {
    ObjectNode body = object().put("Name", name);
    body.putObject("InitialVersion").set(member, entries);
    return body;
  }

  private static ArrayNode array() {
    return JsonMapper.shared().createArrayNode();
  }

  String cores(String core) {
    return initial("bench", "Cores", array().add(entity("core", core))).toString();
  }

  /**
   * @param prefix of the devices' names: one device may be in ten groups only
   */
  String devices(String prefix) {
    ArrayNode entries = array();
    for (int i = 0; i < devices; i++) {
      entries.add(entity("device-" + i, prefix + i));
    }
    return initial("bench", "Devices", entries).toString();
  }

  /**
   * @param file where the counting function tells its count
   */
  String functions(String file) {
    ArrayNode entries = array();
    for (int i = 0; i < arns.size(); i++) {
      ObjectNode function = object().put("Id", "function-" + i).put("FunctionArn", arns.get(i));
      ObjectNode configuration = function.putObject("FunctionConfiguration");
      configuration.put("Pinned", i == 0).put("Timeout", 10).put("EncodingType", "json");
      ObjectNode variables = configuration.putObject("Environment").putObject("Variables");
      variables.put("NUMBER", Integer.toString(i));
      if (i == 0) {
        variables.put(FILE, file);
      }
      entries.add(function);
    }
    ObjectNode body = initial("bench", "Functions", entries);
    ((ObjectNode) body.path("InitialVersion"))
        .putObject("DefaultConfig")
        .putObject("Execution")
        .put("IsolationMode", "NoContainer");
    return body.toString();
  }

  /** The subject on which the cloud reaches the counting function. */
  static String subject(int version) {
    return "bench/count/" + version;
  }

  /** All subscriptions; versions differ in the subject of the last one. */
  private ArrayNode subscriptions(String prefix, int version) {
    ArrayNode entries = array();
    for (int i = 0; i < subscriptions - 1; i++) {
      String function = arns.get(i % arns.size());
      String other = arns.get((i + 1) % arns.size());
      String device = thing(prefix + i % devices);
      entries.add(
          switch (i % 4) {
            case 0 -> subscription(i, "cloud", "bench/down/" + i, function);
            case 1 -> subscription(i, function, "bench/up/" + i + "/#", "cloud");
            case 2 -> subscription(i, device, "bench/device/" + i + "/+", function);
            default -> subscription(i, function, "bench/on/" + i, other);
          });
    }
    entries.add(subscription(subscriptions - 1, "cloud", subject(version), arns.getFirst()));
    return entries;
  }

  private static ObjectNode subscription(int id, String source, String subject, String target) {
    return object()
        .put("Id", "subscription-" + id)
        .put("Source", source)
        .put("Subject", subject)
        .put("Target", target);
  }

  String subscriptionDefinition(String prefix) {
    return initial("bench", "Subscriptions", subscriptions(prefix, 0)).toString();
  }

  String subscriptionVersion(String prefix, int version) {
    ObjectNode body = object();
    body.set("Subscriptions", subscriptions(prefix, version));
    return body.toString();
  }
}
