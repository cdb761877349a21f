package io.ryegrass.cloudlink;

import io.ryegrass.awssignature.Credentials;
import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Signer;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.ImageReference;
import io.ryegrass.nucleus.RegistryLogins;
import io.ryegrass.nucleus.TokenExchangeCredentials;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Logins of the core's role for private registries of Amazon ECR, of any Region (DOC-04, DOC-12):
 * {@code GetAuthorizationToken}, signed with the credentials of the role alias.
 */
final class EcrLogins implements RegistryLogins {
  private static final String TARGET = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
  private static final String TYPE = "application/x-amz-json-1.1";

  private final DataPlaneClient client;
  private final RoleCredentials credentials;
  private final Clock clock;
  private final Function<ImageReference, URI> endpoint;

  /**
   * @param endpoint where the API of a registry's Region is
   */
  EcrLogins(
      DataPlaneClient client,
      RoleCredentials credentials,
      Clock clock,
      Function<ImageReference, URI> endpoint) {
    this.client = client;
    this.credentials = credentials;
    this.clock = clock;
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
    byte[] body = Json.bytes(wanted);
    URI url = endpoint.apply(image);
    TokenExchangeCredentials role = credentials.get();
    Map<String, List<String>> headers = new TreeMap<>();
    headers.put(
        "host", List.of(url.getPort() < 0 ? url.getHost() : url.getHost() + ":" + url.getPort()));
    headers.put("content-type", List.of(TYPE));
    headers.put("x-amz-target", List.of(TARGET));
    HttpRequest.Builder request =
        HttpRequest.newBuilder(url)
            .header("content-type", TYPE)
            .header("x-amz-target", TARGET)
            .POST(HttpRequest.BodyPublishers.ofByteArray(body));
    SigV4Signer.sign(
            new Credentials(role.accessKeyId(), role.secretAccessKey(), role.sessionToken()),
            image.ecrRegion(),
            "ecr",
            new HttpRequestToSign("POST", url.getRawPath(), "", headers),
            body,
            clock.instant())
        .forEach(request::header);
    String what = "The login to " + image.registry();
    DataPlaneClient.Answer answer = client.exchange(what, DataPlaneClient.Trust.DOWNLOADS, request);
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
