package io.ryegrass.v1;

import io.ryegrass.nucleus.DeploymentEngine;
import io.ryegrass.nucleus.DeploymentRecord;
import io.ryegrass.nucleus.DeploymentReporter;
import io.ryegrass.nucleus.DeploymentRequest;
import io.ryegrass.nucleus.DeploymentStatus;
import io.ryegrass.nucleus.LocalDeployment;
import io.ryegrass.nucleus.UpdateConsent;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deployments of V1 groups on their way to the engine, and their statuses on the way back: told in
 * {@code runtime.log} in V1's words (TRB-DEP rows), and the folders follow before the cloud hears
 * of a success.
 */
final class V1Deployments implements DeploymentReporter {
  private static final Logger LOG = LoggerFactory.getLogger(V1Deployments.class);
  private static final String GROUP = ":thinggroup/greengrassV1-";

  private final DeploymentReporter cloud;
  private final Runnable succeeded;

  /**
   * @param succeeded called when what the group has deployed runs; throws nothing
   */
  V1Deployments(DeploymentReporter cloud, Runnable succeeded) {
    this.cloud = cloud;
    this.succeeded = succeeded;
  }

  @Override
  public void report(DeploymentStatus s) {
    String group = group(s.configurationArn());
    if (!group.isEmpty()) {
      switch (s.status()) {
        case "SUCCEEDED" -> {
          succeeded.run();
          LOG.info("Deployment {} for group {} succeeded", s.deploymentId(), group);
        }
        case "FAILED", "REJECTED", "CANCELED" ->
            LOG.error(
                "Deployment {} of type NewDeployment for group {} failed error: {}",
                s.deploymentId(),
                group,
                s.failureCause() == null ? s.detailedStatus() : s.failureCause());
        default -> LOG.debug("Deployment {} for group {}: {}", s.id(), group, s.status());
      }
    }
    cloud.report(s);
  }

  /** Id of the V1 group that a configuration is of; empty for any other. */
  static String group(String configurationArn) {
    int at = configurationArn.indexOf(GROUP);
    if (at < 0) {
      return "";
    }
    String rest = configurationArn.substring(at + GROUP.length());
    int end = rest.indexOf(':');
    return end < 0 ? rest : rest.substring(0, end);
  }

  /** The engine, with a line for each group that arrives. */
  record Told(DeploymentEngine engine) implements DeploymentEngine {
    @Override
    public void submit(DeploymentRequest r) {
      String group = group(r.document().configurationArn());
      if (!group.isEmpty()) {
        LOG.info(
            "Received deployment {} of type {} for group {}",
            r.document().deploymentId(),
            r.document().components().isEmpty() ? "ResetDeployment" : "NewDeployment",
            group);
      }
      engine.submit(r);
    }

    @Override
    public void submit(LocalDeployment d) {
      engine.submit(d);
    }

    @Override
    public void cancel(String origin, String id) {
      engine.cancel(origin, id);
    }

    @Override
    public List<DeploymentRecord> recent() {
      return engine.recent();
    }

    @Override
    public void consult(UpdateConsent consent) {
      engine.consult(consent);
    }
  }
}
