package io.ryegrass.nucleus;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.DeploymentDocument;
import io.ryegrass.model.FailureHandlingPolicy;
import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.deploy.FaultPoint;
import io.ryegrass.nucleus.store.Backoff;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Container images, files of any server, several at once, and documents that are fetched. */
class ArtifactKindsTest {
  @TempDir Path temp;
  private final TestCloud cloud = new TestCloud();
  private final List<String> pulled = new CopyOnWriteArrayList<>();
  private final List<Set<String>> kept = new CopyOnWriteArrayList<>();
  private final List<String> documentsAsked = new CopyOnWriteArrayList<>();
  private volatile Fetch fetch = (artifact, target) -> {};
  private volatile Document document = id -> "";
  private Nucleus nucleus;
  private int revision;

  private interface Fetch {
    void fetch(Recipe.Artifact artifact, Path target) throws Exception;
  }

  private interface Document {
    String of(String deploymentId);
  }

  @BeforeEach
  void start() {
    CloudPorts ports = cloud.ports();
    nucleus =
        Nucleus.open(
            new NucleusSettings(
                TestCloud.provision(temp.resolve("root")),
                Clock.systemUTC(),
                Duration.ofSeconds(1),
                Duration.ofSeconds(30)),
            List.of(),
            List.of(),
            new CloudPorts(
                catalog(ports.catalog()),
                artifacts(),
                ports.messaging(),
                ports.reporter(),
                ports.fleet(),
                ports.credentials()),
            new Backoff(Duration.ofMillis(5), Duration.ofMillis(10), new Random(1)),
            FaultPoint.NONE);
    nucleus.start();
  }

  @AfterEach
  void stop() {
    nucleus.close();
  }

  private ComponentCatalog catalog(ComponentCatalog real) {
    return new ComponentCatalog() {
      @Override
      public ResolvedComponent resolve(
          String name,
          Map<String, String> requirements,
          Map<String, String> platform,
          ComponentVersion local) {
        return real.resolve(name, requirements, platform, local);
      }

      @Override
      public List<String> thingGroups() {
        return real.thingGroups();
      }

      @Override
      public String deploymentDocument(String deploymentId) {
        documentsAsked.add(deploymentId);
        return document.of(deploymentId);
      }
    };
  }

  private ArtifactSource artifacts() {
    return new ArtifactSource() {
      @Override
      public void download(String arn, Recipe.Artifact artifact, Path target) {
        try {
          fetch.fetch(artifact, target);
        } catch (RuntimeException e) {
          throw e;
        } catch (Exception e) {
          throw new AssertionError(e);
        }
      }

      @Override
      public void pullImage(Recipe.Artifact artifact) {
        pulled.add(artifact.uri());
        if (artifact.uri().contains("away") && pulled.size() < 3) {
          throw new CloudUnavailableException("The registry is away.");
        }
        if (artifact.uri().contains("nothing")) {
          throw new NucleusException("DOCKER_IMAGE_NOT_VALID", "No such image.");
        }
      }

      @Override
      public void keepImages(Set<String> uris) {
        kept.add(uris);
      }
    };
  }

