package io.ryegrass.components;

import io.ryegrass.registry.job.ExecutionStatus;
import io.ryegrass.store.CloudStore;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * How each deployment goes on each core. Three sources tell it: the reported part of the deployment
 * shadow, job executions, and fleet status messages; they agree on a device's words for it
 * (detailedStatus, failureCause, errorStack, errorTypes).
 */
final class EffectiveDeployments {
  private static final Logger LOG = LoggerFactory.getLogger(EffectiveDeployments.class);
  private static final Set<String> OPEN = Set.of("QUEUED", "IN_PROGRESS");
  private static final Set<String> KNOWN =
      Set.of("QUEUED", "IN_PROGRESS", "SUCCEEDED", "FAILED", "REJECTED", "TIMED_OUT", "CANCELED");

  private final CloudStore store;
  private final Arns arns;
  private final Pages pages;
  private final Conflicts conflicts;
  private final FleetEvents events;
  private final Clock clock;
  private final List<GroupDeploymentListener> listeners = new CopyOnWriteArrayList<>();

  EffectiveDeployments(
      CloudStore store,
      Arns arns,
      Pages pages,
      Conflicts conflicts,
      FleetEvents events,
      Clock clock) {
    this.store = store;
    this.arns = arns;
    this.pages = pages;
    this.conflicts = conflicts;
    this.events = events;
    this.clock = clock;
  }

  void onGroupDeploymentChanged(GroupDeploymentListener listener) {
    listeners.add(listener);
  }

  void queued(DeploymentRow deployment, String core) {
    record(deployment, core, "QUEUED", Json.object());
  }

  void cancelOpen(DeploymentRow deployment, String why) {
    cancel(deployment, why, OPEN);
  }

  void cancelQueued(DeploymentRow deployment, String why) {
    cancel(deployment, why, Set.of("QUEUED"));
  }

  private void cancel(DeploymentRow deployment, String why, Set<String> states) {
    List<String> cores =
        store.read(
            sql ->
                sql
                    .list(
                        "SELECT core, status FROM components_effective WHERE deployment_id = ?",
                        r -> new String[] {r.text("core"), r.text("status")},
                        deployment.id())
                    .stream()
                    .filter(r -> states.contains(r[1]))
                    .map(r -> r[0])
                    .toList());
    for (String core : cores) {
      record(deployment, core, "CANCELED", Json.object().put("failureCause", why));
    }
  }

  // ---- sources

  /** The reported part of the shadow AWSManagedGreengrassV2Deployment (§3). */
  void shadowReported(String thing, JsonNode document) {
    JsonNode reported = document.path("state").path("reported");
    String arn = Json.text(reported, "fleetConfigurationArnForStatus");
    if (!arn.isEmpty()) {
      byConfigurationArn(arn)
          .ifPresent(
              d ->
                  record(
                      d,
                      thing,
                      Json.text(reported, "status"),
                      details(reported.path("statusDetails"))));
    }
  }

  /** A job execution's change (§2); lists in its details are JSON text. */
  void jobChanged(String jobId, String thing, ExecutionStatus status, Map<String, String> given) {
    Optional<DeploymentRow> deployment =
        store.read(
            sql ->
                sql.one(
                    "SELECT * FROM components_deployments WHERE job_id = ?",
                    DeploymentRow::of,
                    jobId));
    if (deployment.isEmpty()) {
      return;
    }
    if (status == ExecutionStatus.REMOVED) {
      store.write(
          sql ->
              sql.update(
                  "DELETE FROM components_effective WHERE core = ? AND deployment_id = ?",
                  thing,
                  deployment.get().id()));
      return;
    }
    ObjectNode details = Json.object();
    Json.putUnlessEmpty(details, "detailedStatus", given.get("detailed-deployment-status"));
    Json.putUnlessEmpty(details, "failureCause", given.get("deployment-failure-cause"));
    putList(details, "errorStack", given.get("deployment-error-stack"));
    putList(details, "errorTypes", given.get("deployment-error-types"));
    record(deployment.get(), thing, status.name(), details);
  }

