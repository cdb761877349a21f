package io.ryegrass.clientdevices;

import io.ryegrass.durable.DurableFiles;
import io.ryegrass.mqtt.Authoriser;
import io.ryegrass.mqtt.Limits;
import io.ryegrass.mqtt.MqttBroker;
import io.ryegrass.mqtt.MqttBrokerException;
import io.ryegrass.nucleus.BuiltIn;
import io.ryegrass.nucleus.BuiltInContext;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.NucleusException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * {@code aws.greengrass.clientdevices.mqtt.Moquette}: our broker under AWS's name.
 *
 * <p>With a certificate on the disk it serves at once, cloud or not. Without one it asks the cloud
 * for {@link #FIRST_WAIT}; a refusal fails the start and so the deployment, an absent cloud does
 * not: the component runs, and serves as soon as there is a certificate.
 */
final class LocalBroker implements BuiltIn {
  private static final Duration FIRST_WAIT = Duration.ofSeconds(20);
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(60);
  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(2);

  private final DeviceRegistry devices;
  private final ServerCertificateSource cloud;
  private final Clock clock;
  private final Duration firstWait;

  private @Nullable BrokerRun run;
  private @Nullable Thread keeper;

  LocalBroker(DeviceRegistry devices, ServerCertificateSource cloud, Clock clock) {
    this(devices, cloud, clock, FIRST_WAIT);
  }

  LocalBroker(
      DeviceRegistry devices, ServerCertificateSource cloud, Clock clock, Duration firstWait) {
    this.firstWait = firstWait;
    this.devices = devices;
    this.cloud = cloud;
    this.clock = clock;
  }

  @Override
  public String name() {
    return "aws.greengrass.clientdevices.mqtt.Moquette";
  }

  @Override
  public void start(BuiltInContext c) {
    BrokerRun started = new BrokerRun(c, devices, cloud, clock);
    run = started;
    try {
      started.serveFromDisk();
      long deadline = System.nanoTime() + firstWait.toNanos();
      Duration pause = Duration.ofMillis(300);
      while (!started.serves()) {
        try {
          started.attend();
        } catch (CloudUnavailableException e) {
          if (System.nanoTime() > deadline) {
            c.log()
                .warn(
                    "The local broker has no certificate yet and the cloud is away; it serves once it can: {}",
                    e.getMessage());
            break;
          }
          sleep(pause);
          pause = longer(pause);
        }
      }
    } catch (RuntimeException e) {
      stop();
      throw e instanceof MqttBrokerException broker
          ? new NucleusException("LOCAL_BROKER_FAILED", String.valueOf(broker.getMessage()), broker)
          : e;
    }
    c.onConfigurationChanged(unused -> started.wake());
    keeper = Thread.ofVirtual().name("local-broker").start(() -> keep(started, c));
  }

  /**
   * Reports addresses, renews certificates, follows the configuration, until stopped. Nothing that
   * fails ends it.
   */
  private static void keep(BrokerRun run, BuiltInContext c) {
    Duration pause = Duration.ofSeconds(1);
    boolean told = false;
    while (!run.stopped()) {
      try {
        run.attend();
        pause = Duration.ofSeconds(1);
        told = false;
        run.await(LOOK_AGAIN);
      } catch (CloudUnavailableException e) {
        if (!told) {
          c.log()
              .info(
                  "The cloud is away; the local broker goes on with what it has: {}",
                  e.getMessage());
          told = true;
        }
        run.await(jittered(pause));
        pause = longer(pause);
      } catch (RuntimeException e) {
        if (!told) {
          c.log().warn("The local broker could not be kept up to date; it is tried again", e);
          told = true;
        }
        run.await(jittered(pause));
        pause = longer(pause);
      }
    }
  }

  private static Duration longer(Duration pause) {
    Duration doubled = pause.multipliedBy(2);
    return doubled.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : doubled;
  }

  private static Duration jittered(Duration pause) {
    return Duration.ofMillis(
        ThreadLocalRandom.current().nextLong(pause.toMillis() / 2, pause.toMillis() + 1));
  }

  private static void sleep(Duration pause) {
    try {
      Thread.sleep(jittered(pause));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new NucleusException(
          "LOCAL_BROKER_FAILED", "The local broker was stopped while it started.", e);
    }
  }

  @Override
  public void stop() {
    BrokerRun current = run;
    if (current != null) {
      current.stop();
      run = null;
    }
    Thread thread = keeper;
    keeper = null;
    if (thread != null) {
      thread.interrupt();
      try {
        if (!thread.join(Duration.ofSeconds(5))) {
          thread.interrupt();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    if (current != null) {
      current.close();
    }
  }

  /** Limits and storage of the engine, in one place for the tests too. */
  static MqttBroker.Builder engine(BuiltInContext c, DeviceAdmission admission) {
    return MqttBroker.builder()
        .authenticator(admission)
        .authoriser(Authoriser.permitAll()) // the bus decides by the subscription table
        .interceptor(admission)
        .limits(Limits.device())
        .eventLoops(1)
        .dataFolder(folder(c));
  }

  private static Path folder(BuiltInContext c) {
    Path folder = c.work().resolve("sessions");
    DurableFiles.createDirectories(folder);
    return folder;
  }
}
