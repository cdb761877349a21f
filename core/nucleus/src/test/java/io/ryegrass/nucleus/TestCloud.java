package io.ryegrass.nucleus;

import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.model.Recipe;
import io.ryegrass.model.VersionRequirement;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A cloud for tests: recipes and artifacts in memory, everything that was reported in lists, and a
 * switch for the network.
 */
final class TestCloud {
  static {
    // Tests share the machine with others: what comes late has still come.
    org.awaitility.Awaitility.setDefaultTimeout(java.time.Duration.ofSeconds(60));
  }

  final Map<String, Recipe> recipes = new ConcurrentHashMap<>();
  final Map<String, byte[]> artifacts = new ConcurrentHashMap<>();
  final List<DeploymentStatus> statuses = new CopyOnWriteArrayList<>();
  final List<FleetSnapshot> snapshots = new CopyOnWriteArrayList<>();
  final List<CloudMessage> published = new CopyOnWriteArrayList<>();
  final Map<String, Consumer<CloudMessage>> subscriptions = new ConcurrentHashMap<>();
  volatile List<String> groups = new ArrayList<>();
  volatile boolean online = true;
  volatile int downloads;
  final List<Integer> resumed = new CopyOnWriteArrayList<>();
  volatile Runnable halfDownloaded = () -> {};

  CloudPorts ports() {
    return new CloudPorts(
        new ComponentCatalog() {
          @Override
          public ResolvedComponent resolve(
              String name,
              Map<String, String> requirements,
              Map<String, String> platform,
              ComponentVersion local) {
            check();
            Optional<Recipe> best =
                recipes.values().stream()
                    .filter(r -> r.componentName().equals(name))
                    .filter(
                        r ->
                            requirements.values().stream()
                                .allMatch(
                                    q -> VersionRequirement.parse(q).accepts(r.componentVersion())))
                    .max(Comparator.comparing(Recipe::componentVersion));
            Recipe r =
                best.orElseThrow(
                    () ->
                        new CloudRefusedException(
                            "NO_AVAILABLE_COMPONENT_VERSION", "No version of " + name + " fits."));
            return new ResolvedComponent(
                "arn:aws:greengrass:us-east-1:000000000000:components:"
                    + name
                    + ":versions:"
                    + r.componentVersion().text(),
                r,
                r.toJson().toString());
          }

          @Override
          public List<String> thingGroups() {
            check();
            return groups;
          }
        },
        (arn, artifact, target) -> {
          check();
          downloads++;
          try {
            byte[] content = artifacts.get(artifact.uri());
            if (content == null) {
              throw new CloudRefusedException(
                  "S3_GET_OBJECT_RESOURCE_NOT_FOUND", "No " + artifact.uri());
            }
            // in two parts, and going on where an earlier attempt ended
            int have = Files.exists(target) ? (int) Files.size(target) : 0;
            int half = Math.max(have, content.length / 2);
            resumed.add(have);
            append(target, content, have, half);
            halfDownloaded.run();
            append(target, content, half, content.length);
          } catch (IOException e) {
            throw new CloudUnavailableException("Disk", e);
          }
        },
        new CloudMessaging() {
          @Override
          public void publish(String topic, byte[] payload, int qos) {
            published.add(new CloudMessage(topic, payload, qos));
          }

          @Override
          public AutoCloseable subscribe(String filter, int qos, Consumer<CloudMessage> c) {
            subscriptions.put(filter, c);
            return () -> subscriptions.remove(filter);
          }

          @Override
          public boolean connected() {
            return online;
          }
        },
        s -> {
          check();
          statuses.add(s);
        },
        snapshots::add,
        () -> {
          throw new CloudUnavailableException("none");
        });
  }

  private static void append(java.nio.file.Path target, byte[] content, int from, int to)
      throws IOException {
    Files.write(
        target,
        java.util.Arrays.copyOfRange(content, from, to),
        java.nio.file.StandardOpenOption.CREATE,
        java.nio.file.StandardOpenOption.APPEND);
  }

  private void check() {
    if (!online) {
      throw new CloudUnavailableException("The test's network is off.");
    }
  }

