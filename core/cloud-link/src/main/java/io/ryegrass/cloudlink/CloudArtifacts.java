package io.ryegrass.cloudlink;

import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.ArtifactSource;
import io.ryegrass.nucleus.CloudRefusedException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * Artifacts (v2-deployments.md section 9): {@code greengrass:} by a presigned URL of the data
 * plane, {@code s3:} and {@code https:}. All continue a partial file.
 */
final class CloudArtifacts implements ArtifactSource {
  private static final Logger LOG = LoggerFactory.getLogger(CloudArtifacts.class);

  private final DataPlaneClient cloud;
  private final Downloads downloads;
  private final S3Artifacts s3;
  private final HttpsArtifacts https;
  private final String endpointType;
  private final FreshUrls urls = new FreshUrls();

  CloudArtifacts(
      DataPlaneClient cloud,
      RoleCredentials credentials,
      LinkSettings link,
      HttpsSettings settings) {
    this.cloud = cloud;
    this.downloads = new Downloads(cloud);
    this.s3 = new S3Artifacts(downloads, credentials, link, settings);
    this.https = new HttpsArtifacts(downloads);
    this.endpointType = settings.s3().forDataPlane();
  }

  @Override
  public void download(String componentVersionArn, Recipe.Artifact artifact, Path target) {
    switch (artifact.scheme()) {
      case "greengrass" -> {
        URI url = urls.take(componentVersionArn, artifact.uri());
        if (url == null) {
          url = presigned(componentVersionArn, artifact.uri());
        }
        downloads.fetch(
            wanted(componentVersionArn, artifact, url, "DOWNLOAD_GREENGRASS_ARTIFACT_ERROR"),
            HttpRequest.newBuilder(url),
            target);
      }
      case "s3" -> s3.download(artifact, target);
      case "https" -> https.download(artifact, target);
      default ->
          throw new CloudRefusedException(
              "UNSUPPORTED_ARTIFACT_SCHEME",
              "Artifact "
                  + artifact.uri()
                  + " has an unknown scheme; use s3:, greengrass: or https:.");
    }
  }

  /** What cannot be told now is told by the download itself, with its reason. */
  @Override
  public long size(String componentVersionArn, Recipe.Artifact artifact) {
    try {
      return switch (artifact.scheme()) {
        case "greengrass" -> {
          URI url = presigned(componentVersionArn, artifact.uri());
          urls.keep(componentVersionArn, artifact.uri(), url);
          yield downloads.size(
              wanted(componentVersionArn, artifact, url, "GET_GREENGRASS_ARTIFACT_SIZE_ERROR"),
              HttpRequest.newBuilder(url));
        }
        case "s3" -> s3.size(artifact);
        case "https" -> https.size(artifact);
        default -> -1;
      };
    } catch (io.ryegrass.nucleus.NucleusException e) {
      LOG.info(
          "The size of {} is not known before its download: {}", artifact.uri(), e.getMessage());
      return -1;
    }
  }

  /**
   * The URL's query holds the signature and is therefore never told.
   *
   * @param code of a refusal
   */
  private static Downloads.Wanted wanted(
      String arn, Recipe.Artifact artifact, URI url, String code) {
    return new Downloads.Wanted(
        artifact.uri(),
        DataPlaneClient.Trust.DOWNLOADS,
        true,
        refused ->
            new CloudRefusedException(
                code,
                "Artifact "
                    + artifact.uri()
                    + " of "
                    + arn
                    + " cannot be fetched from "
                    + url.getAuthority()
                    + ": "
                    + refused.status()
                    + " "
                    + DataPlaneClient.message(refused)));
  }

  private URI presigned(String arn, String uri) {
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
                  + "?s3EndpointType="
                  + endpointType,
              null);
    } catch (CloudRefusedException e) {
      if (e.code().equals("ACCESS_DENIED")) {
        throw new CloudRefusedException(
            "GET_COMPONENT_VERSION_ARTIFACT_ACCESS_DENIED", String.valueOf(e.getMessage()), e);
      }
      throw e;
    }
    return url(
        "DOWNLOAD_GREENGRASS_ARTIFACT_ERROR",
        "artifact " + uri,
        answer.path("preSignedUrl").asString(""));
  }

  /**
   * @param what for messages
   */
  static URI url(String code, String what, String presigned) {
    try {
      URI url = URI.create(presigned);
      if (url.getHost() != null) {
        return url;
      }
    } catch (IllegalArgumentException e) {
      throw noUrl(code, what, e);
    }
    throw noUrl(code, what, null);
  }

  private static CloudRefusedException noUrl(String code, String what, @Nullable Exception cause) {
    return new CloudRefusedException(code, "The cloud gave no usable URL for " + what + ".", cause);
  }
}
