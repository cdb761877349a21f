package io.ryegrass.nucleus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** DOC-03: what a docker: artifact names. */
class ImageReferenceTest {
  @ParameterizedTest
  @CsvSource({
    "docker:hello-world,docker.io/library/hello-world:latest,''",
    "docker:hello-world:linux,docker.io/library/hello-world:linux,''",
    "docker:ann/tool:1.2_x,docker.io/ann/tool:1.2_x,''",
    "docker:registry.hub.docker.com/ann/tool,docker.io/ann/tool:latest,''",
    "docker:public.ecr.aws/a1b2/tool:3,public.ecr.aws/a1b2/tool:3,''",
    "docker:localhost:5000/tool,localhost:5000/tool:latest,''",
    "docker:host.example:5000/a/b:7,host.example:5000/a/b:7,''",
    "docker:123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/tool:1,"
        + "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/tool:1,eu-west-1",
    "docker:tool@sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff,"
        + "docker.io/library/tool@sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff,''",
  })
  void registryNameTagAndDigestAreRead(String uri, String text, String region) {
    ImageReference image = ImageReference.parse(uri);

    assertThat(image.text()).isEqualTo(text);
    assertThat(image.ecrRegion()).isEqualTo(region);
    assertThat(image.isPrivateEcr()).isEqualTo(!region.isEmpty());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "docker:",
        "docker:Tool",
        "docker:tool:",
        "docker:tool@sha256:12",
        "docker:a//b",
        "docker:../b",
        "docker:tool:a b",
        "docker:host.example/",
        "docker:tool?x=1"
      })
  void whatIsNoImageIsRefused(String uri) {
    assertThatThrownBy(() -> ImageReference.parse(uri))
        .isInstanceOf(NucleusException.class)
        .extracting("code")
        .isEqualTo("DOCKER_ARTIFACT_URI_NOT_VALID");
  }
}
