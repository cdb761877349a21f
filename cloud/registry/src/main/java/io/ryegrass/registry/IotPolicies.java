package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.policy.PolicyException;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** IoT policies and their versions. */
final class IotPolicies {
  private static final int MAX_VERSIONS = 5;

  /** Characters of a document, white space not counted (CreatePolicy, {@code policyDocument}). */
  private static final int MAX_LENGTH = 2048;

  private final CloudStore store;
  private final Registry registry;
  private final Clock clock;

  IotPolicies(CloudStore store, Registry registry, Clock clock) {
    this.store = store;
    this.registry = registry;
    this.clock = clock;
  }

  private record Version(
      String policy, long number, String document, boolean isDefault, long created) {
    static Version of(Row row) {
      return new Version(
          row.text("policy"),
          row.number("version"),
          row.text("document"),
          row.flag("is_default"),
          row.number("created"));
    }
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("CreatePolicy", this::create)
        .json("GetPolicy", this::get)
        .json("ListPolicies", this::list)
        .json("DeletePolicy", this::delete)
        .json("CreatePolicyVersion", this::createVersion)
        .json("GetPolicyVersion", this::getVersion)
        .json("ListPolicyVersions", this::listVersions)
        .json("SetDefaultPolicyVersion", this::setDefault)
        .json("DeletePolicyVersion", this::deleteVersion);
  }

  /** Documents in force for a target: a certificate's or a thing group's ARN. */
  static List<String> documents(Sql sql, String target) {
    return sql.list(
        "SELECT v.document FROM iot_policy_targets t JOIN iot_policy_versions v"
            + " ON v.policy = t.policy AND v.is_default = 1 WHERE t.target = ? ORDER BY v.policy"
            + " LIMIT 100",
        row -> row.text("document"),
        target);
  }

  /** The document in force of a policy. */
  static String document(Sql sql, String policy) {
    return versions(sql, policy).stream()
        .filter(Version::isDefault)
        .findFirst()
        .orElseThrow()
        .document();
  }

  static void require(Sql sql, String policy) {
    versions(sql, policy);
  }

  private static List<Version> versions(Sql sql, String policy) {
    List<Version> versions =
        sql.list(
            "SELECT * FROM iot_policy_versions WHERE policy = ? ORDER BY version LIMIT 100",
            Version::of,
            policy);
    if (versions.isEmpty()) {
      throw Answers.missing("Policy not found (name=" + policy + ")");
    }
    return versions;
  }

  private static Version version(Sql sql, String policy, String number) {
    return versions(sql, policy).stream()
        .filter(v -> Long.toString(v.number()).equals(number))
        .findFirst()
        .orElseThrow(() -> Answers.missing("Policy " + policy + " has no version " + number));
  }

  private static void check(String document) {
    long length = document.chars().filter(c -> !Character.isWhitespace(c)).count();
    if (length > MAX_LENGTH) {
      throw new AwsException(
          "MalformedPolicyException",
          400,
          "Policy cannot be created - size exceeds hard limit (" + MAX_LENGTH + ")");
    }
    try {
      PolicyDocument.parse(document);
    } catch (PolicyException e) {
      throw new AwsException("MalformedPolicyException", 400, String.valueOf(e.getMessage()));
    }
  }

  private ObjectNode create(CallContext call, ObjectNode in) {
    String name = text(in, "policyName");
    String document = text(in, "policyDocument");
    return registry.change(
        sql -> {
          if (sql.count("SELECT COUNT(*) AS n FROM iot_policies WHERE name = ?", name) > 0) {
            throw Answers.exists(
                "Policy cannot be created - name already exists (name=" + name + ")",
                name,
                arn(name));
          }
          create(sql, name, document);
          RegistryTags.put(sql, arn(name), in.path("tags"));
          return described(name, document).put("policyVersionId", "1");
        });
  }

  /** A new policy with one version. */
  void create(Sql sql, String name, String document) {
    check(document);
    sql.update(
        "INSERT INTO iot_policies (name, next_version, created) VALUES (?, 2, ?)",
        name,
        clock.instant());
    insert(sql, name, 1, document, true);
  }

  private void insert(Sql sql, String policy, long number, String document, boolean isDefault) {
    sql.update(
        "INSERT INTO iot_policy_versions (policy, version, document, is_default, created)"
            + " VALUES (?, ?, ?, ?, ?)",
        policy,
        number,
        document,
        isDefault,
        clock.instant());
  }

  private ObjectNode described(String name, String document) {
    return Answers.object()
        .put("policyName", name)
        .put("policyArn", arn(name))
        .put("policyDocument", document);
  }

  private ObjectNode get(CallContext call, ObjectNode in) {
    String name = text(in, "policyName");
    List<Version> versions = store.read(sql -> versions(sql, name));
    Version current = versions.stream().filter(Version::isDefault).findFirst().orElseThrow();
    return described(name, current.document())
        .put("defaultVersionId", Long.toString(current.number()))
        .put("creationDate", versions.getFirst().created() / 1000.0)
        .put("lastModifiedDate", versions.getLast().created() / 1000.0);
  }

