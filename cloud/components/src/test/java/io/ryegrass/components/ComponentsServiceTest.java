package io.ryegrass.components;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.model.BuiltInComponents;
import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.model.Recipe;
import io.ryegrass.objects.ReadAccess;
import io.ryegrass.registry.DeviceResponse;
import io.ryegrass.store.testing.OnBothDatabases;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.greengrassv2.model.AssociateClientDeviceWithCoreDeviceEntry;
import software.amazon.awssdk.services.greengrassv2.model.ComponentDeploymentSpecification;
import software.amazon.awssdk.services.greengrassv2.model.ComponentVisibilityScope;
import software.amazon.awssdk.services.greengrassv2.model.ConflictException;
import software.amazon.awssdk.services.greengrassv2.model.CreateDeploymentResponse;
import software.amazon.awssdk.services.greengrassv2.model.DeploymentStatus;
import software.amazon.awssdk.services.greengrassv2.model.EffectiveDeployment;
import software.amazon.awssdk.services.greengrassv2.model.InstalledComponent;
import software.amazon.awssdk.services.greengrassv2.model.ResourceNotFoundException;
import software.amazon.awssdk.services.greengrassv2.model.ValidationException;
import tools.jackson.databind.JsonNode;

/** The control plane as AWS's SDK sees it, and what a core sees and says of it. */
@OnBothDatabases
class ComponentsServiceTest {
  private static final String ACCOUNT_ARN = "arn:aws:greengrass:us-east-1:000000000000:";
  private static final String SHADOW =
      "$aws/things/core1/shadow/name/AWSManagedGreengrassV2Deployment/update";

  @TempDir Path folder;
  private TestCloud cloud;

  @BeforeEach
  void start() throws IOException {
    cloud = new TestCloud(folder);
    cloud.iot.createThing(b -> b.thingName("core1"));
    cloud.objects.createBucket("demo");
    cloud.objects.put("demo", "echo.sh", "echo hi".getBytes(StandardCharsets.UTF_8));
  }

  @AfterEach
  void stop() {
    cloud.close();
  }

  // ---- components

  @Test
  void a_created_component_is_requested_then_deployable_and_its_artifact_has_a_digest_API_01() {
    var created = create("com.example.Echo", "1.0.0");
    assertThat(created.arn()).isEqualTo(arn("com.example.Echo", "1.0.0"));
    assertThat(created.status().componentStateAsString()).isEqualTo("REQUESTED");
    assertThat(
            cloud
                .greengrass
                .describeComponent(b -> b.arn(created.arn()))
                .status()
                .componentStateAsString())
        .isEqualTo("DEPLOYABLE");

    var got = cloud.greengrass.getComponent(b -> b.arn(created.arn()));
    Recipe recipe = Recipe.parse(got.recipe().asByteArray());
    Recipe.Artifact artifact = recipe.manifests().getFirst().artifacts().getFirst();
    assertThat(artifact.algorithm()).isEqualTo("SHA-256");
    assertThat(artifact.digest())
        .isEqualTo(
            Base64.getEncoder()
                .encodeToString(Digests.sha256("echo hi".getBytes(StandardCharsets.UTF_8))));
    var yaml = cloud.greengrass.getComponent(b -> b.arn(created.arn()).recipeOutputFormat("YAML"));
    assertThat(Recipe.parse(yaml.recipe().asByteArray())).isEqualTo(recipe);

    var described = cloud.greengrass.describeComponent(b -> b.arn(created.arn()));
    assertThat(described.publisher()).isEqualTo("Example");
    assertThat(described.platforms().getFirst().attributes()).containsEntry("os", "linux");
  }

  @Test
  void a_recipe_that_cannot_work_is_refused_with_the_field() {
    assertThatThrownBy(() -> createFrom("ComponentName: [x"))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("RECIPE_PARSE_ERROR");
    // in AWS's words, which scripts look for; the field says more
    assertThatThrownBy(() -> createFrom(recipe("a", "1.0.0").replace("echo.sh", "none.sh")))
        .isInstanceOfSatisfying(
            ValidationException.class,
            e -> {
              assertThat(e.awsErrorDetails().errorMessage())
                  .isEqualTo(
                      "Invalid Input: Encountered following errors in Artifacts: {s3://demo/none.sh"
                          + " = Specified artifact resource cannot be accessed}");
              assertThat(e.fields().getFirst().message()).contains("upload");
            });
    assertThatThrownBy(() -> createFrom(recipe("a", "1.0.0").replace("demo", "nobucket")))
        .isInstanceOf(ValidationException.class);
    create("a", "1.0.0");
    assertThatThrownBy(() -> create("a", "1.0.0"))
        .isInstanceOfSatisfying(
            ConflictException.class, e -> assertThat(e.resourceType()).isEqualTo("COMPONENT"))
        .hasMessageContaining(
            "Component [a : 1.0.0] for account [000000000000] already exists with state:"
                + " [DEPLOYABLE]");
    assertThatThrownBy(() -> cloud.greengrass.createComponentVersion(b -> b.clientToken("t")))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("Exactly one of inlineRecipe and lambdaFunction");
    assertThatThrownBy(() -> createFrom(recipe("big", "1.0.0") + "#".repeat(16 << 10)))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("at most 16384");
  }

