package io.ryegrass.components;

import io.ryegrass.events.Event;
import io.ryegrass.events.EventSink;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The events of V2 (MON-03, MON-04, TEL-06), and two of our own; docs/events.md shows all. */
final class FleetEvents {
  private static final Logger LOG = LoggerFactory.getLogger(FleetEvents.class);
  static final String DEPLOYMENT = "Greengrass V2 Effective Deployment Status Change";
  static final String COMPONENTS = "Greengrass V2 Installed Component Status Change";
  static final String TELEMETRY = "Greengrass Telemetry Data";
  static final String CONNECTION = "Ryegrass Core Device Connection Status Change";
  static final String CONFLICT = "Ryegrass Deployment Conflict";

  private static final Set<String> TOLD = Set.of("FAILED", "SUCCEEDED", "COMPLETED");

  private final EventSink sink;
  private final Arns arns;

  FleetEvents(EventSink sink, Arns arns) {
    this.sink = sink;
    this.arns = arns;
  }

  private List<String> core(String thing) {
    return List.of(arns.own("coreDevices:" + thing));
  }

  /** How a deployment ended on a core; those of V1 groups have events of their own. */
  void effective(
      DeploymentRow deployment, String thing, String status, String reason, ObjectNode details) {
    if (deployment.kind() == DeploymentRow.Kind.V1_GROUP || !TOLD.contains(status)) {
      return;
    }
    ObjectNode detail = Json.object();
    detail.put("deployment-id", deployment.id());
    detail.put("coreDeviceExecutionStatus", status);
    ObjectNode target = detail.putObject("statusDetails");
    for (String list : List.of("errorStack", "errorTypes")) {
      ArrayNode words = target.putArray(list);
      details.path(list).forEach(words::add);
    }
    detail.put("reason", reason);
    sink.emit(Event.greengrass(DEPLOYMENT, core(thing), detail));
  }

  /**
   * @param components of {@code detail.components}; none, no event
   */
  void components(String thing, ArrayNode components) {
    if (!components.isEmpty()) {
      ObjectNode detail = Json.object();
      detail.set("components", components);
      sink.emit(Event.greengrass(COMPONENTS, core(thing), detail));
    }
  }

  void telemetry(String thing, JsonNode message) {
    ObjectNode detail = Json.object();
    detail.put("ThingName", thing);
    detail.set("Schema", message.path("Schema"));
    detail.set("ADP", message.path("ADP"));
    sink.emit(Event.greengrass(TELEMETRY, List.of(), detail));
  }

  void connection(String thing, boolean connected, String reason, long timestamp) {
    ObjectNode detail = Json.object();
    detail.put("coreDeviceThingName", thing);
    detail.put("connectionStatus", connected ? "CONNECTED" : "DISCONNECTED");
    if (!connected) {
      detail.put("disconnectReason", reason);
    }
    detail.put("timestamp", timestamp);
    sink.emit(new Event(Event.RYEGRASS, CONNECTION, core(thing), detail));
  }

  void conflicts(DeploymentRow deployment, List<Conflicts.Conflict> conflicts) {
    if (conflicts.isEmpty()) {
      return;
    }
    ObjectNode detail = Json.object();
    detail.put("deploymentId", deployment.id());
    detail.put("targetArn", deployment.targetArn());
    ArrayNode list = detail.putArray("conflicts");
    for (Conflicts.Conflict conflict : conflicts) {
      list.addObject().put("otherTarget", conflict.other()).put("reason", conflict.text());
      LOG.warn("deployment {} to {}: {}", deployment.id(), deployment.targetArn(), conflict.text());
    }
    sink.emit(
        new Event(
            Event.RYEGRASS, CONFLICT, List.of(arns.own("deployments:" + deployment.id())), detail));
  }
}
