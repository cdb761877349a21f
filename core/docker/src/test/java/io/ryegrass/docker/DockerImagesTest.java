package io.ryegrass.docker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.ArtifactSource;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.RegistryLogins;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Images against an engine's API on a Unix socket (v2-deployments.md section 9, S-17). */
class DockerImagesTest {
  private static final String ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
  private static final String DIGEST = "sha256:" + "0123456789abcdef".repeat(4);

  @TempDir Path folder;
  private FakeEngine engine;
  private DockerImages images;

  @BeforeEach
  void start() throws Exception {
    engine = new FakeEngine(folder);
    images = images(engine.host(), Duration.ofSeconds(30));
  }

  @AfterEach
  void stop() throws Exception {
    engine.close();
  }

  private DockerImages images(String host, Duration idle) {
    ArtifactSource files =
        (arn, artifact, target) -> {
          throw new AssertionError("no file is wanted");
        };
    RegistryLogins role =
        image -> Optional.of(new RegistryLogins.Login("AWS", "for " + image.registry()));
    return new DockerImages(
        files,
        role,
        new ConfigLogins(folder),
        new ContainerEngine(host, Duration.ofSeconds(30), idle),
        folder,
        Duration.ofMillis(5));
  }

  private static Recipe.Artifact artifact(String uri) {
    return new Recipe.Artifact(uri, null, null, Recipe.Unarchive.NONE, Recipe.Permission.DEFAULT);
  }

  private void pull(String uri) {
    images.pullImage(artifact(uri));
  }

  private static String code(Throwable e) {
    return ((NucleusException) e).code();
  }

  @Test
  void anImageThatIsNotThereIsPulledAndOneThatIsThereIsNotAskedForAgain() {
    pull("docker:tool:1");
    pull("docker:tool:1");
    pull("docker:public.ecr.aws/a/tool@" + DIGEST);
    pull("docker:public.ecr.aws/a/tool@" + DIGEST);

    assertThat(engine.pulled)
        .containsExactly("docker.io/library/tool:1", "public.ecr.aws/a/tool@" + DIGEST);
    assertThat(engine.logins).isEmpty();
  }

  /** DOC-11. */
  @Test
  void anImageWithoutATagIsTheLatestOfTheMomentOrTheOneThatIsHereWithoutANetwork() {
    pull("docker:tool");
    pull("docker:tool");
    assertThat(engine.pulled).hasSize(2);

    engine.errors.put("docker.io/library/tool:latest", "Get https://r: dial tcp: i/o timeout");
    pull("docker:tool");
    assertThat(engine.pulled).hasSize(3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "404 | manifest for tool:1 not found: manifest unknown | DOCKER_IMAGE_NOT_VALID",
        "404 | pull access denied for tool, repository does not exist or may require 'docker login' | DOCKER_IMAGE_NOT_VALID",
        "200 | no matching manifest for linux/arm/v7 in the manifest list entries | DOCKER_IMAGE_NOT_VALID",
        "500 | Head https://r/v2/tool: no basic auth credentials | DOCKER_LOGIN_ERROR",
        "500 | unauthorized: incorrect username or password | DOCKER_LOGIN_ERROR",
        "200 | failed to register layer: no space left on device | DOCKER_PULL_ERROR"
      })
  void whatTheRegistryRefusesHasItsCode(int status, String words, String code) {
    engine.errors.put("docker.io/library/tool:1", words);
    if (status != 200) {
      engine.statuses.put("docker.io/library/tool:1", status);
    }

    assertThatThrownBy(() -> pull("docker:tool:1"))
        .isNotInstanceOf(CloudUnavailableException.class)
        .hasMessageContaining("docker.io/library/tool:1")
        .hasMessageContaining(words)
        .extracting(DockerImagesTest::code)
        .isEqualTo(code);
  }

