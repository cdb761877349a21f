package io.ryegrass.components;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.model.ComponentType;
import io.ryegrass.model.Recipe;
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
import software.amazon.awssdk.services.greengrassv2.model.ConflictException;
import software.amazon.awssdk.services.greengrassv2.model.LambdaEventSourceType;
import software.amazon.awssdk.services.greengrassv2.model.LambdaFunctionRecipeSource;
import software.amazon.awssdk.services.greengrassv2.model.ResourceNotFoundException;
import software.amazon.awssdk.services.greengrassv2.model.ValidationException;
import tools.jackson.databind.JsonNode;

/** CreateComponentVersion from lambdaFunction (LMB-12 to LMB-16, API-12, API-13). */
@OnBothDatabases
class LambdaComponentsTest {
  private static final String ARN = "arn:aws:lambda:us-east-1:000000000000:function:Hello:3";
  private static final byte[] ZIP = "PK not really".getBytes(StandardCharsets.UTF_8);

  @TempDir Path folder;
  private TestCloud cloud;

  @BeforeEach
  void start() throws IOException {
    cloud = new TestCloud(folder);
    cloud.functions.put(
        ARN, new LambdaFunctions.Version(ARN, "Hello", "3", "python3.8", "hello.run", () -> ZIP));
  }

  @AfterEach
  void stop() {
    cloud.close();
  }

  private Recipe make(LambdaFunctionRecipeSource source) {
    var created = cloud.greengrass.createComponentVersion(b -> b.lambdaFunction(source));
    assertThat(created.status().componentStateAsString()).isEqualTo("REQUESTED");
    return Recipe.parse(
        cloud.greengrass.getComponent(b -> b.arn(created.arn())).recipe().asByteArray());
  }

  @Test
  void version_3_of_a_function_becomes_component_3_0_0_with_the_defaults_of_the_guide_LMB_12() {
    Recipe recipe = make(LambdaFunctionRecipeSource.builder().lambdaArn(ARN).build());
    assertThat(recipe.componentName()).isEqualTo("Hello");
    assertThat(recipe.componentVersion().text()).isEqualTo("3.0.0");
    assertThat(recipe.componentType()).isEqualTo(ComponentType.LAMBDA);
    assertThat(recipe.publisher()).isEqualTo("AWS Lambda");
    assertThat(recipe.componentSource()).isEqualTo(ARN);
    assertThat(recipe.dependencies())
        .containsOnlyKeys(
            "aws.greengrass.LambdaLauncher",
            "aws.greengrass.LambdaRuntimes",
            "aws.greengrass.TokenExchangeService");
    assertThat(recipe.defaultConfiguration())
        .isEqualTo(
            TestCloud.json(
                """
                {"lambdaArn":"%s","runtime":"python3.8","handler":"hello.run",
                 "lambdaExecutionParameters":{"EnvironmentVariables":{}},
                 "containerParams":{"memorySize":16384,"mountROSysfs":false,"volumes":{},"devices":{}},
                 "containerMode":"GreengrassContainer","timeoutInSeconds":3,"maxInstancesCount":100,
                 "inputPayloadEncodingType":"json","maxQueueSize":1000,"pinned":true,
                 "maxIdleTimeInSeconds":60,"statusTimeoutInSeconds":60,"execArgs":[],"pubsubTopics":{}}
                """
                    .formatted(ARN)));
    Recipe.Manifest manifest = recipe.manifests().getFirst();
    assertThat(manifest.platform()).isEqualTo(Map.of("os", "linux"));
    Recipe.Artifact code = manifest.artifacts().getFirst();
    assertThat(code.uri()).isEqualTo("greengrass:lambda-artifact.zip");
    assertThat(code.unarchive()).isEqualTo(Recipe.Unarchive.ZIP);
    assertThat(code.digest()).isEqualTo(Base64.getEncoder().encodeToString(Digests.sha256(ZIP)));
    // it is an ordinary component: listed, and its artifact is served to cores
    assertThat(cloud.greengrass.listComponents(b -> {}).components())
        .anyMatch(c -> c.componentName().equals("Hello"));
    assertThat(
            cloud
                .greengrass
                .getComponentVersionArtifact(
                    b ->
                        b.arn(
                                "arn:aws:greengrass:us-east-1:000000000000:components:Hello:versions:3.0.0")
                            .artifactName("lambda-artifact.zip"))
                .preSignedUrl())
        .contains("X-Amz-Signature");
  }

