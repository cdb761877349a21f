package io.ryegrass.identity;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.policy.PolicyException;
import io.ryegrass.store.CloudStore;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * STS: who am I, and temporary credentials of a role, of a user, of a federated user. There are no
 * identity providers here, which is what the operations for SAML and web identities answer.
 */
final class StsOperations {
  private static final int HOUR = 3600;
  private static final int TWELVE_HOURS = 12 * HOUR;
  private static final int MAX_POLICY = 2048;

  private final IdentityService identity;
  private final CloudStore store;
  private final String accountId;

  StsOperations(IdentityService identity, CloudStore store, String accountId) {
    this.identity = identity;
    this.store = store;
    this.accountId = accountId;
  }

  ServiceOperations operations() {
    return ServiceOperations.of("sts")
        .json("GetCallerIdentity", this::getCallerIdentity)
        .json("AssumeRole", this::assumeRole)
        .json("GetSessionToken", this::getSessionToken)
        .json("GetFederationToken", this::getFederationToken)
        .json("GetAccessKeyInfo", this::getAccessKeyInfo)
        .json("AssumeRoleWithWebIdentity", this::assumeRoleWithWebIdentity)
        .json("AssumeRoleWithSAML", this::assumeRoleWithSaml)
        .json("DecodeAuthorizationMessage", this::decodeAuthorizationMessage)
        .build();
  }

  private ObjectNode getCallerIdentity(CallContext call, ObjectNode input) {
    CallerIdentity caller = caller(call);
    return Iam.object()
        .put("UserId", caller.userId())
        .put("Account", caller.accountId())
        .put("Arn", caller.arn());
  }

  private ObjectNode assumeRole(CallContext call, ObjectNode input) {
    CallerIdentity caller = caller(call);
    String roleArn = Iam.text(input, "RoleArn");
    String session = Iam.text(input, "RoleSessionName");
    int seconds = input.path("DurationSeconds").asInt(HOUR);
    Map<String, String> tags = tags(input);
    Role role = identity.roleToAssume(call, caller, roleArn, input);
    if (caller.roleName() != null && seconds > HOUR) {
      throw Iam.validation(
          "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role"
              + " chaining",
          null);
    }
    long longest =
        store.read(
            sql ->
                sql.count(
                    "SELECT max_session_seconds AS n FROM identity_roles WHERE role_name = ?",
                    role.name()));
    if (seconds > longest) {
      throw Iam.validation(
          "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", null);
    }
    List<String> policies = policies(input);
    TemporaryCredentials made =
        identity.openSession(
            new Sessions.Wanted(role.name(), role.id(), null, session, null, policies, tags),
            Duration.ofSeconds(seconds));
    ObjectNode answer = credentials(made);
    answer
        .putObject("AssumedRoleUser")
        .put("AssumedRoleId", role.id() + ":" + session)
        .put("Arn", identity.sessionArn(role.name(), session));
    showPackedSize(policies, tags, answer);
    if (input.has("SourceIdentity")) {
      answer.put("SourceIdentity", Iam.text(input, "SourceIdentity"));
    }
    return answer;
  }

  private static ObjectNode credentials(TemporaryCredentials made) {
    ObjectNode answer = Iam.object();
    answer
        .putObject("Credentials")
        .put("AccessKeyId", made.accessKeyId())
        .put("SecretAccessKey", made.secretAccessKey())
        .put("SessionToken", made.sessionToken())
        .put("Expiration", made.expiration().getEpochSecond());
    return answer;
  }

  private static void showPackedSize(
      List<String> policies, Map<String, String> tags, ObjectNode answer) {
    int size = policies.stream().mapToInt(String::length).sum();
    for (Map.Entry<String, String> tag : tags.entrySet()) {
      size += tag.getKey().length() + tag.getValue().length();
    }
    if (size > 0) {
      answer.put("PackedPolicySize", Math.clamp((size * 100L + 4095) / 4096, 1, 100));
    }
  }

