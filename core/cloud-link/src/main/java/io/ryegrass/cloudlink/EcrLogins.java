package io.ryegrass.cloudlink;

import io.ryegrass.model.Json;
import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ImageReference;
import io.ryegrass.nucleus.RegistryLogins;
import io.ryegrass.nucleus.TokenExchangeCredentials;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Base64;
import java.util.Optional;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Logins of the core's role for private registries of Amazon ECR, of any Region (DOC-04, DOC-12):
 * {@code GetAuthorizationToken}, signed with the credentials of the role alias.
 */
final class EcrLogins implements RegistryLogins {
  private static final String TARGET = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";

  private final JsonApiCalls calls;
  private final RoleCredentials credentials;
  private final Function<ImageReference, URI> endpoint;

  /**
   * @param endpoint where the API of a registry's Region is
   */
  EcrLogins(
      DataPlaneClient client,
      RoleCredentials credentials,
      Clock clock,
      Function<ImageReference, URI> endpoint) {
    this.calls = new JsonApiCalls(client, clock);
    this.credentials = credentials;
    this.endpoint = endpoint;
  }

  /** AWS's own. */
  static URI ofAws(ImageReference image) {
    String suffix = image.registry().endsWith(".cn") ? ".amazonaws.com.cn/" : ".amazonaws.com/";
    return URI.create("https://api.ecr." + image.ecrRegion() + suffix);
  }

  @Override
  public Optional<Login> find(ImageReference image) {
    if (!image.isPrivateEcr()) {
      return Optional.empty();
    }
    ObjectNode wanted = Json.object();
    wanted.putArray("registryIds").add(image.ecrAccount());
    TokenExchangeCredentials role = credentials.get();
    String what = "The login to " + image.registry();
    DataPlaneClient.Answer answer =
        calls.call(what, endpoint.apply(image), role, image.ecrRegion(), "ecr", TARGET, wanted);
    if (answer.status() != 200) {
      throw refusal(what, answer, role);
    }
    return Optional.of(login(what, answer));
  }

  private io.ryegrass.nucleus.NucleusException refusal(
      String what, DataPlaneClient.Answer answer, TokenExchangeCredentials role) {
    String text = DataPlaneClient.message(answer);
    String sentence = what + " is refused: " + answer.status() + " " + text;
    if (answer.status() == 429 || answer.status() >= 500) {
      return new CloudUnavailableException(sentence);
    }
    if (new String(answer.body(), StandardCharsets.UTF_8).contains("ExpiredToken")) {
      credentials.forget(role);
      return new CloudUnavailableException(sentence);
    }
    return new CloudRefusedException(
        "GET_ECR_CREDENTIAL_ERROR",
        sentence
            + "; allow ecr:GetAuthorizationToken, ecr:BatchGetImage and ecr:GetDownloadUrlForLayer to"
            + " the role of the core's role alias.");
  }

  private static Login login(String what, DataPlaneClient.Answer answer) {
    JsonNode data = DataPlaneClient.json(what, answer).path("authorizationData").path(0);
    try {
      String token =
          new String(
              Base64.getDecoder().decode(data.path("authorizationToken").asString("")),
              StandardCharsets.UTF_8);
      int colon = token.indexOf(':');
      if (colon > 0) {
        return new Login(token.substring(0, colon), token.substring(colon + 1));
      }
    } catch (IllegalArgumentException e) {
      throw unreadable(what, e);
    }
    throw unreadable(what, null);
  }

  private static CloudRefusedException unreadable(
      String what, @org.jspecify.annotations.Nullable Exception e) {
    return new CloudRefusedException(
        "GET_ECR_CREDENTIAL_ERROR", what + " was answered without a token.", e);
  }
}
