package io.ryegrass.identity;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import java.time.Duration;
import java.util.List;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** STS: who am I, and give me that role. */
final class StsOperations {
  private static final int DEFAULT_SECONDS = 3600;

  private final IdentityService identity;
  private final String accountId;

  StsOperations(IdentityService identity, String accountId) {
    this.identity = identity;
    this.accountId = accountId;
  }

  ServiceOperations operations() {
    return ServiceOperations.of("sts")
        .json("GetCallerIdentity", this::getCallerIdentity)
        .json("AssumeRole", this::assumeRole)
        .build();
  }

  private ObjectNode getCallerIdentity(CallContext call, ObjectNode input) {
    CallerIdentity caller = caller(call);
    return object()
        .put("UserId", caller.userId())
        .put("Account", caller.accountId())
        .put("Arn", caller.arn());
  }

  /** The caller may be named by its ARN, its account's number or its account's root ARN. */
  private ObjectNode assumeRole(CallContext call, ObjectNode input) {
    CallerIdentity caller = caller(call);
    String roleArn = input.path("RoleArn").asString("");
    String session = input.path("RoleSessionName").asString("");
    int seconds = input.path("DurationSeconds").asInt(DEFAULT_SECONDS);
    TemporaryCredentials made =
        identity.assumeRole(
            roleArn,
            session,
            Duration.ofSeconds(seconds),
            null,
            "AWS",
            List.of(caller.arn(), accountId, "arn:aws:iam::" + accountId + ":root"));
    Role role = identity.findRole(roleArn).orElseThrow();
    ObjectNode answer = object();
    answer
        .putObject("Credentials")
        .put("AccessKeyId", made.accessKeyId())
        .put("SecretAccessKey", made.secretAccessKey())
        .put("SessionToken", made.sessionToken())
        .put("Expiration", made.expiration().getEpochSecond());
    answer
        .putObject("AssumedRoleUser")
        .put("AssumedRoleId", role.id() + ":" + session)
        .put("Arn", identity.sessionArn(role.name(), session));
    return answer;
  }

  private static CallerIdentity caller(CallContext call) {
    if (call.identity() instanceof CallerIdentity caller) {
      return caller;
    }
    throw new AwsException(
        "MissingAuthenticationToken", 403, "Sign the request with an access key");
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }
}
