package io.ryegrass.bench.groups;

import io.ryegrass.bench.cloud.Api;
import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Waiting;
import java.time.Duration;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The calls that make a group and deploy it, in the order of the guide, on one connection; each is
 * a signed request that is answered before the next.
 */
final class Chain {
  private static final Duration DEADLINE = Duration.ofSeconds(120);

  private final Api.Caller caller;
  private final LargeGroup large;
  private final String prefix;
  private final ObjectNode members = JsonMapper.shared().createObjectNode();
  private String group = "";
  private String subscriptions = "";
  private String version = "";

  /**
   * @param prefix of the group's devices
   */
  Chain(Api.Caller caller, LargeGroup large, String prefix) {
    this.caller = caller;
    this.large = large;
    this.prefix = prefix;
  }

  /** A request's body is made before the clock runs. */
  record Bodies(String cores, String devices, String functions, String subscriptions) {}

  Bodies bodies(String core, String file) {
    return new Bodies(
        large.cores(core),
        large.devices(prefix),
        large.functions(file),
        large.subscriptionDefinition(prefix));
  }

  /** From create-group to create-group-version. */
  void create(Bodies bodies) {
    group = post("groups", "{\"Name\":\"bench\"}").path("Id").asString();
    define("CoreDefinitionVersionArn", "cores", bodies.cores());
    define("DeviceDefinitionVersionArn", "devices", bodies.devices());
    define("FunctionDefinitionVersionArn", "functions", bodies.functions());
    subscriptions =
        define("SubscriptionDefinitionVersionArn", "subscriptions", bodies.subscriptions());
    version();
  }

  /** One new version of the subscriptions, and one of the group with it. */
  void change(String body) {
    JsonNode made = post("definition/subscriptions/" + subscriptions + "/versions", body);
    members.put("SubscriptionDefinitionVersionArn", made.path("Arn").asString());
    version();
  }

  private void version() {
    version = post("groups/" + group + "/versions", members.toString()).path("Version").asString();
  }

  private String define(String member, String kind, String body) {
    JsonNode made = post("definition/" + kind, body);
    members.put(member, made.path("LatestVersionArn").asString());
    return made.path("Id").asString();
  }

  private JsonNode post(String path, String body) {
    return caller.post("greengrass", "/greengrass/" + path, body);
  }

  /** create-deployment; gives the deployment's id. */
  String deploy() {
    return post(
            "groups/" + group + "/deployments",
            "{\"DeploymentType\":\"NewDeployment\",\"GroupVersionId\":\"" + version + "\"}")
        .path("DeploymentId")
        .asString();
  }

  /** Waits until the deployment has one of the statuses. */
  void await(String deployment, Set<String> wanted) {
    Waiting.until(
        "deployment " + deployment + " to be " + wanted,
        DEADLINE,
        Duration.ofMillis(10), // whoever asks takes time from whoever works
        () -> {
          JsonNode status =
              caller.get(
                  "greengrass",
                  "/greengrass/groups/" + group + "/deployments/" + deployment + "/status");
          String text = status.path("DeploymentStatus").asString();
          if (text.equals("Failure")) {
            throw new BenchFailed(
                "the deployment failed: " + status.path("ErrorMessage").asString());
          }
          return wanted.contains(text);
        });
  }

  /** What the compiler makes of the group version, asked for as 'groups explain' does. */
  JsonNode explain() {
    return caller.get(
        "ryegrass", "/ryegrass/groups/" + group + "/versions/" + version + "/explanation");
  }
}
