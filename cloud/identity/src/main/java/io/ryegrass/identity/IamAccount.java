package io.ryegrass.identity;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.Sql;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What IAM tells about the account as a whole: alias, counts and quotas, everything at once. */
final class IamAccount {

  private static final String ALIAS = "alias";

  private final Iam iam;
  private final IamRoles roles;

  IamAccount(Iam iam, IamRoles roles) {
    this.iam = iam;
    this.roles = roles;
  }

  void register(ServiceOperations.Builder operations) {
    operations
        .json("CreateAccountAlias", this::createAlias)
        .json("ListAccountAliases", this::listAliases)
        .json("DeleteAccountAlias", this::deleteAlias)
        .json("GetAccountSummary", this::summary)
        .json("GetAccountAuthorizationDetails", this::details);
  }

  /** An account has one alias; a new one takes the place of the old. */
  private ObjectNode createAlias(CallContext call, ObjectNode input) {
    iam.store()
        .write(
            sql ->
                sql.update(
                    "INSERT INTO identity_account (name, value) VALUES (?, ?) ON CONFLICT (name) DO"
                        + " UPDATE SET value = excluded.value",
                    ALIAS,
                    Iam.text(input, "AccountAlias")));
    return Iam.object();
  }

  private ObjectNode listAliases(CallContext call, ObjectNode input) {
    ObjectNode answer = Iam.object();
    ArrayNode aliases = answer.putArray("AccountAliases");
    iam.store()
        .read(
            sql ->
                sql.list(
                    "SELECT value FROM identity_account WHERE name = ?",
                    row -> row.text("value"),
                    ALIAS))
        .forEach(aliases::add);
    return answer.put("IsTruncated", false);
  }

  private ObjectNode deleteAlias(CallContext call, ObjectNode input) {
    String alias = Iam.text(input, "AccountAlias");
    iam.store()
        .write(
            sql -> {
              int deleted =
                  sql.update(
                      "DELETE FROM identity_account WHERE name = ? AND value = ?", ALIAS, alias);
              if (deleted == 0) {
                throw Iam.noSuchEntity("The account alias " + alias + " was not found.");
              }
              return deleted;
            });
    return Iam.object();
  }

  private ObjectNode summary(CallContext call, ObjectNode input) {
    ObjectNode answer = Iam.object();
    ObjectNode map = answer.putObject("SummaryMap");
    iam.store()
        .read(
            sql -> {
              map.put("Users", rows(sql, "identity_users"));
              map.put("UsersQuota", 5000);
              map.put("Groups", rows(sql, "identity_groups"));
              map.put("GroupsQuota", 300);
              map.put("Roles", rows(sql, "identity_roles"));
              map.put("RolesQuota", 5000);
              map.put("Policies", rows(sql, "identity_policies"));
              map.put("PoliciesQuota", 1500);
              map.put("PolicyVersionsInUse", rows(sql, "identity_policy_versions"));
              map.put("PolicyVersionsInUseQuota", 10000);
              map.put("InstanceProfiles", rows(sql, "identity_instance_profiles"));
              map.put("InstanceProfilesQuota", 1000);
              map.put(
                  "AccountAccessKeysPresent",
                  Math.min(
                      1,
                      sql.count(
                          "SELECT count(*) AS n FROM identity_access_keys WHERE user_name IS"
                              + " NULL")));
              return map;
            });
    Map.ofEntries(
            Map.entry("AccessKeysPerUserQuota", 2),
            Map.entry("AccountMFAEnabled", 0),
            Map.entry("AccountPasswordPresent", 0),
            Map.entry("AccountSigningCertificatesPresent", 0),
            Map.entry("AssumeRolePolicySizeQuota", 4096),
            Map.entry("AttachedPoliciesPerGroupQuota", 10),
            Map.entry("AttachedPoliciesPerRoleQuota", 10),
            Map.entry("AttachedPoliciesPerUserQuota", 10),
            Map.entry("GlobalEndpointTokenVersion", 2),
            Map.entry("GroupPolicySizeQuota", 5120),
            Map.entry("GroupsPerUserQuota", 10),
            Map.entry("MFADevices", 0),
            Map.entry("MFADevicesInUse", 0),
            Map.entry("PolicySizeQuota", 6144),
            Map.entry("Providers", 0),
            Map.entry("RolePolicySizeQuota", 10240),
            Map.entry("ServerCertificates", 0),
            Map.entry("ServerCertificatesQuota", 20),
            Map.entry("SigningCertificatesPerUserQuota", 2),
            Map.entry("UserPolicySizeQuota", 2048),
            Map.entry("VersionsPerPolicyQuota", 5))
        .forEach(map::put);
    return answer;
  }

