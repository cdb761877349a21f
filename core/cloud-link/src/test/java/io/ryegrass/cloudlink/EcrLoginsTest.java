package io.ryegrass.cloudlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Verifier;
import io.ryegrass.cloudlink.FakeHttpsCloud.Asked;
import io.ryegrass.cloudlink.FakeHttpsCloud.Reply;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ImageReference;
import io.ryegrass.nucleus.NucleusException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.Base64;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** DOC-04: the core's role opens private registries. */
class EcrLoginsTest {
  private static final ImageReference IMAGE =
      ImageReference.parse("docker:123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/tool:1");

  @TempDir Path folder;
  private FakeHttpsCloud cloud;
  private DataPlaneClient client;
  private EcrLogins logins;
  private volatile Reply answer = Reply.json(200, "{}");

  @BeforeEach
  void start() throws Exception {
    cloud = new FakeHttpsCloud(folder);
    LinkSettings link = cloud.settings(Clock.systemUTC());
    client = new DataPlaneClient(link, FakeHttpsCloud.PATIENT, () -> CoreTls.of(link.identity()));
    logins =
        new EcrLogins(
            client,
            new RoleCredentials(client, link, FakeHttpsCloud.PATIENT),
            link.clock(),
            image -> URI.create(cloud.url() + "/"));
    cloud.answers =
        a ->
            a.target().startsWith("/role-aliases/")
                ? Reply.json(
                    200,
                    """
                    {"credentials":{"accessKeyId":"id","secretAccessKey":"secret","sessionToken":"session",
                     "expiration":"%s"}}
                    """
                        .formatted(Instant.now().plusSeconds(3600)))
                : answer;
  }

  @AfterEach
  void stop() {
    client.close();
    cloud.close();
  }

  @Test
  void theLoginIsAskedForInTheRegistrysOwnRegionWithAValidSignature() throws Exception {
    String token =
        Base64.getEncoder().encodeToString("AWS:pass:word".getBytes(StandardCharsets.UTF_8));
    answer =
        Reply.json(200, "{\"authorizationData\":[{\"authorizationToken\":\"" + token + "\"}]}");

    assertThat(logins.find(IMAGE))
        .hasValueSatisfying(
            l -> {
              assertThat(l.user()).isEqualTo("AWS");
              assertThat(l.password()).isEqualTo("pass:word");
              assertThat(l.toString()).doesNotContain("pass");
            });
    Asked asked = cloud.asked.getLast();
    assertThat(asked.body()).isEqualTo("{\"registryIds\":[\"123456789012\"]}");
    assertThat(asked.header("x-amz-target")).endsWith(".GetAuthorizationToken");
    assertThat(asked.header("authorization")).contains("/eu-west-1/ecr/aws4_request");
    new SigV4Verifier(
            id -> Optional.of(new AccessKey(id, "secret", "session", null, "role")),
            Clock.systemUTC())
        .verify(
            new HttpRequestToSign("POST", "/", "", asked.headers()),
            asked.body().getBytes(StandardCharsets.UTF_8));
    assertThat(EcrLogins.ofAws(IMAGE)).hasToString("https://api.ecr.eu-west-1.amazonaws.com/");
  }

  @Test
  void otherRegistriesAreNotOpenedByTheRole() {
    assertThat(logins.find(ImageReference.parse("docker:public.ecr.aws/a/tool:1"))).isEmpty();
    assertThat(cloud.asked).isEmpty();
  }

  @Test
  void whatTheRoleMayNotIsToldWithWhatToAllow() {
    answer = Reply.json(400, "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}");
    assertThatThrownBy(() -> logins.find(IMAGE))
        .hasMessageContaining("ecr:GetAuthorizationToken")
        .extracting(e -> ((NucleusException) e).code())
        .isEqualTo("GET_ECR_CREDENTIAL_ERROR");

    answer = Reply.json(503, "");
    assertThatThrownBy(() -> logins.find(IMAGE)).isInstanceOf(CloudUnavailableException.class);
  }
}
