package io.ryegrass.identity;

import io.ryegrass.awsapi.CallAuthoriser;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.AccessKeySource;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

public final class IdentityService implements AccessKeySource {
  public IdentityService(CloudStore store, String accountId, Clock clock) {}

  public static List<Migration> migrations() {
    throw new UnsupportedOperationException();
  }

  public AccessKey ensureRootAccessKey() {
    throw new UnsupportedOperationException();
  }

  @Override
  public Optional<AccessKey> find(String accessKeyId) {
    throw new UnsupportedOperationException();
  }

  public boolean isAllowed(CallerIdentity caller, String action, String resource) {
    throw new UnsupportedOperationException();
  }

  public Optional<Role> findRole(String arnOrName) {
    throw new UnsupportedOperationException();
  }

  public TemporaryCredentials assumeRole(
      String roleArn, String sessionName, Duration duration, @Nullable String thingName) {
    throw new UnsupportedOperationException();
  }

  public CallAuthoriser callAuthoriser() {
    throw new UnsupportedOperationException();
  }

  public ServiceOperations iam() {
    throw new UnsupportedOperationException();
  }

  public ServiceOperations sts() {
    throw new UnsupportedOperationException();
  }
}
