package io.ryegrass.identity;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** IAM's policies: managed ones with versions, inline ones, and attachments to users and roles. */
final class IamPolicyOperations {
  private static final int MAX_VERSIONS = 5;

  private final CloudStore store;
  private final Policies policies;
  private final RandomIds ids;
  private final String accountId;
  private final Clock clock;

  IamPolicyOperations(
      CloudStore store, Policies policies, RandomIds ids, String accountId, Clock clock) {
    this.store = store;
    this.policies = policies;
    this.ids = ids;
    this.accountId = accountId;
    this.clock = clock;
  }

  void register(ServiceOperations.Builder iam) {
    iam.json("CreatePolicy", this::createPolicy)
        .json("GetPolicy", this::getPolicy)
        .json("ListPolicies", this::listPolicies)
        .json("DeletePolicy", this::deletePolicy)
        .json("CreatePolicyVersion", this::createPolicyVersion)
        .json("GetPolicyVersion", this::getPolicyVersion);
    for (String owner : List.of("Role", "User")) {
      iam.json("Put" + owner + "Policy", (call, in) -> putInline(owner, in))
          .json("Get" + owner + "Policy", (call, in) -> getInline(owner, in))
          .json("List" + owner + "Policies", (call, in) -> listInline(owner, in))
          .json("Delete" + owner + "Policy", (call, in) -> deleteInline(owner, in))
          .json("Attach" + owner + "Policy", (call, in) -> attach(owner, in))
          .json("Detach" + owner + "Policy", (call, in) -> detach(owner, in))
          .json("ListAttached" + owner + "Policies", (call, in) -> listAttached(owner, in));
    }
  }

  // --- managed policies ------------------------------------------------------------------------

  private ObjectNode createPolicy(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "PolicyName");
    String path = input.path("Path").asString("/");
    String document = Iam.checkedDocument(Iam.text(input, "PolicyDocument"));
    String arn = "arn:aws:iam::" + accountId + ":policy" + path + name;
    Instant now = clock.instant();
    return store.write(
        sql -> {
          if (sql.count("SELECT count(*) AS n FROM identity_policies WHERE arn = ?", arn) > 0) {
            throw Iam.alreadyExists(
                "A policy called " + name + " already exists. Duplicate names are not allowed.");
          }
          sql.update(
              "INSERT INTO identity_policies (arn, policy_name, policy_id, path, description,"
                  + " default_version, last_version, created) VALUES (?, ?, ?, ?, ?, 'v1', 1, ?)",
              arn,
              name,
              ids.id("ANPA"),
              path,
              Iam.textOrNull(input, "Description"),
              now);
          insertVersion(sql, arn, "v1", document, now);
          return policy(sql, arn);
        });
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

  private ObjectNode getPolicy(CallContext call, ObjectNode input) {
    return store.read(sql -> policy(sql, Iam.text(input, "PolicyArn")));
  }

  private static ObjectNode policy(Sql sql, String arn) {
    ObjectNode answer = Iam.object();
    if (ManagedPolicies.find(arn).isPresent()) {
      String name = arn.substring(arn.lastIndexOf('/') + 1);
      answer
          .putObject("Policy")
          .put("PolicyName", name)
          .put("Arn", arn)
          .put("DefaultVersionId", "v1")
          .put("IsAttachable", true);
      return answer;
    }
    answer.set(
        "Policy",
        sql.one(SELECT + " WHERE p.arn = ?", IamPolicyOperations::policyNode, arn)
            .orElseThrow(() -> noPolicy(arn)));
    return answer;
  }

  private static final String SELECT =
      "SELECT p.*, (SELECT count(*) FROM identity_attached_policies a WHERE a.policy_arn = p.arn) AS"
          + " attachments FROM identity_policies p";

  private static ObjectNode policyNode(Row row) {
    ObjectNode policy =
        Iam.object()
            .put("PolicyName", row.text("policy_name"))
            .put("PolicyId", row.text("policy_id"))
            .put("Arn", row.text("arn"))
            .put("Path", row.text("path"))
            .put("DefaultVersionId", row.text("default_version"))
            .put("AttachmentCount", row.number("attachments"))
            .put("IsAttachable", true)
            .put("CreateDate", row.instant("created").getEpochSecond())
            .put("UpdateDate", row.instant("created").getEpochSecond());
    String description = row.textOrNull("description");
    return description == null ? policy : policy.put("Description", description);
  }

