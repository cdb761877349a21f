package io.ryegrass.cloudlink;

import io.ryegrass.model.BuiltInComponents;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.ComponentStatus;
import io.ryegrass.nucleus.DeploymentStatus;
import io.ryegrass.nucleus.FleetSnapshot;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The messages of v2-deployments.md section 11, split into chunks of at most 128 000 bytes. */
final class FleetMessages {
  static final int MAX_BYTES = 128_000;
  private static final int CHUNK_INFO_BYTES = 64;
  private static final Logger LOG = LoggerFactory.getLogger(FleetMessages.class);

  private FleetMessages() {}

  /**
   * All chunks of one status; they share the sequence number.
   *
   * @param listed components to list; {@code all} decides about the overall health
   */
  static List<ObjectNode> of(
      String thing,
      boolean complete,
      String trigger,
      long sequence,
      long timestamp,
      List<ComponentStatus> listed,
      List<ComponentStatus> all,
      @Nullable FleetSnapshot deployment) {
    ObjectNode head = Json.object();
    head.put("ggcVersion", BuiltInComponents.NUCLEUS_VERSION);
    head.put("platform", "linux");
    head.put("architecture", architecture());
    head.put("thing", thing);
    head.put("overallDeviceStatus", healthy(all) ? "HEALTHY" : "UNHEALTHY");
    head.put("sequenceNumber", sequence);
    head.put("timestamp", timestamp);
    head.put("messageType", complete ? "COMPLETE" : "PARTIAL");
    head.put("trigger", trigger);
    if (deployment != null && deployment.deployment() != null) {
      head.set(
          "deploymentInformation",
          deployment(deployment.deployment(), deployment.unchangedRootComponents()));
    }
    List<ObjectNode> chunks = new ArrayList<>();
    int room = MAX_BYTES - Json.bytes(head).length - CHUNK_INFO_BYTES;
    int used = Integer.MAX_VALUE;
    for (ComponentStatus c : listed) {
      ObjectNode component = component(c);
      int size = Json.bytes(component).length + 1;
      if (size > room) {
        LOG.warn("The status of component {} is too large for the cloud and is left out", c.name());
        continue;
      }
      if (used > room - size) {
        chunks.add(head.deepCopy());
        chunks.getLast().putArray("components");
        used = 0;
      }
      ((ArrayNode) chunks.getLast().get("components")).add(component);
      used += size;
    }
    if (chunks.isEmpty()) {
      head.putArray("components");
      chunks.add(head);
    }
    if (chunks.size() > 1) {
      for (int i = 0; i < chunks.size(); i++) {
        chunks
            .get(i)
            .putObject("chunkInfo")
            .put("chunkId", i + 1)
            .put("totalChunks", chunks.size());
      }
    }
    return chunks;
  }

  private static ObjectNode component(ComponentStatus c) {
    ObjectNode node = Json.object();
    node.put("componentName", c.name());
    node.put("version", c.version());
    ArrayNode arns = node.putArray("fleetConfigArns");
    c.fleetConfigArns().forEach(arns::add);
    node.put("isRoot", c.root());
    node.put("status", c.state().name());
    if (c.statusCodes().isEmpty() && c.statusReason().isEmpty()) {
      node.putNull("componentStatusDetails");
    } else {
      ObjectNode details = node.putObject("componentStatusDetails");
      ArrayNode codes = details.putArray("statusCodes");
      c.statusCodes().forEach(codes::add);
      details.put("statusReason", c.statusReason());
    }
    return node;
  }

  private static ObjectNode deployment(DeploymentStatus s, List<String> unchangedRootComponents) {
    ObjectNode node = Json.object();
    node.put("status", s.status());
    node.set("statusDetails", ShadowDeployments.details(s));
    node.put("fleetConfigurationArnForStatus", s.configurationArn());
    if (s.deploymentId() != null) {
      node.put("deploymentId", s.deploymentId());
    }
    ArrayNode unchanged = node.putArray("unchangedRootComponents");
    unchangedRootComponents.forEach(unchanged::add);
    return node;
  }

  private static boolean healthy(List<ComponentStatus> all) {
    return all.stream().noneMatch(c -> c.state() == ComponentState.BROKEN);
  }

  private static String architecture() {
    String arch = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    return arch.equals("x86_64") ? "amd64" : arch;
  }
}
