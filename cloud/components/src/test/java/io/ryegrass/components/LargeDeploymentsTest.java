package io.ryegrass.components;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.registry.DeviceResponse;
import io.ryegrass.store.testing.OnBothDatabases;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.greengrassv2.model.ComponentDeploymentSpecification;
import tools.jackson.databind.JsonNode;

/** TRB-29, v2-deployments.md section 7.3: documents that outgrow a shadow or a job. */
@OnBothDatabases
class LargeDeploymentsTest {
  @TempDir Path folder;
  private TestCloud cloud;

  @BeforeEach
  void start() throws IOException {
    cloud = new TestCloud(folder);
    cloud.iot.createThing(b -> b.thingName("core1"));
    cloud.iot.createThing(b -> b.thingName("core2"));
    cloud.iot.createThingGroup(b -> b.thingGroupName("fleet"));
    cloud.iot.addThingToThingGroup(b -> b.thingGroupName("fleet").thingName("core1"));
    cloud.greengrass.createComponentVersion(
        b ->
            b.inlineRecipe(
                SdkBytes.fromUtf8String(
                    """
                    {"RecipeFormatVersion":"2020-01-25","ComponentName":"a","ComponentVersion":"1.0.0",
                     "Manifests":[{"Lifecycle":{"Run":"x"},
                       "Artifacts":[{"URI":"https://example.com/tool.sh"},{"URI":"docker:tool:1"}]}]}
                    """)));
  }

  @AfterEach
  void stop() {
    cloud.close();
  }

  private String deploy(String target, int characters) {
    return cloud
        .greengrass
        .createDeployment(
            b ->
                b.targetArn("arn:aws:iot:us-east-1:000000000000:" + target)
                    .components(
                        Map.of(
                            "a",
                            ComponentDeploymentSpecification.builder()
                                .componentVersion("1.0.0")
                                .configurationUpdate(
                                    u -> u.merge("{\"text\":\"" + "x".repeat(characters) + "\"}"))
                                .runWith(r -> r.posixUser("u:g"))
                                .build())))
        .deploymentId();
  }

  private JsonNode inShadow() {
    return TestCloud.json(
        cloud
            .shadows
            .get("core1", "AWSManagedGreengrassV2Deployment")
            .at("/state/desired/fleetConfig")
            .asString()
            .getBytes(StandardCharsets.UTF_8));
  }

  private JsonNode inJob(String deployment) {
    return TestCloud.json(
        cloud
            .iot
            .getJobDocument(b -> b.jobId(deployment))
            .document()
            .getBytes(StandardCharsets.UTF_8));
  }

  private DeviceResponse ask(String core, String deployment) {
    return cloud.call(
        core,
        "GetDeploymentConfiguration",
        Map.of("coreDeviceThingName", core, "deploymentId", deployment),
        "");
  }

  private static void isOutline(JsonNode document, String deployment) {
    assertThat(document.path("deploymentId").asString()).isEqualTo(deployment);
    assertThat(document.path("requiredCapabilities").toString()).contains("LARGE_CONFIGURATION");
    assertThat(document.at("/components/a/version").asString()).isEqualTo("1.0.0");
    assertThat(document.at("/components/a/runWith/posixUser").asString()).isEqualTo("u:g");
    assertThat(document.toString()).doesNotContain("xxxx");
  }

  @Test
  void aDocumentThatFitsIsSentWhole() {
    deploy("thing/core1", 3_000);
    String job = deploy("thinggroup/fleet", 20_000);

    assertThat(inShadow().at("/components/a/configurationUpdate/merge/text").asString())
        .hasSize(3_000);
    assertThat(inJob(job).at("/components/a/configurationUpdate/merge/text").asString())
        .hasSize(20_000);
    assertThat(inJob(job).path("requiredCapabilities").toString()).isEqualTo("[]");
  }

  @Test
  void aDocumentThatOutgrowsTheShadowGoesAsAnOutlineAndTheCoreGetsTheWholeWithItsDigest() {
    String id = deploy("thing/core1", 9_000);
    isOutline(inShadow(), id);

    DeviceResponse answer = ask("core1", id);

    assertThat(answer.status()).isEqualTo(200);
    JsonNode told = TestCloud.json(answer.body());
    assertThat(told.path("preSignedUrl").asString()).contains("deployments/" + id + ".json?");
    byte[] document =
        cloud.objects.read(Artifacts.BUCKET, "deployments/" + id + ".json").orElseThrow();
    assertThat(told.at("/integrityCheck/algorithm").asString()).isEqualTo("SHA-256");
    assertThat(told.at("/integrityCheck/digest").asString())
        .isEqualTo(Base64.getEncoder().encodeToString(Digests.sha256(document)));
    assertThat(
            TestCloud.json(document).at("/components/a/configurationUpdate/merge/text").asString())
        .hasSize(9_000);
  }

  @Test
  void aDocumentThatOutgrowsTheJobGoesAsAnOutlineToTheGroupsCoresOnly() {
    String id = deploy("thinggroup/fleet", 40_000);
    isOutline(inJob(id), id);

    assertThat(ask("core1", id).status()).isEqualTo(200);
    assertThat(ask("core2", id).status()).isEqualTo(404);
  }

  private void deployGroup(String deployment, int characters) {
    cloud.components.deployGroup(
        new GroupDeployment(
            deployment,
            "thinggroup/greengrassV1-g1",
            "core1",
            Map.of(
                "a",
                new DeploymentDocument.ComponentUpdate(
                    "1.0.0",
                    new DeploymentDocument.ConfigurationUpdate(
                        Json.object().put("text", "x".repeat(characters)), List.of("")),
                    new DeploymentDocument.RunWith("u:g", null, null))),
            FailureHandlingPolicy.ROLLBACK));
  }

  @Test
  void aLargeV1GroupGoesAsAnOutlineAndItsCoreAloneGetsTheWholeUntilTheNextDeployment() {
    deployGroup("v1-first", 700_000);

    isOutline(inJob("v1-first"), "v1-first");
    assertThat(ask("core1", "v1-first").status()).isEqualTo(200);
    JsonNode whole =
        TestCloud.json(
            cloud.objects.read(Artifacts.BUCKET, "deployments/v1-first.json").orElseThrow());
    assertThat(whole.at("/components/a/configurationUpdate/merge/text").asString())
        .hasSize(700_000);
    assertThat(whole.at("/components/a/configurationUpdate/reset/0").asString("none")).isEmpty();
    assertThat(ask("core2", "v1-first").status()).isEqualTo(404);

    deployGroup("v1-second", 3);
    assertThat(inJob("v1-second").at("/components/a/configurationUpdate/merge/text").asString())
        .isEqualTo("xxx");
    assertThat(ask("core1", "v1-first").status()).isEqualTo(404);
    assertThat(cloud.objects.read(Artifacts.BUCKET, "deployments/v1-first.json"))
        .as("nothing is left of it in the store of objects")
        .isEmpty();
  }
}