  @Test
  void a_device_that_may_resolve_one_component_does_not_get_another_along_with_it() {
    create("a", "1.0.0");
    create("hidden", "1.0.0");
    DeviceResponse answer =
        cloud.call(
            "core1",
            "ResolveComponentCandidates",
            Map.of(),
            """
            {"componentCandidates":[{"componentName":"a"},{"componentName":"hidden"}]}""");
    assertThat(answer.status()).isEqualTo(403);
    assertThat(new String(answer.body(), StandardCharsets.UTF_8)).contains("components:hidden");
  }

  @Test
  void nobody_makes_an_artifact_of_an_object_that_he_may_not_read() {
    // the service's own buckets are out of reach even for the account's root
    cloud.objects.createBucket(".private");
    cloud.objects.put(".private", "echo.sh", "x".getBytes(StandardCharsets.UTF_8));
    assertThatThrownBy(
            () -> createFrom(recipe("a", "1.0.0").replace("s3://demo/", "s3://.private/")))
        .isInstanceOfSatisfying(
            ValidationException.class,
            e -> assertThat(e.fields().getFirst().message()).contains("s3:GetObject"))
        .hasMessageContaining("cannot be accessed");
    assertThat(
            ReadAccess.of(cloud.identity)
                .mayRead(TestCloud.withoutPolicies("mallory"), "demo", "echo.sh"))
        .isFalse();
  }

  @Test
  void the_same_client_token_gives_the_same_answer() {
    var request =
        software.amazon.awssdk.services.greengrassv2.model.CreateComponentVersionRequest.builder()
            .inlineRecipe(SdkBytes.fromUtf8String(recipe("a", "1.0.0")))
            .clientToken("token-1")
            .build();
    var first = cloud.greengrass.createComponentVersion(request);
    assertThat(cloud.greengrass.createComponentVersion(request)).hasToString(first.toString());
    assertThatThrownBy(
            () ->
                cloud.greengrass.createComponentVersion(
                    request.toBuilder()
                        .inlineRecipe(SdkBytes.fromUtf8String(recipe("a", "2.0.0")))
                        .build()))
        .isInstanceOf(ConflictException.class);
  }

  @Test
  void components_are_listed_by_scope_and_versions_highest_first() {
    create("a", "1.0.0");
    create("a", "1.10.0");
    create("a", "1.9.0");
    create("b", "1.0.0");
    var own = cloud.greengrass.listComponentsPaginator(b -> b.maxResults(1)).components();
    assertThat(own.stream().map(c -> c.componentName() + c.latestVersion().componentVersion()))
        .containsExactly("a1.10.0", "b1.0.0");
    var listed = cloud.greengrass.listComponents(b -> b.scope(ComponentVisibilityScope.PUBLIC));
    assertThat(listed.components())
        .extracting(c -> c.arn())
        .contains("arn:aws:greengrass:us-east-1:aws:components:aws.greengrass.Nucleus");
    assertThat(
            cloud
                .greengrass
                .listComponentVersions(b -> b.arn(ACCOUNT_ARN + "components:a"))
                .componentVersions())
        .extracting(v -> v.componentVersion())
        .containsExactly("1.10.0", "1.9.0", "1.0.0");
    cloud.greengrass.deleteComponent(b -> b.arn(arn("b", "1.0.0")));
    assertThatThrownBy(() -> cloud.greengrass.describeComponent(b -> b.arn(arn("b", "1.0.0"))))
        .isInstanceOfSatisfying(
            ResourceNotFoundException.class,
            e -> assertThat(e.resourceId()).isEqualTo(arn("b", "1.0.0")));
  }

