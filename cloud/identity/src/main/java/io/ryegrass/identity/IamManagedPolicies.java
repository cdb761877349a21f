package io.ryegrass.identity;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Managed policies with their versions: the account's own, and those of account {@code aws}. */
final class IamManagedPolicies {
  private static final int MAX_VERSIONS = 5;
  private static final int MAX_POLICIES = 1500;
  private static final int MAX_CHARACTERS = 6144;
  private static final String TAG_KIND = "policy";

  private static final String SELECT =
      "SELECT p.*, (SELECT count(*) FROM identity_attached_policies a WHERE a.policy_arn = p.arn) AS"
          + " attachments, (SELECT count(*) FROM identity_users u WHERE u.boundary = p.arn) +"
          + " (SELECT count(*) FROM identity_roles r WHERE r.boundary = p.arn) AS boundaries FROM"
          + " identity_policies p";

  private final Iam iam;

  IamManagedPolicies(Iam iam) {
    this.iam = iam;
  }

  void register(ServiceOperations.Builder operations) {
    operations
        .json("CreatePolicy", this::create)
        .json("GetPolicy", this::get)
        .json("ListPolicies", this::list)
        .json("DeletePolicy", this::delete)
        .json("CreatePolicyVersion", this::createVersion)
        .json("GetPolicyVersion", this::getVersion)
        .json("ListPolicyVersions", this::listVersions)
        .json("SetDefaultPolicyVersion", this::setDefault)
        .json("DeletePolicyVersion", this::deleteVersion)
        .json("ListEntitiesForPolicy", this::listEntities)
        .json("TagPolicy", this::tag)
        .json("UntagPolicy", this::untag)
        .json("ListPolicyTags", this::listTags);
  }

