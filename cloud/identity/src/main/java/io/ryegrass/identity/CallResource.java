package io.ryegrass.identity;

import io.ryegrass.policy.PolicyDocument;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an API call is about, in the eyes of policies.
 *
 * @param arns names of the same resource; a policy that allows one of them allows the call, one
 *     that denies one of them denies it. The first one is shown when the call is refused
 * @param policy policy attached to the resource itself, when it has one
 * @param conditionKeys what policies may ask about the resource, for example {@code
 *     aws:ResourceTag/team}
 */
public record CallResource(
    List<String> arns, @Nullable PolicyDocument policy, Map<String, String> conditionKeys) {

  /** Copies the collections. */
  public CallResource {
    if (arns.isEmpty()) {
      throw new IllegalArgumentException("a resource needs at least one ARN");
    }
    arns = List.copyOf(arns);
    conditionKeys = Map.copyOf(conditionKeys);
  }

  /** A resource of which nothing but its name is known. */
  public static CallResource named(String... arns) {
    return new CallResource(List.of(arns), null, Map.of());
  }
}
