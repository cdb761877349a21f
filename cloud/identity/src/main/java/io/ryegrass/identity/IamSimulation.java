package io.ryegrass.identity;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.policy.PolicyEvaluator;
import io.ryegrass.policy.PolicyEvaluator.Decision;
import io.ryegrass.policy.PolicyException;
import io.ryegrass.store.Sql;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The policy simulator: the evaluator that decides calls, asked about calls nobody makes. */
final class IamSimulation {

  /** A policy with the name that results call it by. */
  private record Source(String id, String type, PolicyDocument document) {}

  private final Iam iam;

  IamSimulation(Iam iam) {
    this.iam = iam;
  }

  void register(ServiceOperations.Builder operations) {
    operations
        .json("SimulateCustomPolicy", this::simulateCustom)
        .json("SimulatePrincipalPolicy", this::simulatePrincipal)
        .json("GetContextKeysForCustomPolicy", this::contextKeysOfCustom)
        .json("GetContextKeysForPrincipalPolicy", this::contextKeysOfPrincipal);
  }

  private ObjectNode simulateCustom(CallContext call, ObjectNode input) {
    return simulate(input, given(input), boundary(input, null), Iam.text(input, "CallerArn"));
  }

  private ObjectNode simulatePrincipal(CallContext call, ObjectNode input) {
    String arn = Iam.text(input, "PolicySourceArn");
    List<Source> sources = new ArrayList<>(ofPrincipal(arn));
    sources.addAll(given(input));
    Policies.Owned owned = owned(arn);
    return simulate(
        input, sources, boundary(input, owned.boundary()), input.path("CallerArn").asString(arn));
  }

  private ObjectNode simulate(
      ObjectNode input, List<Source> sources, @Nullable PolicyDocument boundary, String caller) {
    Map<String, String> variables = new HashMap<>();
    Map<String, List<String>> lists = new HashMap<>();
    for (JsonNode entry : input.path("ContextEntries")) {
      List<String> values = new ArrayList<>();
      entry.path("ContextKeyValues").forEach(v -> values.add(v.asString("")));
      String key = entry.path("ContextKeyName").asString("");
      if (entry.path("ContextKeyType").asString("").endsWith("List")) {
        lists.put(key, values);
      } else if (!values.isEmpty()) {
        variables.put(key, values.getFirst());
      }
    }
    String resourcePolicy = Iam.textOrNull(input, "ResourcePolicy");
    List<String> resources = texts(input, "ResourceArns");
    Decider.Question question =
        new Decider.Question(
            sources.stream().map(Source::document).toList(),
            boundary,
            List.of(),
            resourcePolicy == null ? null : parse(resourcePolicy),
            List.of(caller),
            List.of(iam.accountId(), "arn:aws:iam::" + iam.accountId() + ":root"),
            variables,
            lists);
    List<ObjectNode> results = new ArrayList<>();
    for (String action : texts(input, "ActionNames")) {
      for (String resource : resources.isEmpty() ? List.of("*") : resources) {
        results.add(result(question, sources, action, resource, results.size()));
      }
    }
    ObjectNode page =
        Iam.page(input, "EvaluationResults", results, r -> r.path("order").asString(""), r -> r);
    page.path("EvaluationResults").forEach(r -> ((ObjectNode) r).remove("order"));
    return page;
  }

  private static ObjectNode result(
      Decider.Question question, List<Source> sources, String action, String resource, int order) {
    Decider.Verdict verdict = Decider.decide(question, action, resource);
    ObjectNode result =
        Iam.object()
            .put("order", "%06d".formatted(order))
            .put("EvalActionName", action)
            .put("EvalResourceName", resource)
            .put("EvalDecision", word(verdict.decision()));
    ArrayNode matched = result.putArray("MatchedStatements");
    for (Source source : sources) {
      Decision one =
          PolicyEvaluator.evaluate(
              List.of(source.document()), action, resource, question.variables(), question.lists());
      if (one != Decision.DENY_DEFAULT) {
        matched
            .addObject()
            .put("SourcePolicyId", source.id())
            .put("SourcePolicyType", source.type());
      }
    }
    ArrayNode missing = result.putArray("MissingContextValues");
    for (String key : keys(sources)) {
      boolean present =
          question.variables().keySet().stream().anyMatch(key::equalsIgnoreCase)
              || question.lists().keySet().stream().anyMatch(key::equalsIgnoreCase);
      if (!present) {
        missing.add(key);
      }
    }
    PolicyDocument boundary = question.boundary();
    if (boundary != null) {
      Decision allowed =
          PolicyEvaluator.evaluate(
              List.of(boundary), action, resource, question.variables(), question.lists());
      result
          .putObject("PermissionsBoundaryDecisionDetail")
          .put("AllowedByPermissionsBoundary", allowed == Decision.ALLOW);
    }
    return result;
  }

