package io.ryegrass.nucleus;

import io.ryegrass.model.Recipe;
import java.nio.file.Path;
import java.util.Set;

/**
 * Brings artifacts onto the device: {@code greengrass:}, {@code s3:} and {@code https:}
 * (v2-deployments.md section 9).
 */
public interface ArtifactSource {
  /**
   * How many bytes a download will be, so that room is looked for before it begins; -1 when that is
   * not known, which never keeps a deployment from going on.
   */
  default long size(String componentVersionArn, Recipe.Artifact artifact) {
    return -1;
  }

  /**
   * Streams an artifact into {@code target}. A partial file there may be continued. The nucleus
   * checks the digest.
   *
   * @throws CloudUnavailableException when trying again later may help
   * @throws CloudRefusedException when it does not
   */
  void download(String componentVersionArn, Recipe.Artifact artifact, Path target);

  /**
   * Brings a {@code docker:} artifact, a container image, to the engine of this device; one that is
   * there already is kept when its digest or its tag, other than {@code latest}, is the wanted one
   * (section 9).
   *
   * @throws CloudUnavailableException when trying again later may help
   * @throws NucleusException when it does not
   */
  default void pullImage(Recipe.Artifact artifact) {
    throw new NucleusException(
        "DOCKER_SERVICE_UNAVAILABLE",
        "Artifact "
            + artifact.uri()
            + " is a container image, and this core was started without access to an engine.");
  }

  /**
   * Removes the images that {@link #pullImage} brought and that nothing needs any more. Never
   * throws; what cannot be removed now is tried again the next time.
   *
   * @param uris the {@code docker:} artifacts that are needed
   */
  default void keepImages(Set<String> uris) {}
}
