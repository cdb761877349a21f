package io.ryegrass.ipc;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What {@code aws.greengrass.SecretManager} offers to IPC (v2-ipc.md §7.7). Policies are checked
 * before it is asked.
 */
public interface SecretsPort {
  /** The full ARN of a configured secret, given by ARN, partial ARN or friendly name. */
  Optional<String> arnOf(String secretId);

  /**
   * Reads one version.
   *
   * @param versionId this version, or null
   * @param versionStage the version with this label, or null; with neither it is AWSCURRENT
   * @param refresh whether the cloud is asked first
   * @throws io.ryegrass.nucleus.NucleusException RESOURCE_NOT_FOUND for an unknown version or
   *     label; any other code is a ServiceError
   */
  Secret get(
      String arn, @Nullable String versionId, @Nullable String versionStage, boolean refresh);

  /**
   * One version of a secret; exactly one of the two values is there.
   *
   * @param arn full ARN
   */
  record Secret(
      String arn,
      String versionId,
      List<String> versionStages,
      @Nullable String text,
      byte @Nullable [] binary) {}
}