  private static String word(Decision decision) {
    return switch (decision) {
      case ALLOW -> "allowed";
      case DENY_EXPLICIT -> "explicitDeny";
      case DENY_DEFAULT -> "implicitDeny";
    };
  }

  // --- which keys policies ask for ---------------------------------------------------------------

  private ObjectNode contextKeysOfCustom(CallContext call, ObjectNode input) {
    return names(given(input));
  }

  private ObjectNode contextKeysOfPrincipal(CallContext call, ObjectNode input) {
    List<Source> sources = new ArrayList<>(ofPrincipal(Iam.text(input, "PolicySourceArn")));
    sources.addAll(given(input));
    return names(sources);
  }

  private static ObjectNode names(List<Source> sources) {
    ObjectNode answer = Iam.object();
    ArrayNode names = answer.putArray("ContextKeyNames");
    keys(sources).forEach(names::add);
    return answer;
  }

  private static SortedSet<String> keys(List<Source> sources) {
    SortedSet<String> keys = new TreeSet<>();
    sources.forEach(source -> keys.addAll(source.document().contextKeys()));
    return keys;
  }

  // --- where policies come from ------------------------------------------------------------------

  private static List<Source> given(ObjectNode input) {
    List<Source> sources = new ArrayList<>();
    for (String text : texts(input, "PolicyInputList")) {
      sources.add(new Source("PolicyInputList." + (sources.size() + 1), "IAM Policy", parse(text)));
    }
    return sources;
  }

  private static @Nullable PolicyDocument boundary(
      ObjectNode input, @Nullable PolicyDocument otherwise) {
    List<String> given = texts(input, "PermissionsBoundaryPolicyInputList");
    return given.isEmpty() ? otherwise : parse(given.getFirst());
  }

  /** The policies of a user with its groups, of a group, or of a role. */
  private List<Source> ofPrincipal(String arn) {
    Iam.Kind kind = kind(arn);
    String name = arn.substring(arn.lastIndexOf('/') + 1);
    return iam.store()
        .read(
            sql -> {
              kind.require(sql, name);
              List<Source> sources = new ArrayList<>(owned(sql, kind.key(), name));
              if (kind == Iam.Kind.USER) {
                IamGroups.ofUser(sql, name)
                    .forEach(group -> sources.addAll(owned(sql, "group", group)));
              }
              return sources;
            });
  }

  private static List<Source> owned(Sql sql, String kind, String name) {
    List<Source> sources = new ArrayList<>();
    IamOwnedPolicies.inline(sql, kind, name)
        .forEach(
            (policy, text) ->
                sources.add(
                    new Source(
                        kind + "_" + name + "_" + policy, kind, PolicyDocument.parse(text))));
    for (String arn : IamOwnedPolicies.attached(sql, kind, name)) {
      for (PolicyDocument document : Policies.managed(sql, arn)) {
        sources.add(
            new Source(
                arn.substring(arn.lastIndexOf('/') + 1),
                ManagedPolicies.find(arn).isPresent() ? "aws-managed" : "user-managed",
                document));
      }
    }
    return sources;
  }

  private Policies.Owned owned(String arn) {
    return iam.policies().of(kind(arn).key(), arn.substring(arn.lastIndexOf('/') + 1));
  }

  private static Iam.Kind kind(String arn) {
    for (Iam.Kind kind : List.of(Iam.Kind.USER, Iam.Kind.ROLE, Iam.Kind.GROUP)) {
      if (arn.contains(":" + kind.key() + "/")) {
        return kind;
      }
    }
    throw Iam.invalidInput(
        "Invalid Entity Arn: " + arn + " does not clearly define entity type and name.");
  }

  private static PolicyDocument parse(String text) {
    try {
      return PolicyDocument.parse(text);
    } catch (PolicyException e) {
      var invalid = Iam.invalidInput("Policy parsing exception: " + e.getMessage());
      invalid.initCause(e);
      throw invalid;
    }
  }

  private static List<String> texts(ObjectNode input, String member) {
    List<String> texts = new ArrayList<>();
    input.path(member).forEach(t -> texts.add(t.asString("")));
    return texts;
  }
}
