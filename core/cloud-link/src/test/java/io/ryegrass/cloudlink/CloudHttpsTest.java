package io.ryegrass.cloudlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Verifier;
import io.ryegrass.cloudlink.FakeHttpsCloud.Asked;
import io.ryegrass.cloudlink.FakeHttpsCloud.Reply;
import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ComponentCatalog;
import io.ryegrass.nucleus.ComponentCatalog.ResolvedComponent;
import io.ryegrass.nucleus.NucleusException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The HTTPS side against a server with mutual TLS on a real socket. */
class CloudHttpsTest {
  private static final String RECIPE =
      """
      {"RecipeFormatVersion":"2020-01-25","ComponentName":"com.example.A","ComponentVersion":"1.2.0",
       "Manifests":[{"Artifacts":[{"URI":"greengrass:dir/a b.bin"},{"URI":"s3://bucket/dir/c d.bin"}]}]}
      """;
  private static final String ARN =
      "arn:aws:greengrass:us-east-1:000000000000:components:com.example.A:versions:1.2.0";

  @TempDir Path folder;
  private final MovableClock clock = new MovableClock();
  private FakeHttpsCloud cloud;
  private CloudHttps https;

  @BeforeEach
  void start() throws Exception {
    cloud = new FakeHttpsCloud(folder);
    https = CloudHttps.of(cloud.settings(clock), FakeHttpsCloud.PATIENT);
  }

  @AfterEach
  void stop() {
    https.close();
    cloud.close();
  }

  private ResolvedComponent resolve() {
    return https
        .catalog()
        .resolve("com.example.A", Map.of("g", "^1.0.0"), Map.of("os", "linux"), null);
  }

  private static Recipe.Artifact artifact(int n) {
    return Recipe.parse(RECIPE.getBytes(StandardCharsets.UTF_8))
        .manifests()
        .getFirst()
        .artifacts()
        .get(n);
  }

  @Test
  void aComponentIsResolvedByOneCandidateWithTheCoresCertificate() {
    cloud.answers =
        a ->
            Reply.json(
                200,
                """
                {"resolvedComponentVersions":[{"arn":"%s","componentName":"com.example.A",
                 "componentVersion":"1.2.0","vendorGuidance":"ACTIVE","recipe":"%s"}]}
                """
                    .formatted(
                        ARN,
                        Base64.getEncoder()
                            .encodeToString(RECIPE.getBytes(StandardCharsets.UTF_8))));

    ResolvedComponent found = resolve();

    assertThat(found.arn()).isEqualTo(ARN);
    assertThat(found.recipe().componentVersion().text()).isEqualTo("1.2.0");
    assertThat(found.recipeJson()).isEqualTo(RECIPE);
    Asked asked = cloud.asked.getFirst();
    assertThat(asked.peer()).isEqualTo("CN=core-1");
    assertThat(asked.target()).isEqualTo("/greengrass/v2/resolveComponentCandidates");
    JsonNode body = JsonMapper.shared().readTree(asked.body());
    assertThat(body.at("/platform/attributes/os").asString()).isEqualTo("linux");
    assertThat(body.at("/componentCandidates/0/versionRequirements/g").asString())
        .isEqualTo("^1.0.0");
  }

  @Test
  void manyComponentsAreResolvedByFewQuestionsAndARefusalAnswersNone() {
    List<ComponentCatalog.Wanted> wanted = new ArrayList<>();
    for (int i = 0; i < 51; i++) {
      wanted.add(new ComponentCatalog.Wanted("com.example.A", Map.of("g", "1.2.0"), null));
    }
    cloud.answers =
        a ->
            Reply.json(
                200,
                """
                {"resolvedComponentVersions":[{"arn":"%s","componentName":"com.example.A",
                 "componentVersion":"1.2.0","vendorGuidance":"ACTIVE","recipe":"%s"}]}
                """
                    .formatted(
                        ARN,
                        Base64.getEncoder()
                            .encodeToString(RECIPE.getBytes(StandardCharsets.UTF_8))));

    assertThat(https.catalog().resolveAll(wanted, Map.of("os", "linux")))
        .hasEntrySatisfying("com.example.A", r -> assertThat(r.arn()).isEqualTo(ARN));
    assertThat(cloud.asked)
        .extracting(
            asked -> JsonMapper.shared().readTree(asked.body()).path("componentCandidates").size())
        .containsExactlyInAnyOrder(50, 1);

    cloud.answers = a -> Reply.json(404, "{\"message\":\"no usable version\"}");
    assertThat(https.catalog().resolveAll(wanted, Map.of())).isEmpty();
  }

  @Test
  void theTextOfA404TellsWhetherThePlatformOrTheVersionIsMissing() {
    cloud.answers = a -> Reply.json(404, "{\"message\":\"cannot claim platform\"}");
    assertThatThrownBy(this::resolve)
        .isInstanceOf(CloudRefusedException.class)
        .hasMessageContaining("doesn't claim platform")
        .extracting("code")
        .isEqualTo("NO_AVAILABLE_COMPONENT_VERSION");

    cloud.answers = a -> Reply.json(404, "{\"message\":\"no usable version\"}");
    assertThatThrownBy(this::resolve)
        .hasMessageContaining("The cloud has no version of com.example.A")
        .extracting("code")
        .isEqualTo("NO_AVAILABLE_COMPONENT_VERSION");
  }

