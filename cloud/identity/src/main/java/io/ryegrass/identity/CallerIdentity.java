package io.ryegrass.identity;

import io.ryegrass.policy.PolicyDocument;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Whoever signed a request.
 *
 * @param arn of the account's root, a user, a federated user, or an assumed role with its session
 *     name
 * @param userId IAM's unique id, for assumed roles followed by {@code :session}
 * @param root whether this is the account's root, which may do everything
 * @param roleName the role in an assumed-role session
 * @param thingName the thing that got the session through a role alias
 * @param userName the user whose key or session it is
 * @param session of temporary credentials
 */
public record CallerIdentity(
    String accountId,
    String arn,
    String userId,
    boolean root,
    @Nullable String roleName,
    @Nullable String thingName,
    @Nullable String userName,
    @Nullable Session session) {

  /**
   * What temporary credentials carry.
   *
   * @param policies session policies; when there are any, one of them must allow, too
   * @param tags tags of the session, which are the principal's tags
   * @param issued when they were given
   */
  public record Session(List<PolicyDocument> policies, Map<String, String> tags, Instant issued) {

    /** Copies the collections. */
    public Session {
      policies = List.copyOf(policies);
      tags = Map.copyOf(tags);
    }
  }

  /** A caller without session; a user is named by its ARN. */
  public CallerIdentity(
      String accountId,
      String arn,
      String userId,
      boolean root,
      @Nullable String roleName,
      @Nullable String thingName) {
    this(
        accountId,
        arn,
        userId,
        root,
        roleName,
        thingName,
        arn.contains(":user/") ? arn.substring(arn.lastIndexOf('/') + 1) : null,
        null);
  }
}
