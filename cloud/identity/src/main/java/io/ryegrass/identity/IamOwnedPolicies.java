package io.ryegrass.identity;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.Sql;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ObjectNode;

/** What users, groups and roles have: inline policies and attached managed ones. */
final class IamOwnedPolicies {

  private static final int MAX_ATTACHED = 10;

  /** Characters without white space, of all inline policies together. */
  private static final Map<Iam.Kind, Integer> MAX_INLINE =
      Map.of(Iam.Kind.USER, 2048, Iam.Kind.ROLE, 10240, Iam.Kind.GROUP, 5120);

  private final Iam iam;

  IamOwnedPolicies(Iam iam) {
    this.iam = iam;
  }

  void register(ServiceOperations.Builder operations) {
    for (Iam.Kind owner : List.of(Iam.Kind.USER, Iam.Kind.ROLE, Iam.Kind.GROUP)) {
      String title = owner.title;
      operations
          .json("Put" + title + "Policy", (call, in) -> putInline(owner, in))
          .json("Get" + title + "Policy", (call, in) -> getInline(owner, in))
          .json("List" + title + "Policies", (call, in) -> listInline(owner, in))
          .json("Delete" + title + "Policy", (call, in) -> deleteInline(owner, in))
          .json("Attach" + title + "Policy", (call, in) -> attach(owner, in))
          .json("Detach" + title + "Policy", (call, in) -> detach(owner, in))
          .json("ListAttached" + title + "Policies", (call, in) -> listAttached(owner, in));
    }
  }

  // --- inline ------------------------------------------------------------------------------------

  private ObjectNode putInline(Iam.Kind owner, ObjectNode input) {
    String name = owner.name(input);
    String document = Iam.text(input, "PolicyDocument");
    iam.store().read(sql -> required(sql, owner, name));
    PolicyGrammar.identityPolicy(document);
    iam.store()
        .write(
            sql -> {
              owner.require(sql, name);
              iam.policies().changed();
              sql.update(
                  "INSERT INTO identity_inline_policies (owner_kind, owner_name, policy_name,"
                      + " document) VALUES (?, ?, ?, ?) ON CONFLICT (owner_kind, owner_name,"
                      + " policy_name) DO UPDATE SET document = excluded.document",
                  owner.key(),
                  name,
                  Iam.text(input, "PolicyName"),
                  document);
              int size =
                  inline(sql, owner.key(), name).values().stream()
                      .mapToInt(text -> text.replaceAll("\\s", "").length())
                      .sum();
              int max = MAX_INLINE.getOrDefault(owner, 2048);
              if (size > max) {
                throw new AwsException(
                    "LimitExceeded",
                    409,
                    "Maximum policy size of "
                        + max
                        + " bytes exceeded for "
                        + owner.key()
                        + " "
                        + name);
              }
              return size;
            });
    return Iam.object();
  }

  private static String required(Sql sql, Iam.Kind owner, String name) {
    owner.require(sql, name);
    return name;
  }

  private ObjectNode getInline(Iam.Kind owner, ObjectNode input) {
    String name = owner.name(input);
    String policy = Iam.text(input, "PolicyName");
    String document =
        iam.store()
            .read(
                sql -> {
                  owner.require(sql, name);
                  return inline(sql, owner.key(), name).get(policy);
                });
    if (document == null) {
      throw noInline(owner, policy);
    }
    return Iam.object()
        .put(owner.title + "Name", name)
        .put("PolicyName", policy)
        .put("PolicyDocument", Iam.encoded(document));
  }

  private ObjectNode listInline(Iam.Kind owner, ObjectNode input) {
    String name = owner.name(input);
    List<String> names =
        iam.store()
            .read(
                sql -> {
                  owner.require(sql, name);
                  return List.copyOf(inline(sql, owner.key(), name).keySet());
                });
    return Iam.page(
        input,
        "PolicyNames",
        names,
        n -> n,
        n -> tools.jackson.databind.node.JsonNodeFactory.instance.stringNode(n));
  }

  private ObjectNode deleteInline(Iam.Kind owner, ObjectNode input) {
    String policy = Iam.text(input, "PolicyName");
    iam.store()
        .write(
            sql -> {
              owner.require(sql, owner.name(input));
              iam.policies().changed();
              int deleted =
                  sql.update(
                      "DELETE FROM identity_inline_policies WHERE owner_kind = ? AND owner_name = ?"
                          + " AND policy_name = ?",
                      owner.key(),
                      owner.name(input),
                      policy);
              if (deleted == 0) {
                throw noInline(owner, policy);
              }
              return deleted;
            });
    return Iam.object();
  }

