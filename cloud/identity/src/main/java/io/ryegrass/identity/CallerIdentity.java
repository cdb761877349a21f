package io.ryegrass.identity;

import org.jspecify.annotations.Nullable;

/**
 * Whoever signed a request.
 *
 * @param arn of the account's root, a user, or an assumed role with its session name
 * @param userId IAM's unique id, for assumed roles followed by {@code :session}
 * @param root whether this is the account's root key, which may do everything
 * @param roleName the role in an assumed-role session
 * @param thingName the thing that got the session through a role alias
 */
public record CallerIdentity(
    String accountId,
    String arn,
    String userId,
    boolean root,
    @Nullable String roleName,
    @Nullable String thingName) {}