  private static long rows(Sql sql, String table) {
    return sql.count("SELECT count(*) AS n FROM " + table);
  }

  // --- everything at once ------------------------------------------------------------------------

  private ObjectNode details(CallContext call, ObjectNode input) {
    Set<String> filter = new HashSet<>();
    input.path("Filter").forEach(f -> filter.add(f.asString("")));
    List<ObjectNode> all =
        iam.store()
            .read(
                sql -> {
                  List<ObjectNode> found = new ArrayList<>();
                  if (isAsked(filter, "User")) {
                    users(sql, found);
                  }
                  if (isAsked(filter, "Group")) {
                    groups(sql, found);
                  }
                  if (isAsked(filter, "Role")) {
                    roles(sql, found);
                  }
                  if (isAsked(filter, "LocalManagedPolicy")) {
                    IamManagedPolicies.local(sql).forEach(p -> found.add(policy(sql, p)));
                  }
                  if (isAsked(filter, "AWSManagedPolicy")) {
                    ManagedPolicies.all()
                        .keySet()
                        .forEach(
                            arn -> found.add(policy(sql, IamManagedPolicies.awsNode(sql, arn))));
                  }
                  return found;
                });
    ObjectNode page =
        Iam.page(
            input,
            "All",
            all,
            d -> d.path("list").asString("") + " " + d.path("Arn").asString(""),
            d -> d);
    ObjectNode answer = Iam.object();
    for (String list : List.of("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")) {
      ArrayNode array = answer.putArray(list);
      page.path("All")
          .forEach(
              d -> {
                if (d.path("list").asString("").equals(list)) {
                  array.add(((ObjectNode) d).without("list"));
                }
              });
    }
    page.remove("All");
    answer.setAll(page);
    return answer;
  }

  private static boolean isAsked(Set<String> filter, String kind) {
    return filter.isEmpty() || filter.contains(kind);
  }

  private static void users(Sql sql, List<ObjectNode> into) {
    for (ObjectNode user : sql.list("SELECT * FROM identity_users", IamUsers::node)) {
      String name = user.path("UserName").asString("");
      ArrayNode groups = user.putArray("GroupList");
      IamGroups.ofUser(sql, name).stream().sorted().forEach(groups::add);
      owned(sql, "user", name, "UserPolicyList", user);
      IamTags.show(sql, "user", name, user);
      into.add(user.put("list", "UserDetailList"));
    }
  }

  private static void groups(Sql sql, List<ObjectNode> into) {
    for (ObjectNode group : sql.list("SELECT * FROM identity_groups", IamGroups::node)) {
      owned(sql, "group", group.path("GroupName").asString(""), "GroupPolicyList", group);
      into.add(group.put("list", "GroupDetailList"));
    }
  }

  private void roles(Sql sql, List<ObjectNode> into) {
    for (ObjectNode role : sql.list("SELECT * FROM identity_roles", IamRoles::node)) {
      String name = role.path("RoleName").asString("");
      role.remove(List.of("Description", "MaxSessionDuration"));
      ArrayNode profiles = role.putArray("InstanceProfileList");
      IamInstanceProfiles.found(sql, " WHERE role_name = ?", name).forEach(profiles::add);
      owned(sql, "role", name, "RolePolicyList", role);
      IamTags.show(sql, "role", name, role);
      roles.showLastUsed(name, role);
      into.add(role.put("list", "RoleDetailList"));
    }
  }

  private static void owned(
      Sql sql, String kind, String name, String inlineList, ObjectNode entity) {
    ArrayNode inline = entity.putArray(inlineList);
    IamOwnedPolicies.inline(sql, kind, name)
        .forEach(
            (policy, document) ->
                inline.add(
                    Iam.object()
                        .put("PolicyName", policy)
                        .put("PolicyDocument", Iam.encoded(document))));
    ArrayNode attached = entity.putArray("AttachedManagedPolicies");
    IamOwnedPolicies.attached(sql, kind, name).stream()
        .sorted()
        .forEach(arn -> attached.add(IamOwnedPolicies.attachedNode(arn)));
  }

  private static ObjectNode policy(Sql sql, ObjectNode policy) {
    policy.set(
        "PolicyVersionList",
        Iam.array(IamManagedPolicies.versions(sql, policy.path("Arn").asString(""), true)));
    return policy.put("list", "Policies");
  }
}
