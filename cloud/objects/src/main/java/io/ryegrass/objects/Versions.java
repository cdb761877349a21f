package io.ryegrass.objects;

import io.ryegrass.objects.ObjectTables.Version;
import java.util.Optional;

/** What S3 answers to who asks for a version that is none. */
final class Versions {
  private Versions() {}

  /**
   * The version found, when it is an object.
   *
   * @param versionId as asked; empty for the newest
   * @throws S3Exception {@code NoSuchKey}, {@code NoSuchVersion}, {@code MethodNotAllowed} for a
   *     mark that was asked for by its id
   */
  static Version required(Optional<Version> found, String key, String versionId) {
    if (found.isEmpty()) {
      throw versionId.isEmpty()
          ? S3Exception.noSuchKey(key)
          : S3Exception.noSuchVersion(key, versionId);
    }
    Version version = found.get();
    if (!version.marker()) {
      return version;
    }
    S3Exception fault =
        versionId.isEmpty()
            ? S3Exception.noSuchKey(key)
            : new S3Exception(
                    "MethodNotAllowed",
                    405,
                    "The specified method is not allowed against this resource.")
                .with("ResourceType", "DeleteMarker")
                .withHeader("allow", "DELETE");
    throw fault
        .withHeader("x-amz-delete-marker", "true")
        .withHeader("x-amz-version-id", version.info().versionId());
  }
}
