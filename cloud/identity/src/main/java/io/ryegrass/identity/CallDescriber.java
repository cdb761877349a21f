package io.ryegrass.identity;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.CallRecorder.RecordedCall;
import io.ryegrass.identity.audit.AuditEvent;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** Who calls, as CloudTrail's {@code userIdentity} tells it. */
final class CallDescriber {

  private final String accountId;
  private final Policies policies;

  CallDescriber(String accountId, Policies policies) {
    this.accountId = accountId;
    this.policies = policies;
  }

  AuditEvent describe(RecordedCall call) {
    String resource = RequestedResource.of(call.context(), call.action(), call.input());
    return describe(
        call.context(),
        call.service(),
        call.operation(),
        call.parameters().get(),
        resource.equals("*") ? null : resource);
  }

  AuditEvent describe(
      CallContext context, String service, String operation, @Nullable String resource) {
    return describe(context, service, operation, null, resource);
  }

  private AuditEvent describe(
      CallContext context,
      String service,
      String operation,
      @Nullable ObjectNode parameters,
      @Nullable String resource) {
    String keyId = context.origin().accessKeyId();
    return new AuditEvent(
        context.time(),
        service,
        operation,
        userIdentity(context, keyId),
        userName(context),
        keyId,
        context.origin().sourceIp(),
        context.origin().userAgent(),
        context.region(),
        context.requestId(),
        parameters,
        resource);
  }

  private ObjectNode userIdentity(CallContext context, String keyId) {
    ObjectNode who = Iam.object();
    if (!(context.identity() instanceof CallerIdentity caller)) {
      return who.put("type", "Unknown").put("accountId", accountId);
    }
    String role = caller.roleName();
    boolean federated = caller.arn().contains(":federated-user/");
    who.put(
            "type",
            caller.root()
                ? "Root"
                : role != null ? "AssumedRole" : federated ? "FederatedUser" : "IAMUser")
        .put("principalId", caller.userId())
        .put("arn", caller.arn())
        .put("accountId", accountId)
        .put("accessKeyId", keyId);
    String user = caller.userName();
    if (user != null && !federated) {
      who.put("userName", user);
    }
    CallerIdentity.Session session = caller.session();
    if (session != null) {
      ObjectNode context1 = who.putObject("sessionContext");
      if (role != null) {
        String arn = policies.of("role", role).roleArn();
        context1
            .putObject("sessionIssuer")
            .put("type", "Role")
            .put("principalId", caller.userId().split(":", 2)[0])
            .put("arn", arn == null ? "" : arn)
            .put("accountId", accountId)
            .put("userName", role);
      }
      context1
          .putObject("attributes")
          .put("creationDate", session.issued().truncatedTo(ChronoUnit.SECONDS).toString())
          .put("mfaAuthenticated", "false");
    }
    return who;
  }

  /** As CloudTrail's Username: of a role session the session's name. */
  private static String userName(CallContext context) {
    if (!(context.identity() instanceof CallerIdentity caller)) {
      return "";
    }
    return caller.root() ? "root" : caller.arn().substring(caller.arn().lastIndexOf('/') + 1);
  }
}
