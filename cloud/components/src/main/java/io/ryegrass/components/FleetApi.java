package io.ryegrass.components;

import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The fleet as an operator wants to see it at a glance, which AWS's API has in four places or not
 * at all: each core with its connection, what is not well on it, and how its deployments stand
 * (decision 032). Our own operations; {@code ryegrass fleet} prints them.
 */
final class FleetApi {
  private final CloudStore store;
  private final Telemetry telemetry;
  private final Pages pages;
  private final Clock clock;

  FleetApi(CloudStore store, Telemetry telemetry, Pages pages, Clock clock) {
    this.store = store;
    this.telemetry = telemetry;
    this.pages = pages;
    this.clock = clock;
  }

  ServiceOperations operations() {
    return ServiceOperations.of("ryegrass")
        .json("ListFleet", (context, input) -> list(input))
        .json("ListTelemetry", (context, input) -> telemetry(input))
        .build();
  }

  private ObjectNode list(ObjectNode input) {
    String wanted = Json.text(input, "connectionStatus");
    return store.read(
        sql -> {
          List<ObjectNode> cores = new ArrayList<>();
          sql.list(
              "SELECT c.*, p.connected, p.changed, p.reason FROM components_cores c LEFT JOIN"
                  + " components_presence p ON p.thing = c.thing ORDER BY c.thing",
              row -> {
                ObjectNode core = Json.object();
                core.put("coreDeviceThingName", row.text("thing"));
                core.put("status", row.text("status"));
                boolean known = row.textOrNull("reason") != null;
                boolean connected = known && row.flag("connected");
                String connection = connected ? "CONNECTED" : known ? "DISCONNECTED" : "UNKNOWN";
                core.put("connectionStatus", connection);
                Instant seen =
                    connected
                        ? clock.instant()
                        : latest(row.instant("updated"), known ? row.instant("changed") : null);
                core.put("lastSeenTimestamp", Json.seconds(seen));
                if (known && !connected) {
                  core.put("disconnectReason", row.text("reason"));
                }
                core.put("lastStatusUpdateTimestamp", Json.seconds(row.instant("updated")));
                core.put("coreVersion", row.text("version"));
                core.put("platform", row.text("platform"));
                core.put("architecture", row.text("architecture"));
                core.put("runtime", row.text("runtime"));
                if (wanted.isEmpty() || wanted.equals(connection)) {
                  cores.add(core);
                }
                return connection;
              });
          ObjectNode page =
              pages.page(input, "cores", cores, c -> Json.text(c, "coreDeviceThingName"));
          page.path("cores").forEach(core -> complete(sql, (ObjectNode) core));
          return page;
        });
  }

  private static Instant latest(Instant one, @Nullable Instant other) {
    return other == null || one.isAfter(other) ? one : other;
  }

  /** Only for the cores of a page. */
  private static void complete(Sql sql, ObjectNode core) {
    String thing = Json.text(core, "coreDeviceThingName");
    ArrayNode faulty = core.putArray("componentsNotHealthy");
    sql.list(
        "SELECT name, version, state, reason FROM components_installed WHERE thing = ? AND state IN"
            + " ('ERRORED', 'BROKEN') ORDER BY name",
        row ->
            faulty.add(
                row.text("name")
                    + " "
                    + row.text("version")
                    + " "
                    + row.text("state")
                    + (row.text("reason").isEmpty() ? "" : ": " + row.text("reason"))),
        thing);
    ArrayNode deployments = core.putArray("deployments");
    sql.list(
        "SELECT d.*, e.status AS e_status, e.reason AS e_reason, e.modified AS e_modified FROM"
            + " components_effective e JOIN components_deployments d ON d.id = e.deployment_id WHERE"
            + " e.core = ? AND d.latest = 1 ORDER BY e.modified DESC, d.id",
        row -> {
          ObjectNode deployment = deployments.addObject();
          deployment.put("deploymentId", row.text("id"));
          deployment.put("targetArn", row.text("target"));
          deployment.put(
              "coreDeviceExecutionStatus",
              EffectiveDeployments.wireStatus(DeploymentRow.of(row), row.text("e_status")));
          Json.putUnlessEmpty(deployment, "reason", row.text("e_reason"));
          deployment.put("modifiedTimestamp", Json.seconds(row.instant("e_modified")));
          return deployment;
        },
        thing);
  }

  private ObjectNode telemetry(ObjectNode input) {
    ObjectNode result = Json.object();
    ArrayNode messages = result.putArray("messages");
    for (Telemetry.Kept kept :
        telemetry.of(Json.text(input, "coreDeviceThingName"), input.path("maxResults").asInt(20))) {
      messages
          .addObject()
          .put("receivedTimestamp", Json.seconds(Instant.ofEpochMilli(kept.received())))
          .put("body", kept.body().toString());
    }
    return result;
  }
}
