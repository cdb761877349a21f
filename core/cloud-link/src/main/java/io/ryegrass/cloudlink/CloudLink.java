package io.ryegrass.cloudlink;

import io.ryegrass.nucleus.CloudMessaging;
import io.ryegrass.nucleus.DeploymentEngine;
import io.ryegrass.nucleus.DeploymentReporter;
import io.ryegrass.nucleus.FleetReporter;

/** The MQTT side of the link. */
public final class CloudLink implements AutoCloseable {
  private CloudLink() {}

  public static CloudLink open(LinkSettings settings) {
    throw new UnsupportedOperationException();
  }

  public CloudMessaging messaging() {
    throw new UnsupportedOperationException();
  }

  public DeploymentReporter reporter() {
    throw new UnsupportedOperationException();
  }

  public FleetReporter fleet() {
    throw new UnsupportedOperationException();
  }

  public void start(DeploymentEngine engine) {
    throw new UnsupportedOperationException();
  }

  public LinkMetrics metrics() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}
