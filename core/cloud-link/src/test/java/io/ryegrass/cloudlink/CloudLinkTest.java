package io.ryegrass.cloudlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ryegrass.model.ComponentType;
import io.ryegrass.nucleus.CloudMessagingException;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.ComponentStatus;
import io.ryegrass.nucleus.DeploymentEngine;
import io.ryegrass.nucleus.DeploymentRecord;
import io.ryegrass.nucleus.DeploymentRequest;
import io.ryegrass.nucleus.DeploymentStatus;
import io.ryegrass.nucleus.FleetSnapshot;
import io.ryegrass.nucleus.LocalDeployment;
import io.ryegrass.nucleus.UpdateConsent;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The whole MQTT side against the real engine over mutual TLS. */
class CloudLinkTest {
  private static final String ARN =
      "arn:aws:greengrass:us-east-1:000000000000:configuration:thing/core-1:";
  private static final Duration LONG = Duration.ofSeconds(30);

  @TempDir Path folder;
  private FakeMqttCloud cloud;
  private CloudLink link;
  private final RecordingEngine engine = new RecordingEngine();

  private static final class RecordingEngine implements DeploymentEngine {
    final List<DeploymentRequest> submitted = new CopyOnWriteArrayList<>();
    final List<String> cancelled = new CopyOnWriteArrayList<>();
    final List<DeploymentRecord> records = new CopyOnWriteArrayList<>();

    @Override
    public void submit(DeploymentRequest r) {
      submitted.add(r);
      Instant now = Instant.now();
      records.addFirst(
          new DeploymentRecord(
              r.origin(),
              r.id(),
              r.document().configurationArn(),
              null,
              "RUNNING",
              "IN_PROGRESS",
              "",
              null,
              List.of(),
              List.of(),
              now,
              now));
    }

    @Override
    public void submit(LocalDeployment d) {}

    @Override
    public void cancel(String origin, String id) {
      cancelled.add(origin + " " + id);
    }

    @Override
    public List<DeploymentRecord> recent() {
      return List.copyOf(records);
    }

    @Override
    public void consult(UpdateConsent consent) {}
  }

  @BeforeEach
  void start() throws Exception {
    cloud = new FakeMqttCloud(folder.resolve("pki"));
    link = CloudLink.open(cloud.settings(folder.resolve("root")));
  }

  @AfterEach
  void stop() {
    link.close();
    cloud.close();
  }

  private void startConnected() {
    link.start(engine);
    await().atMost(LONG).until(() -> link.connected() && link.messaging().connected());
  }

  private static String document(int revision) {
    return "{\"deploymentId\":\"d"
        + revision
        + "\",\"configurationArn\":\""
        + ARN
        + revision
        + "\",\"creationTimestamp\":1,\"components\":{\"com.example.Hello\":{\"version\":\"1.0.0\"}}}";
  }

  private static DeploymentStatus status(String origin, String id, String status) {
    return new DeploymentStatus(
        origin,
        id,
        ARN + 1,
        "d1",
        status,
        status.equals("SUCCEEDED") ? "SUCCESSFUL" : "",
        null,
        List.of(),
        List.of());
  }

  private static ComponentStatus component(String name, ComponentState state) {
    return new ComponentStatus(
        name,
        "1.0.0",
        state,
        ComponentType.GENERIC,
        true,
        List.of(ARN + 1),
        List.of(),
        "",
        Instant.EPOCH);
  }

  private static FleetSnapshot snapshot(
      FleetSnapshot.Trigger trigger, ComponentStatus... components) {
    return new FleetSnapshot(List.of(components), trigger, null, List.of());
  }

