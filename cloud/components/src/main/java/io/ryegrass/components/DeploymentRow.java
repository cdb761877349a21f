package io.ryegrass.components;

import io.ryegrass.model.Arn;
import io.ryegrass.store.Row;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * A deployment as it is kept.
 *
 * @param request components, deploymentPolicies, iotJobConfiguration as the caller gave them; for a
 *     V1 group the document itself
 * @param core only for V1 groups
 * @param jobId only for jobs
 */
record DeploymentRow(
    String id,
    Kind kind,
    String name,
    String targetArn,
    long revision,
    String configurationArn,
    Instant created,
    String status,
    boolean latest,
    @Nullable String parentTargetArn,
    @Nullable String core,
    @Nullable String jobId,
    ObjectNode request) {

  /** How a deployment reaches its devices. */
  enum Kind {
    /** Shadow of one thing. */
    THING,
    /** Continuous job of a thing group. */
    GROUP,
    /** Job for the core of a V1 group. */
    V1_GROUP
  }

  static DeploymentRow of(Row row) {
    return new DeploymentRow(
        row.text("id"),
        Kind.valueOf(row.text("kind")),
        row.text("name"),
        row.text("target"),
        row.number("revision"),
        row.text("configuration_arn"),
        row.instant("created"),
        row.text("status"),
        row.flag("latest"),
        row.textOrNull("parent_target"),
        row.textOrNull("core"),
        row.textOrNull("job_id"),
        Json.read(row.text("request")));
  }

  /** Thing or group name. */
  String targetName() {
    String resource = Arn.parse(targetArn).resource();
    return resource.substring(resource.indexOf('/') + 1);
  }

  String displayName() {
    return name.isEmpty() ? "Deployment for " + targetName() : name;
  }

  boolean active() {
    return status.equals(Deployments.ACTIVE);
  }
}
