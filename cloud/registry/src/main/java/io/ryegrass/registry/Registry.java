package io.ryegrass.registry;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.identity.CertificateAuthority;
import io.ryegrass.identity.CertificateIds;
import io.ryegrass.identity.IdentityService;
import io.ryegrass.registry.event.EventSwitchboard;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import io.ryegrass.store.Sql;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import tools.jackson.databind.node.ObjectNode;

/** The public face of the registry; thread-safe. */
public final class Registry {
  private final CloudStore store;
  private final Endpoints endpoints;
  private final String region;
  private final String accountId;
  private final Things things;
  private final ThingGroups groups;
  private final Certificates certificates;
  private final IotPolicies policies;
  private final RoleAliases aliases;
  private final DeviceAuthority authority;
  private final EventSwitchboard events;
  private final List<GroupMembershipListener> membershipListeners = new CopyOnWriteArrayList<>();

  public Registry(
      CloudStore store,
      IdentityService identity,
      CertificateAuthority deviceCa,
      Endpoints endpoints,
      String region,
      String accountId,
      Clock clock) {
    this.store = store;
    this.endpoints = endpoints;
    this.region = region;
    this.accountId = accountId;
    this.things = new Things(store, this, clock);
    this.groups = new ThingGroups(store, this, clock);
    this.certificates = new Certificates(store, this, deviceCa, clock);
    this.policies = new IotPolicies(store, this, clock);
    this.aliases = new RoleAliases(store, this, identity, clock);
    this.authority = new DeviceAuthority(store, this);
    this.events = new EventSwitchboard(store, accountId, clock);
  }

  public static List<Migration> migrations() {
    return RegistryTables.migrations();
  }

  /** The registry's share of service {@code iot}; jobs bring theirs. */
  public ServiceOperations iot() {
    ServiceOperations.Builder iot = ServiceOperations.of("iot");
    things.serve(iot);
    groups.serve(iot);
    certificates.serve(iot);
    policies.serve(iot);
    aliases.serve(iot);
    events.serve(iot);
    return iot.json("DescribeEndpoint", this::describeEndpoint).build();
  }

  /** Which events on {@code $aws/events/…} are switched on, and the way they go. */
  public EventSwitchboard events() {
    return events;
  }

  /** One host name serves every type; clients know the ports (mqtt-cloud, section 1). */
  private ObjectNode describeEndpoint(CallContext call, ObjectNode in) {
    return switch (in.path("endpointType").asString("iot:Data")) {
      case "iot:Data", "iot:Data-ATS", "iot:CredentialProvider", "iot:Jobs" ->
          Answers.object().put("endpointAddress", endpoints.deviceHost());
      case String other ->
          throw Answers.invalid(
              "endpoint type '"
                  + other
                  + "' is not known; use iot:Data-ATS, iot:Data, iot:CredentialProvider or"
                  + " iot:Jobs");
    };
  }

  /** The device behind a certificate that was presented in TLS; empty unless it is ACTIVE. */
  public Optional<DevicePrincipal> findActive(X509Certificate presented) {
    String id = CertificateIds.of(presented);
    return authority.things(id).map(names -> new DevicePrincipal(id, presented, names));
  }

  /**
   * Whether the policies of the device's certificate and groups allow an action now.
   *
   * @param variables values of policy variables, by name without {@code ${}}
   */
  public boolean isAllowed(
      DevicePrincipal principal, String action, String resource, Map<String, String> variables) {
    return authority.isAllowed(principal.certificateId(), action, resource, variables);
  }

  public Optional<RoleAlias> findRoleAlias(String alias) {
    return aliases.find(alias);
  }

  /** Groups the thing is a direct member of. */
  public List<String> thingGroupsOf(String thing) {
    return groups.of(thing);
  }

  List<String> parentsOf(String group) {
    return groups.parents(group);
  }

  public List<String> membersOf(String group) {
    return groups.members(group);
  }

  public boolean thingExists(String thing) {
    return store.read(sql -> Things.find(sql, thing).isPresent());
  }

  public boolean thingGroupExists(String group) {
    return groups.exists(group);
  }

  public boolean isAttached(String certificateId, String thing) {
    return store.read(sql -> Certificates.things(sql, certificateId).contains(thing));
  }

  /**
   * Calls back after each change that may make {@link #isAllowed} or {@link #findActive} answer
   * otherwise. The callback must be short and not throw.
   */
  public void onAuthorityChange(Runnable listener) {
    authority.onChange(listener);
  }

  public void onGroupMembership(GroupMembershipListener listener) {
    membershipListeners.add(listener);
  }

  void join(Sql sql, String thing, String group) {
    int joined =
        sql.update(
            "INSERT INTO thing_group_members (group_name, thing) VALUES (?, ?)"
                + " ON CONFLICT (group_name, thing) DO NOTHING",
            group,
            thing);
    if (joined == 1) {
      membershipListeners.forEach(l -> l.changed(thing, group, true));
    }
  }

  void leave(Sql sql, String thing, String group) {
    int left =
        sql.update(
            "DELETE FROM thing_group_members WHERE group_name = ? AND thing = ?", group, thing);
    if (left == 1) {
      membershipListeners.forEach(l -> l.changed(thing, group, false));
    }
  }

  /** A change of the registry: what devices may do is looked up anew once it is on disk. */
  <T> T change(Function<Sql, T> change) {
    return store.write(
        sql -> {
          T result = change.apply(sql);
          store.afterCommit(authority::forget);
          return result;
        });
  }

  public String thingArn(String thing) {
    return arn("thing/" + thing);
  }

  public String thingGroupArn(String group) {
    return arn("thinggroup/" + group);
  }

  String certArn(String certificateId) {
    return arn("cert/" + certificateId);
  }

  /** An ARN of IoT Core in this account and Region. */
  public String arn(String resource) {
    return "arn:aws:iot:" + region + ":" + accountId + ":" + resource;
  }

  String account() {
    return accountId;
  }
}