  private static byte[] bytes(String s) {
    return s.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void messagesGoBothWaysOnAConnectionOfTheirOwn() {
    List<String> received = new CopyOnWriteArrayList<>();
    var unused = link.messaging().subscribe("to/core/+", 1, m -> received.add(m.topic()));
    startConnected();
    await().atMost(LONG).until(() -> cloud.subscriptions.contains("core-1#2 to/core/+"));
    cloud.broker().publish("to/core/1", bytes("hi"), 1, false);
    link.messaging().publish("from/core", bytes("1"), 1);
    link.messaging().publish("from/core", bytes("0"), 0);
    await().atMost(LONG).until(() -> received.equals(List.of("to/core/1")));
    await().atMost(LONG).until(() -> cloud.on("from/core").size() == 2);
    assertThat(cloud.arrived)
        .filteredOn(a -> a.topic().equals("from/core"))
        .allMatch(a -> a.clientId().equals("core-1#2"));
  }

  @Test
  void messagesOfAnOutageArriveInOrderAfterIt() throws Exception {
    startConnected();
    cloud.down();
    await().atMost(LONG).until(() -> !link.messaging().connected());
    for (int i = 0; i < 200; i++) {
      link.messaging().publish("outage", bytes(Integer.toString(i)), 1);
    }
    assertThatThrownBy(() -> link.messaging().publish("outage", bytes("0"), 0))
        .isInstanceOf(CloudMessagingException.class);
    cloud.up();
    await().atMost(LONG).until(() -> cloud.on("outage").stream().distinct().count() == 200);
    assertThat(cloud.on("outage").stream().map(JsonNode::asInt).distinct()).isSorted().hasSize(200);
  }

  @Test
  void messagesStoredByOneProcessAreSentByTheNext() {
    link.messaging().publish("stored", bytes("7"), 1);
    link.close();
    link = CloudLink.open(cloud.settings(folder.resolve("root")));
    startConnected();
    await().atMost(LONG).until(() -> !cloud.on("stored").isEmpty());
    await().atMost(LONG).until(() -> link.metrics().spoolMessages() == 0);
  }

  @Test
  void aForbiddenMessageIsSetAsideAndDeploymentsStillArrive() {
    cloud.forbidden.add("forbidden");
    startConnected();
    link.messaging().publish("forbidden", bytes("1"), 1);
    link.messaging().publish("allowed", bytes("2"), 1);
    cloud.desire(document(1), "SUCCEEDED");
    await().atMost(LONG).until(() -> engine.submitted.size() == 1);
    await().atMost(Duration.ofSeconds(60)).until(() -> !cloud.on("allowed").isEmpty());
    assertThat(link.metrics().quarantined()).isEqualTo(1);
  }

  @Test
  void aRefusedSubscriptionDoesNotHinderTheOthersAndTheFiftyFirstTakesASecondConnection() {
    cloud.forbidden.add("f/0");
    List<AutoCloseable> all = new ArrayList<>();
    for (int i = 0; i < 51; i++) {
      all.add(link.messaging().subscribe("f/" + i, 0, m -> {}));
    }
    startConnected();
    await().atMost(LONG).until(() -> cloud.subscriptions.contains("core-1#3 f/50"));
    await().atMost(LONG).until(() -> cloud.subscriptions.contains("core-1#2 f/49"));
    assertThat(cloud.subscriptions).doesNotContain("core-1#2 f/0");
  }

  /** An earlier run subscribed to {@code orders/+}; three messages came while the core was away. */
  private void threeOrdersWaitInTheCloud() {
    var unused = link.messaging().subscribe("orders/+", 1, m -> {});
    startConnected();
    await().atMost(LONG).until(() -> cloud.subscriptions.contains("core-1#2 orders/+"));
    await()
        .atMost(LONG)
        .until(() -> UserConnection.wasInUse(cloud.settings(folder.resolve("root")), 2));
    link.close();
    await().atMost(LONG).until(() -> !cloud.broker().isConnected("core-1#2"));
    for (int i = 1; i <= 3; i++) {
      cloud.broker().publish("orders/" + i, bytes("o"), 1, false);
    }
  }

  private void again(Duration hold) {
    link = CloudLink.open(cloud.settings(folder.resolve("root")), hold);
    startConnected();
  }

  /** Connected, and whatever waited in the cloud has come: QoS 1 keeps its order. */
  private void awaitTheFlow() {
    List<String> mark = new CopyOnWriteArrayList<>();
    var unused = link.messaging().subscribe("mark", 1, m -> mark.add(m.topic()));
    await()
        .atMost(LONG)
        .until(
            () -> {
              cloud.broker().publish("mark", bytes("m"), 1, false);
              return !mark.isEmpty();
            });
  }

  @Test
  void messagesOfTheCloudsSessionWaitForTheirSubscriberToComeBackAndKeepTheirOrder() {
    threeOrdersWaitInTheCloud();
    again(Duration.ofMinutes(1));
    awaitTheFlow();
    List<String> received = new CopyOnWriteArrayList<>();
    var unused = link.messaging().subscribe("orders/+", 1, m -> received.add(m.topic()));
    cloud.broker().publish("orders/4", bytes("o"), 1, false);
    await().atMost(LONG).until(() -> received.contains("orders/4"));
    assertThat(received).containsExactly("orders/1", "orders/2", "orders/3", "orders/4");
    assertThat(link.metrics().unwanted()).isZero();
  }

  @Test
  void messagesHeldByAProcessThatEndsComeToTheNextOne() {
    threeOrdersWaitInTheCloud();
    again(Duration.ofMinutes(1));
    awaitTheFlow();
    link.close();
    await().atMost(LONG).until(() -> !cloud.broker().isConnected("core-1#2"));
    List<String> received = new CopyOnWriteArrayList<>();
    link = CloudLink.open(cloud.settings(folder.resolve("root")));
    var unused = link.messaging().subscribe("orders/+", 1, m -> received.add(m.topic()));
    startConnected();
    await()
        .atMost(LONG)
        .untilAsserted(
            () -> assertThat(received).containsExactly("orders/1", "orders/2", "orders/3"));
  }

  @Test
  void aSubscriberThatIsStillThereGetsAMessageOnceAlthoughItIsHeldForAnother() {
    threeOrdersWaitInTheCloud();
    link = CloudLink.open(cloud.settings(folder.resolve("root")));
    List<String> present = new CopyOnWriteArrayList<>();
    var unused = link.messaging().subscribe("orders/#", 1, m -> present.add(m.topic()));
    startConnected();
    await().atMost(LONG).until(() -> present.size() == 3);
    List<String> late = new CopyOnWriteArrayList<>();
    var unused2 = link.messaging().subscribe("orders/+", 1, m -> late.add(m.topic()));
    await()
        .atMost(LONG)
        .untilAsserted(() -> assertThat(late).containsExactly("orders/1", "orders/2", "orders/3"));
    assertThat(present).hasSize(3);
  }

  @Test
  void messagesWhoseSubscriberDoesNotComeBackInTimeAreCountedAndTheirFilterIsEnded() {
    threeOrdersWaitInTheCloud();
    again(Duration.ofMillis(500));
    await().atMost(LONG).until(() -> link.metrics().unwanted() == 3);
    await().atMost(LONG).until(() -> !cloud.subscriptions.contains("core-1#2 orders/+"));
    link.close();
    await().atMost(LONG).until(() -> !cloud.broker().isConnected("core-1#2"));
    cloud.broker().publish("orders/5", bytes("o"), 1, false);
    List<String> received = new CopyOnWriteArrayList<>();
    link = CloudLink.open(cloud.settings(folder.resolve("root")));
    var unused = link.messaging().subscribe("orders/+", 1, m -> received.add(m.topic()));
    startConnected();
    awaitTheFlow();
    assertThat(received).isEmpty();
  }

  @Test
  void aCoreThatStopsInOrderComponentsFirstKeepsItsSubscriptionsForTheNextRun() throws Exception {
    AutoCloseable subscriber = link.messaging().subscribe("orders/+", 1, m -> {});
    startConnected();
    await().atMost(LONG).until(() -> cloud.subscriptions.contains("core-1#2 orders/+"));
    awaitTheFlow();
    subscriber.close();
    cloud.broker().publish("orders/1", bytes("o"), 1, false);
    awaitTheFlow();
    link.close();
    await().atMost(LONG).until(() -> !cloud.broker().isConnected("core-1#2"));
    cloud.broker().publish("orders/2", bytes("o"), 1, false);
    again(Duration.ofMinutes(1));
    List<String> received = new CopyOnWriteArrayList<>();
    var unused = link.messaging().subscribe("orders/+", 1, m -> received.add(m.topic()));
    await()
        .atMost(LONG)
        .untilAsserted(() -> assertThat(received).containsExactly("orders/1", "orders/2"));
  }

  @Test
  void aSubscriberThatIsRestartedMissesNothing() throws Exception {
    AutoCloseable before = link.messaging().subscribe("orders/+", 1, m -> {});
    startConnected();
    await().atMost(LONG).until(() -> cloud.subscriptions.contains("core-1#2 orders/+"));
    awaitTheFlow();
    before.close();
    cloud.broker().publish("orders/1", bytes("o"), 1, false);
    awaitTheFlow();
    List<String> received = new CopyOnWriteArrayList<>();
    var unused = link.messaging().subscribe("orders/+", 1, m -> received.add(m.topic()));
    cloud.broker().publish("orders/2", bytes("o"), 1, false);
    await()
        .atMost(LONG)
        .untilAsserted(() -> assertThat(received).containsExactly("orders/1", "orders/2"));
  }

  @Test
  void aSubscriptionThatNobodyTakesUpAgainIsEndedAndItsBacklogDropped() throws Exception {
    link.close();
    // Long enough for all of the backlog to come, also to a machine that stands still for a while.
    link = CloudLink.open(cloud.settings(folder.resolve("root")), Duration.ofSeconds(6));
    AutoCloseable before = link.messaging().subscribe("orders/+", 1, m -> {});
    startConnected();
    await().atMost(LONG).until(() -> cloud.subscriptions.contains("core-1#2 orders/+"));
    awaitTheFlow();
    before.close();
    for (int i = 0; i < 80; i++) {
      cloud.broker().publish("orders/" + i, bytes("o"), 1, false);
    }
    awaitTheFlow(); // others do not wait behind it
    await().atMost(LONG).until(() -> link.metrics().unwanted() == 80);
    await()
        .atMost(LONG)
        .until(
            () -> {
              long seen = link.metrics().unwanted();
              cloud.broker().publish("orders/x", bytes("o"), 1, false);
              awaitTheFlow();
              return link.metrics().unwanted() == seen;
            });
  }

  @Test
  void aDeploymentInTheShadowIsTakenOnceAndItsStatusReportedWithTheVersion() {
    cloud.desire(document(1), "SUCCEEDED");
    startConnected();
    await().atMost(LONG).until(() -> engine.submitted.size() == 1);
    assertThat(engine.submitted.getFirst().id()).isEqualTo(ARN + 1);
    link.reporter().report(status("SHADOW", ARN + 1, "IN_PROGRESS"));
    link.reporter().report(status("SHADOW", ARN + 1, "SUCCEEDED"));
    await()
        .atMost(LONG)
        .until(() -> cloud.shadow.path("reported").path("status").asString("").equals("SUCCEEDED"));
    assertThat(cloud.on(FakeMqttCloud.SHADOW + "update").getLast().has("version")).isTrue();
    assertThat(engine.submitted).hasSize(1);
    cloud.desire(document(2), "CANCELED");
    await().atMost(LONG).until(() -> engine.cancelled.contains("SHADOW " + ARN + 2));
  }

  @Test
  void aReportThatMetANewerVersionIsSentAgain() {
    cloud.desire(document(1), "SUCCEEDED");
    startConnected();
    await().atMost(LONG).until(() -> engine.submitted.size() == 1);
    cloud.version = 50; // an update that this core did not see
    link.reporter().report(status("SHADOW", ARN + 1, "SUCCEEDED"));
    await()
        .atMost(LONG)
        .until(() -> cloud.shadow.path("reported").path("status").asString("").equals("SUCCEEDED"));
  }

  @Test
  void aStatusOfAnOutageIsKeptOnDiskAndDeliveredByTheNextProcess() throws Exception {
    cloud.desire(document(1), "SUCCEEDED");
    cloud.down();
    link.reporter().report(status("SHADOW", ARN + 1, "SUCCEEDED"));
    link.close();
    cloud.up();
    link = CloudLink.open(cloud.settings(folder.resolve("root")));
    startConnected();
    await()
        .atMost(LONG)
        .until(() -> cloud.shadow.path("reported").path("status").asString("").equals("SUCCEEDED"));
    await().atMost(LONG).until(() -> link.metrics().statusesPending() == 0);
  }

  @Test
  void aDeploymentJobIsTakenReportedAndCancelledWhenTheCloudNoLongerListsIt() {
    startConnected();
    cloud.pend("job-1", document(1));
    await().atMost(LONG).until(() -> engine.submitted.size() == 1);
    assertThat(engine.submitted.getFirst().origin()).isEqualTo("IOT_JOBS");
    link.reporter().report(status("IOT_JOBS", "job-1", "IN_PROGRESS"));
    String update = FakeMqttCloud.JOBS + "job-1/" + FakeMqttCloud.NAMESPACE + "/update";
    await().atMost(LONG).until(() -> !cloud.on(update).isEmpty());
    cloud.pend("job-1", document(1)); // the same again
    cloud.pend(null, "");
    await().atMost(LONG).until(() -> engine.cancelled.contains("IOT_JOBS job-1"));
    assertThat(engine.submitted).hasSize(1);
  }

  @Test
  void aJobOfAnOutageIsAskedForOnReconnect() throws Exception {
    startConnected();
    cloud.down();
    cloud.pend("job-2", document(2));
    cloud.up();
    await().atMost(LONG).until(() -> engine.submitted.size() == 1);
  }

  @Test
  void theFleetHearsOfTheLaunchFirstThenOfChangesAndThenASignOfLife() {
    startConnected();
    link.fleet()
        .componentsChanged(
            snapshot(
                FleetSnapshot.Trigger.COMPONENT_STATUS_CHANGE,
                component("A", ComponentState.STARTING)));
    link.fleet()
        .componentsChanged(
            snapshot(
                FleetSnapshot.Trigger.NUCLEUS_LAUNCH,
                component("A", ComponentState.RUNNING),
                component("B", ComponentState.RUNNING)));
    await().atMost(LONG).until(() -> !cloud.health().isEmpty());
    JsonNode launch = cloud.health().getFirst();
    assertThat(launch.path("messageType").asString()).isEqualTo("COMPLETE");
    assertThat(launch.path("trigger").asString()).isEqualTo("NUCLEUS_LAUNCH");
    assertThat(launch.path("components").size()).isEqualTo(2);
    link.fleet()
        .componentsChanged(
            snapshot(
                FleetSnapshot.Trigger.COMPONENT_STATUS_CHANGE,
                component("A", ComponentState.RUNNING),
                component("B", ComponentState.BROKEN)));
    // A sign of life may come before and after it.
    await().atMost(LONG).until(() -> changeAt() > 0);
    int at = changeAt();
    JsonNode change = cloud.health().get(at);
    assertThat(change.path("messageType").asString()).isEqualTo("PARTIAL");
    assertThat(change.path("overallDeviceStatus").asString()).isEqualTo("UNHEALTHY");
    assertThat(change.path("components").size()).isEqualTo(1);
    await().atMost(LONG).until(() -> cloud.health().size() > at + 1); // the keep-alive
    assertThat(cloud.health().get(at + 1).path("components").size()).isZero();
    assertThat(cloud.health().stream().map(h -> h.path("sequenceNumber").asLong()))
        .isSorted()
        .doesNotHaveDuplicates();
  }

  private int changeAt() {
    return cloud.health().stream()
        .map(h -> h.path("trigger").asString())
        .toList()
        .indexOf("COMPONENT_STATUS_CHANGE");
  }

  /** The period counts from the last one, also over restarts; a day has passed here. */
  @Test
  void aPeriodicStatusThatIsOverdueComesSoonAfterTheStart() throws Exception {
    link.close();
    LinkSettings settings = cloud.settings(folder.resolve("root"));
    Path kept = settings.spoolFolder().resolve("fleet-cadence");
    Files.writeString(
        kept,
        Long.toString(
            settings.clock().millis() - settings.fleetCadence().plusMinutes(1).toMillis()));
    link = CloudLink.open(settings);
    startConnected();
    link.fleet()
        .componentsChanged(
            snapshot(FleetSnapshot.Trigger.NUCLEUS_LAUNCH, component("A", ComponentState.RUNNING)));
    await()
        .atMost(LONG)
        .until(
            () ->
                cloud.health().stream()
                    .anyMatch(
                        h ->
                            h.path("trigger").asString().equals("CADENCE")
                                && h.path("messageType").asString().equals("COMPLETE")));
    await()
        .atMost(LONG)
        .untilAsserted(
            () ->
                assertThat(Long.parseLong(Files.readString(kept)))
                    .isGreaterThan(settings.clock().millis() - 60_000));
  }

  /** LESSON-02: a small file that is damaged costs what it held, not the connection. */
  @Test
  void statusesGoOnWhenWhatIsKeptOfThemCannotBeRead() throws Exception {
    link.close();
    LinkSettings settings = cloud.settings(folder.resolve("root"));
    for (String name : new String[] {"fleet-cadence", "fleet-sequence"}) {
      Path kept = settings.spoolFolder().resolve(name);
      Files.deleteIfExists(kept);
      Files.createDirectory(kept);
    }
    link = CloudLink.open(settings);
    startConnected();
    link.fleet()
        .componentsChanged(
            snapshot(FleetSnapshot.Trigger.NUCLEUS_LAUNCH, component("A", ComponentState.RUNNING)));
    await().atMost(LONG).until(() -> !cloud.health().isEmpty());
  }

  @Test
  void aDeploymentEndedInAnOutageIsToldAfterItWithARemovalAsCompleteStatus() throws Exception {
    startConnected();
    link.fleet()
        .componentsChanged(
            snapshot(
                FleetSnapshot.Trigger.NUCLEUS_LAUNCH,
                component("A", ComponentState.RUNNING),
                component("B", ComponentState.RUNNING)));
    await().atMost(LONG).until(() -> link.metrics().fleetMessages() >= 1);
    cloud.down();
    await().atMost(LONG).until(() -> !link.connected());
    link.fleet()
        .componentsChanged(
            new FleetSnapshot(
                List.of(component("A", ComponentState.RUNNING)),
                FleetSnapshot.Trigger.THING_DEPLOYMENT,
                status("SHADOW", ARN + 1, "SUCCEEDED"),
                List.of("A")));
    cloud.up();
    await()
        .atMost(LONG)
        .until(
            () ->
                cloud.health().stream()
                    .anyMatch(h -> h.path("trigger").asString().equals("THING_DEPLOYMENT")));
    JsonNode told =
        cloud.health().stream()
            .filter(h -> h.path("trigger").asString().equals("THING_DEPLOYMENT"))
            .findFirst()
            .orElseThrow();
    assertThat(told.path("messageType").asString()).isEqualTo("COMPLETE");
    assertThat(told.path("components").size()).isEqualTo(1);
    assertThat(told.path("deploymentInformation").path("deploymentId").asString()).isEqualTo("d1");
  }
}
