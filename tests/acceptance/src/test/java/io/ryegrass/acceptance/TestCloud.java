package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.greengrass.GreengrassClient;
import software.amazon.awssdk.services.greengrassv2.GreengrassV2Client;
import software.amazon.awssdk.services.iot.IotClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;

/**
 * One cloud for all scenarios. What a person does, is done with the AWS CLI; what is only looked
 * at, often, with AWS's SDK for Java.
 */
final class TestCloud implements AutoCloseable {
  static final String ACCOUNT = "000000000000";
  static final String REGION = "us-east-1";

  final Path folder;
  final GreengrassV2Client greengrass;
  final IotClient iot;
  final GreengrassClient v1;
  private final Ryegrass.Running program;
  private final @Nullable AwsCli cli;
  private final int mqttPort;
  private final AtomicInteger files = new AtomicInteger();

  private TestCloud() {
    try {
      folder = Files.createTempDirectory("ryegrass-scenarios-");
      // as root, components run as 'nobody', who has to get to their folders
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
      program = Ryegrass.startCloud(folder);
      JsonNode endpoints =
          JsonMapper.shared().readTree(Files.readString(folder.resolve("cloud/endpoints.json")));
      cli = AwsCli.start(folder.resolve("cloud"));
      URI api = URI.create(endpoints.path("apiUrl").asString());
      mqttPort = endpoints.path("mqttPort").asInt();
      String keys = Files.readString(folder.resolve("cloud/credentials"));
      var credentials =
          StaticCredentialsProvider.create(
              AwsBasicCredentials.create(
                  value(keys, "aws_access_key_id"), value(keys, "aws_secret_access_key")));
      var http =
          UrlConnectionHttpClient.builder()
              .connectionTimeout(Duration.ofSeconds(30))
              .socketTimeout(Duration.ofSeconds(60))
              .build();
      greengrass =
          GreengrassV2Client.builder()
              .endpointOverride(api)
              .region(Region.of(REGION))
              .credentialsProvider(credentials)
              .httpClient(http)
              .build();
      v1 =
          GreengrassClient.builder()
              .endpointOverride(api)
              .region(Region.of(REGION))
              .credentialsProvider(credentials)
              .httpClient(http)
              .build();
      iot =
          IotClient.builder()
              .endpointOverride(api)
              .region(Region.of(REGION))
              .credentialsProvider(credentials)
              .httpClient(http)
              .build();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String value(String file, String key) {
    return file.lines()
        .filter(l -> l.startsWith(key))
        .map(l -> l.substring(l.indexOf('=') + 1).strip())
        .findFirst()
        .orElseThrow();
  }

  static String thingArn(String thing) {
    return "arn:aws:iot:" + REGION + ":" + ACCOUNT + ":thing/" + thing;
  }

  static String groupArn(String group) {
    return "arn:aws:iot:" + REGION + ":" + ACCOUNT + ":thinggroup/" + group;
  }

  Path data() {
    return folder.resolve("cloud");
  }

  int mqttPort() {
    return mqttPort;
  }

  /** What the cloud wrote about itself. */
  JsonNode endpoints() {
    return JsonMapper.shared().readTree(read(data().resolve("endpoints.json")));
  }

  // ---- the AWS CLI

  Ryegrass.Outcome awsOutcome(String... arguments) {
    return cli == null ? Ryegrass.aws(folder, arguments) : cli.call(arguments);
  }

  /** Its answer; a missing node when it answers nothing. */
  JsonNode aws(String... arguments) {
    Ryegrass.Outcome outcome = awsOutcome(arguments);
    outcome.isSuccess();
    return outcome.output().isBlank()
        ? MissingNode.getInstance()
        : JsonMapper.shared().readTree(outcome.output());
  }

  /** The AWS CLI on its own, with no credentials but those that this environment leads to. */
  Ryegrass.Outcome awsWithOnly(Map<String, String> environment, String... arguments) {
    List<String> command = new ArrayList<>(List.of("env"));
    for (String other :
        List.of("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")) {
      command.addAll(List.of("-u", other));
    }
    command.addAll(
        List.of(
            "aws", "--endpoint-url", endpoints().path("apiUrl").asString(), "--region", REGION));
    command.addAll(List.of(arguments));
    Map<String, String> all = new HashMap<>(environment);
    all.putAll(
        Map.of(
            "AWS_SHARED_CREDENTIALS_FILE", "/dev/null",
            "AWS_CONFIG_FILE", "/dev/null",
            "AWS_EC2_METADATA_DISABLED", "true",
            "AWS_PAGER", ""));
    try (Ryegrass.Running running = Ryegrass.startProgram(folder, all, command)) {
      return running.awaitEnd(Duration.ofSeconds(120));
    }
  }

  /** Publishes a component and gives its ARN. */
  String createComponent(String recipe) {
    Path file = folder.resolve("recipe-" + files.incrementAndGet() + ".yaml");
    write(file, recipe);
    return aws("greengrassv2", "create-component-version", "--inline-recipe", "fileb://" + file)
        .path("arn")
        .asString();
  }

  /**
   * @param components as the operation CreateDeployment has them
   * @param more further arguments of the AWS CLI
   * @return the deployment's id
   */
  String deploy(String targetArn, String components, String... more) {
    return createDeployment(targetArn, components, more).path("deploymentId").asString();
  }

  JsonNode createDeployment(String targetArn, String components, String... more) {
    return aws(
        Stream.concat(
                Stream.of(
                    "greengrassv2",
                    "create-deployment",
                    "--target-arn",
                    targetArn,
                    "--components",
                    components),
                Stream.of(more))
            .toArray(String[]::new));
  }

  String status(String deployment) {
    return greengrass.getDeployment(b -> b.deploymentId(deployment)).deploymentStatusAsString();
  }

  static void write(Path file, String text) {
    try {
      Files.createDirectories(file.getParent());
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Empty when it is not there, also when it goes at this moment; a letter of which only the first
   * bytes are written is a replacement character.
   */
  static String read(Path file) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    } catch (NoSuchFileException e) {
      return "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Regular files below a folder in which programs go on making and removing files. */
  static List<Path> filesOf(Path folder) {
    List<Path> found = new ArrayList<>();
    try {
      Files.walkFileTree(
          folder,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              if (attributes.isRegularFile()) {
                found.add(file);
              }
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
              return gone(e);
            }

            @Override
            public FileVisitResult postVisitDirectory(Path of, @Nullable IOException e)
                throws IOException {
              return e == null ? FileVisitResult.CONTINUE : gone(e);
            }

            private static FileVisitResult gone(IOException e) throws IOException {
              if (e instanceof NoSuchFileException) {
                return FileVisitResult.CONTINUE;
              }
              throw e;
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return found;
  }

  /**
   * Waits until the cloud has the subscription of a core: what is published before is for nobody.
   *
   * @param root of the core; it remembers there what the cloud has acknowledged
   */
  static void awaitSubscribed(Path root, String filter) {
    TestCore.await("the subscription '" + filter + "' of " + root)
        .until(
            () -> {
              try (Stream<Path> files = Files.list(root.resolve("spool"))) {
                return files
                    .filter(f -> f.getFileName().toString().startsWith("subscriptions-"))
                    .anyMatch(f -> read(f).lines().anyMatch(filter::equals));
              }
            });
  }

  @Override
  public void close() {
    greengrass.close();
    v1.close();
    iot.close();
    if (cli != null) {
      cli.close();
    }
    program.close();
    // a process that a test has left to its end may still write
    TestCore.await("the end of " + folder).ignoreExceptions().until(this::isDeleted);
    assertThat(program.process().exitValue()).isZero();
  }

  private boolean isDeleted() throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    }
    return true;
  }

  /**
   * Deploys a version of a V1 group, by the AWS CLI.
   *
   * @return the deployment's id
   */
  String newDeployment(String group, String version) {
    return aws(
            "greengrass",
            "create-deployment",
            "--deployment-type",
            "NewDeployment",
            "--group-id",
            group,
            "--group-version-id",
            version)
        .path("DeploymentId")
        .asString();
  }

  /** Gives every class that asks for it the one cloud, and ends it after the last. */
  static final class Shared implements ParameterResolver {
    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      return parameter.getParameter().getType() == TestCloud.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      return context
          .getRoot()
          .getStore(ExtensionContext.Namespace.create(TestCloud.class))
          .getOrComputeIfAbsent(TestCloud.class, key -> new Holder(new TestCloud()), Holder.class)
          .cloud();
    }
  }

  private record Holder(TestCloud cloud) implements AutoCloseable {
    @Override
    public void close() {
      cloud.close();
    }
  }
}
