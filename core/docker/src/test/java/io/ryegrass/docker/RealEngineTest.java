package io.ryegrass.docker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ImageReference;
import io.ryegrass.nucleus.NucleusException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same against a real engine, when there is one: {@code DOCKER_HOST} names it, {@code
 * RYEGRASS_TEST_IMAGE} an image that it can pull (registry/name:tag) and that nobody needs.
 */
@EnabledIfEnvironmentVariable(named = "RYEGRASS_TEST_IMAGE", matches = ".+")
class RealEngineTest {
  @TempDir Path folder;
  private final ContainerEngine engine = ContainerEngine.of(System.getenv("DOCKER_HOST"));

  private static Recipe.Artifact artifact(String uri) {
    return new Recipe.Artifact(uri, null, null, Recipe.Unarchive.NONE, Recipe.Permission.DEFAULT);
  }

  @Test
  void anImageIsPulledKeptAndRemoved() {
    DockerImages images =
        new DockerImages(
            (arn, artifact, target) -> {},
            image -> Optional.empty(),
            new ConfigLogins(Path.of(System.getenv().getOrDefault("DOCKER_CONFIG", "/nowhere"))),
            engine,
            folder,
            Duration.ofMillis(100));
    String uri = "docker:" + System.getenv("RYEGRASS_TEST_IMAGE");
    ImageReference image = ImageReference.parse(uri);
    assertThat(engine.version()).contains("API");
    assertThat(engine.has(image)).isFalse();

    images.pullImage(artifact(uri));
    assertThat(engine.has(image)).isTrue();
    images.pullImage(artifact(uri));
    images.keepImages(Set.of(uri));
    assertThat(engine.has(image)).isTrue();
    images.keepImages(Set.of());
    assertThat(engine.has(image)).isFalse();

    assertThatThrownBy(() -> images.pullImage(artifact(uri + "-is-not-there")))
        .extracting(e -> ((NucleusException) e).code())
        .isEqualTo("DOCKER_IMAGE_NOT_VALID");
    assertThatThrownBy(() -> images.pullImage(artifact("docker:localhost:1/tool:1")))
        .isInstanceOf(CloudUnavailableException.class);
  }
}
