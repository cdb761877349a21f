package io.ryegrass.groups;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.identity.CallerIdentity;
import io.ryegrass.identity.IdentityService;
import io.ryegrass.objects.ObjectStore;
import io.ryegrass.objects.ReadAccess;
import io.ryegrass.objects.StoredObject;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Input files in the cloud's own buckets, roles of its own IAM. */
final class S3BulkSource implements BulkSource {
  static final String SERVICE = "greengrass.amazonaws.com";

  /** BLK-01: less than 100 MB. */
  private static final long MAX_BYTES = 100L * 1024 * 1024;

  private final ObjectStore objects;
  private final IdentityService identity;
  private final ReadAccess access;
  private final GroupArns arns;

  S3BulkSource(ObjectStore objects, IdentityService identity, GroupArns arns) {
    this.objects = objects;
    this.identity = identity;
    this.access = ReadAccess.of(identity);
    this.arns = arns;
  }

  @Override
  public boolean may(@Nullable Object caller, String action, String resource) {
    return caller instanceof CallerIdentity who && identity.isAllowed(who, action, resource);
  }

  @Override
  public InputStream open(String roleArn, String inputFileUri) throws UnusableException {
    S3Address name =
        S3Address.parse(inputFileUri)
            .orElseThrow(
                () ->
                    new UnusableException(
                        "InputFileUri '"
                            + inputFileUri
                            + "' names no object; write s3://BUCKET/KEY or its https address."));
    String bucket = name.bucket();
    String key = name.key();
    if (!access.mayRead(role(roleArn), bucket, key)) {
      throw new UnusableException(
          "The execution role " + roleArn + " may not s3:GetObject " + name + ".");
    }
    Optional<StoredObject> found = objects.get(bucket, key);
    if (found.isEmpty()) {
      throw new UnusableException("There is no object " + name + ".");
    }
    StoredObject object = found.get();
    if (object.info().size() >= MAX_BYTES) {
      object.close();
      throw new UnusableException(
          name + " has " + object.info().size() + " bytes; less than 100 MB are allowed.");
    }
    return new FilterInputStream(object.stream()) {
      @Override
      public void close() throws IOException {
        super.close();
        object.close();
      }
    };
  }

  private CallerIdentity role(String roleArn) throws UnusableException {
    try {
      return identity.inRole(roleArn, SERVICE);
    } catch (AwsException e) {
      throw new UnusableException(String.valueOf(e.getMessage()));
    }
  }

  /** Policies of V1 name a group with or without a slash behind the account. */
  @Override
  public boolean mayDeploy(String roleArn, String groupId) {
    CallerIdentity role;
    try {
      role = role(roleArn);
    } catch (UnusableException e) {
      return false;
    }
    String arn = arns.of(Kind.GROUP, groupId);
    return identity.isAllowed(role, "greengrass:CreateDeployment", arn)
        || identity.isAllowed(
            role, "greengrass:CreateDeployment", arn.replace(":/greengrass/", ":greengrass/"));
  }
}
