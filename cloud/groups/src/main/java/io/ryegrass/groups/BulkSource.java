package io.ryegrass.groups;

import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/** What a bulk deployment needs of S3 and IAM: its file, and what its execution role may do. */
interface BulkSource {

  /** A failure that stands in the status of the bulk deployment. */
  final class UnusableException extends Exception {
    private static final long serialVersionUID = 1;

    UnusableException(String message) {
      super(message);
    }
  }

  /** Whether the caller may do this too, such as {@code iam:PassRole} for a role it hands over. */
  boolean may(@Nullable Object caller, String action, String resource);

  /**
   * The input file, read as the role.
   *
   * @throws UnusableException the role is unknown or not trusting, may not read the object, or
   *     there is none, or it is too large
   */
  InputStream open(String roleArn, String inputFileUri) throws UnusableException;

  /** Whether the role may {@code greengrass:CreateDeployment} on the group. */
  boolean mayDeploy(String roleArn, String groupId);
}