  /** X-08, DOC-12. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "500 | Get https://r/v2/: dial tcp: lookup r: no such host",
        "200 | net/http: TLS handshake timeout",
        "429 | toomanyrequests: You have reached your pull rate limit.",
        "500 | received unexpected HTTP status: 503 Service Unavailable"
      })
  void whatTheNetworkIsToBlameForIsTriedAgainLater(int status, String words) {
    engine.errors.put("docker.io/library/tool:1", words);
    if (status != 200) {
      engine.statuses.put("docker.io/library/tool:1", status);
    }

    assertThatThrownBy(() -> pull("docker:tool:1")).isInstanceOf(CloudUnavailableException.class);
  }

  @Test
  void aPrivateRegistryOfEcrIsOpenedByTheCoresRoleAndOthersByTheOperatorsLogins() throws Exception {
    Files.writeString(
        folder.resolve("config.json"),
        """
        {"auths":{"host.example:5000":{"auth":"%s"},"https://index.docker.io/v1/":{"auth":"%s"}}}
        """
            .formatted(basic("ann:a:b"), basic("hub:pw")));

    pull("docker:" + ECR + "/team/tool:1");
    pull("docker:host.example:5000/tool:1");
    pull("docker:ann/tool:1");
    pull("docker:other.example/tool:1");

    assertThat(engine.logins)
        .containsExactly(
            "{\"username\":\"AWS\",\"password\":\"for "
                + ECR
                + "\",\"serveraddress\":\""
                + ECR
                + "\"}",
            "{\"username\":\"ann\",\"password\":\"a:b\",\"serveraddress\":\"host.example:5000\"}",
            "{\"username\":\"hub\",\"password\":\"pw\",\"serveraddress\":\"docker.io\"}");
  }

  private static String basic(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  /** LESSON-39. */
  @Test
  void imagesThatNothingNamesAreRemovedButOnlyThoseThatThisCoreHasBrought() {
    engine.images.add("docker.io/library/somebodys:1");
    pull("docker:somebodys:1");
    pull("docker:a:1");
    pull("docker:b:1");

    images(engine.host(), Duration.ofSeconds(30)).keepImages(Set.of("docker:library/b:1"));

    assertThat(engine.images)
        .containsExactlyInAnyOrder("docker.io/library/somebodys:1", "docker.io/library/b:1");
  }

  @Test
  void anImageThatAContainerUsesIsRemovedTheNextTime() {
    pull("docker:a:1");
    engine.inUse.add("docker.io/library/a:1");
    images.keepImages(Set.of());
    assertThat(engine.images).hasSize(1);

    engine.inUse.clear();
    images.keepImages(Set.of());
    assertThat(engine.images).isEmpty();
  }

  @Test
  void anEngineThatIsAwayKeepsNobodyFromTidyingUp() throws Exception {
    pull("docker:a:1");
    engine.close();
    Files.delete(folder.resolve("engine.sock"));

    images.keepImages(Set.of());
    assertThat(folder.resolve("packages/images.json")).content().contains("docker:a:1");
  }

  @Test
  void noEngineIsToldAfterSomeTries() {
    DockerImages none = images("unix://" + folder.resolve("none.sock"), Duration.ofSeconds(30));

    assertThatThrownBy(() -> none.pullImage(artifact("docker:a:1")))
        .hasMessageContaining("none.sock")
        .extracting(DockerImagesTest::code)
        .isEqualTo("DOCKER_SERVICE_UNAVAILABLE");
  }

  @Test
  void anAddressOfAnEngineThatCannotBeOneIsTold() {
    assertThatThrownBy(
            () -> images("ssh://x", Duration.ofSeconds(1)).pullImage(artifact("docker:a")))
        .hasMessageContaining("DOCKER_HOST is ssh://x");
  }

  @Test
  void anEngineThatFallsSilentInAPullIsGivenUp() {
    engine.errors.put("docker.io/library/a:1", "");

    assertThatThrownBy(
            () -> images(engine.host(), Duration.ofMillis(500)).pullImage(artifact("docker:a:1")))
        .hasMessageContaining("does not answer to the pull")
        .extracting(DockerImagesTest::code)
        .isEqualTo("DOCKER_SERVICE_UNAVAILABLE");
  }
}
