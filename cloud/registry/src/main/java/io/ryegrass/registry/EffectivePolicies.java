package io.ryegrass.registry;

import static io.ryegrass.registry.Answers.text;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.policy.PolicyEvaluator;
import io.ryegrass.policy.PolicyEvaluator.Decision;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Which policies count for a device, and what they would decide, for the operator who asks. */
final class EffectivePolicies {
  private final CloudStore store;
  private final Registry registry;
  private final IotPolicies policies;
  private final DeviceAuthority authority;

  EffectivePolicies(
      CloudStore store, Registry registry, IotPolicies policies, DeviceAuthority authority) {
    this.store = store;
    this.registry = registry;
    this.policies = policies;
    this.authority = authority;
  }

  void serve(ServiceOperations.Builder iot) {
    iot.json("GetEffectivePolicies", this::effective).json("TestAuthorization", this::test);
  }

  /** Names of the policies of a principal and of a thing's groups with their parents. */
  private Set<String> names(Sql sql, String principal, String thing) {
    Set<String> names = new LinkedHashSet<>(PolicyTargets.of(sql, principal));
    if (!thing.isEmpty()) {
      for (String group : GroupMembers.groupsOf(sql, ThingRecords.require(sql, thing).name())) {
        names.addAll(PolicyTargets.of(sql, registry.thingGroupArn(group)));
        ThingGroups.parents(sql, ThingGroups.require(sql, group))
            .forEach(p -> names.addAll(PolicyTargets.of(sql, registry.thingGroupArn(p.name()))));
      }
    }
    return names;
  }

  private void checkPrincipal(Sql sql, String principal) {
    String prefix = registry.certArn("");
    if (principal.startsWith(prefix)) {
      Certificates.require(sql, principal.substring(prefix.length()));
    } else if (!principal.isEmpty()) {
      throw Answers.invalid("'principal' must be the ARN of a certificate, not " + principal);
    }
  }

  private ObjectNode effective(CallContext call, ObjectNode in) {
    String principal = text(in, "principal");
    String thing = text(in, "thingName");
    if (principal.isEmpty() && thing.isEmpty()) {
      throw Answers.invalid("Give a 'principal', a 'thingName', or both");
    }
    ObjectNode out = Answers.object();
    ArrayNode list = out.putArray("effectivePolicies");
    return store.read(
        sql -> {
          checkPrincipal(sql, principal);
          for (String name : names(sql, principal, thing)) {
            list.addObject()
                .put("policyName", name)
                .put("policyArn", policies.arn(name))
                .put("policyDocument", IotPolicies.document(sql, name));
          }
          return out;
        });
  }

  private ObjectNode test(CallContext call, ObjectNode in) {
    String principal = text(in, "principal");
    String client = text(in, "clientId");
    return store.read(
        sql -> {
          checkPrincipal(sql, principal);
          boolean registered = ThingRecords.find(sql, client).isPresent();
          Set<String> names = names(sql, principal, registered ? client : "");
          in.path("policyNamesToAdd").forEach(n -> names.add(n.asString("")));
          in.path("policyNamesToSkip").forEach(n -> names.remove(n.asString("")));
          Map<String, PolicyDocument> documents = new LinkedHashMap<>();
          for (String name : names) {
            documents.put(name, PolicyDocument.parse(IotPolicies.document(sql, name)));
          }
          DeviceAuthority.Facts facts = authority.facts(sql, certificate(principal), client);
          ObjectNode out = Answers.object();
          ArrayNode results = out.putArray("authResults");
          in.path("authInfos").forEach(info -> write(info, documents, facts, results.addObject()));
          return out;
        });
  }

  private String certificate(String principal) {
    return principal.isEmpty() ? "" : principal.substring(registry.certArn("").length());
  }

  private void write(
      JsonNode info,
      Map<String, PolicyDocument> documents,
      DeviceAuthority.Facts facts,
      ObjectNode result) {
    result.set("authInfo", info);
    Set<String> allowing = new LinkedHashSet<>();
    Set<String> denying = new LinkedHashSet<>();
    boolean all = true;
    for (JsonNode resource : info.path("resources")) {
      boolean allowed = false;
      for (Map.Entry<String, PolicyDocument> one : documents.entrySet()) {
        Decision decision =
            PolicyEvaluator.evaluate(
                List.of(one.getValue()),
                action(info.path("actionType").asString("")),
                resource.asString(""),
                facts.texts(),
                facts.lists());
        if (decision == Decision.ALLOW) {
          allowing.add(one.getKey());
          allowed = true;
        } else if (decision == Decision.DENY_EXPLICIT) {
          denying.add(one.getKey());
        }
      }
      all &= allowed;
    }
    list(allowing, result.putObject("allowed"));
    ObjectNode denied = result.putObject("denied");
    Set<String> silent = new LinkedHashSet<>(documents.keySet());
    silent.removeAll(allowing);
    silent.removeAll(denying);
    list(silent, denied.putObject("implicitDeny"));
    list(denying, denied.putObject("explicitDeny"));
    result.put(
        "authDecision", !denying.isEmpty() ? "EXPLICIT_DENY" : all ? "ALLOWED" : "IMPLICIT_DENY");
    result.putArray("missingContextValues");
  }

  private void list(Set<String> names, ObjectNode to) {
    ArrayNode list = to.putArray("policies");
    names.forEach(n -> list.addObject().put("policyName", n).put("policyArn", policies.arn(n)));
  }

  private static String action(String type) {
    return switch (type) {
      case "PUBLISH" -> "iot:Publish";
      case "SUBSCRIBE" -> "iot:Subscribe";
      case "RECEIVE" -> "iot:Receive";
      case "CONNECT" -> "iot:Connect";
      default -> throw Answers.invalid("'actionType' must not be '" + type + "'");
    };
  }
}
