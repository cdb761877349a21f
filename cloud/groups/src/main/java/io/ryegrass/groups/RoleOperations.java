package io.ryegrass.groups;

import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;
import java.util.regex.Pattern;
import tools.jackson.databind.node.ObjectNode;

/**
 * The role of a group and the runtime configuration of a core (v1-group-deployment.md §3.2). The
 * service role of the account and connectivity information have the same routes in V2 and are
 * served there.
 */
final class RoleOperations {
  static final Migration TABLES =
      new Migration(
          "groups",
          4,
          """
          CREATE TABLE gg_role (
            group_id VARCHAR(64) PRIMARY KEY,
            role_arn VARCHAR(2048) NOT NULL,
            associated BIGINT NOT NULL);
          CREATE TABLE gg_telemetry (
            thing VARCHAR(128) PRIMARY KEY,
            telemetry VARCHAR(8) NOT NULL)
          """);

  private static final Pattern ROLE = Pattern.compile("arn:[^:]+:iam::\\d*:role/.+");

  private record Association(String roleArn, Instant at) {}

  private final CloudStore store;
  private final Clock clock;

  RoleOperations(CloudStore store, Clock clock) {
    this.store = store;
    this.clock = clock;
  }

  void addTo(ServiceOperations.Builder builder) {
    builder
        .json("AssociateRoleToGroup", (context, input) -> associate(input))
        .json("GetAssociatedRole", (context, input) -> get(input))
        .json("DisassociateRoleFromGroup", (context, input) -> disassociate(input))
        .json("GetThingRuntimeConfiguration", (context, input) -> runtime(input))
        .json("UpdateThingRuntimeConfiguration", (context, input) -> updateRuntime(input));
  }

  /** The service asks for no such group here: a role may come before it, or be left behind. */
  private static String group(ObjectNode input) {
    return GroupOperations.id(input);
  }

  private ObjectNode associate(ObjectNode input) {
    String group = group(input);
    String role = input.path("RoleArn").asString("");
    if (!ROLE.matcher(role).matches()) {
      throw V1Errors.badRequest("RoleArn '" + role + "' is not the ARN of an IAM role.");
    }
    Instant now = clock.instant();
    store.write(
        sql -> {
          sql.update("DELETE FROM gg_role WHERE group_id = ?", group);
          return sql.update(
              "INSERT INTO gg_role (group_id, role_arn, associated) VALUES (?, ?, ?)",
              group,
              role,
              now);
        });
    return Shapes.empty().put("AssociatedAt", Shapes.time(now));
  }

  /** The role that a group has now. */
  Optional<String> roleOf(String group) {
    return find(group).map(Association::roleArn);
  }

  private Optional<Association> find(String group) {
    return store.read(
        sql ->
            sql.one(
                "SELECT role_arn, associated FROM gg_role WHERE group_id = ?",
                row -> new Association(row.text("role_arn"), row.instant("associated")),
                group));
  }

  private ObjectNode get(ObjectNode input) {
    Association found =
        find(group(input))
            .orElseThrow(
                () -> V1Errors.noRole("You need to attach an IAM role to this deployment group."));
    return Shapes.empty()
        .put("AssociatedAt", Shapes.time(found.at()))
        .put("RoleArn", found.roleArn());
  }

  private ObjectNode disassociate(ObjectNode input) {
    String group = group(input);
    store.write(sql -> sql.update("DELETE FROM gg_role WHERE group_id = ?", group));
    return Shapes.empty().put("DisassociatedAt", Shapes.time(clock.instant()));
  }

  private ObjectNode runtime(ObjectNode input) {
    String thing = input.path("ThingName").asString("");
    String telemetry =
        store.read(
            sql ->
                sql.one(
                        "SELECT telemetry FROM gg_telemetry WHERE thing = ?",
                        row -> row.text("telemetry"),
                        thing)
                    .orElse("Off"));
    ObjectNode output = Shapes.empty();
    output
        .putObject("RuntimeConfiguration")
        .putObject("TelemetryConfiguration")
        // our cores take no telemetry switch yet: what was set differs from what a core does
        .put("ConfigurationSyncStatus", telemetry.equals("Off") ? "InSync" : "OutOfSync")
        .put("Telemetry", telemetry);
    return output;
  }

  private ObjectNode updateRuntime(ObjectNode input) {
    String telemetry = input.path("TelemetryConfiguration").path("Telemetry").asString("Off");
    String thing = input.path("ThingName").asString("");
    store.write(
        sql -> {
          sql.update("DELETE FROM gg_telemetry WHERE thing = ?", thing);
          return sql.update(
              "INSERT INTO gg_telemetry (thing, telemetry) VALUES (?, ?)", thing, telemetry);
        });
    return Shapes.empty();
  }
}
