package io.ryegrass.cloudlink;

import io.ryegrass.awssignature.Credentials;
import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Signer;
import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.CloudUnavailableException;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.TokenExchangeCredentials;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Artifacts {@code s3://bucket/key} (v2-deployments.md section 9): signed with the credentials of
 * the role alias, path style. Where a bucket is, S3 itself tells by a redirect, so that {@code
 * s3:GetBucketLocation} is not needed.
 */
final class S3Artifacts {
  private static final Pattern S3 = Pattern.compile("s3://([^/]+)/(.+)");

  private final Downloads downloads;
  private final RoleCredentials credentials;
  private final String region;
  private final @Nullable String own;
  private final HttpsSettings.S3Endpoint kind;
  private final Clock clock;

  S3Artifacts(
      Downloads downloads, RoleCredentials credentials, LinkSettings link, HttpsSettings https) {
    this.downloads = downloads;
    this.credentials = credentials;
    this.region = link.region();
    this.own = link.s3Endpoint();
    this.kind = https.s3();
    this.clock = link.clock();
  }

  /** Something done with a signed GET. */
  private interface Work<T> {
    T on(Downloads.Wanted wanted, HttpRequest.Builder request);
  }

  void download(Recipe.Artifact artifact, Path target) {
    with(
        artifact,
        "GET_OBJECT",
        region,
        (wanted, request) -> {
          downloads.fetch(wanted, request, target);
          return 0L;
        });
  }

  /** By a GET of the first byte: a HEAD has no body that says why it was refused. */
  long size(Recipe.Artifact artifact) {
    return with(artifact, "HEAD_OBJECT", region, downloads::size);
  }

  private <T> T with(
      Recipe.Artifact artifact, String operation, String signingRegion, Work<T> work) {
    String uri = artifact.uri();
    Matcher m = S3.matcher(uri);
    if (!m.matches()) {
      throw new CloudRefusedException(
          "S3_ARTIFACT_URI_NOT_VALID", "Artifact " + uri + " must look like s3://bucket/key.");
    }
    TokenExchangeCredentials role = credentials.get();
    String endpoint = own == null ? "https://" + kind.host(signingRegion) : withoutSlash(own);
    URI url =
        URI.create(
            endpoint
                + "/"
                + m.group(1)
                + "/"
                + CloudCatalog.encoded(m.group(2)).replace("%2F", "/"));
    HttpRequest.Builder request = HttpRequest.newBuilder(url);
    sign(url, role, signingRegion).forEach(request::header);
    try {
      return work.on(
          new Downloads.Wanted(
              uri,
              DataPlaneClient.Trust.DOWNLOADS,
              true,
              refused -> refusal(uri, operation, refused, role)),
          request);
    } catch (OtherRegionException e) {
      if (e.region.equals(signingRegion)) {
        throw new CloudRefusedException(
            "S3_ERROR", "The bucket of " + uri + " redirects to its own region.", e);
      }
      return with(artifact, operation, e.region, work);
    }
  }

  private NucleusException refusal(
      String uri, String operation, DataPlaneClient.Answer refused, TokenExchangeCredentials role) {
    String elsewhere = refused.headers().firstValue("x-amz-bucket-region").orElse("");
    if (own == null
        && !elsewhere.isEmpty()
        && (refused.status() == 301 || refused.status() == 307 || refused.status() == 400)) {
      return new OtherRegionException(elsewhere);
    }
    String text = DataPlaneClient.message(refused);
    String sentence = "Artifact " + uri + " cannot be fetched: " + refused.status() + " " + text;
    if (text.contains("ExpiredToken")) {
      credentials.forget(role);
      return new CloudUnavailableException(sentence);
    }
    return switch (refused.status()) {
      case 403 ->
          new CloudRefusedException(
              "S3_" + operation + "_ACCESS_DENIED",
              sentence + "; allow s3:GetObject to the role of the core's role alias.");
      case 404 ->
          new CloudRefusedException(
              "S3_" + operation + "_RESOURCE_NOT_FOUND",
              sentence + "; upload it or correct the recipe.");
      case 400 -> new CloudRefusedException("S3_BAD_REQUEST", sentence);
      default -> new CloudRefusedException("S3_ERROR", sentence);
    };
  }

  private Map<String, String> sign(URI url, TokenExchangeCredentials role, String signingRegion) {
    boolean usual =
        url.getPort() < 0 || url.getPort() == (url.getScheme().equals("http") ? 80 : 443);
    Map<String, List<String>> headers = new TreeMap<>();
    headers.put("host", List.of(usual ? url.getHost() : url.getHost() + ":" + url.getPort()));
    return SigV4Signer.sign(
        new Credentials(role.accessKeyId(), role.secretAccessKey(), role.sessionToken()),
        signingRegion,
        "s3",
        new HttpRequestToSign("GET", url.getRawPath(), "", headers),
        new byte[0],
        clock.instant());
  }

  private static String withoutSlash(String endpoint) {
    return endpoint.endsWith("/") ? endpoint.substring(0, endpoint.length() - 1) : endpoint;
  }

  /** AWS tells by a redirect where a bucket is. */
  private static final class OtherRegionException extends NucleusException {
    private final String region;

    OtherRegionException(String region) {
      super("S3_ERROR", "The bucket is in region " + region + ".");
      this.region = region;
    }
  }
}
