package io.ryegrass.groups;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * CreateSoftwareUpdateJob (OTA-07 to OTA-15): an IoT job for the update agents of V1 cores.
 *
 * <p>The job's document is not published; ours says what an agent has to know: what to update, to
 * which version, and where the package is (OTA-19), presigned by the given role.
 */
final class SoftwareUpdates {

  /** IoT jobs, as far as updates need them. */
  interface Jobs {
    boolean thingExists(String thing);

    boolean thingGroupExists(String group);

    /**
     * @param things thing names
     * @param groups names of thing groups
     */
    void create(String jobId, List<String> things, List<String> groups, ObjectNode document);
  }

  /** The last release of the V1 core, and of its agent. */
  private static final String CORE_VERSION = "1.11.6";

  private static final String AGENT_VERSION = "1.5.0";

  /** OTA-11: system/architecture; everything else is rejected. */
  private static final Set<String> PLATFORMS =
      Set.of(
          "ubuntu/x86_64",
          "ubuntu/aarch64",
          "amazon_linux/x86_64",
          "raspbian/armv7l",
          "raspbian/armv6l",
          "openwrt/aarch64",
          "openwrt/armv7l");

  private static final Set<String> LEVELS =
      Set.of("NONE", "TRACE", "DEBUG", "VERBOSE", "INFO", "WARN", "ERROR", "FATAL");

  private static final Pattern ROLE = Pattern.compile("arn:[^:]+:iam::\\d*:role/.+");

  private static final Pattern TARGET =
      Pattern.compile("arn:[^:]+:iot:[^:]*:[^:]*:(thing|thinggroup)/(.+)");

  private final Jobs jobs;
  private final BulkSource rights;
  private final GroupArns arns;

  SoftwareUpdates(Jobs jobs, BulkSource rights, GroupArns arns) {
    this.jobs = jobs;
    this.rights = rights;
    this.arns = arns;
  }

  void addTo(ServiceOperations.Builder builder) {
    builder.json("CreateSoftwareUpdateJob", this::create);
  }

  private ObjectNode create(CallContext context, ObjectNode input) {
    String software = input.path("SoftwareToUpdate").asString("");
    if (!software.equals("core") && !software.equals("ota_agent")) {
      throw V1Errors.badRequest(
          "SoftwareToUpdate '" + software + "' is invalid; use core or ota_agent.");
    }
    String level = input.path("UpdateAgentLogLevel").asString("ERROR");
    if (!LEVELS.contains(level)) {
      throw V1Errors.badRequest("UpdateAgentLogLevel '" + level + "' is invalid.");
    }
    String architecture = input.path("UpdateTargetsArchitecture").asString("");
    String system = input.path("UpdateTargetsOperatingSystem").asString("");
    if (!PLATFORMS.contains(system + "/" + architecture)) {
      throw V1Errors.badRequest(
          "The platform "
              + system
              + "/"
              + architecture
              + " is not supported. Use one of ubuntu/x86_64, ubuntu/aarch64, amazon_linux/x86_64,"
              + " raspbian/armv7l, raspbian/armv6l, openwrt/aarch64, openwrt/armv7l.");
    }
    String role = input.path("S3UrlSignerRole").asString("");
    if (!ROLE.matcher(role).matches()) {
      throw V1Errors.badRequest("S3UrlSignerRole '" + role + "' is not the ARN of an IAM role.");
    }
    if (!rights.may(context.identity(), "iam:PassRole", role)) {
      throw denied(context, "iam:PassRole", role);
    }
    List<String> things = new ArrayList<>();
    List<String> groups = new ArrayList<>();
    targets(input.path("UpdateTargets"), things, groups);
    String id = "Greengrass-OTA-" + UUID.randomUUID();
    String arn = "arn:aws:iot:" + arns.region() + ":" + arns.account() + ":job/" + id;
    if (!rights.may(context.identity(), "iot:CreateJob", arn)) {
      throw denied(context, "iot:CreateJob", arn);
    }
    String version = software.equals("core") ? CORE_VERSION : AGENT_VERSION;
    jobs.create(id, things, groups, document(software, version, architecture, system, level, role));
    return Shapes.empty()
        .put("IotJobArn", arn)
        .put("IotJobId", id)
        .put("PlatformSoftwareVersion", version);
  }

  private static AwsException denied(CallContext context, String action, String resource) {
    return V1Errors.denied(
        "User: "
            + context.principalArn()
            + " is not authorized to perform: "
            + action
            + " on resource: "
            + resource);
  }

  private void targets(JsonNode given, List<String> things, List<String> groups) {
    if (given.isEmpty()) {
      throw V1Errors.badRequest("UpdateTargets names no thing and no thing group.");
    }
    for (JsonNode target : given) {
      String arn = target.asString("");
      Matcher matcher = TARGET.matcher(arn);
      if (!matcher.matches()) {
        throw V1Errors.badRequest(
            "UpdateTargets: '" + arn + "' is not the ARN of a thing or of a thing group.");
      }
      String name = matcher.group(2);
      boolean thing = matcher.group(1).equals("thing");
      if (thing ? !jobs.thingExists(name) : !jobs.thingGroupExists(name)) {
        throw V1Errors.badRequest("UpdateTargets: " + arn + " does not exist.");
      }
      (thing ? things : groups).add(name);
    }
  }

  private ObjectNode document(
      String software,
      String version,
      String architecture,
      String system,
      String level,
      String role) {
    String bucket = arns.region() + "-greengrass-updates";
    String url =
        "https://"
            + bucket
            + ".s3."
            + arns.region()
            + ".amazonaws.com/"
            + software
            + "/"
            + architecture
            + "/greengrass-"
            + (software.equals("core") ? "core" : "ota-agent")
            + "-"
            + version
            + ".tar.gz";
    ObjectNode document = Shapes.empty().put("operation", "greengrass_ota");
    document
        .putObject("greengrassOta")
        .put("softwareToUpdate", software)
        .put("version", version)
        .put("architecture", architecture)
        .put("operatingSystem", system)
        .put("updateAgentLogLevel", level)
        .put("s3UrlSignerRole", role)
        .put("url", "${aws:iot:s3-presigned-url:" + url + "}");
    return document;
  }
}
