package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.services.greengrassv2.model.EffectiveDeployment;
import tools.jackson.databind.JsonNode;

/** The getting-started tutorial, as its reader does it. */
@DisplayName("S-01 Install and Hello World")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class HelloWorldScenarioTest {
  private static final String NAME = "com.example.HelloWorld";
  private static final String ROLE = "TutorialTokenExchangeRole";
  private static final String SCRIPT =
      """
      import sys

      message = "Hello, %s!" % sys.argv[1]
      print(message)
      """;
  private static final String EDITED =
      """
      import sys

      message = "Hello, %s!" % sys.argv[1]
      message += " Greetings from your first Greengrass component."
      print(message)
      """;
  private static final String RECIPE =
      """
      ---
      RecipeFormatVersion: '2020-01-25'
      ComponentName: com.example.HelloWorld
      ComponentVersion: '1.0.0'
      ComponentDescription: My first AWS IoT Greengrass component.
      ComponentPublisher: Amazon
      ComponentConfiguration:
        DefaultConfiguration:
          Message: world
      Manifests:
        - Platform:
            os: linux
          Lifecycle:
            Run: |
              python3 -u {artifacts:path}/hello_world.py "{configuration:/Message}"
        - Platform:
            os: windows
          Lifecycle:
            Run: |
              py -3 -u {artifacts:path}/hello_world.py "{configuration:/Message}"
      """;

  private static TestCloud cloud;
  private static TestCore core;

  private static Path recipes() {
    return cloud.folder.resolve("greengrassv2/recipes");
  }

  private static Path artifacts() {
    return cloud.folder.resolve("greengrassv2/artifacts");
  }

  private static Path script() {
    return artifacts().resolve(NAME + "/1.0.0/hello_world.py");
  }

  @BeforeAll
  static void install(TestCloud shared) {
    cloud = shared;
    core = TestCore.installed(cloud, "MyGreengrassCore", ROLE);
    TestCloud.write(recipes().resolve(NAME + "-1.0.0.yaml"), RECIPE);
    TestCloud.write(script(), SCRIPT);
  }

  @AfterAll
  static void stop() {
    core.close();
  }

  private String deployVersionOne(String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--recipeDir",
                recipes().toString(),
                "--artifactDir",
                artifacts().toString(),
                "--merge",
                NAME + "=1.0.0"));
    arguments.addAll(List.of(more));
    return core.deployLocally(arguments.toArray(String[]::new));
  }

  /** What the component has said so far, in order. */
  private static List<String> said() {
    List<String> lines = new ArrayList<>();
    Matcher hello =
        Pattern.compile("Hello, \\w+!( Greetings from your first Greengrass component\\.)?")
            .matcher(core.log(NAME));
    while (hello.find()) {
      lines.add(hello.group());
    }
    return lines;
  }

  /**
   * Without a system service: that needs a machine that was started by systemd. The third line is
   * then 'Successfully set up Nucleus as a system service'.
   */
  @Test
  @Order(0)
  @DisplayName("the three success lines of INS-06; the command line is deployed (CLI-01)")
  void theInstallerSaysWhatItDid() {
    assertThat(core.program().output())
        .containsSubsequence(
            "Successfully configured Nucleus with provisioned resource details!\n",
            "Configured Nucleus to deploy aws.greengrass.Cli component\n",
            "Launched Nucleus successfully.");
    TestCore.await("aws.greengrass.Cli on the core")
        .untilAsserted(
            () ->
                assertThat(core.installed())
                    .extracting(c -> c.componentName())
                    .contains("aws.greengrass.Cli"));
  }

  @Test
  @Order(1)
  @DisplayName("CLI answers in 60 s; deployment status prints <uuid>: SUCCEEDED; log says Hello")
  void aLocalDeploymentRunsTheComponent() {
    assertThat(core.cliOutput("help")).contains("Usage: greengrass-cli");

    String deployment = deployVersionOne();

    assertThat(core.awaitLocalEnd(deployment)).startsWith(deployment + ": SUCCEEDED");
    core.awaitLog(NAME, "Hello, world!");
    core.awaitState(NAME, "1.0.0", "FINISHED");
  }

  @Test
  @Order(2)
  @DisplayName("the same version again takes the edited script; component restart runs it (CLI-02)")
  void anEditedScriptRunsAfterARestart() {
    TestCloud.write(script(), EDITED);
    String deployment = deployVersionOne();
    assertThat(core.awaitLocalEnd(deployment)).startsWith(deployment + ": SUCCEEDED");

    core.cliOutput("component", "restart", "--names", NAME);

    core.awaitLog(NAME, "Hello, world! Greetings from your first Greengrass component.");
    core.awaitState(NAME, "1.0.0", "FINISHED");
  }

  @Test
  @Order(3)
  @DisplayName("MERGE {\"Message\":\"friend\"} changes what it says (DPL-01)")
  void aConfigurationUpdateIsSaid() {
    Path update = cloud.folder.resolve("hello-world-config-update.json");
    TestCloud.write(update, "{\"" + NAME + "\":{\"MERGE\":{\"Message\":\"friend\"}}}");
    String deployment =
        core.deployLocally("--merge", NAME + "=1.0.0", "--update-config", update.toString());

    assertThat(core.awaitLocalEnd(deployment)).startsWith(deployment + ": SUCCEEDED");
    core.awaitLog(NAME, "Hello, friend! Greetings from your first Greengrass component.");
    core.awaitState(NAME, "1.0.0", "FINISHED");
  }

  @Test
  @Order(4)
  @DisplayName("--remove takes it away (DPL-02)")
  void theLocalVersionIsRemoved() {
    core.deployLocallyAndSucceed("--remove=" + NAME);

    assertThat(core.cliOutput("component", "list")).doesNotContain(NAME);
  }

  @Test
  @Order(5)
  @DisplayName("component version goes REQUESTED then DEPLOYABLE")
  void theComponentIsPublished() {
    // not the bytes that the core already has, or it would not ask for the object at all
    TestCloud.write(script(), EDITED + "# published\n");
    cloud.aws("s3api", "create-bucket", "--bucket", "hello-artifacts");
    cloud.aws(
        "s3",
        "cp",
        "--only-show-errors",
        script().toString(),
        "s3://hello-artifacts/artifacts/" + NAME + "/1.0.0/hello_world.py");
    Path recipe = cloud.folder.resolve("hello-world-cloud.yaml");
    TestCloud.write(
        recipe,
        RECIPE.replace(
            "  - Platform:\n      os: linux\n",
            "  - Platform:\n      os: linux\n    Artifacts:\n      - URI:"
                + " s3://hello-artifacts/artifacts/"
                + NAME
                + "/1.0.0/hello_world.py\n"));

    JsonNode created =
        cloud.aws(
            "greengrassv2", "create-component-version", "--inline-recipe", "fileb://" + recipe);

    assertThat(created.path("status").path("componentState").asString()).isEqualTo("REQUESTED");
    TestCore.await("DEPLOYABLE")
        .until(
            () ->
                cloud
                    .greengrass
                    .describeComponent(b -> b.arn(created.path("arn").asString()))
                    .status()
                    .componentStateAsString()
                    .equals("DEPLOYABLE"));
  }

  @Test
  @Order(6)
  @DisplayName("without s3:GetObject FAILED with S3_HEAD_ or S3_GET_OBJECT_ACCESS_DENIED (TES-01)")
  void withoutPermissionForTheArtifactTheDeploymentFails() {
    EffectiveDeployment failed = core.awaitEffective(core.deploy(universe()), "FAILED");

    assertThat(failed.statusDetails().errorStack())
        .containsAnyOf("S3_HEAD_OBJECT_ACCESS_DENIED", "S3_GET_OBJECT_ACCESS_DENIED");
    cloud.aws(
        "iam",
        "put-role-policy",
        "--role-name",
        ROLE,
        "--policy-name",
        "MyGreengrassV2ComponentArtifactPolicy",
        "--policy-document",
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::hello-artifacts/*\"}]}");
  }

  private static String universe() {
    return "{\""
        + NAME
        + "\":{\"componentVersion\":\"1.0.0\",\"configurationUpdate\":{\"merge\":\"{\\\"Message\\\":\\\"universe\\\"}\"}}}";
  }

  @Test
  @Order(7)
  @DisplayName("thing deployment COMPLETED; log in order; component FINISHED")
  void theCloudDeploysItToTheThing() {
    String deployment = core.deploy(universe());

    core.awaitCompleted(deployment);
    core.awaitLog(NAME, "Hello, universe! Greetings from your first Greengrass component.");
    core.awaitState(NAME, "1.0.0", "FINISHED");
    assertThat(said())
        .containsSubsequence(
            "Hello, world!",
            "Hello, world! Greetings from your first Greengrass component.",
            "Hello, friend! Greetings from your first Greengrass component.",
            "Hello, universe! Greetings from your first Greengrass component.");
    TestCore.await("COMPLETED in the effective deployments, as a thing's is (API-26)")
        .untilAsserted(
            () ->
                assertThat(core.effective(deployment))
                    .extracting(e -> e.coreDeviceExecutionStatusAsString())
                    .isEqualTo("COMPLETED"));
  }
}