  private void recipe(String name, String version, String dependencies, String artifacts) {
    cloud.recipe(
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: %s
        ComponentDependencies: %s
        Manifests:
          - Platform: {os: linux}
            Lifecycle: {Run: "exec sleep 600"}
            Artifacts: %s
        """
            .formatted(name, version, dependencies, artifacts));
  }

  private DeploymentStatus deploy(String... namesAndVersions) {
    return deploy(
        TestCloud.shadow(
            ++revision, FailureHandlingPolicy.ROLLBACK, TestCloud.components(namesAndVersions)));
  }

  private DeploymentStatus deploy(DeploymentRequest r) {
    nucleus.deployments().submit(r);
    NucleusTestBench.until(
        () ->
            cloud.statuses.stream()
                .anyMatch(s -> s.id().equals(r.id()) && !s.status().equals("IN_PROGRESS")));
    return cloud.statuses.getLast();
  }

  private static final String MANAGER =
      "{aws.greengrass.DockerApplicationManager: {VersionRequirement: '>=2.0.0'}}";

  @Test
  void aContainerImageDemandsTheDockerApplicationManagerBeforeAnythingIsFetched() {
    recipe("com.example.A", "1.0.0", "{}", "[{URI: 'docker:tool:1'}]");

    DeploymentStatus s = deploy("com.example.A", "1.0.0");

    assertThat(s.status()).isEqualTo("FAILED");
    assertThat(s.detailedStatus()).isEqualTo("FAILED_NO_STATE_CHANGE");
    assertThat(s.errorStack()).contains("MISSING_DOCKER_APPLICATION_MANAGER");
    assertThat(s.errorTypes()).contains("REQUEST_ERROR");
    assertThat(pulled).isEmpty();
  }

  @Test
  void anImageOfAPrivateRegistryOfEcrDemandsTheTokenExchangeService() {
    recipe(
        "com.example.A",
        "1.0.0",
        MANAGER,
        "[{URI: 'docker:123456789012.dkr.ecr.eu-west-1.amazonaws.com/tool:1'}]");

    assertThat(deploy("com.example.A", "1.0.0").errorStack())
        .contains("MISSING_TOKEN_EXCHANGE_SERVICE");
  }

  /** S-17; LESSON-39: images go when nothing names them, and not before. */
  @Test
  void imagesArePulledTriedAgainAndKeptAsLongAsAGenerationNamesThem() {
    recipe("com.example.A", "1.0.0", MANAGER, "[{URI: 'docker:away:1'}, {URI: 'docker:b/away:1'}]");

    DeploymentStatus s = deploy("com.example.A", "1.0.0");

    assertThat(s.status()).as(String.valueOf(s)).isEqualTo("SUCCEEDED");
    assertThat(pulled).contains("docker:away:1", "docker:b/away:1").hasSizeGreaterThanOrEqualTo(3);
    assertThat(kept.getLast()).containsExactlyInAnyOrder("docker:away:1", "docker:b/away:1");

    recipe("com.example.B", "1.0.0", "{}", "[]");
    deploy("com.example.B", "1.0.0");
    assertThat(kept.getLast()).as("a rollback may need them").contains("docker:away:1");
    deploy("com.example.B", "1.0.0");
    deploy("com.example.B", "1.0.0");
    assertThat(kept.getLast()).isEmpty();
  }

  @Test
  void anImageThatIsNotThereFailsTheDeploymentWithItsCode() {
    recipe("com.example.A", "1.0.0", MANAGER, "[{URI: 'docker:nothing:1'}]");

    DeploymentStatus s = deploy("com.example.A", "1.0.0");

    assertThat(s.errorStack())
        .containsExactly("DEPLOYMENT_FAILURE", "ARTIFACT_DOWNLOAD_ERROR", "DOCKER_IMAGE_NOT_VALID");
    assertThat(s.errorTypes()).contains("DEPENDENCY_ERROR");
  }

  @Test
  void aFileOfAnHttpsServerNeedsNoDigestAndIsNotFetchedTwice() throws Exception {
    AtomicInteger fetched = new AtomicInteger();
    fetch =
        (artifact, target) -> {
          fetched.incrementAndGet();
          Files.writeString(target, "content");
        };
    recipe("com.example.A", "1.0.0", "{}", "[{URI: 'https://example.com/d/tool.sh?v=1'}]");

    assertThat(deploy("com.example.A", "1.0.0").status()).isEqualTo("SUCCEEDED");
    assertThat(deploy("com.example.A", "1.0.0").status()).isEqualTo("SUCCEEDED");

    assertThat(temp.resolve("root/packages/artifacts/com.example.A/1.0.0/tool.sh"))
        .hasContent("content");
    assertThat(fetched).hasValue(1);
  }

  /** CMP-01: the tutorial's first component names no other; decision 028. */
  @Test
  void aFileInS3NeedsNoComponentOfItsOwn() {
    fetch = (artifact, target) -> Files.writeString(target, "content");
    recipe(
        "com.example.A",
        "1.0.0",
        "{}",
        "[{URI: 's3://bucket/tool.sh', Digest: '%s', Algorithm: SHA-256}]"
            .formatted(digest("content")));

    assertThat(deploy("com.example.A", "1.0.0").status()).isEqualTo("SUCCEEDED");
  }

  @Test
  void aFileOfAnHttpsServerWithAnotherDigestThanTheRecipesIsRefused() {
    fetch = (artifact, target) -> Files.writeString(target, "other");
    recipe(
        "com.example.A",
        "1.0.0",
        "{}",
        "[{URI: 'https://example.com/tool.sh', Digest: '%s', Algorithm: SHA-256}]"
            .formatted(digest("content")));

    assertThat(deploy("com.example.A", "1.0.0").errorStack())
        .contains("ARTIFACT_CHECKSUM_MISMATCH");
  }

  /** LESSON-40. */
  @Test
  void severalArtifactsOfOneComponentAreFetchedAtOnceButNotMoreThanFour() {
    CountDownLatch four = new CountDownLatch(4);
    AtomicInteger now = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    fetch =
        (artifact, target) -> {
          most.accumulateAndGet(now.incrementAndGet(), Math::max);
          four.countDown();
          assertThat(four.await(60, TimeUnit.SECONDS)).as("four at once").isTrue();
          Files.writeString(target, artifact.uri());
          now.decrementAndGet();
        };
    List<String> all = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      all.add("{URI: 'https://example.com/f%d'}".formatted(i));
    }
    recipe("com.example.A", "1.0.0", "{}", all.toString());

    assertThat(deploy("com.example.A", "1.0.0").status()).isEqualTo("SUCCEEDED");
    assertThat(most).hasValue(4);
  }

  @Test
  void theFirstArtifactThatFailsEndsTheOthers() {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch ended = new CountDownLatch(1);
    fetch =
        (artifact, target) -> {
          if (artifact.uri().endsWith("bad")) {
            assertThat(begun.await(60, TimeUnit.SECONDS)).isTrue();
            throw new CloudRefusedException("RESOURCE_NOT_FOUND", "No such file.");
          }
          begun.countDown();
          try {
            new CountDownLatch(1).await();
          } catch (InterruptedException e) {
            ended.countDown();
            Thread.currentThread().interrupt();
            throw new CloudUnavailableException("interrupted", e);
          }
        };
    recipe(
        "com.example.A",
        "1.0.0",
        "{}",
        "[{URI: 'https://example.com/good'}, {URI: 'https://example.com/bad'}]");

    assertThat(deploy("com.example.A", "1.0.0").errorStack()).contains("RESOURCE_NOT_FOUND");
    NucleusTestBench.until(() -> ended.getCount() == 0);
  }

  private DeploymentRequest outline(DeploymentRequest whole) {
    DeploymentDocument d = whole.document();
    Map<String, DeploymentDocument.ComponentUpdate> names = new java.util.LinkedHashMap<>();
    d.components()
        .forEach(
            (n, u) ->
                names.put(
                    n,
                    new DeploymentDocument.ComponentUpdate(
                        u.version(), DeploymentDocument.ConfigurationUpdate.NONE, u.runWith())));
    return new DeploymentRequest(
        whole.origin(),
        whole.id(),
        new DeploymentDocument(
            d.deploymentId(),
            d.deploymentName(),
            d.configurationArn(),
            null,
            null,
            d.creationTimestamp(),
            names,
            d.failureHandlingPolicy(),
            List.of("LARGE_CONFIGURATION"),
            d.componentUpdatePolicy(),
            d.configurationValidationPolicy()));
  }

  private DeploymentRequest large() {
    recipe("com.example.A", "1.0.0", "{}", "[]");
    return TestCloud.shadow(
        ++revision,
        FailureHandlingPolicy.ROLLBACK,
        TestCloud.component(
            "com.example.A", "1.0.0", "{\"text\": \"%s\"}".formatted("x".repeat(50_000))));
  }

  /** v2-deployments.md section 7.3. */
  @Test
  void aLargeDocumentIsFetchedWhenItIsNeededAndTriedAgainWhileTheCloudIsAway() {
    DeploymentRequest whole = large();
    document =
        id -> {
          if (documentsAsked.size() < 3) {
            throw documentsAsked.size() == 1
                ? new CloudUnavailableException("away")
                : new CloudRefusedException(
                    "GET_DEPLOYMENT_CONFIGURATION_ACCESS_DENIED", "not yet");
          }
          return whole.document().toJson().toString();
        };

    DeploymentStatus s = deploy(outline(whole));

    assertThat(s.status()).as(String.valueOf(s)).isEqualTo("SUCCEEDED");
    assertThat(documentsAsked).containsOnly(whole.document().deploymentId()).hasSize(3);
    assertThat(nucleus.components().configuration("com.example.A").path("text").asString())
        .hasSize(50_000);
  }

  /** TRB-29, with an end. */
  @Test
  void aLargeDocumentThatIsDeniedFailsTheDeploymentInTheEnd() {
    document =
        id -> {
          throw new CloudRefusedException("GET_DEPLOYMENT_CONFIGURATION_ACCESS_DENIED", "no");
        };

    DeploymentStatus s = deploy(outline(large()));

    assertThat(s.detailedStatus()).isEqualTo("FAILED_NO_STATE_CHANGE");
    assertThat(s.errorStack()).contains("GET_DEPLOYMENT_CONFIGURATION_ACCESS_DENIED");
    assertThat(s.errorTypes()).contains("PERMISSION_ERROR");
    assertThat(documentsAsked).hasSize(10);
  }

  @Test
  void aLargeDocumentOfOtherComponentsThanItsOutlineIsRefused() {
    DeploymentRequest whole = large();
    document = id -> whole.document().toJson().toString().replace("1.0.0", "9.0.0");

    assertThat(deploy(outline(whole)).errorStack()).contains("DEPLOYMENT_DOCUMENT_NOT_VALID");
  }

  private static String digest(String content) {
    try {
      return Base64.getEncoder()
          .encodeToString(
              MessageDigest.getInstance("SHA-256")
                  .digest(content.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
