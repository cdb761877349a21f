package io.ryegrass.objects;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.identity.CallResource;
import io.ryegrass.identity.CallerIdentity;
import io.ryegrass.identity.IdentityService;
import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.policy.PolicyEvaluator;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;

/** Whether a signer may do something: by its own policies and by that of the bucket. */
@FunctionalInterface
interface S3Decision {

  boolean allows(
      @Nullable Object identity,
      String action,
      String resource,
      @Nullable PolicyDocument bucketPolicy,
      Map<String, String> conditionKeys);

  /** As in one account: a Deny in either wins, an Allow in either is enough. */
  static S3Decision of(IdentityService identity) {
    return (who, action, resource, policy, keys) -> {
      if (!(who instanceof CallerIdentity caller)) {
        return false;
      }
      if (policy == null && keys.isEmpty()) {
        return identity.isAllowed(caller, action, resource);
      }
      if (caller.root() && policy != null && !action.endsWith("BucketPolicy")) {
        // a Deny counts for the root, too, who can always take the policy away
        String account = "arn:aws:iam::" + caller.accountId() + ":root";
        return PolicyEvaluator.evaluateResourcePolicy(
                policy, List.of(caller.accountId(), account), action, resource, keys)
            != PolicyEvaluator.Decision.DENY_EXPLICIT;
      }
      CallResource about = new CallResource(List.of(resource), policy, keys);
      try {
        identity
            .callAuthoriser((call, asked, input) -> Optional.of(about))
            .authorise(
                new CallContext(caller, caller.arn(), caller.accountId(), "", "", Instant.EPOCH),
                action,
                JsonNodeFactory.instance.objectNode());
        return true;
      } catch (AwsException e) {
        return false;
      }
    };
  }

  /** The policy of a bucket; null when it has none. Other servers keep theirs to themselves. */
  static @Nullable PolicyDocument policyOf(ObjectStore store, String bucket) {
    return store instanceof FolderStore folder
        ? folder.settings().policy(bucket).orElse(null)
        : null;
  }
}
