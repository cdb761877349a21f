package io.ryegrass.policy;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether policies allow an action on a resource.
 *
 * <p>Rules: nothing is allowed unless a statement allows it; any matching Deny wins. Actions
 * compare without case; {@code *} and {@code ?} are wildcards that cross slashes; {@code +} and
 * {@code #} are ordinary characters; <code>${*} ${?} ${$}</code> stand for those characters; an
 * entry with a variable that has no value does not match (IoT policies: iot-policy-variables,
 * pub-sub-policy).
 */
public final class PolicyEvaluator {
  /** The outcome; only {@link #ALLOW} opens. */
  public enum Decision {
    ALLOW,
    DENY_EXPLICIT,
    DENY_DEFAULT
  }

  private PolicyEvaluator() {}

  /**
   * @param action for example {@code iot:Publish}
   * @param resource the ARN, or {@code *} for an action without resource
   * @param variables values of policy variables, which are also the condition keys, for example
   *     {@code iot:ClientId}
   */
  public static Decision evaluate(
      List<PolicyDocument> policies,
      String action,
      String resource,
      Map<String, String> variables) {
    return evaluate(policies, action, resource, variables, Map.of());
  }

  /**
   * As the other method, with condition keys that may have several values.
   *
   * @param lists values of those keys, for example {@code aws:TagKeys}
   */
  public static Decision evaluate(
      List<PolicyDocument> policies,
      String action,
      String resource,
      Map<String, String> variables,
      Map<String, List<String>> lists) {
    boolean allowed = false;
    for (PolicyDocument policy : policies) {
      for (Statement statement : policy.statements()) {
        if (statement.allow() && allowed) {
          continue;
        }
        if (statement.applies(action, resource, variables, lists)) {
          if (!statement.allow()) {
            return Decision.DENY_EXPLICIT;
          }
          allowed = true;
        }
      }
    }
    return allowed ? Decision.ALLOW : Decision.DENY_DEFAULT;
  }

  /**
   * Decides a role's trust policy.
   *
   * @param kind {@code Service} or {@code AWS}
   * @param principals the names under which the caller is known, for example its ARN, its account's
   *     id and its account's root ARN; one match is enough
   * @param action for example {@code sts:AssumeRole}
   */
  public static Decision evaluateTrust(
      PolicyDocument trust,
      String kind,
      List<String> principals,
      String action,
      Map<String, String> variables) {
    return evaluateFor(trust, kind, principals, action, null, variables);
  }

  /**
   * Decides a policy that is attached to a resource and names who may use it.
   *
   * @param principals the names under which the caller (kind {@code AWS}) is known; one match is
   *     enough
   * @param resource ARN of the resource
   */
  public static Decision evaluateResourcePolicy(
      PolicyDocument policy,
      List<String> principals,
      String action,
      String resource,
      Map<String, String> variables) {
    return evaluateFor(policy, "AWS", principals, action, resource, variables);
  }

  /** Whether any condition of the policies asks for a key whose name contains a text. */
  public static boolean asksFor(List<PolicyDocument> policies, String partOfKey) {
    String part = partOfKey.toLowerCase(Locale.ROOT);
    return policies.stream()
        .flatMap(policy -> policy.statements().stream())
        .anyMatch(
            s ->
                s.conditions().stream()
                        .anyMatch(
                            c ->
                                c.key().toLowerCase(Locale.ROOT).contains(part)
                                    || c.expected().stream()
                                        .anyMatch(e -> e.toLowerCase(Locale.ROOT).contains(part)))
                    || s.resources().patterns().stream()
                        .anyMatch(r -> r.toLowerCase(Locale.ROOT).contains("${" + part)));
  }

  private static Decision evaluateFor(
      PolicyDocument policy,
      String kind,
      List<String> principals,
      String action,
      @Nullable String resource,
      Map<String, String> variables) {
    boolean allowed = false;
    for (Statement statement : policy.statements()) {
      boolean named =
          trusts(statement.principals().get("*"), principals)
              || trusts(statement.principals().get(kind), principals);
      if (named != statement.allPrincipalsBut()) {
        if (statement.applies(action, resource, variables, Map.of())) {
          if (!statement.allow()) {
            return Decision.DENY_EXPLICIT;
          }
          allowed = true;
        }
      }
    }
    return allowed ? Decision.ALLOW : Decision.DENY_DEFAULT;
  }

  private static boolean trusts(@Nullable List<String> named, List<String> principals) {
    return named != null && (named.contains("*") || named.stream().anyMatch(principals::contains));
  }
}
