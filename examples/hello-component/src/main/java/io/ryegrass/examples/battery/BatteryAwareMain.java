package io.ryegrass.examples.battery;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import software.amazon.awssdk.aws.greengrass.GreengrassCoreIPCClientV2;
import software.amazon.awssdk.aws.greengrass.model.ComponentUpdatePolicyEvents;
import software.amazon.awssdk.aws.greengrass.model.DeferComponentUpdateRequest;
import software.amazon.awssdk.aws.greengrass.model.GetConfigurationRequest;
import software.amazon.awssdk.aws.greengrass.model.SubscribeToComponentUpdatesRequest;

/**
 * Asked before an update, it looks at the battery's file (such as {@code {"battery_level": 50}}):
 * below {@code BatteryThreshold} it defers by {@code RecheckAfterMs}, otherwise it acknowledges.
 */
public final class BatteryAwareMain {
  private static final Pattern LEVEL = Pattern.compile("\"battery_level\"\\s*:\\s*(\\d+)");

  private final GreengrassCoreIPCClientV2 nucleus;
  private final Path battery;
  private final int threshold;
  private final long recheckAfterMs;

  private BatteryAwareMain(GreengrassCoreIPCClientV2 nucleus, Map<String, Object> configuration) {
    this.nucleus = nucleus;
    battery = Path.of(String.valueOf(configuration.get("LinuxBatteryFilePath")));
    threshold = number(configuration, "BatteryThreshold");
    recheckAfterMs = number(configuration, "RecheckAfterMs");
  }

  /** Numbers may come as 70 or as 70.0 (the contract leaves it open). */
  private static int number(Map<String, Object> configuration, String key) {
    if (configuration.get(key) instanceof Number number) {
      return number.intValue();
    }
    throw new IllegalArgumentException("configuration " + key + " is not a number");
  }

  public static void main(String[] args) {
    try (GreengrassCoreIPCClientV2 nucleus = GreengrassCoreIPCClientV2.builder().build()) {
      new BatteryAwareMain(
              nucleus,
              nucleus
                  .getConfiguration(new GetConfigurationRequest().withKeyPath(List.of()))
                  .getValue())
          .run();
    } catch (Exception e) {
      leave("the nucleus does not answer", e);
    }
  }

  private void run() throws Exception {
    nucleus.subscribeToComponentUpdates(
        new SubscribeToComponentUpdatesRequest(),
        this::onUpdate,
        Optional.of(error -> leave("the subscription failed", error)),
        Optional.empty());
    while (true) {
      int level = level();
      boolean low = level < threshold;
      System.out.println(
          "Hello, World! Battery level ("
              + level
              + ") is "
              + (low ? "below" : "above")
              + " threshold ("
              + threshold
              + "), so the component will "
              + (low ? "defer" : "acknowledge")
              + " updates.");
      Thread.sleep(recheckAfterMs);
    }
  }

  private void onUpdate(ComponentUpdatePolicyEvents event) {
    if (event.getPreUpdateEvent() == null) {
      return; // after the update
    }
    String deployment = event.getPreUpdateEvent().getDeploymentId();
    try {
      boolean low = level() < threshold;
      DeferComponentUpdateRequest answer =
          new DeferComponentUpdateRequest()
              .withDeploymentId(deployment)
              .withRecheckAfterMs(low ? recheckAfterMs : 0);
      if (low) {
        answer.setMessage("Battery level is below threshold.");
      }
      nucleus.deferComponentUpdate(answer);
      System.out.println(
          (low ? "Deferred" : "Acknowledged") + " update for deployment " + deployment);
    } catch (Exception e) {
      // the nucleus goes on when the time for an answer is over
      System.err.println("no answer to the update of deployment " + deployment + ": " + e);
    }
  }

  /** A battery that cannot be read counts as empty: better late than flat. */
  private int level() throws IOException {
    Matcher level = LEVEL.matcher(Files.readString(battery));
    return level.find() ? Integer.parseInt(level.group(1)) : 0;
  }

  /** Ends at once: the native threads of the SDK would otherwise keep the process alive. */
  private static boolean leave(String what, Throwable why) {
    System.err.println(what + ": " + why);
    Runtime.getRuntime().halt(1);
    return true;
  }
}