  private static Map<String, String> tags(ObjectNode input) {
    Map<String, String> tags = new LinkedHashMap<>();
    for (JsonNode tag : input.path("Tags")) {
      String key = tag.path("Key").asString("");
      if (tags.keySet().stream().anyMatch(key::equalsIgnoreCase)) {
        throw Iam.invalidInput(
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
      }
      tags.put(key, tag.path("Value").asString(""));
    }
    return tags;
  }

  /** Documents of the session's policies, inline and managed. */
  private List<String> policies(ObjectNode input) {
    List<String> found = new ArrayList<>();
    String inline = Iam.textOrNull(input, "Policy");
    if (inline != null) {
      if (inline.length() > MAX_POLICY) {
        throw Iam.validation(
            "1 validation error detected: Value '"
                + inline
                + "' at 'policy' failed to satisfy constraint: Member must have length less than or"
                + " equal to "
                + MAX_POLICY,
            null);
      }
      try {
        PolicyDocument.parse(inline);
      } catch (PolicyException e) {
        AwsException malformed =
            new AwsException("MalformedPolicyDocument", 400, String.valueOf(e.getMessage()));
        malformed.initCause(e);
        throw malformed;
      }
      found.add(inline);
    }
    for (JsonNode policy : input.path("PolicyArns")) {
      String arn = policy.path("arn").asString("");
      Optional<String> document = store.read(sql -> document(sql, arn));
      found.add(
          document.orElseThrow(
              () ->
                  new AwsException(
                      "MalformedPolicyDocument",
                      400,
                      "Policy " + arn + " does not exist or is not attachable.")));
    }
    return found;
  }

  private static Optional<String> document(io.ryegrass.store.Sql sql, String arn) {
    return ManagedPolicies.find(arn)
        .or(
            () ->
                sql.one(
                    "SELECT v.document FROM identity_policies p JOIN identity_policy_versions v ON"
                        + " v.arn = p.arn AND v.version = p.default_version WHERE p.arn = ?",
                    row -> row.text("document"),
                    arn));
  }

  // --- of users ----------------------------------------------------------------------------------

  private ObjectNode getSessionToken(CallContext call, ObjectNode input) {
    CallerIdentity caller = permanent(call, "GetSessionToken");
    return credentials(
        identity.openSession(
            new Sessions.Wanted("", "", caller.userName(), "", null, List.of(), Map.of()),
            duration(caller, input)));
  }

  private ObjectNode getFederationToken(CallContext call, ObjectNode input) {
    CallerIdentity caller = permanent(call, "GetFederationToken");
    String name = Iam.text(input, "Name");
    List<String> policies = policies(input);
    Map<String, String> tags = tags(input);
    TemporaryCredentials made =
        identity.openSession(
            new Sessions.Wanted("", "", caller.userName(), name, null, policies, tags),
            duration(caller, input));
    ObjectNode answer = credentials(made);
    answer
        .putObject("FederatedUser")
        .put("FederatedUserId", accountId + ":" + name)
        .put("Arn", "arn:aws:sts::" + accountId + ":federated-user/" + name);
    showPackedSize(policies, tags, answer);
    return answer;
  }

  /** The root user's sessions end after an hour whatever was asked. */
  private static Duration duration(CallerIdentity caller, ObjectNode input) {
    int asked = input.path("DurationSeconds").asInt(TWELVE_HOURS);
    return Duration.ofSeconds(caller.root() ? Math.min(asked, HOUR) : asked);
  }

  private static CallerIdentity permanent(CallContext call, String operation) {
    CallerIdentity caller = caller(call);
    if (caller.session() != null || caller.roleName() != null) {
      throw new AwsException(
          "AccessDenied", 403, "Cannot call " + operation + " with session credentials");
    }
    return caller;
  }

  private ObjectNode getAccessKeyInfo(CallContext call, ObjectNode input) {
    String id = Iam.text(input, "AccessKeyId");
    boolean known =
        store.read(
            sql ->
                sql.count(
                            "SELECT count(*) AS n FROM identity_access_keys WHERE access_key_id = ?",
                            id)
                        + sql.count(
                            "SELECT count(*) AS n FROM identity_sessions WHERE access_key_id = ?",
                            id)
                    > 0);
    if (!known) {
      throw Iam.validation("The access key " + id + " is not one of this account.", null);
    }
    return Iam.object().put("Account", accountId);
  }

  // --- what needs providers ----------------------------------------------------------------------

  private ObjectNode assumeRoleWithWebIdentity(CallContext call, ObjectNode input) {
    throw new AwsException(
        "InvalidIdentityToken",
        400,
        "No OpenIDConnect provider found in your account for "
            + issuer(Iam.text(input, "WebIdentityToken")));
  }

  /** The issuer a JSON web token names, without believing it. */
  private static String issuer(String token) {
    String[] parts = token.split("\\.");
    if (parts.length == 3) {
      try {
        byte[] payload = Base64.getUrlDecoder().decode(parts[1]);
        return JsonMapper.shared()
            .readTree(new String(payload, StandardCharsets.UTF_8))
            .path("iss")
            .asString("");
      } catch (IllegalArgumentException | JacksonException e) {
        throw notAToken(e);
      }
    }
    throw notAToken(null);
  }

  private static AwsException notAToken(@Nullable Exception cause) {
    AwsException e =
        new AwsException("InvalidIdentityToken", 400, "The ID Token provided is not a valid JWT.");
    if (cause != null) {
      e.initCause(cause);
    }
    return e;
  }

  private ObjectNode assumeRoleWithSaml(CallContext call, ObjectNode input) {
    throw new AwsException(
        "InvalidIdentityToken",
        400,
        "Specified provider doesn't exist: " + Iam.text(input, "PrincipalArn"));
  }

  private ObjectNode decodeAuthorizationMessage(CallContext call, ObjectNode input) {
    throw new AwsException(
        "InvalidAuthorizationMessageException",
        400,
        "The message is not one that this cloud has encoded: it tells refusals in words.");
  }

  private static CallerIdentity caller(CallContext call) {
    if (call.identity() instanceof CallerIdentity caller) {
      return caller;
    }
    throw new AwsException(
        "MissingAuthenticationToken", 403, "Sign the request with an access key");
  }
}