  /** deploymentInformation of a fleet status message (§11); only final states are taken from it. */
  void fleetReported(String thing, JsonNode information) {
    String status = Json.text(information, "status");
    if (OPEN.contains(status)) {
      return;
    }
    byConfigurationArn(Json.text(information, "fleetConfigurationArnForStatus"))
        .ifPresent(d -> record(d, thing, status, details(information.path("statusDetails"))));
  }

  Optional<DeploymentRow> byConfigurationArn(String arn) {
    return store.read(
        sql ->
            sql.one(
                "SELECT * FROM components_deployments WHERE configuration_arn = ?",
                DeploymentRow::of,
                arn));
  }

  private static ObjectNode details(JsonNode given) {
    ObjectNode details = Json.object();
    Json.putUnlessEmpty(details, "detailedStatus", Json.text(given, "detailedStatus"));
    Json.putUnlessEmpty(details, "failureCause", Json.text(given, "failureCause"));
    for (String list : List.of("errorStack", "errorTypes")) {
      if (given.path(list).isArray()) {
        details.set(list, given.get(list).deepCopy());
      }
    }
    return details;
  }

  private static void putList(
      ObjectNode details, String field, @org.jspecify.annotations.Nullable String text) {
    if (text == null || text.isEmpty()) {
      return;
    }
    ObjectNode wrapped = Json.tryRead("{\"list\":" + text + "}");
    ArrayNode list = details.putArray(field);
    if (wrapped != null && wrapped.path("list").isArray()) {
      wrapped.path("list").forEach(list::add);
    } else {
      list.add(text); // cut off at the limit of 1024 characters: better a part than nothing
    }
  }

  // ---- the record

  private void record(DeploymentRow deployment, String core, String status, ObjectNode details) {
    if (!KNOWN.contains(status)) {
      LOG.warn(
          "core {} reported status '{}' for deployment {}; it is not one of {} and is ignored",
          core,
          status,
          deployment.id(),
          KNOWN);
      return;
    }
    store.write(
        sql -> {
          String[] before =
              sql.one(
                      "SELECT status, details FROM components_effective WHERE core = ? AND"
                          + " deployment_id = ?",
                      r -> new String[] {r.text("status"), r.text("details")},
                      core,
                      deployment.id())
                  .orElse(null);
          if (before != null
              && before[0].equals(status)
              && (details.isEmpty() || before[1].equals(details.toString()))) {
            return 0;
          }
          if (before != null && status.equals("QUEUED") && !OPEN.contains(before[0])) {
            return 0;
          }
          long now = clock.millis();
          String reason =
              status.equals("QUEUED")
                  ? conflicts.reasonFor(deployment, core)
                  : reason(status, details);
          if (before == null) {
            sql.update(
                "INSERT INTO components_effective (core, deployment_id, status, reason, details,"
                    + " created, modified) VALUES (?, ?, ?, ?, ?, ?, ?)",
                core,
                deployment.id(),
                status,
                reason,
                details.toString(),
                now,
                now);
          } else {
            sql.update(
                "UPDATE components_effective SET status = ?, reason = ?, details = ?, modified = ?"
                    + " WHERE core = ? AND deployment_id = ?",
                status,
                reason,
                details.toString(),
                now,
                core,
                deployment.id());
          }
          String overall = overall(deployment, status);
          if (overall != null) {
            sql.update(
                "UPDATE components_deployments SET status = ? WHERE id = ? AND status = 'ACTIVE'",
                overall,
                deployment.id());
          }
          LOG.info(
              "deployment {} on core {}: {}{}",
              deployment.id(),
              core,
              status,
              reason.isEmpty() ? "" : " (" + reason + ")");
          events.effective(deployment, core, wireStatus(deployment, status), reason, details);
          if (deployment.kind() == DeploymentRow.Kind.V1_GROUP) {
            store.afterCommit(() -> tell(deployment.id(), status, details));
          }
          return 1;
        });
  }

  /** A thing's deployment ends COMPLETED, a group's SUCCEEDED (API-26, MON-03). */
  static String wireStatus(DeploymentRow deployment, String status) {
    return deployment.kind() == DeploymentRow.Kind.THING && status.equals("SUCCEEDED")
        ? "COMPLETED"
        : status;
  }