  @Test
  void tags_belong_to_components_deployments_and_cores() {
    String arn =
        cloud
            .greengrass
            .createComponentVersion(
                b ->
                    b.inlineRecipe(SdkBytes.fromUtf8String(recipe("a", "1.0.0")))
                        .tags(Map.of("k", "v")))
            .arn();
    cloud.greengrass.tagResource(b -> b.resourceArn(arn).tags(Map.of("l", "w")));
    cloud.greengrass.untagResource(b -> b.resourceArn(arn).tagKeys("k"));
    assertThat(cloud.greengrass.listTagsForResource(b -> b.resourceArn(arn)).tags())
        .isEqualTo(Map.of("l", "w"));
    assertThatThrownBy(
            () ->
                cloud.greengrass.tagResource(
                    b -> b.resourceArn(ACCOUNT_ARN + "deployments:x").tags(Map.of("a", "b"))))
        .isInstanceOf(ResourceNotFoundException.class);
  }

  // ---- resolution by devices

  @Test
  void a_device_gets_the_highest_version_that_fits_and_a_url_for_its_artifact() {
    create("a", "1.0.0");
    create("a", "1.2.0");
    create("a", "2.0.0");
    JsonNode found = resolve("a", "{\"x\": \"^1.0.0\"}", "linux");
    assertThat(found.path("componentVersion").asString()).isEqualTo("1.2.0");
    Recipe recipe = Recipe.parse(Base64.getDecoder().decode(found.path("recipe").asString()));
    assertThat(recipe.componentVersion().text()).isEqualTo("1.2.0");
    DeviceResponse artifact =
        cloud.call(
            "core1",
            "GetComponentVersionArtifact",
            Map.of("arn", found.path("arn").asString(), "artifactName", "echo.sh"),
            "");
    assertThat(TestCloud.json(artifact.body()).path("preSignedUrl").asString())
        .startsWith("https://localhost:8443/demo/echo.sh?X-Amz-");
    assertThat(resolve("aws.greengrass.Nucleus", "{}", "linux").path("arn").asString())
        .startsWith("arn:aws:greengrass:us-east-1:aws:components:aws.greengrass.Nucleus:versions:");
  }

  @Test
  void the_words_of_a_404_tell_an_unfit_platform_from_a_missing_version() {
    create("a", "1.0.0");
    assertThat(resolveError("a", "{\"x\":\">=2.0.0\"}", "linux")).contains("no usable version");
    assertThat(resolveError("nothing", "{}", "linux")).contains("no usable version");
    assertThat(resolveError("a", "{\"x\":\"*\"}", "windows")).contains("claim platform");
  }

  // ---- deployments to a thing

  @Test
  void a_deployment_to_a_thing_goes_out_in_its_shadow_and_completes_by_its_report() {
    create("a", "1.0.0");
    String id = deploy("thing/core1", "a", "1.0.0", "{\"x\":1}").deploymentId();
    JsonNode desired = desired();
    assertThat(desired.path("desiredStatus").asString()).isEqualTo("SUCCEEDED");
    DeploymentDocument document = DeploymentDocument.parse(desired.path("fleetConfig").asString());
    assertThat(document.deploymentId()).isEqualTo(id);
    assertThat(document.configurationArn()).isEqualTo(ACCOUNT_ARN + "configuration:thing/core1:1");
    assertThat(document.components().get("a").configurationUpdate().merge().path("x").asInt())
        .isEqualTo(1);
    assertThat(document.configurationValidationPolicy().timeout()).isEqualTo(30);
    assertThat(effective().coreDeviceExecutionStatusAsString()).isEqualTo("QUEUED");

    report(document.configurationArn(), "IN_PROGRESS", "{}");
    assertThat(effective().coreDeviceExecutionStatusAsString()).isEqualTo("IN_PROGRESS");
    report(
        document.configurationArn(),
        "SUCCEEDED",
        "{\"detailedStatus\":\"SUCCESSFUL\",\"failureCause\":\"\"}");
    assertThat(effective().coreDeviceExecutionStatusAsString()).isEqualTo("COMPLETED");
    assertThat(cloud.greengrass.getDeployment(b -> b.deploymentId(id)).deploymentStatus())
        .isEqualTo(DeploymentStatus.COMPLETED);
  }

