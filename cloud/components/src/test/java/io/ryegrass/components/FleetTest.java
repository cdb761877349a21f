package io.ryegrass.components;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ryegrass.events.Event;
import io.ryegrass.store.testing.OnBothDatabases;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.greengrassv2.model.ComponentDeploymentSpecification;
import software.amazon.awssdk.services.greengrassv2.model.ConflictException;
import software.amazon.awssdk.services.greengrassv2.model.CreateDeploymentRequest;
import software.amazon.awssdk.services.greengrassv2.model.DeploymentStatus;
import software.amazon.awssdk.services.greengrassv2.model.EffectiveDeployment;
import software.amazon.awssdk.services.greengrassv2.model.ListCoreDevicesResponse;
import software.amazon.awssdk.services.greengrassv2.model.ValidationException;
import tools.jackson.databind.JsonNode;

/** Groups, subdeployments, conflicts, events and the state of a fleet. */
@OnBothDatabases
class FleetTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String IOT = "arn:aws:iot:us-east-1:000000000000:";

  @TempDir Path folder;
  private TestCloud cloud;

  @BeforeEach
  void start() throws IOException {
    cloud = new TestCloud(folder);
    for (String thing : List.of("core1", "core2")) {
      cloud.iot.createThing(b -> b.thingName(thing));
    }
    for (String group : List.of("all", "some", "other")) {
      cloud.iot.createThingGroup(b -> b.thingGroupName(group));
    }
    join("core1", "all");
    join("core2", "all");
    join("core1", "some");
  }

  @AfterEach
  void stop() {
    cloud.close();
  }

  private void join(String thing, String group) {
    cloud.iot.addThingToThingGroup(b -> b.thingName(thing).thingGroupName(group));
  }

  private void component(String name, String version, String dependencies) {
    cloud.greengrass.createComponentVersion(
        b ->
            b.inlineRecipe(
                SdkBytes.fromUtf8String(
                    """
                    RecipeFormatVersion: '2020-01-25'
                    ComponentName: %s
                    ComponentVersion: %s
                    ComponentDependencies: %s
                    Manifests: [{Lifecycle: {Run: echo}}]
                    """
                        .formatted(name, version, dependencies))));
  }

  private String deploy(String target, Map<String, String> versions) {
    return cloud.greengrass.createDeployment(request(target, versions).build()).deploymentId();
  }

  private static CreateDeploymentRequest.Builder request(
      String target, Map<String, String> versions) {
    Map<String, ComponentDeploymentSpecification> components = new java.util.TreeMap<>();
    versions.forEach(
        (name, version) ->
            components.put(
                name,
                ComponentDeploymentSpecification.builder().componentVersion(version).build()));
    return CreateDeploymentRequest.builder().targetArn(IOT + target).components(components);
  }

  private EffectiveDeployment effective(String core, String deployment) {
    return cloud
        .greengrass
        .listEffectiveDeployments(b -> b.coreDeviceThingName(core))
        .effectiveDeployments()
        .stream()
        .filter(e -> e.deploymentId().equals(deployment))
        .findFirst()
        .orElseThrow();
  }

  private List<Event> events(String type) {
    return cloud.events.stream().filter(e -> e.detailType().equals(type)).toList();
  }

  private void health(String core, String fields) {
    cloud.fromDevice(
        core,
        "$aws/things/" + core + "/greengrassv2/health/json",
        "{\"ggcVersion\":\"2.15.0\",\"platform\":\"linux\",\"architecture\":\"amd64\",\"thing\":\""
            + core
            + "\","
            + fields
            + "}");
  }

  // ---- conflicts

  @Test
  void a_deployment_that_cannot_be_met_with_another_groups_says_at_creation_who_wants_what() {
    component("Lib", "1.0.0", "{}");
    component("Lib", "2.0.0", "{}");
    component("App", "1.0.0", "{Lib: {VersionRequirement: '^2.0.0'}}");
    deploy("thinggroup/all", Map.of("App", "1.0.0"));
    assertThat(events(FleetEvents.CONFLICT)).isEmpty();

    String second = deploy("thinggroup/some", Map.of("Lib", "1.0.0"));

    String reason = effective("core1", second).reason();
    assertThat(effective("core1", second).coreDeviceExecutionStatusAsString()).isEqualTo("QUEUED");
    assertThat(reason)
        .contains("Component Lib version constraints conflict")
        .contains("App requires ^2.0.0")
        .contains("thinggroup/some requires =1.0.0")
        .contains("Revise");
    Event event = events(FleetEvents.CONFLICT).getFirst();
    assertThat(event.detail().path("deploymentId").asString()).isEqualTo(second);
    assertThat(event.detail().at("/conflicts/0/otherTarget").asString())
        .isEqualTo("thinggroup/all");
    // as with AWS the deployment is there and goes out (DPL-05); one that fits is told nothing
    assertThat(cloud.greengrass.getDeployment(b -> b.deploymentId(second)).deploymentStatus())
        .isEqualTo(DeploymentStatus.ACTIVE);
    String third = deploy("thinggroup/some", Map.of("Lib", "2.0.0"));
    assertThat(effective("core1", third).reason()).isNullOrEmpty();
    assertThat(events(FleetEvents.CONFLICT)).hasSize(1);
  }

  @Test
  void groups_without_a_common_core_do_not_conflict_but_one_who_joins_is_told() {
    component("Lib", "1.0.0", "{}");
    component("Lib", "2.0.0", "{}");
    deploy("thinggroup/other", Map.of("Lib", "1.0.0"));
    deploy("thing/core2", Map.of("Lib", "2.0.0"));
    assertThat(events(FleetEvents.CONFLICT)).isEmpty();
    String all = deploy("thinggroup/all", Map.of("Lib", "1.0.0"));
    assertThat(effective("core2", all).reason()).contains("thing/core2 requires =2.0.0");
    assertThat(effective("core1", all).reason()).isNullOrEmpty();
  }

  // ---- subdeployments (DPL-25)

  @Test
  void a_subdeployment_has_one_parent_and_ends_with_its_parents_next_revision() {
    component("a", "1.0.0", "{}");
    assertThatThrownBy(() -> sub("thinggroup/some", "thinggroup/all"))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("has no deployment");
    deploy("thinggroup/all", Map.of("a", "1.0.0"));
    deploy("thinggroup/other", Map.of("a", "1.0.0"));
    assertThatThrownBy(() -> sub("thing/core1", "thinggroup/all"))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("must be a thing group");

    String sub = sub("thinggroup/some", "thinggroup/all");
    assertThat(
            cloud
                .greengrass
                .listDeployments(b -> b.parentTargetArn(IOT + "thinggroup/all"))
                .deployments())
        .extracting(d -> d.deploymentId())
        .containsExactly(sub);
    assertThatThrownBy(() -> sub("thinggroup/some", "thinggroup/other"))
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("one parent only");

    deploy("thinggroup/all", Map.of("a", "1.0.0"));
    var ended = cloud.greengrass.getDeployment(b -> b.deploymentId(sub));
    assertThat(ended.deploymentStatus()).isEqualTo(DeploymentStatus.INACTIVE);
    assertThat(ended.isLatestForTarget()).isFalse();
    // the group is free again
    assertThat(sub("thinggroup/some", "thinggroup/other")).isNotEmpty();
  }

  private String sub(String target, String parent) {
    return cloud
        .greengrass
        .createDeployment(
            request(target, Map.of("a", "1.0.0")).parentTargetArn(IOT + parent).build())
        .deploymentId();
  }

  @Test
  void rollout_settings_that_contradict_each_other_are_refused_API_19() {
    component("a", "1.0.0", "{}");
    assertThatThrownBy(
            () ->
                cloud.greengrass.createDeployment(
                    request("thinggroup/all", Map.of("a", "1.0.0"))
                        .iotJobConfiguration(
                            j ->
                                j.jobExecutionsRolloutConfig(
                                    r ->
                                        r.exponentialRate(
                                            e ->
                                                e.baseRatePerMinute(1)
                                                    .incrementFactor(2.0)
                                                    .rateIncreaseCriteria(
                                                        c ->
                                                            c.numberOfNotifiedThings(1)
                                                                .numberOfSucceededThings(1)))))
                        .build()))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("exactly one");
    assertThatThrownBy(
            () ->
                cloud.greengrass.createDeployment(
                    request("thinggroup/all", Map.of("a", "1.0.0"))
                        .iotJobConfiguration(
                            j -> j.timeoutConfig(t -> t.inProgressTimeoutInMinutes(10_081L)))
                        .build()))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("10080");
  }

  // ---- pages (API-06)

  @Test
  void pages_go_on_where_they_ended_even_when_items_come_and_go_and_tokens_cannot_be_made_up() {
    for (int i = 0; i < 7; i++) {
      String thing = "p" + i;
      cloud.iot.createThing(b -> b.thingName(thing));
      health(thing, "\"timestamp\":1,\"sequenceNumber\":1,\"messageType\":\"COMPLETE\"");
    }
    List<String> seen = new ArrayList<>();
    ListCoreDevicesResponse page = cloud.greengrass.listCoreDevices(b -> b.maxResults(3));
    page.coreDevices().forEach(c -> seen.add(c.coreDeviceThingName()));
    String token = page.nextToken();
    cloud.greengrass.deleteCoreDevice(b -> b.coreDeviceThingName("p0"));
    page = cloud.greengrass.listCoreDevices(b -> b.maxResults(3).nextToken(token));
    page.coreDevices().forEach(c -> seen.add(c.coreDeviceThingName()));
    String last = page.nextToken();
    page = cloud.greengrass.listCoreDevices(b -> b.maxResults(3).nextToken(last));
    page.coreDevices().forEach(c -> seen.add(c.coreDeviceThingName()));
    assertThat(seen).containsExactly("p0", "p1", "p2", "p3", "p4", "p5", "p6");
    assertThat(page.nextToken()).isNull();

    String changed = (token.charAt(0) == 'A' ? "B" : "A") + token.substring(1);
    for (String wrong : List.of(changed, "3", "!", token + "AA")) {
      assertThatThrownBy(
              () -> cloud.greengrass.listCoreDevices(b -> b.maxResults(3).nextToken(wrong)))
          .isInstanceOf(ValidationException.class);
    }
    assertThatThrownBy(
            () ->
                cloud.greengrass.listCoreDevices(
                    b -> b.status("HEALTHY").maxResults(3).nextToken(token)))
        .as("a token of another question")
        .isInstanceOf(ValidationException.class);
  }

  // ---- events

  @Test
  void the_end_of_a_deployment_on_a_core_is_an_event_COMPLETED_for_a_thing_MON_03() {
    component("a", "1.0.0", "{}");
    String deployment = deploy("thing/core1", Map.of("a", "1.0.0"));
    String arn = "arn:aws:greengrass:us-east-1:000000000000:configuration:thing/core1:1";
    cloud.fromDevice(
        "core1",
        "$aws/things/core1/shadow/name/AWSManagedGreengrassV2Deployment/update",
        """
        {"state":{"reported":{"fleetConfigurationArnForStatus":"%s","status":"FAILED","statusDetails":
         {"detailedStatus":"FAILED_ROLLBACK_COMPLETE","failureCause":"a broke",
          "errorStack":["DEPLOYMENT_FAILURE","COMPONENT_BROKEN"],"errorTypes":["USER_COMPONENT_ERROR"]}}}}"""
            .formatted(arn));
    Event failed = events(FleetEvents.DEPLOYMENT).getFirst();
    assertThat(failed.source()).isEqualTo("aws.greengrass");
    assertThat(failed.resources())
        .containsExactly("arn:aws:greengrass:us-east-1:000000000000:coreDevices:core1");
    assertThat(failed.detail())
        .isEqualTo(
            TestCloud.json(
                """
                {"deployment-id":"%s","coreDeviceExecutionStatus":"FAILED","statusDetails":{
                 "errorStack":["DEPLOYMENT_FAILURE","COMPONENT_BROKEN"],"errorTypes":["USER_COMPONENT_ERROR"]},
                 "reason":"FAILED_ROLLBACK_COMPLETE: a broke"}"""
                    .formatted(deployment)));

    deploy("thing/core1", Map.of("a", "1.0.0"));
    cloud.fromDevice(
        "core1",
        "$aws/things/core1/shadow/name/AWSManagedGreengrassV2Deployment/update",
        "{\"state\":{\"reported\":{\"fleetConfigurationArnForStatus\":\""
            + arn.replace("core1:1", "core1:2")
            + "\",\"status\":\"SUCCEEDED\"}}}");
    assertThat(
            events(FleetEvents.DEPLOYMENT)
                .getLast()
                .detail()
                .path("coreDeviceExecutionStatus")
                .asString())
        .isEqualTo("COMPLETED");
  }

  @Test
  void a_component_that_breaks_is_an_event_once_and_the_core_is_unhealthy_MON_04() {
    String broken =
        """
        "timestamp":%d,"sequenceNumber":%d,"messageType":"PARTIAL","overallDeviceStatus":"UNHEALTHY",
        "trigger":"COMPONENT_STATUS_CHANGE","components":[{"componentName":"a","version":"1.0.0",
        "fleetConfigArns":[],"isRoot":true,"status":"BROKEN","componentStatusDetails":
        {"statusCodes":["RUN_ERROR"],"statusReason":"exit code 1"}}]""";
    health("core1", broken.formatted(1000, 1));
    health("core1", broken.formatted(2000, 2));
    assertThat(events(FleetEvents.COMPONENTS)).hasSize(1);
    assertThat(events(FleetEvents.COMPONENTS).getFirst().detail())
        .isEqualTo(
            TestCloud.json(
                """
                {"components":[{"componentName":"a","componentVersion":"1.0.0","root":true,
                 "lifecycleState":"BROKEN","lifecycleStatusCodes":["RUN_ERROR"],
                 "lifecycleStateDetails":"exit code 1"}]}"""));
    assertThat(cloud.greengrass.getCoreDevice(b -> b.coreDeviceThingName("core1")).statusAsString())
        .isEqualTo("UNHEALTHY");
    // a late older message changes nothing any more
    health(
        "core1",
        "\"timestamp\":500,\"sequenceNumber\":1,\"messageType\":\"COMPLETE\",\"overallDeviceStatus\":\"HEALTHY\"");
    assertThat(cloud.greengrass.getCoreDevice(b -> b.coreDeviceThingName("core1")).statusAsString())
        .isEqualTo("UNHEALTHY");
  }

  @Test
  void telemetry_is_kept_bounded_and_told_TEL_06() {
    String body =
        "{\"Schema\":\"2022-06-30\",\"ADP\":[{\"TS\":%d,\"NS\":\"SystemMetrics\",\"M\":[]}]}";
    for (int i = 0; i < 203; i++) { // each a transaction
      cloud.fromDevice("core1", "$aws/things/core1/greengrass/health/json", body.formatted(i));
    }
    List<Telemetry.Kept> kept = cloud.components.telemetry().of("core1", 1000);
    assertThat(kept).hasSize(200);
    assertThat(kept.getFirst().body().at("/ADP/0/TS").asInt()).isEqualTo(202);
    assertThat(events(FleetEvents.TELEMETRY)).hasSize(203);
    assertThat(events(FleetEvents.TELEMETRY).getFirst().detail().path("ThingName").asString())
        .isEqualTo("core1");
    cloud.fromDevice("core2", "$aws/things/core1/greengrass/health/json", body.formatted(1));
    cloud.fromDevice("core1", "$aws/things/core1/greengrass/health/json", "no");
    assertThat(events(FleetEvents.TELEMETRY)).hasSize(203);
  }

  // ---- connections (LESSON-16)

  @Test
  void a_core_that_is_gone_is_known_gone_at_once_and_so_after_the_clouds_own_end() {
    health("core1", "\"timestamp\":1,\"sequenceNumber\":1,\"messageType\":\"COMPLETE\"");
    cloud.components.start();
    cloud.components.connectionChanged("core1", Set.of("core1"), true, "", 1000);
    cloud.components.connectionChanged("tool", Set.of("core1"), true, "", 1000);
    await().atMost(PATIENCE).until(() -> cloud.components.presence().of("core1").isPresent());
    assertThat(cloud.components.presence().of("core1"))
        .hasValueSatisfying(p -> assertThat(p.connected()).isTrue());
    assertThat(cloud.components.presence().of("tool")).isEmpty();
    cloud.components.connectionChanged(
        "core1", Set.of("core1"), false, "MQTT_KEEP_ALIVE_TIMEOUT", 2000);
    await().atMost(PATIENCE).until(() -> events(FleetEvents.CONNECTION).size() == 2);
    assertThat(events(FleetEvents.CONNECTION).getLast().detail())
        .hasToString(
            ("{\"coreDeviceThingName\":\"core1\",\"connectionStatus\":\"DISCONNECTED\","
                + "\"disconnectReason\":\"MQTT_KEEP_ALIVE_TIMEOUT\",\"timestamp\":2000}"));

    cloud.components.connectionChanged("core1", Set.of("core1"), true, "", 3000);
    await()
        .atMost(PATIENCE)
        .until(() -> cloud.components.presence().of("core1").orElseThrow().connected());
    cloud.components.close();
    cloud.components.start(); // the next process
    CorePresence.Presence after = cloud.components.presence().of("core1").orElseThrow();
    assertThat(after.connected()).isFalse();
    assertThat(after.reason()).isEqualTo("CLOUD_STOPPED");
    assertThat(after.changed()).isGreaterThan(3000);
  }

  @Test
  void the_fleet_at_a_glance_has_connection_faults_and_deployments_and_runtime_is_a_filter_API_23()
      throws Exception {
    component("a", "1.0.0", "{}");
    String deployment = deploy("thing/core1", Map.of("a", "1.0.0"));
    health(
        "core1",
        """
        "timestamp":1,"sequenceNumber":1,"messageType":"COMPLETE","overallDeviceStatus":"UNHEALTHY",
        "components":[{"componentName":"a","version":"1.0.0","isRoot":true,"status":"BROKEN",
        "componentStatusDetails":{"statusCodes":[],"statusReason":"exit 1"}}]""");
    health(
        "core2",
        "\"runtime\":\"aws_nucleus_lite\",\"timestamp\":1,\"sequenceNumber\":1,\"messageType\":\"COMPLETE\"");
    cloud.components.start();
    cloud.components.connectionChanged("core1", Set.of("core1"), true, "", 1000);
    await().atMost(PATIENCE).until(() -> cloud.components.presence().of("core1").isPresent());

    JsonNode cores = cloud.own("/ryegrass/fleet").path("cores");

    assertThat(cores).hasSize(2);
    JsonNode first = cores.path(0);
    assertThat(first.path("connectionStatus").asString()).isEqualTo("CONNECTED");
    assertThat(first.path("componentsNotHealthy").path(0).asString())
        .isEqualTo("a 1.0.0 BROKEN: exit 1");
    assertThat(first.at("/deployments/0/deploymentId").asString()).isEqualTo(deployment);
    assertThat(cores.at("/1/connectionStatus").asString()).isEqualTo("UNKNOWN");
    assertThat(cloud.own("/ryegrass/fleet?connectionStatus=CONNECTED").path("cores")).hasSize(1);

    var lite = cloud.greengrass.listCoreDevices(b -> b.runtime("aws_nucleus_lite")).coreDevices();
    assertThat(lite).extracting(c -> c.coreDeviceThingName()).containsExactly("core2");
    assertThat(lite.getFirst().platform()).isEqualTo("linux");
    assertThat(lite.getFirst().architecture()).isEqualTo("amd64");
    assertThat(lite.getFirst().runtime()).isEqualTo("aws_nucleus_lite");
    assertThat(cloud.greengrass.getCoreDevice(b -> b.coreDeviceThingName("core1")).runtime())
        .isEqualTo("aws_nucleus_classic");
  }

  @Test
  void a_canceled_deployment_goes_on_where_it_was_taken_up_DPL_28() {
    component("a", "1.0.0", "{}");
    String deployment = deploy("thinggroup/all", Map.of("a", "1.0.0"));
    cloud.fromDevice(
        "core1",
        "$aws/things/core1/jobs/" + deployment + "/namespace-aws-gg-deployment/update",
        "{\"status\":\"IN_PROGRESS\"}");
    cloud.greengrass.cancelDeployment(b -> b.deploymentId(deployment));
    assertThat(effective("core1", deployment).coreDeviceExecutionStatusAsString())
        .isEqualTo("IN_PROGRESS");
    assertThat(effective("core2", deployment).coreDeviceExecutionStatusAsString())
        .isEqualTo("CANCELED");
    cloud.fromDevice(
        "core1",
        "$aws/things/core1/jobs/" + deployment + "/namespace-aws-gg-deployment/update",
        "{\"status\":\"SUCCEEDED\"}");
    assertThat(effective("core1", deployment).coreDeviceExecutionStatusAsString())
        .isEqualTo("SUCCEEDED");
    assertThat(cloud.greengrass.getDeployment(b -> b.deploymentId(deployment)).deploymentStatus())
        .isEqualTo(DeploymentStatus.CANCELED);
  }

  @Test
  void a_deployment_whose_job_is_aborted_by_its_criteria_or_canceled_is_canceled() {
    component("a", "1.0.0", "{}");
    String aborted =
        cloud
            .greengrass
            .createDeployment(
                request("thinggroup/all", Map.of("a", "1.0.0"))
                    .iotJobConfiguration(
                        j ->
                            j.abortConfig(
                                a ->
                                    a.criteriaList(
                                        c ->
                                            c.action("CANCEL")
                                                .failureType("FAILED")
                                                .minNumberOfExecutedThings(1)
                                                .thresholdPercentage(40.0))))
                    .build())
            .deploymentId();
    cloud.fromDevice(
        "core1",
        "$aws/things/core1/jobs/" + aborted + "/namespace-aws-gg-deployment/update",
        "{\"status\":\"FAILED\"}");
    assertThat(cloud.greengrass.getDeployment(b -> b.deploymentId(aborted)).deploymentStatus())
        .isEqualTo(DeploymentStatus.CANCELED);
    assertThat(effective("core1", aborted).coreDeviceExecutionStatusAsString()).isEqualTo("FAILED");
    assertThat(effective("core2", aborted).coreDeviceExecutionStatusAsString())
        .isEqualTo("CANCELED");

    String canceled = deploy("thinggroup/all", Map.of("a", "1.0.0"));
    assertThat(cloud.greengrass.getDeployment(b -> b.deploymentId(canceled)).deploymentStatus())
        .isEqualTo(DeploymentStatus.ACTIVE);
    cloud.iot.cancelJob(b -> b.jobId(canceled));
    assertThat(cloud.greengrass.getDeployment(b -> b.deploymentId(canceled)).deploymentStatus())
        .isEqualTo(DeploymentStatus.CANCELED);
    assertThat(cloud.greengrass.getDeployment(b -> b.deploymentId(aborted)).deploymentStatus())
        .as("what was over before stays what it was")
        .isEqualTo(DeploymentStatus.CANCELED);
  }
}