  Recipe recipe(String yaml) {
    Recipe r = Recipe.parse(yaml.getBytes(StandardCharsets.UTF_8));
    recipes.put(r.componentName() + "@" + r.componentVersion().text(), r);
    return r;
  }

  /** A generic component whose life cycle is given in YAML flow or block style. */
  Recipe generic(
      String name, String version, String configuration, String dependencies, String lifecycle) {
    return recipe(
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: %s
        ComponentConfiguration: {DefaultConfiguration: %s}
        ComponentDependencies: %s
        Manifests:
          - Platform: {os: linux}
            Lifecycle: %s
        """
            .formatted(name, version, configuration, dependencies, lifecycle));
  }

  Optional<DeploymentStatus> last(String id, String status) {
    return statuses.stream()
        .filter(s -> s.id().equals(id) && s.status().equals(status))
        .findFirst();
  }

  static DeploymentRequest shadow(
      int revision,
      FailureHandlingPolicy policy,
      Map<String, DeploymentDocument.ComponentUpdate> c) {
    String arn = "arn:aws:greengrass:us-east-1:000000000000:configuration:thing/core1:" + revision;
    return new DeploymentRequest(
        DeploymentRequest.SHADOW,
        arn,
        document("d-" + revision, arn, System.currentTimeMillis(), policy, c));
  }

  static DeploymentRequest job(
      String id,
      String group,
      int revision,
      long time,
      Map<String, DeploymentDocument.ComponentUpdate> c) {
    String arn =
        "arn:aws:greengrass:us-east-1:000000000000:configuration:thinggroup/"
            + group
            + ":"
            + revision;
    return new DeploymentRequest(
        DeploymentRequest.IOT_JOBS,
        id,
        document("d-" + id, arn, time, FailureHandlingPolicy.ROLLBACK, c));
  }

  private static DeploymentDocument document(
      String id,
      String arn,
      long time,
      FailureHandlingPolicy policy,
      Map<String, DeploymentDocument.ComponentUpdate> c) {
    return new DeploymentDocument(
        id,
        "test",
        arn,
        null,
        null,
        time,
        c,
        policy,
        List.of(),
        DeploymentDocument.ComponentUpdatePolicy.DEFAULT,
        DeploymentDocument.ConfigurationValidationPolicy.DEFAULT);
  }

  static Map<String, DeploymentDocument.ComponentUpdate> components(String... namesAndVersions) {
    Map<String, DeploymentDocument.ComponentUpdate> all = new LinkedHashMap<>();
    for (int i = 0; i < namesAndVersions.length; i += 2) {
      all.put(
          namesAndVersions[i],
          new DeploymentDocument.ComponentUpdate(
              namesAndVersions[i + 1], DeploymentDocument.ConfigurationUpdate.NONE, null));
    }
    return all;
  }

  static Map<String, DeploymentDocument.ComponentUpdate> component(
      String name, String version, String merge, String... reset) {
    return Map.of(
        name,
        new DeploymentDocument.ComponentUpdate(
            version,
            new DeploymentDocument.ConfigurationUpdate(
                merge == null ? null : (ObjectNode) new JsonMapper().readTree(merge),
                List.of(reset)),
            null));
  }

  /** A root folder with identity, as provisioning leaves it. */
  static Path provision(Path root) {
    try {
      Files.createDirectories(root.resolve("config"));
      Files.writeString(
          root.resolve("cert.pem"),
          "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
      Files.writeString(
          root.resolve("key.pem"),
          "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n");
      Files.writeString(
          root.resolve("config/config.yaml"),
          """
          system:
            thingName: core1
            certificateFilePath: %1$s/cert.pem
            privateKeyPath: %1$s/key.pem
            rootCaPath: %1$s/cert.pem
            rootpath: %1$s
          services:
            aws.greengrass.Nucleus:
              componentType: NUCLEUS
              version: 2.15.0
              configuration:
                awsRegion: us-east-1
                iotRoleAlias: alias
                iotDataEndpoint: localhost
                iotCredEndpoint: localhost:8443
                runWithDefault: {posixUser: %2$s}
          """
              .formatted(root, System.getProperty("user.name")));
      return root;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