  @Test
  void a_failed_deployment_keeps_the_devices_words() {
    create("a", "1.0.0");
    String id = deploy("thing/core1", "a", "1.0.0", null).deploymentId();
    report(
        ACCOUNT_ARN + "configuration:thing/core1:1",
        "FAILED",
        """
        {"detailedStatus": "FAILED_ROLLBACK_COMPLETE", "failureCause": "a is BROKEN",
         "errorStack": ["DEPLOYMENT_FAILURE", "COMPONENT_BROKEN"], "errorTypes": ["USER_COMPONENT_ERROR"]}
        """);
    EffectiveDeployment effective = effective();
    assertThat(effective.reason()).isEqualTo("FAILED_ROLLBACK_COMPLETE: a is BROKEN");
    assertThat(effective.statusDetails().errorStack())
        .containsExactly("DEPLOYMENT_FAILURE", "COMPONENT_BROKEN");
    assertThat(cloud.greengrass.getDeployment(b -> b.deploymentId(id)).deploymentStatus())
        .isEqualTo(DeploymentStatus.FAILED);
  }

  @Test
  void a_new_revision_takes_the_place_of_the_one_before() {
    create("a", "1.0.0");
    String first = deploy("thing/core1", "a", "1.0.0", null).deploymentId();
    String second = deploy("thing/core1", "a", "1.0.0", null).deploymentId();
    assertThat(cloud.greengrass.getDeployment(b -> b.deploymentId(first)).deploymentStatus())
        .isEqualTo(DeploymentStatus.INACTIVE);
    var now = cloud.greengrass.getDeployment(b -> b.deploymentId(second));
    assertThat(now.revisionId()).isEqualTo("2");
    assertThat(now.isLatestForTarget()).isTrue();
    assertThat(effective().deploymentId()).isEqualTo(second);
    assertThat(cloud.greengrass.listDeployments(b -> b.historyFilter("LATEST_ONLY")).deployments())
        .extracting(d -> d.deploymentId())
        .containsExactly(second);
    assertThat(cloud.greengrass.listDeployments(b -> b.historyFilter("ALL")).deployments())
        .hasSize(2);
    // a late word of the superseded revision does not disturb the new one
    report(ACCOUNT_ARN + "configuration:thing/core1:1", "SUCCEEDED", "{}");
    assertThat(effective().coreDeviceExecutionStatusAsString()).isEqualTo("QUEUED");
  }

  @Test
  void a_canceled_deployment_tells_the_device_and_may_be_deleted() {
    create("a", "1.0.0");
    String id = deploy("thing/core1", "a", "1.0.0", null).deploymentId();
    assertThatThrownBy(() -> cloud.greengrass.deleteDeployment(b -> b.deploymentId(id)))
        .isInstanceOf(ConflictException.class);
    cloud.greengrass.cancelDeployment(b -> b.deploymentId(id));
    assertThat(desired().path("desiredStatus").asString()).isEqualTo("CANCELED");
    assertThat(effective().coreDeviceExecutionStatusAsString()).isEqualTo("CANCELED");
    assertThatThrownBy(() -> cloud.greengrass.cancelDeployment(b -> b.deploymentId(id)))
        .isInstanceOf(ConflictException.class);
    cloud.greengrass.deleteDeployment(b -> b.deploymentId(id));
    assertThatThrownBy(() -> cloud.greengrass.getDeployment(b -> b.deploymentId(id)))
        .isInstanceOf(ResourceNotFoundException.class);
  }

  @Test
  void a_deployment_that_cannot_be_is_refused_before_anything_is_sent() {
    create("a", "1.0.0");
    assertThatThrownBy(() -> deploy("thing/core1", "a", "3.0.0", null))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining("Component a version 3.0.0 does not exist")
        .hasMessageContaining("or name 1.0.0");
    String builtIn = "aws.greengrass.LegacySubscriptionRouter";
    assertThatThrownBy(() -> deploy("thing/core1", builtIn, "0.0.1", null))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining("part of Ryegrass, so name " + builtInVersion(builtIn));
    assertThatThrownBy(() -> deploy("thing/core1", "a", "1.0.0", "[1]"))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("JSON object");
    assertThatThrownBy(() -> deploy("thing/nobody", "a", "1.0.0", null))
        .isInstanceOf(ResourceNotFoundException.class);
    assertThatThrownBy(() -> deploy("thinggroup/nobody", "a", "1.0.0", null))
        .isInstanceOf(ResourceNotFoundException.class);
    assertThat(cloud.greengrass.listDeployments(b -> b.historyFilter("ALL")).deployments())
        .isEmpty();
  }

  // ---- deployments to a group

