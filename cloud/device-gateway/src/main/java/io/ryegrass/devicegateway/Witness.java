package io.ryegrass.devicegateway;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.identity.audit.AuditTrail;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Tells the audit log what is changed past the API engine: buckets by S3 clients, and what devices
 * do with their certificates. As with CloudTrail's management events, data is not recorded:
 * objects, messages, shadows, states of jobs.
 */
final class Witness {

  private static final Pattern CREDENTIAL =
      Pattern.compile(
          "(?:Credential=|X-Amz-Credential=)([A-Z0-9]{16,32})(?:/|%2F)\\d{8}(?:/|%2F)([a-z0-9-]+)");
  private static final Set<String> CHANGING = Set.of("PUT", "POST", "DELETE");
  private static final List<String> READING =
      List.of("Get", "List", "Resolve", "Verify", "Describe", "Discover");

  /** Sub-resources of buckets to the words that S3's operations have for them. */
  private static final Map<String, String> SUBRESOURCES =
      Map.of(
          "policy", "Policy",
          "versioning", "Versioning",
          "tagging", "Tagging",
          "lifecycle", "Lifecycle",
          "encryption", "Encryption",
          "acl", "Acl",
          "cors", "Cors",
          "publicAccessBlock", "PublicAccessBlock",
          "ownershipControls", "OwnershipControls",
          "notification", "Notification");

  /** Requests over MQTT to what they are called in the audit log. */
  private static final Map<Pattern, String> TOPICS =
      Map.of(
          Pattern.compile("\\$aws/certificates/create/[a-z]+"), "iot:CreateKeysAndCertificate",
          Pattern.compile("\\$aws/certificates/create-from-csr/[a-z]+"),
              "iot:CreateCertificateFromCsr",
          Pattern.compile("\\$aws/provisioning-templates/[^/]+/provision/[a-z]+"),
              "iot:RegisterThing");

  private Witness() {}

  /** A request to S3 that has been answered. */
  static void s3(CloudServices services, HttpCall call, int status) {
    AuditTrail audit = services.audit();
    String operation = CHANGING.contains(call.method()) ? bucketOperation(call) : null;
    if (audit == null || operation == null) {
      return;
    }
    String authorization = call.header("authorization");
    Matcher key =
        CREDENTIAL.matcher((authorization == null ? "" : authorization) + "&" + call.rawQuery());
    if (key.find()) {
      String agent = call.header("user-agent");
      services
          .identity()
          .signedEvent(
              key.group(1),
              new CallContext.Origin(call.peer(), agent == null ? "" : agent, key.group(1)),
              key.group(2),
              "s3:" + operation,
              "arn:aws:s3:::" + call.rawPath().replace("/", ""))
          .ifPresent(event -> audit.note(event, status < 400 ? "" : "Status" + status, ""));
    }
  }

  /** Null when it is about objects. */
  private static @Nullable String bucketOperation(HttpCall call) {
    String path = call.rawPath();
    int slash = path.indexOf('/', 1);
    if (path.length() < 2 || (slash > 0 && slash < path.length() - 1)) {
      return null;
    }
    String query = call.rawQuery();
    String first = query.split("[=&]", 2)[0];
    String sub = SUBRESOURCES.get(first);
    boolean whole = first.isEmpty() || first.startsWith("X-Amz-") || first.equals("x-id");
    return switch (call.method()) {
      case "PUT" -> sub != null ? "PutBucket" + sub : whole ? "CreateBucket" : null;
      case "DELETE" -> sub != null ? "DeleteBucket" + sub : whole ? "DeleteBucket" : null;
      default -> null; // POST deletes or uploads objects
    };
  }

  /** A request of a device over HTTPS that has been answered. */
  static void route(
      CloudServices services,
      HttpCall call,
      String certificateId,
      String region,
      String action,
      String resource,
      int status) {
    AuditTrail audit = services.audit();
    boolean credentials = action.equals("iot:AssumeRoleWithCertificate");
    boolean changing =
        CHANGING.contains(call.method())
            && action.startsWith("greengrass:")
            && READING.stream().noneMatch(word -> action.startsWith(word, "greengrass:".length()));
    if (audit != null && (credentials || changing)) {
      audit.note(
          services.identity().deviceEvent(certificateId, call.peer(), region, action, resource),
          status < 400 ? "" : "Status" + status,
          "");
    }
  }

  /** A request of a device over MQTT that was given to its service. */
  static void topic(CloudServices services, ConnectedDevice device, String region, String topic) {
    AuditTrail audit = services.audit();
    if (audit != null && topic.startsWith("$aws/") && device.iam() == null) {
      TOPICS.forEach(
          (pattern, action) -> {
            if (pattern.matcher(topic).matches()) {
              audit.note(
                  services
                      .identity()
                      .deviceEvent(
                          device.principal().certificateId(),
                          device.address(),
                          region,
                          action,
                          null),
                  "",
                  "");
            }
          });
    }
  }
}
