package io.ryegrass.cloudlink;

import io.ryegrass.awssignature.Credentials;
import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Signer;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.TokenExchangeCredentials;
import java.net.URI;
import java.net.http.HttpRequest;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.node.ObjectNode;

/** Calls of AWS services that speak awsJson1.1, signed with the core's role. */
final class JsonApiCalls {
  private static final String TYPE = "application/x-amz-json-1.1";

  private final DataPlaneClient client;
  private final Clock clock;

  JsonApiCalls(DataPlaneClient client, Clock clock) {
    this.client = client;
    this.clock = clock;
  }

  /**
   * One call, whatever its answer.
   *
   * @param what names the call in error texts
   * @param target {@code X-Amz-Target}
   */
  DataPlaneClient.Answer call(
      String what,
      URI url,
      TokenExchangeCredentials role,
      String region,
      String service,
      String target,
      ObjectNode input) {
    byte[] body = Json.bytes(input);
    boolean usual =
        url.getPort() < 0 || url.getPort() == (url.getScheme().equals("http") ? 80 : 443);
    Map<String, List<String>> headers = new TreeMap<>();
    headers.put("host", List.of(usual ? url.getHost() : url.getHost() + ":" + url.getPort()));
    headers.put("content-type", List.of(TYPE));
    headers.put("x-amz-target", List.of(target));
    HttpRequest.Builder request =
        HttpRequest.newBuilder(url)
            .header("content-type", TYPE)
            .header("x-amz-target", target)
            .POST(HttpRequest.BodyPublishers.ofByteArray(body));
    SigV4Signer.sign(
            new Credentials(role.accessKeyId(), role.secretAccessKey(), role.sessionToken()),
            region,
            service,
            new HttpRequestToSign("POST", url.getRawPath(), "", headers),
            body,
            clock.instant())
        .forEach(request::header);
    return client.exchange(what, DataPlaneClient.Trust.DOWNLOADS, request);
  }
}
