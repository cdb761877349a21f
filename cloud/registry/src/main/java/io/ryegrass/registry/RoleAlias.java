package io.ryegrass.registry;

import java.time.Duration;

/** A name under which devices get credentials of a role. */
public record RoleAlias(String alias, String arn, String roleArn, Duration credentialDuration) {}