  private ObjectNode list(CallContext call, ObjectNode in) {
    List<String> names =
        store.read(
            sql ->
                sql.list(
                    "SELECT name FROM iot_policies ORDER BY name LIMIT 10000",
                    row -> row.text("name")));
    return page(in, "policies", names);
  }

  /** Names of policies with their ARNs, page by page; {@code ascendingOrder} says how. */
  ObjectNode page(ObjectNode in, String member, List<String> names) {
    return Answers.page(
        in,
        Answers.Paging.MARKED,
        member,
        names,
        n -> n,
        false,
        (n, out) -> out.addObject().put("policyName", n).put("policyArn", arn(n)));
  }

  private ObjectNode delete(CallContext call, ObjectNode in) {
    String name = text(in, "policyName");
    return registry.change(
        sql -> {
          List<Version> versions = versions(sql, name);
          if (versions.size() > 1) {
            throw Answers.conflict(
                "DeleteConflictException",
                "Cannot delete the policy because it has one or more policy versions attached to"
                    + " it (name="
                    + name
                    + ")");
          }
          if (sql.count("SELECT COUNT(*) AS n FROM iot_policy_targets WHERE policy = ?", name)
              > 0) {
            throw Answers.conflict(
                "DeleteConflictException",
                "The policy cannot be deleted as the policy is attached to one or more principals"
                    + " (name="
                    + name
                    + ")");
          }
          sql.update("DELETE FROM iot_policy_versions WHERE policy = ?", name);
          sql.update("DELETE FROM iot_policies WHERE name = ?", name);
          RegistryTags.deleteAll(sql, arn(name));
          return Answers.object();
        });
  }

  private ObjectNode createVersion(CallContext call, ObjectNode in) {
    String name = text(in, "policyName");
    String document = text(in, "policyDocument");
    boolean isDefault = in.path("setAsDefault").asBoolean(false);
    check(document);
    return registry.change(
        sql -> {
          if (versions(sql, name).size() >= MAX_VERSIONS) {
            throw Answers.conflict(
                "VersionsLimitExceededException",
                "The policy "
                    + name
                    + " already has the maximum number of versions ("
                    + MAX_VERSIONS
                    + ")");
          }
          long number =
              sql.count("SELECT next_version AS n FROM iot_policies WHERE name = ?", name);
          sql.update("UPDATE iot_policies SET next_version = ? WHERE name = ?", number + 1, name);
          if (isDefault) {
            sql.update("UPDATE iot_policy_versions SET is_default = 0 WHERE policy = ?", name);
          }
          insert(sql, name, number, document, isDefault);
          ObjectNode out = Answers.object();
          out.put("policyArn", arn(name)).put("policyDocument", document);
          return out.put("policyVersionId", Long.toString(number))
              .put("isDefaultVersion", isDefault);
        });
  }

  private ObjectNode getVersion(CallContext call, ObjectNode in) {
    String name = text(in, "policyName");
    Version version = store.read(sql -> version(sql, name, text(in, "policyVersionId")));
    return described(name, version.document())
        .put("policyVersionId", Long.toString(version.number()))
        .put("isDefaultVersion", version.isDefault())
        .put("creationDate", version.created() / 1000.0)
        .put("lastModifiedDate", version.created() / 1000.0);
  }

  private ObjectNode listVersions(CallContext call, ObjectNode in) {
    ObjectNode out = Answers.object();
    var list = out.putArray("policyVersions");
    store
        .read(sql -> versions(sql, text(in, "policyName")))
        .reversed()
        .forEach(
            v ->
                list.addObject()
                    .put("versionId", Long.toString(v.number()))
                    .put("isDefaultVersion", v.isDefault())
                    .put("createDate", v.created() / 1000.0));
    return out;
  }

  private ObjectNode setDefault(CallContext call, ObjectNode in) {
    String name = text(in, "policyName");
    return registry.change(
        sql -> {
          Version version = version(sql, name, text(in, "policyVersionId"));
          sql.update("UPDATE iot_policy_versions SET is_default = 0 WHERE policy = ?", name);
          sql.update(
              "UPDATE iot_policy_versions SET is_default = 1 WHERE policy = ? AND version = ?",
              name,
              version.number());
          return Answers.object();
        });
  }

  private ObjectNode deleteVersion(CallContext call, ObjectNode in) {
    String name = text(in, "policyName");
    return registry.change(
        sql -> {
          Version version = version(sql, name, text(in, "policyVersionId"));
          if (version.isDefault()) {
            throw Answers.invalid("Cannot delete the default version of a policy");
          }
          sql.update(
              "DELETE FROM iot_policy_versions WHERE policy = ? AND version = ?",
              name,
              version.number());
          return Answers.object();
        });
  }

  String arn(String policy) {
    return registry.arn("policy/" + policy);
  }
}
