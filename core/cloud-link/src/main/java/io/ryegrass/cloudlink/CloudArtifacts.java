package io.ryegrass.cloudlink;

import io.ryegrass.awssignature.Credentials;
import io.ryegrass.awssignature.HttpRequestToSign;
import io.ryegrass.awssignature.SigV4Signer;
import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.ArtifactSource;
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
import tools.jackson.databind.JsonNode;

/**
 * Artifacts (v2-deployments.md section 9): {@code greengrass:} by a presigned URL of the data
 * plane, {@code s3://} with the credentials of the role alias, path style. Both continue a partial
 * file.
 */
final class CloudArtifacts implements ArtifactSource {
  private static final Pattern S3 = Pattern.compile("s3://([^/]+)/(.+)");

  private final DataPlaneClient cloud;
  private final Downloads downloads;
  private final RoleCredentials credentials;
  private final String region;
  private final @Nullable String s3Endpoint;
  private final Clock clock;

  CloudArtifacts(DataPlaneClient cloud, RoleCredentials credentials, LinkSettings settings) {
    this.cloud = cloud;
    this.downloads = new Downloads(cloud);
    this.credentials = credentials;
    this.region = settings.region();
    this.s3Endpoint = settings.s3Endpoint();
    this.clock = settings.clock();
  }

  @Override
  public void download(String componentVersionArn, Recipe.Artifact artifact, Path target) {
    switch (artifact.scheme()) {
      case "greengrass" -> fromGreengrass(componentVersionArn, artifact.uri(), target);
      case "s3" -> fromS3(artifact.uri(), region, target);
      default ->
          throw new CloudRefusedException(
              "UNSUPPORTED_ARTIFACT_SCHEME",
              "Artifact " + artifact.uri() + " has an unknown scheme; use s3: or greengrass:.");
    }
  }

  private void fromGreengrass(String arn, String uri, Path target) {
    String name = uri.substring(uri.indexOf(':') + 1);
    JsonNode answer;
    try {
      answer =
          cloud.call(
              "GET",
              "/greengrass/v2/components/"
                  + CloudCatalog.encoded(arn)
                  + "/artifacts/"
                  + CloudCatalog.encoded(name)
                  + "?s3EndpointType=GLOBAL",
              null);
    } catch (CloudRefusedException e) {
      if (e.code().equals("ACCESS_DENIED")) {
        throw new CloudRefusedException(
            "GET_COMPONENT_VERSION_ARTIFACT_ACCESS_DENIED", String.valueOf(e.getMessage()), e);
      }
      throw e;
    }
    URI url = url(uri, answer.path("preSignedUrl").asString(""));
    downloads.fetch(
        uri,
        HttpRequest.newBuilder(url),
        target,
        refused ->
            // the signature is in the URL's query, which therefore is not told
            new CloudRefusedException(
                "DOWNLOAD_GREENGRASS_ARTIFACT_ERROR",
                "Artifact "
                    + uri
                    + " of "
                    + arn
                    + " cannot be fetched from "
                    + url.getAuthority()
                    + ": "
                    + refused.status()
                    + " "
                    + DataPlaneClient.message(refused)));
  }

  private static URI url(String uri, String presigned) {
    try {
      URI url = URI.create(presigned);
      if (url.getHost() != null) {
        return url;
      }
    } catch (IllegalArgumentException e) {
      throw noUrl(uri, e);
    }
    throw noUrl(uri, null);
  }

  private static CloudRefusedException noUrl(String uri, @Nullable Exception cause) {
    return new CloudRefusedException(
        "DOWNLOAD_GREENGRASS_ARTIFACT_ERROR",
        "The cloud gave no usable URL for artifact " + uri + ".",
        cause);
  }

  private void fromS3(String uri, String signingRegion, Path target) {
    Matcher m = S3.matcher(uri);
    if (!m.matches()) {
      throw new CloudRefusedException(
          "S3_ARTIFACT_URI_NOT_VALID", "Artifact " + uri + " must look like s3://bucket/key.");
    }
    TokenExchangeCredentials role = credentials.get();
    String endpoint =
        s3Endpoint == null
            ? "https://s3." + signingRegion + ".amazonaws.com"
            : withoutSlash(s3Endpoint);
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
      downloads.fetch(uri, request, target, refused -> refusal(uri, refused, role));
    } catch (OtherRegionException e) {
      if (e.region.equals(signingRegion)) {
        throw new CloudRefusedException(
            "S3_ERROR", "The bucket of " + uri + " redirects to its own region.", e);
      }
      fromS3(uri, e.region, target);
    }
  }

  private NucleusException refusal(
      String uri, DataPlaneClient.Answer refused, TokenExchangeCredentials role) {
    String elsewhere = refused.headers().firstValue("x-amz-bucket-region").orElse("");
    if (s3Endpoint == null && refused.status() == 301 && !elsewhere.isEmpty()) {
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
              "S3_GET_OBJECT_ACCESS_DENIED",
              sentence + "; allow s3:GetObject to the role of the core's role alias.");
      case 404 ->
          new CloudRefusedException(
              "S3_GET_OBJECT_RESOURCE_NOT_FOUND", sentence + "; upload it or correct the recipe.");
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
