package io.ryegrass.registry;

import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.identity.CertificateAuthority;
import io.ryegrass.identity.IdentityService;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;

public final class Registry {
  public Registry(
      CloudStore store,
      IdentityService identity,
      CertificateAuthority deviceCa,
      Endpoints endpoints,
      String region,
      String accountId,
      Clock clock) {}

  public static List<Migration> migrations() {
    throw new UnsupportedOperationException();
  }

  public ServiceOperations iot() {
    throw new UnsupportedOperationException();
  }

  public Optional<DevicePrincipal> findActive(X509Certificate presented) {
    throw new UnsupportedOperationException();
  }

  public boolean isAllowed(
      DevicePrincipal principal, String action, String resource, Map<String, String> variables) {
    throw new UnsupportedOperationException();
  }

  public Optional<RoleAlias> findRoleAlias(String alias) {
    throw new UnsupportedOperationException();
  }

  /** Groups the thing is a direct member of. */
  public List<String> thingGroupsOf(String thing) {
    throw new UnsupportedOperationException();
  }

  public List<String> membersOf(String group) {
    throw new UnsupportedOperationException();
  }

  public boolean thingExists(String thing) {
    throw new UnsupportedOperationException();
  }

  public boolean thingGroupExists(String group) {
    throw new UnsupportedOperationException();
  }

  public boolean isAttached(String certificateId, String thing) {
    throw new UnsupportedOperationException();
  }

  public void onGroupMembership(GroupMembershipListener listener) {
    throw new UnsupportedOperationException();
  }

  public String thingArn(String thing) {
    throw new UnsupportedOperationException();
  }

  public String thingGroupArn(String group) {
    throw new UnsupportedOperationException();
  }
}
