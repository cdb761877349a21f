package io.ryegrass.nucleus;

import io.ryegrass.model.Recipe;
import java.nio.file.Path;

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
}