  @Test
  void a_deployment_to_a_group_is_a_job_that_its_things_execute() {
    create("a", "1.0.0");
    cloud.iot.createThingGroup(b -> b.thingGroupName("site"));
    cloud.iot.addThingToThingGroup(b -> b.thingGroupName("site").thingName("core1"));
    var created = deploy("thinggroup/site", "a", "1.0.0", null);
    assertThat(created.iotJobArn()).endsWith("job/" + created.iotJobId());

    cloud.fromDevice(
        "core1",
        "$aws/things/core1/jobs/$next/namespace-aws-gg-deployment/get",
        "{\"thingName\":\"core1\",\"includeJobDocument\":true}");
    JsonNode execution =
        TestCloud.json(
                last("$aws/things/core1/jobs/$next/namespace-aws-gg-deployment/get/accepted"))
            .path("execution");
    DeploymentDocument document =
        DeploymentDocument.parse(execution.path("jobDocument").toString());
    assertThat(document.groupKey()).isEqualTo("thinggroup/site");
    assertThat(effective().coreDeviceExecutionStatusAsString()).isEqualTo("QUEUED");

    String update =
        "$aws/things/core1/jobs/" + created.iotJobId() + "/namespace-aws-gg-deployment/update";
    cloud.fromDevice("core1", update, "{\"status\":\"IN_PROGRESS\",\"statusDetails\":{}}");
    cloud.fromDevice(
        "core1",
        update,
        """
        {"status": "FAILED", "statusDetails": {"detailed-deployment-status": "FAILED_NO_STATE_CHANGE",
          "deployment-failure-cause": "no such version", "deployment-error-stack": "[\\"DEPLOYMENT_FAILURE\\"]",
          "deployment-error-types": "[\\"REQUEST_ERROR\\"]"}}
        """);
    EffectiveDeployment effective = effective();
    assertThat(effective.coreDeviceExecutionStatusAsString()).isEqualTo("FAILED");
    assertThat(effective.reason()).isEqualTo("FAILED_NO_STATE_CHANGE: no such version");
    assertThat(effective.statusDetails().errorTypes()).containsExactly("REQUEST_ERROR");
    assertThat(
            cloud
                .greengrass
                .getDeployment(b -> b.deploymentId(created.deploymentId()))
                .deploymentStatus())
        .isEqualTo(DeploymentStatus.ACTIVE);
    assertThat(groupsOf("core1")).containsExactly("site");
  }

  @Test
  void a_compiled_group_reaches_its_core_and_reports_back() {
    Recipe recipe =
        Recipe.parse(
            """
            RecipeFormatVersion: '2020-01-25'
            ComponentName: fn
            ComponentVersion: 1.0.0
            ComponentType: aws.greengrass.lambda
            Manifests: [{Artifacts: [{Uri: 'greengrass:lambda.zip', Unarchive: ZIP}]}]
            """
                .getBytes(StandardCharsets.UTF_8));
    byte[] zip = {1, 2, 3};
    cloud.components.putPrivateComponent(recipe, Map.of("lambda.zip", zip));
    cloud.components.putPrivateComponent(recipe, Map.of("lambda.zip", zip));
    List<String> heard = new ArrayList<>();
    cloud.components.onGroupDeploymentChanged(
        (id, status, details) -> heard.add(id + " " + status));
    cloud.components.deployGroup(
        new GroupDeployment(
            "v1-deployment",
            "thinggroup/greengrassV1-g1",
            "core1",
            Map.of(
                "fn",
                new DeploymentDocument.ComponentUpdate(
                    "1.0.0", DeploymentDocument.ConfigurationUpdate.NONE, null)),
            FailureHandlingPolicy.ROLLBACK));

    assertThat(groupsOf("core1")).containsExactly("greengrassV1-g1");
    JsonNode found = resolve("fn", "{\"g\":\"1.0.0\"}", "linux");
    String url =
        TestCloud.json(
                cloud
                    .call(
                        "core1",
                        "GetComponentVersionArtifact",
                        Map.of("arn", found.path("arn").asString(), "artifactName", "lambda.zip"),
                        "")
                    .body())
            .path("preSignedUrl")
            .asString();
    assertThat(url).contains("/components/fn/1.0.0/lambda.zip?");
    String update = "$aws/things/core1/jobs/v1-deployment/namespace-aws-gg-deployment/update";
    assertThat(groupStatus()).isEqualTo("QUEUED");
    cloud.fromDevice("core1", update, "{\"status\":\"IN_PROGRESS\"}");
    assertThat(groupStatus()).isEqualTo("IN_PROGRESS");
    cloud.fromDevice("core1", update, "{\"status\":\"SUCCEEDED\"}");
    assertThat(groupStatus()).isEqualTo("SUCCEEDED");
    assertThat(cloud.components.groupDeployment("nobody's")).isEmpty();
    assertThat(heard)
        .containsExactly(
            "v1-deployment QUEUED", "v1-deployment IN_PROGRESS", "v1-deployment SUCCEEDED");
    assertThat(effective().deploymentId()).isEqualTo("v1-deployment");
    assertThat(cloud.greengrass.listDeployments(b -> {}).deployments()).isEmpty();
    assertThat(cloud.greengrass.listComponents(b -> {}).components()).isEmpty();
  }