  private ObjectNode create(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "PolicyName");
    String path = Iam.path(input);
    String document = checked(Iam.text(input, "PolicyDocument"));
    String arn = "arn:aws:iam::" + iam.accountId() + ":policy" + path + name;
    Instant now = iam.clock().instant();
    return iam.store()
        .write(
            sql -> {
              if (sql.count(
                      "SELECT count(*) AS n FROM identity_policies WHERE lower(policy_name) = ?",
                      name.toLowerCase(Locale.ROOT))
                  > 0) {
                throw Iam.alreadyExists(
                    "A policy called "
                        + name
                        + " already exists. Duplicate names are not allowed.");
              }
              if (sql.count("SELECT count(*) AS n FROM identity_policies") >= MAX_POLICIES) {
                throw Iam.limitExceeded("PoliciesPerAccount: " + MAX_POLICIES);
              }
              sql.update(
                  "INSERT INTO identity_policies (arn, policy_name, policy_id, path, description,"
                      + " default_version, last_version, created, updated) VALUES (?, ?, ?, ?, ?,"
                      + " 'v1', 1, ?, ?)",
                  arn,
                  name,
                  iam.ids().id("ANPA"),
                  path,
                  Iam.textOrNull(input, "Description"),
                  now,
                  now);
              insertVersion(sql, arn, "v1", document, now);
              IamTags.put(sql, TAG_KIND, arn, input.path("Tags"));
              ObjectNode answer = Iam.object();
              ObjectNode policy = node(sql, arn);
              policy.remove("Description"); // only GetPolicy tells it
              answer.set("Policy", policy);
              return answer;
            });
  }

  private static String checked(String document) {
    if (document.replaceAll("\\s", "").length() > MAX_CHARACTERS) {
      throw Iam.limitExceeded("PolicySize: " + MAX_CHARACTERS);
    }
    PolicyGrammar.identityPolicy(document);
    return document;
  }

  private static void insertVersion(
      Sql sql, String arn, String version, String document, Instant now) {
    sql.update(
        "INSERT INTO identity_policy_versions (arn, version, document, created) VALUES (?, ?, ?, ?)",
        arn,
        version,
        document,
        now);
  }

  private ObjectNode get(CallContext call, ObjectNode input) {
    String arn = Iam.text(input, "PolicyArn");
    ObjectNode answer = Iam.object();
    answer.set("Policy", iam.store().read(sql -> node(sql, arn)));
    return answer;
  }

  /** A policy of either kind, with tags. */
  static ObjectNode node(Sql sql, String arn) {
    if (ManagedPolicies.find(arn).isPresent()) {
      return awsNode(sql, arn);
    }
    ObjectNode policy =
        sql.one(SELECT + " WHERE p.arn = ?", IamManagedPolicies::node, arn)
            .orElseThrow(() -> Iam.noSuchEntity("Policy " + arn + " was not found."));
    IamTags.show(sql, TAG_KIND, arn, policy);
    return policy;
  }

  static ObjectNode awsNode(Sql sql, String arn) {
    return ManagedPolicies.node(arn)
        .put(
            "AttachmentCount",
            sql.count(
                "SELECT count(*) AS n FROM identity_attached_policies WHERE policy_arn = ?", arn));
  }

  private static ObjectNode node(Row row) {
    ObjectNode policy =
        Iam.object()
            .put("PolicyName", row.text("policy_name"))
            .put("PolicyId", row.text("policy_id"))
            .put("Arn", row.text("arn"))
            .put("Path", row.text("path"))
            .put("DefaultVersionId", row.text("default_version"))
            .put("AttachmentCount", row.number("attachments"))
            .put("PermissionsBoundaryUsageCount", row.number("boundaries"))
            .put("IsAttachable", true)
            .put("CreateDate", row.instant("created").getEpochSecond());
    Instant updated = row.instantOrNull("updated");
    policy.put("UpdateDate", (updated == null ? row.instant("created") : updated).getEpochSecond());
    String description = row.textOrNull("description");
    return description == null ? policy : policy.put("Description", description);
  }

  /** All policies of the account. */
  static List<ObjectNode> local(Sql sql) {
    return sql.list(SELECT, IamManagedPolicies::node);
  }

  private ObjectNode list(CallContext call, ObjectNode input) {
    String scope = input.path("Scope").asString("All");
    boolean onlyAttached = input.path("OnlyAttached").asBoolean(false);
    String prefix = input.path("PathPrefix").asString("/");
    boolean boundaries = input.path("PolicyUsageFilter").asString("").equals("PermissionsBoundary");
    List<ObjectNode> all =
        iam.store()
            .read(
                sql -> {
                  List<ObjectNode> found = new ArrayList<>();
                  if (!scope.equals("AWS")) {
                    found.addAll(local(sql));
                  }
                  if (!scope.equals("Local")) {
                    ManagedPolicies.all().keySet().forEach(arn -> found.add(awsNode(sql, arn)));
                  }
                  return found;
                });
    return Iam.page(
        input,
        "Policies",
        all.stream()
            .filter(p -> p.path("Path").asString("").startsWith(prefix))
            .filter(p -> !onlyAttached || p.path("AttachmentCount").asInt(0) > 0)
            .filter(p -> !boundaries || p.path("PermissionsBoundaryUsageCount").asInt(0) > 0)
            .peek(p -> p.remove("Description"))
            .toList(),
        "Arn");
  }

  private ObjectNode delete(CallContext call, ObjectNode input) {
    String arn = Iam.text(input, "PolicyArn");
    iam.store()
        .write(
            sql -> {
              ObjectNode policy = requireOwn(sql, arn);
              if (policy.path("AttachmentCount").asInt(0) > 0
                  || policy.path("PermissionsBoundaryUsageCount").asInt(0) > 0) {
                throw Iam.deleteConflict("Cannot delete a policy attached to entities.");
              }
              if (sql.count("SELECT count(*) AS n FROM identity_policy_versions WHERE arn = ?", arn)
                  > 1) {
                throw Iam.deleteConflict(
                    "This policy has more than one version. Before you delete a policy, you must"
                        + " delete the policy's versions. The default version is deleted with the"
                        + " policy.");
              }
              IamTags.removeAll(sql, TAG_KIND, arn);
              sql.update("DELETE FROM identity_policy_versions WHERE arn = ?", arn);
              return sql.update("DELETE FROM identity_policies WHERE arn = ?", arn);
            });
    return Iam.object();
  }

  /** AWS's own policies are changed by AWS. */
  private static ObjectNode requireOwn(Sql sql, String arn) {
    if (ManagedPolicies.find(arn).isPresent()) {
      throw new AwsException("AccessDenied", 403, "Policy " + arn + " is managed by AWS.");
    }
    return node(sql, arn);
  }

  static boolean exists(Sql sql, String arn) {
    return ManagedPolicies.find(arn).isPresent()
        || sql.count("SELECT count(*) AS n FROM identity_policies WHERE arn = ?", arn) > 0;
  }

  static void require(Sql sql, String arn) {
    if (!exists(sql, arn)) {
      throw Iam.noSuchEntity("Policy " + arn + " does not exist or is not attachable.");
    }
  }

  // --- versions ----------------------------------------------------------------------------------

  private ObjectNode createVersion(CallContext call, ObjectNode input) {
    String arn = Iam.text(input, "PolicyArn");
    String document = checked(Iam.text(input, "PolicyDocument"));
    boolean makeDefault = input.path("SetAsDefault").asBoolean(false);
    Instant now = iam.clock().instant();
    return iam.store()
        .write(
            sql -> {
              requireOwn(sql, arn);
              if (sql.count("SELECT count(*) AS n FROM identity_policy_versions WHERE arn = ?", arn)
                  >= MAX_VERSIONS) {
                throw new AwsException(
                    "LimitExceeded",
                    409,
                    "A managed policy can have up to 5 versions. Before you create a new version,"
                        + " you must delete an existing version.");
              }
              sql.update(
                  "UPDATE identity_policies SET last_version = last_version + 1 WHERE arn = ?",
                  arn);
              String version =
                  "v"
                      + sql.count(
                          "SELECT last_version AS n FROM identity_policies WHERE arn = ?", arn);
              insertVersion(sql, arn, version, document, now);
              if (makeDefault) {
                makeDefault(sql, arn, version, now);
              }
              ObjectNode answer = Iam.object();
              answer
                  .putObject("PolicyVersion")
                  .put("VersionId", version)
                  .put("IsDefaultVersion", makeDefault)
                  .put("CreateDate", now.getEpochSecond());
              return answer;
            });
  }

  private void makeDefault(Sql sql, String arn, String version, Instant now) {
    sql.update(
        "UPDATE identity_policies SET default_version = ?, updated = ? WHERE arn = ?",
        version,
        now,
        arn);
    iam.policies().changed();
  }

  private ObjectNode getVersion(CallContext call, ObjectNode input) {
    String arn = Iam.text(input, "PolicyArn");
    String version = Iam.text(input, "VersionId");
    ObjectNode answer = Iam.object();
    answer.set(
        "PolicyVersion",
        iam.store()
            .read(
                sql -> {
                  requireVersion(sql, arn, version);
                  return versions(sql, arn, true).stream()
                      .filter(v -> v.path("VersionId").asString("").equals(version))
                      .findFirst()
                      .orElseThrow();
                }));
    return answer;
  }

  private ObjectNode listVersions(CallContext call, ObjectNode input) {
    String arn = Iam.text(input, "PolicyArn");
    List<ObjectNode> versions =
        iam.store()
            .read(
                sql -> {
                  node(sql, arn);
                  return versions(sql, arn, false);
                });
    // newest first, as IAM lists them
    return Iam.page(
        input,
        "Versions",
        versions,
        v -> "%09d".formatted(999_999_999 - number(v.path("VersionId").asString(""))),
        v -> v);
  }

  /** Newest first. */
  static List<ObjectNode> versions(Sql sql, String arn, boolean withDocument) {
    String managed = ManagedPolicies.find(arn).orElse(null);
    List<ObjectNode> found =
        managed != null
            ? new ArrayList<>(List.of(ManagedPolicies.version(managed)))
            : new ArrayList<>(
                sql.list(
                    "SELECT v.*, p.default_version FROM identity_policy_versions v JOIN"
                        + " identity_policies p ON p.arn = v.arn WHERE v.arn = ?",
                    row ->
                        Iam.object()
                            .put("Document", Iam.encoded(row.text("document")))
                            .put("VersionId", row.text("version"))
                            .put(
                                "IsDefaultVersion",
                                row.text("version").equals(row.text("default_version")))
                            .put("CreateDate", row.instant("created").getEpochSecond()),
                    arn));
    if (!withDocument) {
      found.forEach(v -> v.remove("Document"));
    }
    found.sort(
        (a, b) ->
            Integer.compare(
                number(b.path("VersionId").asString("")),
                number(a.path("VersionId").asString(""))));
    return found;
  }

  private static int number(String version) {
    return Integer.parseInt(version.substring(1));
  }

  private static void requireVersion(Sql sql, String arn, String version) {
    boolean found =
        ManagedPolicies.find(arn).isPresent()
            ? version.equals("v1")
            : sql.count(
                    "SELECT count(*) AS n FROM identity_policy_versions WHERE arn = ? AND version ="
                        + " ?",
                    arn,
                    version)
                > 0;
    if (!found) {
      node(sql, arn);
      throw Iam.noSuchEntity(
          "Policy " + arn + " version " + version + " does not exist or is not attachable.");
    }
  }

  private ObjectNode setDefault(CallContext call, ObjectNode input) {
    String arn = Iam.text(input, "PolicyArn");
    String version = Iam.text(input, "VersionId");
    iam.store()
        .write(
            sql -> {
              requireOwn(sql, arn);
              requireVersion(sql, arn, version);
              makeDefault(sql, arn, version, iam.clock().instant());
              return version;
            });
    return Iam.object();
  }

  private ObjectNode deleteVersion(CallContext call, ObjectNode input) {
    String arn = Iam.text(input, "PolicyArn");
    String version = Iam.text(input, "VersionId");
    iam.store()
        .write(
            sql -> {
              ObjectNode policy = requireOwn(sql, arn);
              requireVersion(sql, arn, version);
              if (policy.path("DefaultVersionId").asString("").equals(version)) {
                throw Iam.deleteConflict("Cannot delete the default version of a policy.");
              }
              return sql.update(
                  "DELETE FROM identity_policy_versions WHERE arn = ? AND version = ?",
                  arn,
                  version);
            });
    return Iam.object();
  }

  // --- who has it --------------------------------------------------------------------------------

  private ObjectNode listEntities(CallContext call, ObjectNode input) {
    String arn = Iam.text(input, "PolicyArn");
    String filter = input.path("EntityFilter").asString("All");
    String prefix = input.path("PathPrefix").asString("/");
    boolean boundary = input.path("PolicyUsageFilter").asString("").equals("PermissionsBoundary");
    record Entity(Iam.Kind kind, String name, String id) {}
    List<Entity> entities =
        iam.store()
            .read(
                sql -> {
                  node(sql, arn);
                  List<Entity> found = new ArrayList<>();
                  for (Iam.Kind kind : List.of(Iam.Kind.GROUP, Iam.Kind.USER, Iam.Kind.ROLE)) {
                    if (isAsked(filter, kind.title) && !(boundary && kind == Iam.Kind.GROUP)) {
                      String idColumn = kind.key() + "_id";
                      String condition =
                          boundary
                              ? "e.boundary = ?"
                              : "EXISTS (SELECT 1 FROM identity_attached_policies a WHERE"
                                  + " a.policy_arn = ? AND a.owner_kind = '"
                                  + kind.key()
                                  + "' AND a.owner_name = e."
                                  + kind.column
                                  + ")";
                      found.addAll(
                          sql.list(
                              "SELECT e."
                                  + kind.column
                                  + " AS name, e."
                                  + idColumn
                                  + " AS id FROM "
                                  + kind.table
                                  + " e WHERE "
                                  + condition
                                  + " AND substr(e.path, 1, length(?)) = ?",
                              row -> new Entity(kind, row.text("name"), row.text("id")),
                              arn,
                              prefix,
                              prefix));
                    }
                  }
                  return found;
                });
    ObjectNode page =
        Iam.page(
            input,
            "Entities",
            entities,
            e -> e.kind().ordinal() + e.name(),
            e ->
                Iam.object()
                    .put("kind", e.kind().title)
                    .put(e.kind().title + "Name", e.name())
                    .put(e.kind().title + "Id", e.id()));
    ObjectNode answer = Iam.object();
    for (String title : List.of("Group", "User", "Role")) {
      ArrayNode array = answer.putArray("Policy" + title + "s");
      page.path("Entities")
          .forEach(
              e -> {
                if (e.path("kind").asString("").equals(title)) {
                  array.add(((ObjectNode) e).without("kind"));
                }
              });
    }
    page.remove("Entities");
    answer.setAll(page);
    return answer;
  }

  private static boolean isAsked(String filter, String title) {
    return filter.equals(title) || !List.of("User", "Role", "Group").contains(filter);
  }

  // --- tags --------------------------------------------------------------------------------------

  private ObjectNode tag(CallContext call, ObjectNode input) {
    String arn = Iam.text(input, "PolicyArn");
    iam.store()
        .write(
            sql -> {
              requireOwn(sql, arn);
              IamTags.put(sql, TAG_KIND, arn, input.path("Tags"));
              return arn;
            });
    return Iam.object();
  }

  private ObjectNode untag(CallContext call, ObjectNode input) {
    String arn = Iam.text(input, "PolicyArn");
    iam.store()
        .write(
            sql -> {
              requireOwn(sql, arn);
              IamTags.remove(sql, TAG_KIND, arn, input.path("TagKeys"));
              return arn;
            });
    return Iam.object();
  }

  private ObjectNode listTags(CallContext call, ObjectNode input) {
    String arn = Iam.text(input, "PolicyArn");
    return iam.store()
        .read(
            sql -> {
              node(sql, arn);
              return IamTags.page(sql, TAG_KIND, arn, input);
            });
  }
}
