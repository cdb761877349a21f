package io.ryegrass.cloudapp;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.identity.CallerIdentity;
import io.ryegrass.identity.IdentityService;
import io.ryegrass.objects.ObjectStore;
import io.ryegrass.objects.ReadAccess;
import io.ryegrass.objects.S3Exception;
import io.ryegrass.registry.job.JobObjects;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What jobs take from S3: documents that the caller may read, and URLs for devices of what the
 * job's role may read. The role must trust {@code iot.amazonaws.com}.
 */
final class JobFiles implements JobObjects {

  private static final String SERVICE = "iot.amazonaws.com";

  private final ObjectStore objects;
  private final IdentityService identity;
  private final ReadAccess access;
  private final URI devices;
  private final String region;

  /**
   * @param devices where devices reach the S3 API
   */
  JobFiles(ObjectStore objects, IdentityService identity, URI devices, String region) {
    this.objects = objects;
    this.identity = identity;
    this.access = ReadAccess.of(identity);
    this.devices = devices;
    this.region = region;
  }

  @Override
  public Optional<byte[]> read(@Nullable Object caller, String bucket, String key) {
    try {
      return access.mayRead(caller, bucket, key) ? objects.read(bucket, key) : Optional.empty();
    } catch (S3Exception e) {
      return Optional.empty(); // no such bucket
    }
  }

  @Override
  public Optional<String> presign(String roleArn, String bucket, String key, Duration validity) {
    try {
      CallerIdentity role = identity.inRole(roleArn, SERVICE);
      return access.mayRead(role, bucket, key) && objects.head(bucket, key).isPresent()
          ? Optional.of(objects.presignGet(devices, region, bucket, key, validity))
          : Optional.empty();
    } catch (AwsException | S3Exception e) {
      return Optional.empty(); // no such role or bucket, or the role does not trust IoT
    }
  }
}