  private String groupStatus() {
    return cloud.components.groupDeployment("v1-deployment").orElseThrow().status();
  }

  // ---- core devices

  @Test
  void a_core_appears_with_its_first_status_and_a_complete_one_is_the_whole_truth() {
    assertThatThrownBy(() -> cloud.greengrass.getCoreDevice(b -> b.coreDeviceThingName("core1")))
        .isInstanceOf(ResourceNotFoundException.class);
    status(
        1,
        "COMPLETE",
        "HEALTHY",
        component("a", "RUNNING", true),
        component("b", "FINISHED", false));
    var core = cloud.greengrass.getCoreDevice(b -> b.coreDeviceThingName("core1"));
    assertThat(core.statusAsString()).isEqualTo("HEALTHY");
    assertThat(core.coreVersion()).isEqualTo("2.15.0");
    assertThat(cloud.greengrass.listCoreDevices(b -> b.status("HEALTHY")).coreDevices()).hasSize(1);
    assertThat(cloud.greengrass.listCoreDevices(b -> b.status("UNHEALTHY")).coreDevices())
        .isEmpty();
    assertThat(installed("ROOT")).containsExactly("a RUNNING");
    assertThat(installed("ALL")).containsExactly("a RUNNING", "b FINISHED");

    status(2, "PARTIAL", "UNHEALTHY", component("a", "BROKEN", true));
    assertThat(installed("ALL")).containsExactly("a BROKEN", "b FINISHED");
    assertThat(cloud.greengrass.getCoreDevice(b -> b.coreDeviceThingName("core1")).statusAsString())
        .isEqualTo("UNHEALTHY");
    status(3, "COMPLETE", "HEALTHY", component("a", "RUNNING", true));
    assertThat(installed("ALL")).containsExactly("a RUNNING");
    cloud.greengrass.deleteCoreDevice(b -> b.coreDeviceThingName("core1"));
    assertThat(cloud.greengrass.listCoreDevices(b -> {}).coreDevices()).isEmpty();
  }

  @Test
  void a_complete_status_in_chunks_counts_when_all_are_there() {
    status(1, "COMPLETE", "HEALTHY", component("old", "RUNNING", true));
    chunk(2, 1, component("a", "RUNNING", true));
    assertThat(installed("ALL")).containsExactly("a RUNNING", "old RUNNING");
    chunk(2, 2, component("b", "RUNNING", true));
    assertThat(installed("ALL")).containsExactly("a RUNNING", "b RUNNING");
  }

  @Test
  void a_status_that_arrives_late_or_from_another_device_is_ignored() {
    status(5, "COMPLETE", "HEALTHY", component("a", "RUNNING", true));
    send(4, 1000, "PARTIAL", "", "UNHEALTHY", component("a", "BROKEN", true));
    assertThat(installed("ALL")).containsExactly("a RUNNING");
    cloud.fromDevice(
        "other",
        "$aws/things/core1/greengrassv2/health/json",
        "{\"thing\":\"core1\",\"messageType\":\"COMPLETE\",\"components\":[]}");
    assertThat(installed("ALL")).containsExactly("a RUNNING");
  }

  @Test
  void client_devices_are_associated_with_errors_one_by_one() {
    cloud.iot.createThing(b -> b.thingName("sensor"));
    var result =
        cloud.greengrass.batchAssociateClientDeviceWithCoreDevice(
            b ->
                b.coreDeviceThingName("core1")
                    .entries(
                        AssociateClientDeviceWithCoreDeviceEntry.builder()
                            .thingName("sensor")
                            .build(),
                        AssociateClientDeviceWithCoreDeviceEntry.builder()
                            .thingName("nobody")
                            .build()));
    assertThat(result.errorEntries()).extracting(e -> e.thingName()).containsExactly("nobody");
    assertThat(
            cloud
                .greengrass
                .listClientDevicesAssociatedWithCoreDevice(b -> b.coreDeviceThingName("core1"))
                .associatedClientDevices())
        .extracting(d -> d.thingName())
        .containsExactly("sensor");
    assertThat(cloud.components.coresOfClientDevice("sensor")).containsExactly("core1");
    cloud.greengrass.batchDisassociateClientDeviceFromCoreDevice(
        b -> b.coreDeviceThingName("core1").entries(e -> e.thingName("sensor")));
    assertThat(cloud.components.clientDevicesOf("core1")).isEmpty();
  }

