package io.ryegrass.identity.audit;

import io.ryegrass.store.Sql;
import java.nio.charset.StandardCharsets;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * One row of the log, and its JSON in the shape of CloudTrail (CloudTrail user guide, "CloudTrail
 * record contents"). Used by one thread at a time.
 */
final class AuditRecord {

  /** Longer parameters are left out, as CloudTrail does with its own bound. */
  private static final int MAX_PARAMETER_BYTES = 8 << 10;

  private static final Map<String, String> SERVICES =
      Map.of(
          "iam", "IAM",
          "iot", "IoT",
          "greengrass", "GreengrassV2",
          "lambda", "Lambda",
          "logs", "Logs",
          "s3", "S3",
          "secretsmanager", "SecretsManager");

  private static final Map<String, String> TYPES =
      Map.ofEntries(
          Map.entry("thing", "Thing"),
          Map.entry("thinggroup", "ThingGroup"),
          Map.entry("thingtype", "ThingType"),
          Map.entry("cert", "Certificate"),
          Map.entry("policy", "Policy"),
          Map.entry("rolealias", "RoleAlias"),
          Map.entry("job", "Job"),
          Map.entry("role", "Role"),
          Map.entry("user", "User"),
          Map.entry("group", "Group"),
          Map.entry("function", "Function"),
          Map.entry("secret", "Secret"),
          Map.entry("components", "ComponentVersion"),
          Map.entry("deployments", "Deployment"),
          Map.entry("coreDevices", "CoreDevice"),
          Map.entry("log-group", "LogGroup"));

  private final String id;
  private final AuditEvent event;
  private @Nullable String errorCode;
  private @Nullable String errorMessage;
  private boolean written;

  AuditRecord(String id, AuditEvent event) {
    this.id = id;
    this.event = event;
  }

  void failed(String code, String message) {
    errorCode = code;
    errorMessage = message;
  }

  boolean isWritten() {
    return written;
  }

  void markWritten() {
    written = true;
  }

  /** Inserts the row; a row of a transaction that was undone is inserted again. */
  void insert(Sql sql) {
    String resource = event.resource();
    sql.update(
        "INSERT INTO audit_events (event_id, time, event_name, event_source, user_name,"
            + " access_key_id, resource_type, resource_name, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?,"
            + " ?) ON CONFLICT (event_id) DO UPDATE SET record = excluded.record",
        id,
        event.time(),
        event.name(),
        event.service() + ".amazonaws.com",
        event.userName(),
        event.accessKeyId(),
        resource == null ? null : type(resource),
        resource == null ? null : name(resource),
        json());
  }

  @Override
  public String toString() {
    return event.service() + ":" + event.name() + " by " + event.userName();
  }

  private String json() {
    ObjectNode record = JsonNodeFactory.instance.objectNode();
    record.put("eventVersion", "1.11");
    record.set("userIdentity", event.userIdentity());
    record
        .put("eventTime", event.time().truncatedTo(ChronoUnit.SECONDS).toString())
        .put("eventSource", event.service() + ".amazonaws.com")
        .put("eventName", event.name())
        .put("awsRegion", event.region())
        .put("sourceIPAddress", event.sourceIp())
        .put("userAgent", event.userAgent());
    if (errorCode != null) {
      record.put("errorCode", errorCode).put("errorMessage", errorMessage);
    }
    record.set("requestParameters", parameters());
    record.putNull("responseElements");
    record.put("requestID", event.requestId()).put("eventID", id).put("readOnly", false);
    String resource = event.resource();
    if (resource != null && resource.startsWith("arn:")) {
      record
          .putArray("resources")
          .addObject()
          .put("accountId", event.userIdentity().path("accountId").asString(""))
          .put("type", type(resource))
          .put("ARN", resource);
    }
    return record
        .put("eventType", "AwsApiCall")
        .put("managementEvent", true)
        .put("recipientAccountId", event.userIdentity().path("accountId").asString(""))
        .put("eventCategory", "Management")
        .toString();
  }

  private @Nullable ObjectNode parameters() {
    ObjectNode given = event.parameters();
    if (given == null || given.isEmpty()) {
      return null;
    }
    int size = given.toString().getBytes(StandardCharsets.UTF_8).length;
    return size <= MAX_PARAMETER_BYTES
        ? given
        : JsonNodeFactory.instance
            .objectNode()
            .put("omitted", true)
            .put("originalSize", size)
            .put("reasonOmitted", "too large");
  }

  /** CloudFormation's name of a resource's kind, as CloudTrail tells it. */
  static String type(String arn) {
    String[] parts = arn.split(":", 6);
    if (parts.length < 6) {
      return "AWS::Unknown";
    }
    String kind = parts[5].split("[/:]", 2)[0];
    if (parts[2].equals("greengrass") && parts[5].startsWith("/greengrass/")) {
      return "AWS::Greengrass::Group";
    }
    if (parts[2].equals("s3")) {
      return parts[5].contains("/") ? "AWS::S3::Object" : "AWS::S3::Bucket";
    }
    String service = SERVICES.get(parts[2]);
    String type = TYPES.get(kind);
    return "AWS::"
        + (service == null ? parts[2].toUpperCase(Locale.ROOT) : service)
        + "::"
        + (type == null ? kind : type);
  }

  /** The last part of an ARN; a component's ARN keeps its version. */
  static String name(String arn) {
    String[] parts = arn.split(":", 6);
    if (parts.length < 6) {
      return arn;
    }
    int separator = 0;
    while (separator < parts[5].length() && ":/".indexOf(parts[5].charAt(separator)) < 0) {
      separator++;
    }
    return separator + 1 < parts[5].length() ? parts[5].substring(separator + 1) : parts[5];
  }
}
