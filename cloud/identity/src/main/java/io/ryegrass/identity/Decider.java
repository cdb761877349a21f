package io.ryegrass.identity;

import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.policy.PolicyEvaluator;
import io.ryegrass.policy.PolicyEvaluator.Decision;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * IAM's evaluation inside one account ("Policy evaluation logic" of the IAM user guide): a Deny
 * anywhere wins; a resource's policy that names the user or the session itself is enough; else the
 * identity's policies, or a resource's that names the role, must allow, and so must the boundary
 * and the session's policies where there are any.
 */
final class Decider {

  /**
   * Everything that has a say.
   *
   * @param identity policies of the user with its groups, or of the role
   * @param boundary absent when there is none
   * @param session session policies, none when empty
   * @param resource policy of the resource, absent when it has none
   * @param names what the resource's policy may call the caller; the first one is its own ARN
   * @param account the account and its root, as principals
   */
  record Question(
      List<PolicyDocument> identity,
      @Nullable PolicyDocument boundary,
      List<PolicyDocument> session,
      @Nullable PolicyDocument resource,
      List<String> names,
      List<String> account,
      Map<String, String> variables,
      Map<String, List<String>> lists) {}

  /**
   * The answer, with the kind of policy that is the reason of a refusal.
   *
   * @param by such as {@code identity-based}; empty when allowed
   */
  record Verdict(Decision decision, String by) {
    static final Verdict ALLOWED = new Verdict(Decision.ALLOW, "");

    boolean allowed() {
      return decision == Decision.ALLOW;
    }

    /** The end of AWS's sentence on why access is denied. */
    String reason(String action) {
      if (decision == Decision.DENY_EXPLICIT) {
        return " with an explicit deny in " + article(by) + " " + by + policyWord();
      }
      return " because no " + by + policyWord() + " allows the " + action + " action";
    }

    private String policyWord() {
      return by.equals("permissions boundary") ? "" : " policy";
    }

    private static String article(String word) {
      return "aeiou".indexOf(word.charAt(0)) >= 0 ? "an" : "a";
    }
  }

  private Decider() {}

  static Verdict decide(Question q, String action, String arn) {
    Decision identity =
        PolicyEvaluator.evaluate(q.identity(), action, arn, q.variables(), q.lists());
    Decision session =
        q.session().isEmpty()
            ? Decision.ALLOW
            : PolicyEvaluator.evaluate(q.session(), action, arn, q.variables(), q.lists());
    PolicyDocument limit = q.boundary();
    Decision boundary =
        limit == null
            ? Decision.ALLOW
            : PolicyEvaluator.evaluate(List.of(limit), action, arn, q.variables(), q.lists());
    Decision resource = attached(q, q.names(), action, arn);
    if (identity == Decision.DENY_EXPLICIT) {
      return new Verdict(identity, "identity-based");
    }
    if (resource == Decision.DENY_EXPLICIT) {
      return new Verdict(resource, "resource-based");
    }
    if (boundary == Decision.DENY_EXPLICIT) {
      return new Verdict(boundary, "permissions boundary");
    }
    if (session == Decision.DENY_EXPLICIT) {
      return new Verdict(session, "session");
    }
    if (attached(q, q.names().subList(0, 1), action, arn) == Decision.ALLOW) {
      return Verdict.ALLOWED;
    }
    if (identity != Decision.ALLOW && resource != Decision.ALLOW) {
      return new Verdict(Decision.DENY_DEFAULT, "identity-based");
    }
    if (boundary != Decision.ALLOW) {
      return new Verdict(Decision.DENY_DEFAULT, "permissions boundary");
    }
    return session == Decision.ALLOW
        ? Verdict.ALLOWED
        : new Verdict(Decision.DENY_DEFAULT, "session");
  }

  /** A policy that allows a whole account leaves it to the account's own policies who may. */
  private static Decision attached(Question q, List<String> names, String action, String arn) {
    PolicyDocument policy = q.resource();
    if (policy == null) {
      return Decision.DENY_DEFAULT;
    }
    List<String> all = new java.util.ArrayList<>(names);
    all.addAll(q.account());
    Decision withAccount =
        PolicyEvaluator.evaluateResourcePolicy(policy, all, action, arn, q.variables());
    return withAccount == Decision.ALLOW
        ? PolicyEvaluator.evaluateResourcePolicy(policy, names, action, arn, q.variables())
        : withAccount;
  }
}