  private ObjectNode listPolicies(CallContext call, ObjectNode input) {
    return Iam.page(
        "Policies",
        store.read(
            sql -> sql.list(SELECT + " ORDER BY p.policy_name", IamPolicyOperations::policyNode)));
  }

  private ObjectNode deletePolicy(CallContext call, ObjectNode input) {
    String arn = Iam.text(input, "PolicyArn");
    store.write(
        sql -> {
          policy(sql, arn);
          if (sql.count(
                  "SELECT count(*) AS n FROM identity_attached_policies WHERE policy_arn = ?", arn)
              > 0) {
            throw Iam.deleteConflict("Cannot delete a policy attached to entities.");
          }
          sql.update("DELETE FROM identity_policy_versions WHERE arn = ?", arn);
          return sql.update("DELETE FROM identity_policies WHERE arn = ?", arn);
        });
    return Iam.object();
  }

  private ObjectNode createPolicyVersion(CallContext call, ObjectNode input) {
    String arn = Iam.text(input, "PolicyArn");
    String document = Iam.checkedDocument(Iam.text(input, "PolicyDocument"));
    boolean makeDefault = input.path("SetAsDefault").asBoolean(false);
    Instant now = clock.instant();
    return store.write(
        sql -> {
          long last =
              sql.one(
                      "SELECT last_version FROM identity_policies WHERE arn = ?",
                      row -> row.number("last_version"),
                      arn)
                  .orElseThrow(() -> noPolicy(arn));
          if (sql.count("SELECT count(*) AS n FROM identity_policy_versions WHERE arn = ?", arn)
              >= MAX_VERSIONS) {
            throw new AwsException(
                "LimitExceeded",
                409,
                "A managed policy can have up to 5 versions. Before you create a new version, you"
                    + " must delete an existing version.");
          }
          String version = "v" + (last + 1);
          insertVersion(sql, arn, version, document, now);
          sql.update(
              "UPDATE identity_policies SET last_version = ?"
                  + (makeDefault ? ", default_version = '" + version + "'" : "")
                  + " WHERE arn = ?",
              last + 1,
              arn);
          policies.changed();
          ObjectNode answer = Iam.object();
          answer
              .putObject("PolicyVersion")
              .put("VersionId", version)
              .put("IsDefaultVersion", makeDefault)
              .put("CreateDate", now.getEpochSecond());
          return answer;
        });
  }

  private ObjectNode getPolicyVersion(CallContext call, ObjectNode input) {
    String arn = Iam.text(input, "PolicyArn");
    String version = Iam.text(input, "VersionId");
    ObjectNode answer = Iam.object();
    String managed = ManagedPolicies.find(arn).orElse(null);
    if (managed != null) {
      answer
          .putObject("PolicyVersion")
          .put("Document", Iam.encoded(managed))
          .put("VersionId", "v1")
          .put("IsDefaultVersion", true);
      return answer;
    }
    answer.set(
        "PolicyVersion",
        store.read(
            sql ->
                sql.one(
                        "SELECT v.*, p.default_version FROM identity_policy_versions v JOIN"
                            + " identity_policies p ON p.arn = v.arn WHERE v.arn = ? AND v.version"
                            + " = ?",
                        row ->
                            Iam.object()
                                .put("Document", Iam.encoded(row.text("document")))
                                .put("VersionId", version)
                                .put(
                                    "IsDefaultVersion", version.equals(row.text("default_version")))
                                .put("CreateDate", row.instant("created").getEpochSecond()),
                        arn,
                        version)
                    .orElseThrow(() -> noPolicy(arn + " " + version))));
    return answer;
  }

  // --- inline policies -------------------------------------------------------------------------

  private ObjectNode putInline(String owner, ObjectNode input) {
    String name = Iam.text(input, owner + "Name");
    String document = Iam.checkedDocument(Iam.text(input, "PolicyDocument"));
    store.write(
        sql -> {
          requireOwner(sql, owner, name);
          policies.changed();
          return sql.update(
              "INSERT INTO identity_inline_policies (owner_kind, owner_name, policy_name, document)"
                  + " VALUES (?, ?, ?, ?) ON CONFLICT (owner_kind, owner_name, policy_name) DO"
                  + " UPDATE SET document = excluded.document",
              kind(owner),
              name,
              Iam.text(input, "PolicyName"),
              document);
        });
    return Iam.object();
  }

