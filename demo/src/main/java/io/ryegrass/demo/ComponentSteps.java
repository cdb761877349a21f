package io.ryegrass.demo;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Greengrass V2: a component from its recipe to its messages, and the way back from a bad one. */
final class ComponentSteps {
  private static final String COMPONENT = "com.example.Hello";
  private static final String BUCKET = "demo-artifacts";
  private static final String POISON = "only-the-broken-revision-has-this";

  private final World world;
  private final Watcher watcher;
  private long deploymentMillis;

  ComponentSteps(World world, Watcher watcher) {
    this.world = world;
    this.watcher = watcher;
  }

  String awaitCoreStatus(String wanted) {
    return Await.until(
        "core " + World.CORE + " to be " + wanted,
        Duration.ofSeconds(30),
        () -> coreStatus().filter(wanted::equals),
        () -> coreStatus().orElse("not in the list"));
  }

  private Optional<String> coreStatus() {
    for (JsonNode core :
        world.api().get("greengrass", "/greengrass/v2/coreDevices").path("coreDevices")) {
      if (core.path("coreDeviceThingName").asString().equals(World.CORE)) {
        return Optional.of(core.path("status").asString());
      }
    }
    return Optional.empty();
  }

  String deploy() {
    AwsCli aws = world.aws();
    aws.run("s3api", "create-bucket", "--bucket", BUCKET);
    aws.run(
        "s3api",
        "put-object",
        "--bucket",
        BUCKET,
        "--key",
        "hello-component.jar",
        "--body",
        world.home().resolve("examples/hello-component/target/hello-component.jar").toString());
    createComponent("recipe.yaml");
    String message = "good morning " + System.nanoTime();
    long asked = System.nanoTime();
    String deployment =
        createDeployment("1.0.0", "{\"message\":\"" + message + "\",\"intervalMs\":200}");
    awaitInstalled("1.0.0", "RUNNING");
    deploymentMillis = (System.nanoTime() - asked) / 1_000_000;
    MqttDevice.Received heard =
        watcher.await(
            "'" + message + "', heard on local pub/sub and passed on by IPC",
            Duration.ofSeconds(30),
            r -> r.topic().equals("demo/hello/cloud") && r.payload().contains(message));
    awaitDeploymentStatus(deployment, "COMPLETED");
    String effective = effectiveStatus(deployment);
    if (!effective.equals("SUCCEEDED") && !effective.equals("COMPLETED")) {
      throw new StepFailed("list-effective-deployments says " + effective);
    }
    JsonNode installed =
        aws.run(
            "greengrassv2", "list-installed-components", "--core-device-thing-name", World.CORE);
    if (!installed.toString().contains("\"" + COMPONENT + "\"")) {
      throw new StepFailed("list-installed-components does not name " + COMPONENT);
    }
    return "request → RUNNING in "
        + deploymentMillis
        + " ms, deployment COMPLETED ("
        + effective
        + "), cloud heard "
        + heard.payload();
  }

  long deploymentMillis() {
    return deploymentMillis;
  }

  String breakAndRollBack() {
    createComponent("recipe-broken.yaml");
    String deployment =
        createDeployment("1.1.0", "{\"message\":\"" + POISON + "\",\"" + POISON + "\":true}");
    awaitDeploymentStatus(deployment, "FAILED");
    JsonNode record = effective(deployment);
    awaitInstalled("1.0.0", "RUNNING");
    int already = watcher.received().size();
    watcher.await(
        "a message of the previous version after the rollback",
        Duration.ofSeconds(20),
        r -> r.topic().equals("demo/hello/cloud") && watcher.received().lastIndexOf(r) >= already);
    String current = readCurrentGeneration();
    if (current.contains(POISON) || current.contains("1.1.0")) {
      throw new StepFailed("the current generation still holds traces of the broken revision");
    }
    return "deployment FAILED ("
        + record.path("reason").asString()
        + "), 1.0.0 runs again, its configuration is clean";
  }

  /** All that the core holds for the generation that its pointer names. */
  private String readCurrentGeneration() {
    Path generations = world.coreRoot().resolve("generations");
    String number =
        JsonMapper.shared()
            .readTree(World.read(generations.resolve("current")))
            .path("current")
            .asString();
    StringBuilder all = new StringBuilder();
    try (Stream<Path> files = Files.walk(generations.resolve(number))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        all.append(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1));
      }
    } catch (IOException e) {
      throw new StepFailed("cannot read generation " + number + ": " + e, e);
    }
    return all.toString();
  }

  private void createComponent(String recipe) {
    Path source = world.recipes().resolve(recipe);
    Path copy = world.folder().resolve(recipe);
    try {
      Files.writeString(copy, Files.readString(source).replace("BUCKET", BUCKET));
    } catch (IOException e) {
      throw new StepFailed("cannot copy " + source + ": " + e.getMessage(), e);
    }
    world
        .aws()
        .run("greengrassv2", "create-component-version", "--inline-recipe", "fileb://" + copy);
  }

  private String createDeployment(String version, String merge) {
    String components =
        "{\""
            + COMPONENT
            + "\":{\"componentVersion\":\""
            + version
            + "\",\"configurationUpdate\":{\"merge\":\""
            + merge.replace("\"", "\\\"")
            + "\"}}}";
    return world
        .aws()
        .run(
            "greengrassv2",
            "create-deployment",
            "--target-arn",
            "arn:aws:iot:" + World.REGION + ":" + World.ACCOUNT + ":thing/" + World.CORE,
            "--deployment-name",
            "demo-" + version,
            "--components",
            components,
            "--deployment-policies",
            "{\"failureHandlingPolicy\":\"ROLLBACK\"}")
        .path("deploymentId")
        .asString();
  }

  private void awaitInstalled(String version, String state) {
    Await.until(
        COMPONENT + " " + version + " to be " + state,
        Duration.ofSeconds(60),
        () -> {
          JsonNode component = installed();
          return component.path("componentVersion").asString("").equals(version)
                  && component.path("lifecycleState").asString("").equals(state)
              ? Optional.of(component)
              : Optional.empty();
        },
        this::installed);
  }

  private JsonNode installed() {
    JsonNode all =
        world
            .api()
            .get("greengrass", "/greengrass/v2/coreDevices/" + World.CORE + "/installedComponents");
    for (JsonNode component : all.path("installedComponents")) {
      if (component.path("componentName").asString().equals(COMPONENT)) {
        return component;
      }
    }
    return all;
  }

  private void awaitDeploymentStatus(String deployment, String status) {
    Await.until(
        "deployment " + deployment + " to be " + status,
        Duration.ofSeconds(60),
        () -> Optional.of(deploymentStatus(deployment)).filter(status::equals),
        () -> deploymentStatus(deployment) + ", on the core " + effective(deployment));
  }

  private String deploymentStatus(String deployment) {
    return world
        .api()
        .get("greengrass", "/greengrass/v2/deployments/" + deployment)
        .path("deploymentStatus")
        .asString();
  }

  private String effectiveStatus(String deployment) {
    return effective(deployment).path("coreDeviceExecutionStatus").asString("missing");
  }

  private JsonNode effective(String deployment) {
    JsonNode all =
        world
            .aws()
            .run(
                "greengrassv2",
                "list-effective-deployments",
                "--core-device-thing-name",
                World.CORE);
    for (JsonNode one : all.path("effectiveDeployments")) {
      if (one.path("deploymentId").asString().equals(deployment)) {
        return one;
      }
    }
    return all;
  }
}