  @Test
  void connectivity_information_counts_versions_and_tells_the_core_by_the_gci_shadow() {
    cloud.greengrass.updateConnectivityInfo(
        b ->
            b.thingName("core1")
                .connectivityInfo(c -> c.id("1").hostAddress("10.0.0.1").portNumber(8883)));
    DeviceResponse put =
        cloud.call(
            "core1",
            "UpdateConnectivityInfo",
            Map.of("thingName", "core1"),
            "{\"connectivityInfo\":[{\"hostAddress\":\"10.0.0.2\",\"portNumber\":8884}]}");
    assertThat(TestCloud.json(put.body()).path("version").asString()).isEqualTo("2");
    assertThat(cloud.greengrass.getConnectivityInfo(b -> b.thingName("core1")).connectivityInfo())
        .extracting(c -> c.hostAddress() + ":" + c.portNumber())
        .containsExactly("10.0.0.2:8884");
    assertThat(cloud.shadows.get("core1-gci", null).at("/state/desired/version").asString())
        .isEqualTo("2");
    assertThat(
            cloud.call("other", "GetConnectivityInfo", Map.of("thingName", "core1"), "").status())
        .isEqualTo(403);
  }

  @Test
  void the_service_role_comes_and_goes() {
    cloud.greengrass.associateServiceRoleToAccount(b -> b.roleArn("arn:aws:iam::0:role/R"));
    assertThat(cloud.greengrass.getServiceRoleForAccount(b -> {}).roleArn())
        .isEqualTo("arn:aws:iam::0:role/R");
    cloud.greengrass.disassociateServiceRoleFromAccount(b -> {});
    assertThatThrownBy(() -> cloud.greengrass.getServiceRoleForAccount(b -> {}))
        .hasMessageContaining("service role");
  }

  @Test
  void a_device_may_fetch_the_document_of_its_deployment_and_check_it() {
    create("a", "1.0.0");
    String id = deploy("thing/core1", "a", "1.0.0", null).deploymentId();
    Map<String, String> parameters = Map.of("coreDeviceThingName", "core1", "deploymentId", id);
    JsonNode answer =
        TestCloud.json(cloud.call("core1", "GetDeploymentConfiguration", parameters, "").body());
    byte[] document =
        cloud.objects.read(Artifacts.BUCKET, "deployments/" + id + ".json").orElseThrow();
    assertThat(answer.at("/integrityCheck/digest").asString())
        .isEqualTo(Base64.getEncoder().encodeToString(Digests.sha256(document)));
    assertThat(DeploymentDocument.parse(new String(document, StandardCharsets.UTF_8)).components())
        .containsKey("a");
  }

  // ---- helpers

  private software.amazon.awssdk.services.greengrassv2.model.CreateComponentVersionResponse create(
      String name, String version) {
    return createFrom(recipe(name, version));
  }

  private software.amazon.awssdk.services.greengrassv2.model.CreateComponentVersionResponse
      createFrom(String recipe) {
    return cloud.greengrass.createComponentVersion(
        b -> b.inlineRecipe(SdkBytes.fromUtf8String(recipe)));
  }

  private static String recipe(String name, String version) {
    return """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: %s
        ComponentPublisher: Example
        Manifests:
          - Platform: {os: linux}
            Lifecycle: {Run: sleep 1}
            Artifacts: [{Uri: s3://demo/echo.sh}]
        """
        .formatted(name, version);
  }

  private static String builtInVersion(String name) {
    return BuiltInComponents.recipes().stream()
        .filter(r -> r.componentName().equals(name))
        .findFirst()
        .orElseThrow()
        .componentVersion()
        .text();
  }

  private static String arn(String name, String version) {
    return ACCOUNT_ARN + "components:" + name + ":versions:" + version;
  }