  private void tell(String deploymentId, String status, ObjectNode details) {
    for (GroupDeploymentListener listener : listeners) {
      listener.changed(deploymentId, status, details.deepCopy());
    }
  }

  /**
   * What one device's state says of the whole deployment; a group's goes on for its other things.
   */
  private static @org.jspecify.annotations.Nullable String overall(
      DeploymentRow deployment, String status) {
    if (deployment.kind() == DeploymentRow.Kind.GROUP) {
      return null;
    }
    return switch (status) {
      case "SUCCEEDED" -> "COMPLETED";
      case "FAILED", "REJECTED", "TIMED_OUT" -> "FAILED";
      case "CANCELED" -> "CANCELED";
      default -> null;
    };
  }

  private static String reason(String status, ObjectNode details) {
    String detailed = Json.text(details, "detailedStatus");
    String cause = Json.text(details, "failureCause");
    if (status.equals("SUCCEEDED") && cause.isEmpty()) {
      return (detailed.isEmpty() ? "SUCCESSFUL" : detailed)
          + ": the deployment was applied successfully";
    }
    return detailed + (detailed.isEmpty() || cause.isEmpty() ? "" : ": ") + cause;
  }

  /**
   * The state of a V1 group's deployment on its one core. Where the core has no record any more,
   * the deployment's own end is what is left to tell.
   */
  GroupDeploymentStatus ofGroup(DeploymentRow deployment) {
    return store
        .read(
            sql ->
                sql.one(
                    "SELECT status, details FROM components_effective WHERE core = ? AND"
                        + " deployment_id = ?",
                    r -> new GroupDeploymentStatus(r.text("status"), Json.read(r.text("details"))),
                    deployment.core(),
                    deployment.id()))
        .orElseGet(
            () ->
                switch (deployment.status()) {
                  case "COMPLETED" -> new GroupDeploymentStatus("SUCCEEDED", Json.object());
                  case "FAILED" -> new GroupDeploymentStatus("FAILED", Json.object());
                  default ->
                      new GroupDeploymentStatus(
                          "CANCELED",
                          Json.object()
                              .put(
                                  "failureCause",
                                  "the core's record of the deployment is gone; deploy again"));
                });
  }

  // ---- ListEffectiveDeployments

  ObjectNode list(ObjectNode input) {
    String core = Json.text(input, "coreDeviceThingName");
    List<ObjectNode> items = new ArrayList<>();
    store.read(
        sql ->
            sql.list(
                "SELECT d.*, e.status AS e_status, e.reason AS e_reason, e.details AS e_details,"
                    + " e.created AS e_created, e.modified AS e_modified FROM components_effective e"
                    + " JOIN components_deployments d ON d.id = e.deployment_id WHERE e.core = ? AND"
                    + " d.latest = 1 ORDER BY e.modified DESC, d.id",
                row -> {
                  DeploymentRow deployment = DeploymentRow.of(row);
                  ObjectNode details = Json.read(row.text("e_details"));
                  ObjectNode item = Json.object();
                  item.put("deploymentId", deployment.id());
                  item.put("deploymentName", deployment.displayName());
                  if (deployment.jobId() != null) {
                    item.put("iotJobId", deployment.jobId());
                    item.put("iotJobArn", arns.job(deployment.jobId()));
                  }
                  item.put("targetArn", deployment.targetArn());
                  item.put(
                      "coreDeviceExecutionStatus", wireStatus(deployment, row.text("e_status")));
                  Json.putUnlessEmpty(item, "reason", row.text("e_reason"));
                  item.put("creationTimestamp", Json.seconds(deployment.created()));
                  item.put("modifiedTimestamp", Json.seconds(row.instant("e_modified")));
                  if (details.has("errorStack") || details.has("errorTypes")) {
                    ObjectNode target = item.putObject("statusDetails");
                    for (String list : List.of("errorStack", "errorTypes")) {
                      target.set(
                          list,
                          details.path(list).isArray()
                              ? details.get(list)
                              : Json.object().putArray(list));
                    }
                  }
                  items.add(item);
                  return item;
                },
                core));
    return pages.page(input, "effectiveDeployments", items, i -> Json.text(i, "deploymentId"));
  }
}
