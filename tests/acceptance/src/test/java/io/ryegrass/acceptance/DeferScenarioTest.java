package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.aws.greengrass.model.SubscribeToComponentUpdatesRequest;

/**
 * The guide's tutorial with the example component, whose program uses AWS's IPC client. Where the
 * tutorial waits 30 s between two looks and 60 s for silent components, here it is two and four.
 */
@DisplayName("S-10 Defer component updates (tutorial)")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DeferScenarioTest {
  private static final String BATTERY_AWARE = "com.example.BatteryAwareHelloWorld";
  private static final String SILENT = "com.example.Silent";

  private static TestCloud cloud;
  private static TestCore core;

  @BeforeAll
  static void deploy(TestCloud shared) {
    cloud = shared;
    core = TestCore.started(cloud, "battery");
    cloud.aws("s3api", "create-bucket", "--bucket", "battery-artifacts");
    Path example = Ryegrass.HOME.resolve("examples/hello-component");
    cloud.aws(
        "s3",
        "cp",
        "--only-show-errors",
        example.resolve("target/hello-component.jar").toString(),
        "s3://battery-artifacts/hello-component.jar");
    cloud.createComponent(
        TestCloud.read(example.resolve("recipe-battery.yaml"))
            .replace("BUCKET", "battery-artifacts"));
    cloud.createComponent(
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: 1.0.0
        ComponentConfiguration: {DefaultConfiguration: {revision: 0}}
        Manifests:
          - Lifecycle:
              Run: echo $SVCUID > svcuid; exec sleep 100000
        """
            .formatted(SILENT));
    battery(50);
    core.awaitCompleted(core.deploy(revision(1), policies("SKIP_NOTIFY_COMPONENTS", 60)));
  }

  @AfterAll
  static void stop() {
    core.close();
  }

  private static void battery(int level) {
    TestCloud.write(
        cloud.folder.resolve("battery/virtual_battery.json"),
        "{\"battery_level\": " + level + "}\n");
  }

  /** The tutorial's configuration; what a revision changes is the other component. */
  private static String revision(int number) {
    return """
    {"%s":{"componentVersion":"1.0.0","configurationUpdate":{"merge":"{\\"BatteryThreshold\\":70,\\"LinuxBatteryFilePath\\":\\"%s\\",\\"RecheckAfterMs\\":2000}"}},
     "%s":{"componentVersion":"1.0.0","configurationUpdate":{"merge":"{\\"revision\\":%d}"}}}
    """
        .formatted(
            BATTERY_AWARE, cloud.folder.resolve("battery/virtual_battery.json"), SILENT, number);
  }

  private static String[] policies(String action, int seconds) {
    return new String[] {
      "--deployment-policies",
      "{\"componentUpdatePolicy\":{\"action\":\""
          + action
          + "\",\"timeoutInSeconds\":"
          + seconds
          + "}}"
    };
  }

  private static long said(String words) {
    return Pattern.compile(Pattern.quote(words)).matcher(core.log(BATTERY_AWARE)).results().count();
  }

  @Test
  @Order(1)
  @DisplayName(
      "log 'Battery level (50) is below threshold (70), so the component will defer updates.';"
          + " again and again Deferred update for deployment <id>; IN_PROGRESS; after the change"
          + " Acknowledged update, deployment done")
  void aLowBatteryPutsTheUpdateOff() {
    core.awaitLog(
        BATTERY_AWARE,
        "Hello, World! Battery level (50) is below threshold (70), so the component will defer"
            + " updates.");

    String deployment = core.deploy(revision(2)); // the default is to notify (DPL-03)

    TestCore.await("asked again").until(() -> said("Deferred update for deployment ") >= 2);
    assertThat(core.log(BATTERY_AWARE)).contains("Deferred update for deployment " + deployment);
    TestCore.await("IN_PROGRESS")
        .untilAsserted(
            () ->
                assertThat(core.effective(deployment))
                    .extracting(e -> e.coreDeviceExecutionStatusAsString())
                    .isEqualTo("IN_PROGRESS"));
    assertThat(core.configuration(SILENT).toString()).isEqualTo("{\"revision\":1}");

    battery(80);

    core.awaitLog(BATTERY_AWARE, "Acknowledged update for deployment " + deployment);
    core.awaitCompleted(deployment);
    assertThat(core.configuration(SILENT).toString()).isEqualTo("{\"revision\":2}");
  }

  @Test
  @Order(2)
  @DisplayName("a silent subscriber delays by the policy timeout")
  void whoSaysNothingDelaysByTheTimeout() throws Exception {
    List<String> events = new CopyOnWriteArrayList<>();
    try (var silent = core.as(SILENT)) {
      silent.subscribeToComponentUpdates(
          new SubscribeToComponentUpdatesRequest(),
          event -> {
            if (event.getPreUpdateEvent() != null) {
              events.add(event.getPreUpdateEvent().getDeploymentId());
            }
          },
          Optional.empty(),
          Optional.empty());
      long asked = System.nanoTime();

      String deployment = core.deploy(revision(3), policies("NOTIFY_COMPONENTS", 4));

      core.awaitCompleted(deployment);
      assertThat(System.nanoTime() - asked).isGreaterThan(4_000_000_000L);
      TestCore.await("the event")
          .untilAsserted(() -> assertThat(events).containsExactly(deployment));
      core.awaitLog(BATTERY_AWARE, "Acknowledged update for deployment " + deployment);
    }
  }

  @Test
  @Order(3)
  @DisplayName("SKIP never notifies")
  void skipAsksNobody() {
    battery(50);

    String deployment = core.deploy(revision(4), policies("SKIP_NOTIFY_COMPONENTS", 60));

    core.awaitCompleted(deployment);
    assertThat(core.log(BATTERY_AWARE)).doesNotContain(deployment);
    assertThat(core.configuration(SILENT).toString()).isEqualTo("{\"revision\":4}");
  }
}
