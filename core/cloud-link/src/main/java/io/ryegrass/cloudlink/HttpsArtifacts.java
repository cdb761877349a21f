package io.ryegrass.cloudlink;

import io.ryegrass.model.Recipe;
import io.ryegrass.nucleus.CloudRefusedException;
import io.ryegrass.nucleus.NucleusException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Path;

/**
 * Artifacts {@code https://host/path}, of our own: any server with a certificate of the root CA
 * file or of a public authority. Redirects are followed to {@code https:} only, at most {@link
 * #MOST_REDIRECTS}. The core's certificate is not shown. A digest in the recipe is checked by the
 * nucleus; without one it is the server's certificate that vouches for the file.
 */
final class HttpsArtifacts {
  private static final int MOST_REDIRECTS = 5;

  private final Downloads downloads;

  HttpsArtifacts(Downloads downloads) {
    this.downloads = downloads;
  }

  /** Something done with a GET. */
  private interface Work<T> {
    T on(Downloads.Wanted wanted, HttpRequest.Builder request);
  }

  void download(Recipe.Artifact artifact, Path target) {
    with(
        artifact,
        (wanted, request) -> {
          downloads.fetch(wanted, request, target);
          return 0L;
        });
  }

  long size(Recipe.Artifact artifact) {
    return with(artifact, downloads::size);
  }

  private <T> T with(Recipe.Artifact artifact, Work<T> work) {
    String uri = artifact.uri();
    URI at = first(uri);
    for (int redirects = 0; ; redirects++) {
      URI now = at;
      try {
        return work.on(
            new Downloads.Wanted(
                uri,
                DataPlaneClient.Trust.ANYBODY,
                artifact.digest() != null && !artifact.digest().isEmpty(),
                refused -> refusal(uri, now, refused)),
            HttpRequest.newBuilder(now));
      } catch (Redirect r) {
        if (redirects == MOST_REDIRECTS) {
          throw new CloudRefusedException(
              "HTTP_REQUEST_ERROR",
              "Artifact "
                  + uri
                  + " is redirected more than "
                  + MOST_REDIRECTS
                  + " times; write the last address into the recipe.",
              r);
        }
        at = next(uri, now, r.location);
      }
    }
  }

  private static URI first(String uri) {
    try {
      URI url = URI.create(uri.replace(" ", "%20"));
      if ("https".equalsIgnoreCase(url.getScheme())
          && url.getHost() != null
          && url.getUserInfo() == null) {
        return url;
      }
    } catch (IllegalArgumentException e) {
      throw notValid(uri, e);
    }
    throw notValid(uri, null);
  }

  private static CloudRefusedException notValid(
      String uri, @org.jspecify.annotations.Nullable Exception cause) {
    return new CloudRefusedException(
        "ARTIFACT_URI_NOT_VALID",
        "Artifact " + uri + " must look like https://host/path, without a user.",
        cause);
  }

  private static URI next(String uri, URI now, String location) {
    try {
      URI url = now.resolve(location);
      if ("https".equalsIgnoreCase(url.getScheme()) && url.getHost() != null) {
        return url;
      }
    } catch (IllegalArgumentException e) {
      throw badRedirect(uri, e);
    }
    throw badRedirect(uri, null);
  }

  private static CloudRefusedException badRedirect(
      String uri, @org.jspecify.annotations.Nullable Exception cause) {
    return new CloudRefusedException(
        "HTTP_REQUEST_ERROR",
        "Artifact "
            + uri
            + " is redirected to an address that is not https:; write one that stays with https"
            + " into the recipe.",
        cause);
  }

  private static NucleusException refusal(String uri, URI now, DataPlaneClient.Answer refused) {
    String location = refused.headers().firstValue("location").orElse("");
    if (!location.isEmpty()) {
      switch (refused.status()) {
        case 301, 302, 303, 307, 308 -> {
          return new Redirect(location);
        }
        default -> {}
      }
    }
    String sentence =
        "Artifact "
            + uri
            + " cannot be fetched from "
            + now.getAuthority()
            + ": "
            + refused.status()
            + " "
            + DataPlaneClient.message(refused);
    return switch (refused.status()) {
      case 401, 403 -> new CloudRefusedException("ACCESS_DENIED", sentence);
      case 404, 410 ->
          new CloudRefusedException(
              "RESOURCE_NOT_FOUND", sentence + "; upload it or correct the recipe.");
      default -> new CloudRefusedException("HTTP_REQUEST_ERROR", sentence);
    };
  }

  /** The file is elsewhere. */
  private static final class Redirect extends NucleusException {
    private final String location;

    Redirect(String location) {
      super("HTTP_REQUEST_ERROR", "The file is elsewhere.");
      this.location = location;
    }
  }
}
