package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The installer, the loader and the cloud as whole programs. */
@DisplayName("S-22 and the installer of S-01")
@ExtendWith(TestCloud.Shared.class)
class InstallScenarioTest {
  private final TestCloud cloud;
  private final JsonNode endpoints;

  InstallScenarioTest(TestCloud cloud) throws IOException {
    this.cloud = cloud;
    endpoints =
        JsonMapper.shared().readTree(Files.readString(cloud.data().resolve("endpoints.json")));
  }

  private String secret() throws IOException {
    return Files.readAllLines(cloud.data().resolve("credentials")).stream()
        .filter(l -> l.startsWith("aws_secret_access_key"))
        .map(l -> l.substring(l.indexOf('=') + 1).strip())
        .findFirst()
        .orElseThrow();
  }

  /** As on another machine: the API's address and a key in the environment; its standard output. */
  private String install(Path root, String... more) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Ryegrass.HOME.resolve("ryegrass").toString(),
                "install",
                "-Droot=" + root,
                "--component-default-user",
                System.getProperty("user.name"),
                "--start",
                "false"));
    command.addAll(List.of(more));
    Path errors = cloud.folder.resolve("install.err");
    ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors.toFile());
    builder.environment().put("RYEGRASS_NO_BUILD", "1");
    builder.environment().put("RYEGRASS_ENDPOINT", endpoints.path("apiUrl").asString());
    for (String line : Files.readAllLines(cloud.data().resolve("credentials"))) {
      int equals = line.indexOf('=');
      if (equals > 0) {
        builder
            .environment()
            .put(
                line.substring(0, equals).strip().toUpperCase(java.util.Locale.ROOT),
                line.substring(equals + 1).strip());
      }
    }
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(errors)).isZero();
    return out;
  }

  private void awaitCoreDevice(String thing) {
    TestCore.await(thing + " is known")
        .until(
            () ->
                cloud.greengrass.listCoreDevices(b -> {}).coreDevices().stream()
                    .anyMatch(c -> c.coreDeviceThingName().equals(thing)));
  }

  @Test
  void aCoreIsInstalledByTheApiTwiceWithOneCertificateAndWithoutItsKeyOnDisk_INS_06_PRV_03()
      throws Exception {
    Path root = cloud.folder.resolve("installed");
    String[] arguments = {
      "--aws-region", TestCloud.REGION,
      "--thing-name", "installed-core",
      "--thing-group-name", "installed-group",
      "--tes-role-name", "InstalledRole",
      "--tes-role-alias-name", "InstalledAlias",
      "--provision", "true",
      "--deploy-dev-tools"
    };
    assertThat(install(root, arguments))
        .isEqualTo(
            """
            Successfully configured Nucleus with provisioned resource details!
            Configured Nucleus to deploy aws.greengrass.Cli component
            Nucleus start set to false, exiting...
            """);
    assertThat(install(root, arguments))
        .contains("Successfully configured Nucleus with provisioned resource details!")
        .contains("Thing group exists, it could have existing deployment and devices");
    assertThat(cloud.iot.listThingPrincipals(b -> b.thingName("installed-core")).principals())
        .hasSize(1);
    assertThat(
            cloud
                .aws("iam", "list-attached-role-policies", "--role-name", "InstalledRole")
                .at("/AttachedPolicies/0/PolicyName")
                .asString())
        .isEqualTo("InstalledRoleAccess");
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        assertThat(Files.readString(file, StandardCharsets.ISO_8859_1)).doesNotContain(secret());
      }
    }

    ProcessBuilder loader =
        new ProcessBuilder(root.resolve("alts/current/distro/bin/loader").toString())
            .redirectErrorStream(true)
            .redirectOutput(cloud.folder.resolve("loader.out").toFile());
    loader.environment().put("RYEGRASS_NO_BUILD", "1");
    Process core = loader.start();
    try {
      TestCore.await("launched")
          .until(
              () ->
                  TestCloud.read(cloud.folder.resolve("loader.out"))
                      .contains("Launched Nucleus successfully."));
      awaitCoreDevice("installed-core");
      core.destroy();
      assertThat(core.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(core.exitValue()).isZero();
    } finally {
      core.destroyForcibly();
    }
    Ryegrass.run(cloud.folder, TestCore.PATIENCE, "uninstall", "--root", root.toString())
        .isSuccess();
    assertThat(root).doesNotExist();
  }

  @Test
  void aCoreWithNothingButAClaimBecomesAThing_S_22() throws Exception {
    Path claim = Files.createDirectories(cloud.folder.resolve("claim"));
    JsonNode made = cloud.aws("iot", "create-keys-and-certificate", "--set-as-active");
    Files.writeString(claim.resolve("claim.crt"), made.path("certificatePem").asString());
    Files.writeString(claim.resolve("claim.key"), made.at("/keyPair/PrivateKey").asString());
    String iot = "arn:aws:iot:" + TestCloud.REGION + ":" + TestCloud.ACCOUNT + ":";
    String topics =
        "[\"%1$s$aws/certificates/create/*\",\"%1$s$aws/provisioning-templates/fleet/provision/*\"]";
    policy(
        "claims",
        """
        {"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"iot:Connect","Resource":"*"},
        {"Effect":"Allow","Action":["iot:Publish","iot:Receive"],"Resource":%s},
        {"Effect":"Allow","Action":"iot:Subscribe","Resource":%s}]}"""
            .formatted(topics.formatted(iot + "topic/"), topics.formatted(iot + "topicfilter/")));
    policy(
        "fleet-cores",
        """
        {"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":["iot:*","greengrass:*"],"Resource":"*"}]}""");
    cloud.aws(
        "iot",
        "attach-policy",
        "--policy-name",
        "claims",
        "--target",
        made.path("certificateArn").asString());
    Path template = claim.resolve("template.json");
    Files.writeString(
        template,
        """
        {"Parameters": {"ThingName": {"Type": "String"}, "AWS::IoT::Certificate::Id": {"Type": "String"}},
         "Resources": {
          "thing": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": {"Ref": "ThingName"}}},
          "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": "fleet-cores"}},
          "certificate": {"Type": "AWS::IoT::Certificate", "Properties": {
           "CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "Active"}}}}
        """);
    assertThat(
            cloud
                .aws(
                    "iot",
                    "create-provisioning-template",
                    "--template-name",
                    "fleet",
                    "--template-body",
                    "file://" + template,
                    "--provisioning-role-arn",
                    "arn:aws:iam::" + TestCloud.ACCOUNT + ":role/fleet",
                    "--no-enabled")
                .path("defaultVersionId")
                .asInt())
        .isEqualTo(1);

    Path config = claim.resolve("config.yaml");
    Path root = cloud.folder.resolve("claimed");
    Files.writeString(
        config,
        """
        services:
          aws.greengrass.Nucleus:
            version: 2.15.0
            configuration:
              mqtt: {port: %1$s}
              greengrassDataPlanePort: %2$s
              ryegrass: {localMqttPort: 0, lambdaIpcPort: 0}
          aws.greengrass.FleetProvisioningByClaim:
            configuration:
              rootPath: %3$s
              awsRegion: %4$s
              iotDataEndpoint: localhost
              iotCredentialEndpoint: localhost:%2$s
              iotRoleAlias: none
              provisioningTemplate: fleet
              claimCertificatePath: %5$s/claim.crt
              claimCertificatePrivateKeyPath: %5$s/claim.key
              rootCaPath: %6$s
              mqttPort: %1$s
              templateParameters: {ThingName: claimed-core}
        """
            .formatted(
                cloud.mqttPort(),
                endpoints.path("httpsPort").asString(),
                root,
                TestCloud.REGION,
                claim,
                endpoints.path("rootCa").asString()));
    assertThat(install(root, "--init-config", config.toString()))
        .isEqualTo("Nucleus start set to false, exiting...\n");
    try (Ryegrass.Running core = Ryegrass.start(cloud.folder, "core", "--root", root.toString())) {
      core.awaitOutput("ryegrass core ready: without a cloud");
      // the template is not enabled yet: it is tried again, for ever, and the core runs meanwhile
      TestCore.await("a refusal")
          .until(
              () ->
                  TestCloud.read(root.resolve("logs/greengrass.log"))
                      .contains("provisioning template fleet is not enabled"));
      cloud.aws("iot", "update-provisioning-template", "--template-name", "fleet", "--enabled");
      core.awaitOutput("ryegrass core ready: thing=claimed-core");
      awaitCoreDevice("claimed-core");
      assertThat(root.resolve("privKey.key")).exists();
      assertThat(root.resolve("provisioning/claim.json")).doesNotExist();
    }
  }

  @Test
  void aCoreWithoutACloudJoinsOneAndGoesOnWithWhatItRuns_LESSON_13() throws Exception {
    Path recipes = Files.createDirectories(cloud.folder.resolve("joining-recipes"));
    Files.writeString(
        recipes.resolve("com.example.Stays-1.0.0.yaml"),
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: com.example.Stays
        ComponentVersion: 1.0.0
        Manifests:
          - Platform: {os: linux}
            Lifecycle: {Run: 'exec sleep 100000'}
        """);
    try (TestCore core = TestCore.withoutCloud(cloud.folder, "joining-core")) {
      core.start();
      core.cli(
              "deployment",
              "create",
              "--recipeDir",
              recipes.toString(),
              "--merge",
              "com.example.Stays=1.0.0")
          .isSuccess();
      awaitRunning(core);
      core.close();
      assertThat(
              install(
                  core.root,
                  "--aws-region",
                  TestCloud.REGION,
                  "--thing-name",
                  "joining-core",
                  "--provision"))
          .contains("Successfully configured Nucleus with provisioned resource details!");
      core.start();
      awaitCoreDevice("joining-core");
      awaitRunning(core);
    }
  }

  private static void awaitRunning(TestCore core) {
    TestCore.await("com.example.Stays runs")
        .until(
            () ->
                core.cli("component", "details", "-n", "com.example.Stays")
                    .output()
                    .contains("State: RUNNING"));
  }

  private void policy(String name, String document) {
    cloud.aws("iot", "create-policy", "--policy-name", name, "--policy-document", document);
  }
}
