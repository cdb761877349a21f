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
  private final EventSwitchboard events;
  private final RegistryEvents told;
  private final DeviceAuthority authority;
  private final ThingRecords records;
  private final Things things;
  private final ThingTypes types;
  private final ThingGroups groups;
  private final GroupMembers members;
  private final DynamicGroups dynamic;
  private final FleetIndex index;
  private final BillingGroups billing;
  private final Certificates certificates;
  private final CaCertificates authorities;
  private final ThingPrincipals principals;
  private final JustInTime justInTime;
  private final IotPolicies policies;
  private final PolicyTargets targets;
  private final EffectivePolicies effective;
  private final RoleAliases aliases;
  private final RegistryTags tags;
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
    this.events = new EventSwitchboard(store, accountId, clock);
    this.told = new RegistryEvents(events, this);
    this.authority = new DeviceAuthority(store, this);
    this.records = new ThingRecords(store, told, clock);
    this.things = new Things(store, this, records);
    this.types = new ThingTypes(store, this, told, clock);
    this.groups = new ThingGroups(store, this, told, clock);
    this.members = new GroupMembers(store, this);
    this.dynamic = new DynamicGroups(this, groups);
    this.index = new FleetIndex(store, records);
    this.billing = new BillingGroups(store, this, clock);
    this.certificates = new Certificates(store, this, deviceCa, clock);
    this.authorities = new CaCertificates(store, this, clock);
    this.principals = new ThingPrincipals(store, this);
    this.justInTime =
        new JustInTime(
            store,
            this,
            certificates,
            new ProvisioningTemplates(store, this, clock),
            new ThingRegistration(this),
            events,
            clock);
    this.policies = new IotPolicies(store, this, clock);
    this.targets = new PolicyTargets(store, this, policies);
    this.effective = new EffectivePolicies(store, this, policies, authority);
    this.aliases = new RoleAliases(store, this, clock);
    this.tags = new RegistryTags(store, this);
    records.onChange(dynamic::reconsider);
  }

  public static List<Migration> migrations() {
    return RegistryTables.migrations();
  }

  /** The registry's share of service {@code iot}; jobs bring theirs. */
  public ServiceOperations iot() {
    ServiceOperations.Builder iot = ServiceOperations.of("iot");
    things.serve(iot);
    types.serve(iot);
    groups.serve(iot);
    members.serve(iot);
    dynamic.serve(iot);
    index.serve(iot);
    billing.serve(iot);
    certificates.serve(iot);
    authorities.serve(iot);
    principals.serve(iot);
    policies.serve(iot);
    targets.serve(iot);
    effective.serve(iot);
    aliases.serve(iot);
    tags.serve(iot);
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
      case String other -> throw Answers.invalid("Endpoint type " + other + " not recognized.");
    };
  }

  /** The device behind a certificate that was presented in TLS; empty unless it is ACTIVE. */
  public Optional<DevicePrincipal> findActive(X509Certificate presented) {
    String id = CertificateIds.of(presented);
    return authority.things(id).map(names -> new DevicePrincipal(id, presented, names));
  }

  /**
   * As {@link #findActive}, for a new connection: a certificate that is not known yet, of a
   * registered authority that allows it, is registered by this (just-in-time registration).
   *
   * @param presented whose key the peer has shown to have
   */
  public Optional<DevicePrincipal> findOrRegister(X509Certificate presented) {
    Optional<DevicePrincipal> known = findActive(presented);
    if (known.isPresent()) {
      return known;
    }
    justInTime.presented(presented);
    return findActive(presented);
  }

  /** The registered authorities that are ACTIVE, for listeners that tell whom they trust. */
  public List<X509Certificate> trustedAuthorities() {
    return store.read(CaCertificates::all).stream()
        .filter(ca -> ca.status().equals("ACTIVE"))
        .map(CaCertificates.Ca::certificate)
        .toList();
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
    return members.groupsOf(thing);
  }

  /** The groups above a group, nearest first. */
  public List<String> thingGroupParents(String group) {
    return groups.parents(group);
  }

  public List<String> membersOf(String group) {
    return members.members(group);
  }

  public boolean thingExists(String thing) {
    return store.read(sql -> ThingRecords.find(sql, thing).isPresent());
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
      moved(sql, thing, group, true);
      membershipListeners.forEach(l -> l.changed(thing, group, true));
    }
  }

  void leave(Sql sql, String thing, String group) {
    int left =
        sql.update(
            "DELETE FROM thing_group_members WHERE group_name = ? AND thing = ?", group, thing);
    if (left == 1) {
      moved(sql, thing, group, false);
      membershipListeners.forEach(l -> l.changed(thing, group, false));
    }
  }

  private void moved(Sql sql, String thing, String group, boolean joined) {
    told.membership(sql, thing, group, joined);
    if (ThingGroups.find(sql, group).filter(g -> g.query() != null).isEmpty()) {
      dynamic.reconsider(sql, thing); // a query may ask for static groups
    }
  }

  ThingRecords records() {
    return records;
  }

  Certificates certificates() {
    return certificates;
  }

  IotPolicies policies() {
    return policies;
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

  /** A change of what one certificate may do; the others' is known as before. */
  <T> T change(String certificateId, Function<Sql, T> change) {
    return store.write(
        sql -> {
          T result = change.apply(sql);
          store.afterCommit(() -> authority.forget(certificateId));
          return result;
        });
  }

  /** A change of one thing: what its certificates may do is looked up anew. */
  <T> T changeOf(String thing, Function<Sql, T> change) {
    return store.write(
        sql -> {
          T result = change.apply(sql);
          sql.list(
                  "SELECT certificate FROM thing_principals WHERE thing = ? LIMIT 1000",
                  row -> row.text("certificate"),
                  thing)
              .forEach(id -> store.afterCommit(() -> authority.forget(id)));
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