  private CreateDeploymentResponse deploy(
      String target, String component, String version, String merge) {
    ComponentDeploymentSpecification specification =
        ComponentDeploymentSpecification.builder()
            .componentVersion(version)
            .configurationUpdate(u -> u.merge(merge))
            .build();
    return cloud.greengrass.createDeployment(
        b ->
            b.targetArn("arn:aws:iot:us-east-1:000000000000:" + target)
                .components(Map.of(component, specification)));
  }

  private JsonNode desired() {
    return cloud
        .shadows
        .get("core1", "AWSManagedGreengrassV2Deployment")
        .path("state")
        .path("desired");
  }

  private void report(String configurationArn, String status, String details) {
    cloud.fromDevice(
        "core1",
        SHADOW,
        "{\"state\":{\"reported\":{\"fleetConfigurationArnForStatus\":\""
            + configurationArn
            + "\",\"status\":\""
            + status
            + "\",\"statusDetails\":"
            + details
            + ",\"ggcVersion\":\"2.15.0\"}}}");
  }

  private EffectiveDeployment effective() {
    var all = cloud.greengrass.listEffectiveDeployments(b -> b.coreDeviceThingName("core1"));
    assertThat(all.effectiveDeployments()).hasSize(1);
    return all.effectiveDeployments().getFirst();
  }

  private JsonNode resolve(String component, String requirements, String os) {
    DeviceResponse response = resolveResponse(component, requirements, os);
    assertThat(response.status()).isEqualTo(200);
    return TestCloud.json(response.body()).path("resolvedComponentVersions").path(0);
  }

  private String resolveError(String component, String requirements, String os) {
    DeviceResponse response = resolveResponse(component, requirements, os);
    assertThat(response.status()).isEqualTo(404);
    assertThat(response.headers()).containsEntry("x-amzn-errortype", "ResourceNotFoundException");
    return TestCloud.json(response.body()).path("message").asString();
  }

  private DeviceResponse resolveResponse(String component, String requirements, String os) {
    return cloud.call(
        "core1",
        "ResolveComponentCandidates",
        Map.of(),
        """
        {"platform": {"attributes": {"os": "%s", "architecture": "amd64"}},
         "componentCandidates": [{"componentName": "%s", "versionRequirements": %s}]}
        """
            .formatted(os, component, requirements));
  }

  private List<String> groupsOf(String core) {
    JsonNode groups =
        TestCloud.json(
                cloud
                    .call(
                        core,
                        "ListThingGroupsForCoreDevice",
                        Map.of("coreDeviceThingName", core),
                        "")
                    .body())
            .path("thingGroups");
    List<String> names = new ArrayList<>();
    groups.forEach(g -> names.add(g.path("thingGroupName").asString()));
    return names;
  }

  private String last(String topic) {
    return cloud.published.stream()
        .filter(p -> p.topic().equals(topic))
        .reduce((a, b) -> b)
        .orElseThrow(() -> new AssertionError("nothing on " + topic + ": " + cloud.published))
        .payload();
  }

  private static String component(String name, String state, boolean root) {
    return """
        {"componentName": "%s", "version": "1.0.0", "fleetConfigArns": [], "isRoot": %s, "status": "%s",
         "componentStatusDetails": null}
        """
        .formatted(name, root, state);
  }

  private void status(long sequence, String type, String overall, String... components) {
    send(sequence, sequence * 1000, type, "", overall, components);
  }

  private void chunk(long sequence, int chunk, String... components) {
    send(
        sequence,
        sequence * 1000,
        "COMPLETE",
        "\"chunkInfo\":{\"chunkId\":" + chunk + ",\"totalChunks\":2},",
        "HEALTHY",
        components);
  }

  private void send(
      long sequence,
      long time,
      String type,
      String chunkInfo,
      String overall,
      String... components) {
    cloud.fromDevice(
        "core1",
        "$aws/things/core1/greengrassv2/health/json",
        """
        {"ggcVersion": "2.15.0", "platform": "linux", "architecture": "amd64", "thing": "core1", %s
         "overallDeviceStatus": "%s", "sequenceNumber": %d, "timestamp": %d, "messageType": "%s",
         "trigger": "NUCLEUS_LAUNCH", "components": [%s]}
        """
            .formatted(chunkInfo, overall, sequence, time, type, String.join(",", components)));
  }

  private List<String> installed(String topology) {
    return cloud
        .greengrass
        .listInstalledComponents(b -> b.coreDeviceThingName("core1").topologyFilter(topology))
        .installedComponents()
        .stream()
        .map((InstalledComponent c) -> c.componentName() + " " + c.lifecycleStateAsString())
        .toList();
  }
}
