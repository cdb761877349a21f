package io.ryegrass.nucleus;

import io.ryegrass.model.Recipe;
import java.nio.file.Path;

/** Brings artifacts onto the device. */
public interface ArtifactSource {
  /**
   * Streams an artifact into {@code target}. A partial file there may be continued. The nucleus
   * checks the digest.
   *
   * @throws CloudUnavailableException when trying again later may help
   * @throws CloudRefusedException when it does not
   */
  void download(String componentVersionArn, Recipe.Artifact artifact, Path target);
}