  private ObjectNode getInline(String owner, ObjectNode input) {
    String name = Iam.text(input, owner + "Name");
    String policy = Iam.text(input, "PolicyName");
    String document =
        store.read(
            sql ->
                sql.one(
                        "SELECT document FROM identity_inline_policies WHERE owner_kind = ? AND"
                            + " owner_name = ? AND policy_name = ?",
                        row -> row.text("document"),
                        kind(owner),
                        name,
                        policy)
                    .orElseThrow(() -> noInline(owner, policy)));
    return Iam.object()
        .put(owner + "Name", name)
        .put("PolicyName", policy)
        .put("PolicyDocument", Iam.encoded(document));
  }

  private ObjectNode listInline(String owner, ObjectNode input) {
    String name = Iam.text(input, owner + "Name");
    ObjectNode answer = Iam.object().put("IsTruncated", false);
    ArrayNode names = answer.putArray("PolicyNames");
    store
        .read(
            sql -> {
              requireOwner(sql, owner, name);
              return sql.list(
                  "SELECT policy_name FROM identity_inline_policies WHERE owner_kind = ? AND"
                      + " owner_name = ? ORDER BY policy_name",
                  row -> row.text("policy_name"),
                  kind(owner),
                  name);
            })
        .forEach(names::add);
    return answer;
  }

  private ObjectNode deleteInline(String owner, ObjectNode input) {
    String policy = Iam.text(input, "PolicyName");
    store.write(
        sql -> {
          policies.changed();
          int deleted =
              sql.update(
                  "DELETE FROM identity_inline_policies WHERE owner_kind = ? AND owner_name = ? AND"
                      + " policy_name = ?",
                  kind(owner),
                  Iam.text(input, owner + "Name"),
                  policy);
          if (deleted == 0) {
            throw noInline(owner, policy);
          }
          return deleted;
        });
    return Iam.object();
  }

  // --- attachments -----------------------------------------------------------------------------

  private ObjectNode attach(String owner, ObjectNode input) {
    String name = Iam.text(input, owner + "Name");
    String arn = Iam.text(input, "PolicyArn");
    store.write(
        sql -> {
          requireOwner(sql, owner, name);
          policy(sql, arn);
          policies.changed();
          return sql.update(
              "INSERT INTO identity_attached_policies (owner_kind, owner_name, policy_arn) VALUES"
                  + " (?, ?, ?) ON CONFLICT (owner_kind, owner_name, policy_arn) DO NOTHING",
              kind(owner),
              name,
              arn);
        });
    return Iam.object();
  }

  private ObjectNode detach(String owner, ObjectNode input) {
    String arn = Iam.text(input, "PolicyArn");
    store.write(
        sql -> {
          policies.changed();
          int deleted =
              sql.update(
                  "DELETE FROM identity_attached_policies WHERE owner_kind = ? AND owner_name = ?"
                      + " AND policy_arn = ?",
                  kind(owner),
                  Iam.text(input, owner + "Name"),
                  arn);
          if (deleted == 0) {
            throw Iam.noSuchEntity("Policy " + arn + " was not found.");
          }
          return deleted;
        });
    return Iam.object();
  }

  private ObjectNode listAttached(String owner, ObjectNode input) {
    String name = Iam.text(input, owner + "Name");
    return Iam.page(
        "AttachedPolicies",
        store.read(
            sql -> {
              requireOwner(sql, owner, name);
              return sql.list(
                  "SELECT policy_arn FROM identity_attached_policies WHERE owner_kind = ? AND"
                      + " owner_name = ? ORDER BY policy_arn",
                  row -> {
                    String arn = row.text("policy_arn");
                    return Iam.object()
                        .put("PolicyName", arn.substring(arn.lastIndexOf('/') + 1))
                        .put("PolicyArn", arn);
                  },
                  kind(owner),
                  name);
            }));
  }

  private static String kind(String owner) {
    return owner.equals("Role") ? "role" : "user";
  }

  private static void requireOwner(Sql sql, String owner, String name) {
    String kind = kind(owner);
    if (sql.count(
            "SELECT count(*) AS n FROM identity_" + kind + "s WHERE " + kind + "_name = ?", name)
        == 0) {
      throw Iam.noSuchEntity("The " + kind + " with name " + name + " cannot be found.");
    }
  }

  private static AwsException noPolicy(String arn) {
    return Iam.noSuchEntity("Policy " + arn + " does not exist or is not attachable.");
  }

  private static AwsException noInline(String owner, String policy) {
    return Iam.noSuchEntity(
        "The " + kind(owner) + " policy with name " + policy + " cannot be found.");
  }
}