  @Test
  void everything_given_stands_in_the_recipe_LMB_14_LMB_15_LMB_16() {
    Recipe recipe =
        make(
            LambdaFunctionRecipeSource.builder()
                .lambdaArn(ARN)
                .componentName("com.example.Hello")
                .componentVersion("1.2.3")
                .componentPlatforms(
                    p ->
                        p.name("Linux x86")
                            .attributes(Map.of("os", "linux", "architecture", "amd64")))
                .componentDependencies(
                    Map.of(
                        "com.example.Needed",
                        software.amazon.awssdk.services.greengrassv2.model
                            .ComponentDependencyRequirement.builder()
                            .versionRequirement("^1.0.0")
                            .dependencyType("SOFT")
                            .build()))
                .componentLambdaParameters(
                    l ->
                        l.pinned(false)
                            .timeoutInSeconds(10)
                            .maxQueueSize(7)
                            .inputPayloadEncodingType("binary")
                            .execArgs("-x")
                            .environmentVariables(Map.of("A", "b"))
                            .eventSources(
                                e -> e.topic("a/+").type(LambdaEventSourceType.PUB_SUB),
                                e -> e.topic("b").type(LambdaEventSourceType.IOT_CORE))
                            .linuxProcessParams(
                                x ->
                                    x.isolationMode("GreengrassContainer")
                                        .containerParams(
                                            c ->
                                                c.memorySizeInKB(65536)
                                                    .mountROSysfs(true)
                                                    .volumes(
                                                        v ->
                                                            v.sourcePath("/s")
                                                                .destinationPath("/d")
                                                                .permission("rw")
                                                                .addGroupOwner(true))
                                                    .devices(d -> d.path("/dev/null")))))
                .build());
    assertThat(recipe.componentVersion().text()).isEqualTo("1.2.3");
    assertThat(recipe.manifests().getFirst().platform()).containsEntry("architecture", "amd64");
    assertThat(recipe.dependencies().get("com.example.Needed").type())
        .isEqualTo(Recipe.DependencyType.SOFT);
    JsonNode c = recipe.defaultConfiguration();
    assertThat(c.path("pinned").asBoolean()).isFalse();
    assertThat(c.path("timeoutInSeconds").asInt()).isEqualTo(10);
    assertThat(c.path("inputPayloadEncodingType").asString()).isEqualTo("binary");
    assertThat(c.path("pubsubTopics"))
        .isEqualTo(
            TestCloud.json(
                "{\"0\":{\"topic\":\"a/+\",\"type\":\"PUB_SUB\"},\"1\":{\"topic\":\"b\",\"type\":\"IOT_CORE\"}}"));
    assertThat(c.at("/containerParams/volumes/0/permission").asString()).isEqualTo("rw");
    assertThat(c.at("/containerParams/devices/0/permission").asString()).isEqualTo("ro");
    assertThat(c.at("/lambdaExecutionParameters/EnvironmentVariables/A").asString()).isEqualTo("b");
  }

  @Test
  void what_is_no_published_version_or_no_linux_is_refused_and_so_is_the_same_version_again() {
    for (String arn :
        List.of(ARN.replace(":3", ":$LATEST"), ARN.replace(":3", ":live"), ARN.replace(":3", ""))) {
      assertThatThrownBy(() -> make(LambdaFunctionRecipeSource.builder().lambdaArn(arn).build()))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("published version");
    }
    assertThatThrownBy(
            () ->
                make(
                    LambdaFunctionRecipeSource.builder()
                        .lambdaArn(ARN.replace(":3", ":4"))
                        .build()))
        .isInstanceOf(ResourceNotFoundException.class);
    assertThatThrownBy(
            () ->
                make(
                    LambdaFunctionRecipeSource.builder()
                        .lambdaArn(ARN)
                        .componentPlatforms(p -> p.attributes(Map.of("os", "windows")))
                        .build()))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("linux");
    make(LambdaFunctionRecipeSource.builder().lambdaArn(ARN).build());
    assertThatThrownBy(() -> make(LambdaFunctionRecipeSource.builder().lambdaArn(ARN).build()))
        .isInstanceOf(ConflictException.class);
  }
}
