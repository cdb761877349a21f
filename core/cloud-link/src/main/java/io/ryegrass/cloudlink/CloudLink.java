package io.ryegrass.cloudlink;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.nucleus.CloudMessaging;
import io.ryegrass.nucleus.ComponentMetric;
import io.ryegrass.nucleus.ComponentStatus;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.DeploymentEngine;
import io.ryegrass.nucleus.DeploymentReporter;
import io.ryegrass.nucleus.DeploymentRequest;
import io.ryegrass.nucleus.FleetReporter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The MQTT side of the link to the cloud. Opened before the nucleus, which gets {@link #messaging},
 * {@link #reporter} and {@link #fleet} as ports; started after it. Nothing here waits for the
 * cloud, before or after the start.
 */
public final class CloudLink implements AutoCloseable {
  private final MqttNetwork network;
  private final CloudMessagingLink messaging;
  private final ControlChannel control;
  private final DeploymentStatuses statuses;
  private final FleetStatus fleet;
  private final LinkSettings settings;
  private volatile @Nullable Telemetry telemetry;
  private volatile @Nullable DeploymentEngine engine;

  private CloudLink(LinkSettings settings, CoreTls tls, Duration hold) {
    this.settings = settings;
    DurableFiles.createDirectories(settings.spoolFolder());
    this.network = new MqttNetwork(settings, tls);
    this.messaging = new CloudMessagingLink(settings, network, hold);
    CloudMessagingLink user = messaging;
    this.control = new ControlChannel(settings, network, user::nudge);
    JobDeployments jobs = new JobDeployments(settings, control, this::engine, this::statuses);
    ShadowDeployments shadow =
        new ShadowDeployments(settings, control, this::engine, this::statuses);
    this.statuses =
        new DeploymentStatuses(
            settings,
            control,
            Map.of(DeploymentRequest.IOT_JOBS, jobs, DeploymentRequest.SHADOW, shadow));
    this.fleet = new FleetStatus(settings, control);
    control.add(jobs);
    control.add(shadow);
    control.add(fleet);
  }

  /**
   * Reads certificate, key and roots and opens the spool; connects to nothing.
   *
   * @throws io.ryegrass.nucleus.NucleusException with one sentence when a file is missing or does
   *     not fit
   */
  public static CloudLink open(LinkSettings settings) {
    return open(settings, UserConnection.HOLD);
  }

  /**
   * @param hold how long messages wait for subscribers of the earlier run
   */
  static CloudLink open(LinkSettings settings, Duration hold) {
    return new CloudLink(settings, CoreTls.of(settings.identity()), hold);
  }

  /** Publishing and subscribing for components, functions and devices. */
  public CloudMessaging messaging() {
    return messaging;
  }

  /** Statuses of deployments; what it has taken is on disk. */
  public DeploymentReporter reporter() {
    return statuses;
  }

  /** Fleet status. */
  public FleetReporter fleet() {
    return fleet;
  }

  /** Begins to connect, and hands deployments to the engine from then on. Once; returns at once. */
  public void start(DeploymentEngine deployments) {
    engine = deployments;
    control.start();
    messaging.start();
    statuses.start();
    fleet.start();
  }

  /**
   * Begins to measure this device for the cloud ({@code telemetry.*}). Once, after {@link #start}.
   *
   * @param live configuration as it is at each moment
   * @param components all components, now
   * @param put what components have put since it was asked for before
   */
  public void measure(
      ConfigTree live,
      Supplier<List<ComponentStatus>> components,
      Supplier<List<ComponentMetric>> put) {
    Telemetry t =
        new Telemetry(
            settings.root().resolve("telemetry"),
            settings.identity().thingName(),
            new Telemetry.Sources(
                live::nucleus, components, put, new SystemProbe(Path.of("/proc"))),
            control::publish,
            settings.clock());
    telemetry = t;
    t.start();
  }

  /** Whether deployments can arrive at the moment. */
  public boolean connected() {
    return control.ready();
  }

  /** The counters of the moment. */
  public LinkMetrics metrics() {
    return new LinkMetrics(
        control.ready(),
        messaging.connected(),
        control.mqtt().attempts() + messaging.attempts(),
        messaging.spool().size(),
        messaging.spool().sizeInBytes(),
        messaging.sender().sent(),
        messaging.spool().dropped(),
        messaging.spool().damaged(),
        messaging.spool().expired(),
        messaging.sender().quarantined(),
        messaging.qos0Refused(),
        messaging.unwanted(),
        statuses.size(),
        fleet.acknowledged());
  }

  private DeploymentEngine engine() {
    DeploymentEngine e = engine;
    if (e == null) {
      throw new IllegalStateException("the link was not started");
    }
    return e;
  }

  private DeploymentStatuses statuses() {
    return statuses;
  }

  /** Ends all connections orderly within a few seconds; what is not delivered stays on disk. */
  @Override
  public void close() {
    Telemetry t = telemetry;
    if (t != null) {
      t.close();
    }
    fleet.close();
    statuses.close();
    messaging.close();
    control.close();
    network.close();
  }
}