  private static AwsException noInline(Iam.Kind owner, String policy) {
    return Iam.noSuchEntity(
        "The " + owner.key() + " policy with name " + policy + " cannot be found.");
  }

  /** Name to document. */
  static Map<String, String> inline(Sql sql, String kind, String name) {
    Map<String, String> found = new java.util.TreeMap<>();
    sql.list(
            "SELECT policy_name, document FROM identity_inline_policies WHERE owner_kind = ? AND"
                + " owner_name = ?",
            row -> Map.entry(row.text("policy_name"), row.text("document")),
            kind,
            name)
        .forEach(e -> found.put(e.getKey(), e.getValue()));
    return found;
  }

  // --- attached ----------------------------------------------------------------------------------

  private ObjectNode attach(Iam.Kind owner, ObjectNode input) {
    String name = owner.name(input);
    String arn = Iam.text(input, "PolicyArn");
    iam.store()
        .write(
            sql -> {
              owner.require(sql, name);
              if (!IamManagedPolicies.exists(sql, arn)) {
                throw Iam.noSuchEntity("Policy " + arn + " does not exist or is not attachable.");
              }
              iam.policies().changed();
              sql.update(
                  "INSERT INTO identity_attached_policies (owner_kind, owner_name, policy_arn)"
                      + " VALUES (?, ?, ?) ON CONFLICT (owner_kind, owner_name, policy_arn) DO"
                      + " NOTHING",
                  owner.key(),
                  name,
                  arn);
              if (attached(sql, owner.key(), name).size() > MAX_ATTACHED) {
                throw Iam.limitExceeded("PoliciesPer" + owner.title + ": " + MAX_ATTACHED);
              }
              return name;
            });
    return Iam.object();
  }

  private ObjectNode detach(Iam.Kind owner, ObjectNode input) {
    String name = owner.name(input);
    String arn = Iam.text(input, "PolicyArn");
    iam.store()
        .write(
            sql -> {
              owner.require(sql, name);
              iam.policies().changed();
              int deleted =
                  sql.update(
                      "DELETE FROM identity_attached_policies WHERE owner_kind = ? AND owner_name"
                          + " = ? AND policy_arn = ?",
                      owner.key(),
                      name,
                      arn);
              if (deleted == 0) {
                throw Iam.noSuchEntity("Policy " + arn + " was not found.");
              }
              return deleted;
            });
    return Iam.object();
  }

  private ObjectNode listAttached(Iam.Kind owner, ObjectNode input) {
    String name = owner.name(input);
    String prefix = input.path("PathPrefix").asString("/");
    List<ObjectNode> all =
        iam.store()
            .read(
                sql -> {
                  owner.require(sql, name);
                  return attached(sql, owner.key(), name).stream()
                      .filter(arn -> arn.substring(arn.indexOf(":policy/") + 7).startsWith(prefix))
                      .map(IamOwnedPolicies::attachedNode)
                      .toList();
                });
    return Iam.page(
        input,
        "AttachedPolicies",
        all,
        p -> p.path("PolicyName").asString("") + " " + p.path("PolicyArn").asString(""),
        p -> p);
  }

  static ObjectNode attachedNode(String arn) {
    return Iam.object()
        .put("PolicyName", arn.substring(arn.lastIndexOf('/') + 1))
        .put("PolicyArn", arn);
  }

  static List<String> attached(Sql sql, String kind, String name) {
    return sql.list(
        "SELECT policy_arn FROM identity_attached_policies WHERE owner_kind = ? AND owner_name = ?",
        row -> row.text("policy_arn"),
        kind,
        name);
  }

  // --- for owners --------------------------------------------------------------------------------

  /** Whoever is to be deleted must have no policies. */
  static void requireNone(Sql sql, String kind, String name) {
    if (!attached(sql, kind, name).isEmpty()) {
      throw Iam.deleteConflict("Cannot delete entity, must detach all policies first.");
    }
    if (!inline(sql, kind, name).isEmpty()) {
      throw Iam.deleteConflict("Cannot delete entity, must delete policies first.");
    }
  }

  static void rename(Sql sql, String kind, String name, String next) {
    for (String table :
        List.of("identity_inline_policies", "identity_attached_policies", "identity_tags")) {
      sql.update(
          "UPDATE " + table + " SET owner_name = ? WHERE owner_kind = ? AND owner_name = ?",
          next,
          kind,
          name);
    }
  }
}