  @Test
  void whatMayPassIsUnavailableAndWhatDoesNotIsRefused() {
    cloud.answers = a -> Reply.json(503, "{\"message\":\"busy\"}");
    assertThatThrownBy(this::resolve)
        .isInstanceOf(CloudUnavailableException.class)
        .hasMessageContaining("503 (busy)");
    cloud.answers = a -> Reply.json(429, "");
    assertThatThrownBy(this::resolve).isInstanceOf(CloudUnavailableException.class);
    cloud.answers =
        a ->
            Reply.json(403, "{\"message\":\"no\"}")
                .with("x-amzn-ErrorType", "AccessDeniedException");
    assertThatThrownBy(this::resolve)
        .isInstanceOf(CloudRefusedException.class)
        .hasMessageContaining("AccessDeniedException: no")
        .extracting("code")
        .isEqualTo("RESOLVE_COMPONENT_CANDIDATES_ACCESS_DENIED");
    cloud.answers = a -> Reply.json(200, "{\"resolvedComponentVersions\":[]}");
    assertThatThrownBy(this::resolve)
        .extracting("code")
        .isEqualTo("RESOLVE_COMPONENT_CANDIDATES_BAD_RESPONSE");
    cloud.close();
    assertThatThrownBy(this::resolve).isInstanceOf(CloudUnavailableException.class);
  }

  @Test
  void thingGroupsOfAllPagesAreListed() {
    cloud.answers =
        a ->
            Reply.json(
                200,
                a.target().contains("nextToken=p%202")
                    ? "{\"thingGroups\":[{\"thingGroupName\":\"b\"}]}"
                    : "{\"thingGroups\":[{\"thingGroupName\":\"a\"}],\"nextToken\":\"p 2\"}");

    assertThat(https.catalog().thingGroups()).containsExactly("a", "b");
  }

  @Test
  void aCutDownloadIsContinuedWhereItStopped() throws Exception {
    byte[] content = bytes(100_000);
    Path target = folder.resolve("a.part");
    cloud.answers =
        a -> {
          if (a.target().startsWith("/greengrass/")) {
            return Reply.json(200, "{\"preSignedUrl\":\"" + cloud.url() + "/blob?sig=1\"}");
          }
          String range = a.header("range");
          if (range.isEmpty()) {
            return Reply.of(200, content).cutAfter(60_000);
          }
          int from = Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
          return Reply.of(206, Arrays.copyOfRange(content, from, content.length))
              .with("content-range", "bytes " + from + "-99999/100000");
        };

    assertThatThrownBy(() -> https.artifacts().download(ARN, artifact(0), target))
        .isInstanceOf(CloudUnavailableException.class);
    assertThat(Files.size(target)).isPositive().isLessThanOrEqualTo(60_000);
    https.artifacts().download(ARN, artifact(0), target);

    assertThat(Files.readAllBytes(target)).isEqualTo(content);
    assertThat(cloud.asked.getFirst().target())
        .startsWith("/greengrass/v2/components/arn%3Aaws%3A")
        .contains("/artifacts/dir%2Fa%20b.bin?");
    assertThat(cloud.asked.getLast().header("range")).startsWith("bytes=");
  }

  @Test
  void aServerWithoutRangesSendsTheFileAnew() throws Exception {
    byte[] content = bytes(5_000);
    Path target = Files.write(folder.resolve("a.part"), bytes(9_000));
    cloud.answers =
        a ->
            a.target().startsWith("/greengrass/")
                ? Reply.json(200, "{\"preSignedUrl\":\"" + cloud.url() + "/blob\"}")
                : Reply.of(200, content);

    https.artifacts().download(ARN, artifact(0), target);

    assertThat(Files.readAllBytes(target)).isEqualTo(content);
  }

  @Test
  void anArtifactOfS3IsAskedForWithAValidSignatureOfTheRole() throws Exception {
    byte[] content = bytes(5_000);
    SigV4Verifier verifier =
        new SigV4Verifier(
            id -> Optional.of(new AccessKey(id, "secret", "session", null, "role")), clock);
    cloud.answers =
        a -> {
          if (a.target().startsWith("/role-aliases/")) {
            return credentials("key-1");
          }
          try {
            verifier.verify(
                new HttpRequestToSign(a.method(), a.target(), "", a.headers()), new byte[0]);
            return Reply.of(200, content);
          } catch (Exception e) {
            return Reply.json(403, String.valueOf(e.getMessage()));
          }
        };
    Path target = folder.resolve("a.part");

    https.artifacts().download(ARN, artifact(1), target);

    assertThat(Files.readAllBytes(target)).isEqualTo(content);
    assertThat(cloud.asked.getLast().target()).isEqualTo("/bucket/dir/c%20d.bin");
  }

