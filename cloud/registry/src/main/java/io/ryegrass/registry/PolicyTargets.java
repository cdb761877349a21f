package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import tools.jackson.databind.node.ObjectNode;

/** What policies are attached to: certificates and static thing groups. */
final class PolicyTargets {
  private static final int MAX_OF_CERTIFICATE = 10;
  private static final int MAX_OF_GROUP = 2;

  private final CloudStore store;
  private final Registry registry;
  private final IotPolicies policies;

  PolicyTargets(CloudStore store, Registry registry, IotPolicies policies) {
    this.store = store;
    this.registry = registry;
    this.policies = policies;
  }

  /** The names by which AWS deprecated four of the operations serve as before. */
  void serve(ServiceOperations.Builder iot) {
    iot.json("AttachPolicy", (call, in) -> attach(in, "target"))
        .json("DetachPolicy", (call, in) -> detach(in, "target"))
        .json("AttachPrincipalPolicy", (call, in) -> attach(in, "principal"))
        .json("DetachPrincipalPolicy", (call, in) -> detach(in, "principal"))
        .json("ListAttachedPolicies", this::attached)
        .json("ListPrincipalPolicies", this::ofPrincipal)
        .json("ListTargetsForPolicy", this::targets)
        .json("ListPolicyPrincipals", this::principals);
  }

  /** Names of the policies attached to an ARN itself. */
  static List<String> of(Sql sql, String target) {
    return sql.list(
        "SELECT policy FROM iot_policy_targets WHERE target = ? ORDER BY policy LIMIT 1000",
        row -> row.text("policy"),
        target);
  }

  private ObjectNode attach(ObjectNode in, String member) {
    String name = text(in, "policyName");
    String target = text(in, member);
    return change(
        target,
        sql -> {
          IotPolicies.require(sql, name);
          int most = known(sql, target);
          List<String> before = of(sql, target);
          if (!before.contains(name)) {
            if (before.size() >= most) {
              throw Answers.limit(
                  "At most " + most + " policies can be attached to " + target + "; detach one");
            }
            sql.update(
                "INSERT INTO iot_policy_targets (policy, target) VALUES (?, ?)", name, target);
          }
          return Answers.object();
        });
  }

  private ObjectNode change(String target, Function<Sql, ObjectNode> change) {
    String certificates = registry.certArn("");
    return target.startsWith(certificates)
        ? registry.change(target.substring(certificates.length()), change)
        : registry.change(change);
  }

  /** How many policies a target may have; refused when it is none. */
  private int known(Sql sql, String target) {
    String certificate = registry.certArn("");
    String group = registry.thingGroupArn("");
    if (target.startsWith(certificate)) {
      if (Certificates.find(sql, target.substring(certificate.length())).isEmpty()) {
        throw Answers.missing("No certificate with ARN " + target + " exists");
      }
      return MAX_OF_CERTIFICATE;
    }
    if (target.startsWith(group)) {
      ThingGroups.Group found =
          ThingGroups.find(sql, target.substring(group.length()))
              .orElseThrow(() -> Answers.missing("No thing group with ARN " + target + " exists"));
      if (found.query() != null) {
        throw Answers.invalid("Policies cannot be attached to dynamic thing groups: " + target);
      }
      return MAX_OF_GROUP;
    }
    throw Answers.missing(
        "Policy target not found: " + target + "; give the ARN of a certificate or a thing group");
  }

  private ObjectNode detach(ObjectNode in, String member) {
    String name = text(in, "policyName");
    String target = text(in, member);
    return change(
        target,
        sql -> {
          IotPolicies.require(sql, name);
          if (sql.update(
                  "DELETE FROM iot_policy_targets WHERE policy = ? AND target = ?", name, target)
              == 0) {
            throw Answers.missing("Policy " + name + " is not attached to " + target);
          }
          return Answers.object();
        });
  }

  /** With {@code recursive} those of a group's parents, too. */
  private ObjectNode attached(CallContext call, ObjectNode in) {
    String target = text(in, "target");
    String group = registry.thingGroupArn("");
    Set<String> names = new TreeSet<>();
    store.read(
        sql -> {
          known(sql, target);
          names.addAll(of(sql, target));
          if (in.path("recursive").asBoolean(false) && target.startsWith(group)) {
            ThingGroups.parents(sql, ThingGroups.require(sql, target.substring(group.length())))
                .forEach(p -> names.addAll(of(sql, registry.thingGroupArn(p.name()))));
          }
          return names.size();
        });
    return policies.page(in, "policies", List.copyOf(names));
  }

  private ObjectNode ofPrincipal(CallContext call, ObjectNode in) {
    List<String> names = store.read(sql -> of(sql, text(in, "principal")));
    return policies.page(in, "policies", names);
  }

  private List<String> targets(String policy) {
    return store.read(
        sql -> {
          if (sql.count("SELECT COUNT(*) AS n FROM iot_policies WHERE name = ?", policy) == 0) {
            throw Answers.missing("Policy not found");
          }
          return sql.list(
              "SELECT target FROM iot_policy_targets WHERE policy = ? ORDER BY target"
                  + " LIMIT 100000",
              row -> row.text("target"),
              policy);
        });
  }

  private ObjectNode targets(CallContext call, ObjectNode in) {
    return Answers.page(in, Answers.Paging.MARKED, "targets", targets(text(in, "policyName")));
  }

  private ObjectNode principals(CallContext call, ObjectNode in) {
    Set<String> certificates = new LinkedHashSet<>(targets(text(in, "policyName")));
    certificates.removeIf(t -> !t.startsWith(registry.certArn("")));
    return Answers.page(in, Answers.Paging.MARKED, "principals", List.copyOf(certificates));
  }
}