  @Test
  void whatS3RefusesHasItsOwnCodes() {
    cloud.answers =
        a ->
            a.target().startsWith("/role-aliases/")
                ? credentials("key-1")
                : Reply.json(404, "<Error><Code>NoSuchKey</Code></Error>");
    assertThatThrownBy(() -> https.artifacts().download(ARN, artifact(1), folder.resolve("a.part")))
        .hasMessageContaining("s3://bucket/dir/c d.bin")
        .hasMessageContaining("NoSuchKey")
        .extracting(e -> ((NucleusException) e).code())
        .isEqualTo("S3_GET_OBJECT_RESOURCE_NOT_FOUND");
  }

  @Test
  void credentialsAreFetchedOnceAndAgainFiveMinutesBeforeTheirEnd() {
    cloud.answers = a -> credentials("key-" + cloud.asked.size());

    assertThat(https.credentials().get().accessKeyId()).isEqualTo("key-1");
    assertThat(https.credentials().get().accessKeyId()).isEqualTo("key-1");
    assertThat(cloud.asked).hasSize(1);
    assertThat(cloud.asked.getFirst().target()).isEqualTo("/role-aliases/alias/credentials");
    assertThat(cloud.asked.getFirst().header("x-amzn-iot-thingname")).isEqualTo("core-1");

    clock.add(Duration.ofMinutes(56));
    assertThat(https.credentials().get().accessKeyId()).isEqualTo("key-2");
  }

  @Test
  void whileTheCloudIsAwayCredentialsServeToTheirVeryEnd() {
    cloud.answers = a -> credentials("key-1");
    https.credentials().get();
    cloud.answers = a -> Reply.json(500, "");

    clock.add(Duration.ofMinutes(58));
    assertThat(https.credentials().get().accessKeyId()).isEqualTo("key-1");
    clock.add(Duration.ofMinutes(2));
    assertThatThrownBy(() -> https.credentials().get())
        .isInstanceOf(CloudUnavailableException.class);
  }

  @Test
  void theyAreRenewedBeforeAnSdkWantsNewerOnesAndNobodyWaitsForACloudThatIsAway() {
    cloud.answers = a -> credentials("key-" + cloud.asked.size());
    https.credentials().get();
    clock.add(Duration.ofMinutes(46));
    https.credentials().refreshAhead();
    assertThat(https.credentials().get().accessKeyId()).isEqualTo("key-2");

    clock.add(Duration.ofMinutes(56));
    cloud.answers = a -> Reply.json(500, "");
    https.credentials().refreshAhead();
    int asked = cloud.asked.size();
    assertThat(https.credentials().get().accessKeyId()).isEqualTo("key-2");
    assertThat(https.credentials().get().accessKeyId()).isEqualTo("key-2");
    assertThat(cloud.asked).as("held ones serve without asking again").hasSize(asked);
  }

  @Test
  void theRoleOfAGroupIsAskedForAtTheDataPlaneAndAgainWhenItIsInDoubtIAM07() {
    cloud.answers = a -> credentials("key-" + cloud.asked.size());
    var group = https.credentials().ofGroup("g-1");
    assertThat(group.get().accessKeyId()).isEqualTo("key-1");
    assertThat(https.credentials().ofGroup("g-1").get().accessKeyId()).isEqualTo("key-1");
    assertThat(cloud.asked.getFirst().target()).isEqualTo("/greengrass/groups/g-1/credentials");

    https.credentials().doubtGroups();
    cloud.answers = a -> Reply.json(500, "");
    assertThat(group.get().accessKeyId()).as("the cloud is away").isEqualTo("key-1");
    clock.add(Duration.ofMinutes(2));
    cloud.answers = a -> Reply.json(404, "{\"message\":\"You need to attach an IAM role\"}");
    assertThatThrownBy(group::get).hasMessageContaining("You need to attach an IAM role");
    assertThatThrownBy(group::get).isInstanceOf(CloudRefusedException.class);
  }

  @Test
  void aRoleAliasThatIsNotAllowedIsRefusedWithTheReason() {
    cloud.answers = a -> Reply.json(403, "{\"message\":\"iot:AssumeRoleWithCertificate\"}");
    assertThatThrownBy(() -> https.credentials().get())
        .isInstanceOf(CloudRefusedException.class)
        .hasMessageContaining("iot:AssumeRoleWithCertificate")
        .extracting("code")
        .isEqualTo("ACCESS_DENIED");
  }

  private Reply credentials(String id) {
    return Reply.json(
        200,
        """
        {"credentials":{"accessKeyId":"%s","secretAccessKey":"secret","sessionToken":"session",
         "expiration":"%s"}}
        """
            .formatted(id, clock.instant().plus(Duration.ofHours(1))));
  }

  private static byte[] bytes(int length) {
    byte[] b = new byte[length];
    new Random(length).nextBytes(b);
    return b;
  }

  /** Stands still until it is moved. */
  static final class MovableClock extends Clock {
    private volatile Instant now = Instant.now();

    void add(Duration d) {
      now = now.plus(d);
    }

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }
}
