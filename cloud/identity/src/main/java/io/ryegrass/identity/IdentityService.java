package io.ryegrass.identity;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallAuthoriser;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.AccessKeySource;
import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.policy.PolicyEvaluator;
import io.ryegrass.policy.PolicyEvaluator.Decision;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import io.ryegrass.store.Row;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** Access keys, users, roles and sessions of one account. Safe for any number of threads. */
public final class IdentityService implements AccessKeySource {
  /** The service that assumes a role for a device through a role alias. */
  static final String CREDENTIALS_PROVIDER = "credentials.iot.amazonaws.com";

  private static final Pattern SESSION_NAME = Pattern.compile("[\\w+=,.@-]{2,64}");

  private final CloudStore store;
  private final String accountId;
  private final Clock clock;
  private final RandomIds ids;
  private final SecretBox secrets;
  private final Policies policies;

  /**
   * Opens the service; its key file is {@code identity.key} in the store's folder.
   *
   * @param store migrated with {@link #migrations()}
   */
  public IdentityService(CloudStore store, String accountId, Clock clock) {
    SecureRandom random = new SecureRandom();
    this.store = store;
    this.accountId = accountId;
    this.clock = clock;
    this.ids = new RandomIds(random);
    boolean empty =
        store.read(sql -> sql.count("SELECT count(*) AS n FROM identity_access_keys")) == 0;
    this.secrets = SecretBox.open(store.dataFolder().resolve("identity.key"), random, empty);
    this.policies = new Policies(store);
  }

  public static List<Migration> migrations() {
    return IdentityTables.migrations();
  }

  /** The account's root key; made at the first start. */
  public AccessKey ensureRootAccessKey() {
    String id =
        store.write(
            sql ->
                sql
                    .list(
                        "SELECT access_key_id FROM identity_access_keys WHERE user_name IS NULL"
                            + " ORDER BY created LIMIT 1",
                        row -> row.text("access_key_id"))
                    .stream()
                    .findFirst()
                    .orElseGet(() -> createAccessKey(null).accessKeyId()));
    return find(id)
        .orElseThrow(() -> new IdentityException("The root key " + id + " is not active"));
  }

  @Override
  public Optional<AccessKey> find(String accessKeyId) {
    return accessKeyId.startsWith("ASIA") ? findSession(accessKeyId) : findPermanent(accessKeyId);
  }

  private Optional<AccessKey> findPermanent(String id) {
    return store.read(
        sql ->
            sql.one(
                "SELECT k.access_key_id, k.secret, u.user_name, u.user_id, u.arn FROM"
                    + " identity_access_keys k LEFT JOIN identity_users u ON u.user_name ="
                    + " k.user_name WHERE k.access_key_id = ? AND k.status = 'Active'",
                row ->
                    new AccessKey(
                        id, secrets.open(row.text("secret"), id), null, null, permanent(row)),
                id));
  }

  private CallerIdentity permanent(Row row) {
    String arn = row.textOrNull("arn");
    return arn == null
        ? new CallerIdentity(
            accountId, "arn:aws:iam::" + accountId + ":root", accountId, true, null, null)
        : new CallerIdentity(accountId, arn, row.text("user_id"), false, null, null);
  }

  private Optional<AccessKey> findSession(String id) {
    return store.read(
        sql ->
            sql.one(
                "SELECT s.secret, s.token, s.expires, s.role_name, s.role_id, s.session_name,"
                    + " s.thing_name FROM identity_sessions s JOIN identity_roles r ON r.role_name ="
                    + " s.role_name AND r.role_id = s.role_id WHERE s.access_key_id = ?",
                row ->
                    new AccessKey(
                        id,
                        secrets.open(row.text("secret"), id),
                        secrets.open(row.text("token"), id),
                        row.instant("expires"),
                        new CallerIdentity(
                            accountId,
                            sessionArn(row.text("role_name"), row.text("session_name")),
                            row.text("role_id") + ":" + row.text("session_name"),
                            false,
                            row.text("role_name"),
                            row.textOrNull("thing_name"))),
                id));
  }

  /** Whether the caller's own policies allow an action. Root may do everything. */
  public boolean isAllowed(CallerIdentity caller, String action, String resource) {
    return decide(caller, action, resource, variables(caller)) == Decision.ALLOW;
  }

  /**
   * The caller's own policies and that of the resource, as in one account: a Deny in either wins,
   * an Allow in either is enough.
   */
  private Decision decide(CallerIdentity caller, String action, CallResource resource) {
    if (caller.root()) {
      return Decision.ALLOW;
    }
    Map<String, String> variables = variables(caller);
    variables.putAll(resource.conditionKeys());
    Decision decision = Decision.DENY_DEFAULT;
    for (String arn : resource.arns()) {
      Decision own = decide(caller, action, arn, variables);
      Decision attached = attached(caller, action, resource.policy(), arn, variables);
      if (own == Decision.DENY_EXPLICIT || attached == Decision.DENY_EXPLICIT) {
        return Decision.DENY_EXPLICIT;
      }
      if (own == Decision.ALLOW || attached == Decision.ALLOW) {
        decision = Decision.ALLOW;
      }
    }
    return decision;
  }

  /** A policy that allows a whole account leaves it to the account's own policies who may. */
  private Decision attached(
      CallerIdentity caller,
      String action,
      @Nullable PolicyDocument policy,
      String arn,
      Map<String, String> variables) {
    if (policy == null) {
      return Decision.DENY_DEFAULT;
    }
    List<String> names = new ArrayList<>(List.of(caller.arn()));
    String roleName = caller.roleName();
    if (roleName != null) {
      findRole(roleName).map(Role::arn).ifPresent(names::add);
    }
    List<String> withAccount = new ArrayList<>(names);
    withAccount.add(accountId);
    withAccount.add("arn:aws:iam::" + accountId + ":root");
    Decision all =
        PolicyEvaluator.evaluateResourcePolicy(policy, withAccount, action, arn, variables);
    return all == Decision.ALLOW
        ? PolicyEvaluator.evaluateResourcePolicy(policy, names, action, arn, variables)
        : all;
  }

  private Decision decide(
      CallerIdentity caller, String action, String resource, Map<String, String> variables) {
    if (caller.root()) {
      return Decision.ALLOW;
    }
    String role = caller.roleName();
    List<PolicyDocument> documents =
        role != null ? policies.of("role", role) : policies.of("user", userName(caller));
    return PolicyEvaluator.evaluate(documents, action, resource, variables);
  }

  private Map<String, String> variables(CallerIdentity caller) {
    Map<String, String> values = new HashMap<>();
    Instant now = clock.instant();
    values.put("aws:CurrentTime", now.toString());
    values.put("aws:EpochTime", Long.toString(now.getEpochSecond()));
    values.put("aws:PrincipalAccount", caller.accountId());
    values.put("aws:PrincipalArn", caller.arn());
    values.put("aws:userid", caller.userId());
    if (caller.roleName() == null) {
      values.put("aws:username", userName(caller));
    }
    String thing = caller.thingName();
    if (thing != null) {
      values.put("credentials-iot:ThingName", thing);
    }
    return values;
  }

  private static String userName(CallerIdentity caller) {
    return caller.arn().substring(caller.arn().lastIndexOf('/') + 1);
  }

  /** A role by its name or ARN. */
  public Optional<Role> findRole(String arnOrName) {
    return store.read(
        sql ->
            sql.one(
                "SELECT * FROM identity_roles WHERE role_name = ? OR arn = ?",
                IdentityService::role,
                arnOrName,
                arnOrName));
  }

  static Role role(Row row) {
    return new Role(
        row.text("role_name"),
        row.text("role_id"),
        row.text("arn"),
        row.text("path"),
        row.text("trust_policy"),
        row.instant("created"));
  }

  /**
   * Credentials of a role for a device, as IoT's credentials provider gives them. The role must
   * trust {@code credentials.iot.amazonaws.com}.
   *
   * @throws AwsException {@code AccessDenied} 403 when the role is unknown or does not trust the
   *     credentials provider
   */
  public TemporaryCredentials assumeRole(
      String roleArn, String sessionName, Duration duration, @Nullable String thingName) {
    return assumeRole(
        roleArn, sessionName, duration, thingName, "Service", List.of(CREDENTIALS_PROVIDER));
  }

  TemporaryCredentials assumeRole(
      String roleArn,
      String sessionName,
      Duration duration,
      @Nullable String thingName,
      String principalKind,
      List<String> principals) {
    if (!SESSION_NAME.matcher(sessionName).matches()) {
      throw new AwsException(
          "ValidationError",
          400,
          "The session name '" + sessionName + "' must match " + SESSION_NAME);
    }
    Role role = trusting(roleArn, principalKind, principals);
    return openSession(role, sessionName, duration, thingName);
  }

  private Role trusting(String roleArn, String principalKind, List<String> principals) {
    Role role = findRole(roleArn).orElseThrow(() -> notTrusted(roleArn, principals));
    Decision decision =
        PolicyEvaluator.evaluateTrust(
            PolicyDocument.parse(role.trustPolicy()),
            principalKind,
            principals,
            "sts:AssumeRole",
            Map.of());
    if (decision != Decision.ALLOW) {
      throw notTrusted(roleArn, principals);
    }
    return role;
  }

  /**
   * Who a service of this cloud is while it does something with the role that a caller has passed
   * to it. What it may do is asked anew each time ({@link #isAllowed}).
   *
   * @param service such as {@code greengrass.amazonaws.com}; the role must trust it
   * @throws AwsException {@code AccessDenied} 403 when the role is unknown or does not trust it
   */
  public CallerIdentity inRole(String roleArn, String service) {
    Role role = trusting(roleArn, "Service", List.of(service));
    return new CallerIdentity(
        accountId,
        sessionArn(role.name(), service),
        role.id() + ":" + service,
        false,
        role.name(),
        null);
  }

  private static AwsException notTrusted(String roleArn, List<String> principals) {
    return new AwsException(
        "AccessDenied",
        403,
        principals.getFirst()
            + " is not authorized to perform: sts:AssumeRole on resource: "
            + roleArn
            + "; name it in the role's trust policy");
  }

  private TemporaryCredentials openSession(
      Role role, String sessionName, Duration duration, @Nullable String thingName) {
    Instant now = clock.instant();
    var made =
        new TemporaryCredentials(
            ids.id("ASIA"),
            ids.secret(),
            ids.sessionToken(),
            Instant.ofEpochSecond(now.plus(duration).getEpochSecond()));
    store.write(
        sql -> {
          sql.update("DELETE FROM identity_sessions WHERE expires < ?", now.minusSeconds(3600));
          return sql.update(
              "INSERT INTO identity_sessions (access_key_id, secret, token, role_name, role_id,"
                  + " session_name, thing_name, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
              made.accessKeyId(),
              secrets.seal(made.secretAccessKey(), made.accessKeyId()),
              secrets.seal(made.sessionToken(), made.accessKeyId()),
              role.name(),
              role.id(),
              sessionName,
              thingName,
              made.expiration());
        });
    return made;
  }

  String sessionArn(String roleName, String sessionName) {
    return "arn:aws:sts::" + accountId + ":assumed-role/" + roleName + "/" + sessionName;
  }

  /** Makes a key of a user, or of the account's root when the name is null. */
  NewAccessKey createAccessKey(@Nullable String userName) {
    var made = new NewAccessKey(ids.id("AKIA"), ids.secret(), clock.instant());
    store.write(
        sql ->
            sql.update(
                "INSERT INTO identity_access_keys (access_key_id, user_name, secret, status,"
                    + " created) VALUES (?, ?, ?, 'Active', ?)",
                made.accessKeyId(),
                userName,
                secrets.seal(made.secret(), made.accessKeyId()),
                made.created()));
    return made;
  }

  record NewAccessKey(String accessKeyId, String secret, Instant created) {
    @Override
    public String toString() {
      return "NewAccessKey[" + accessKeyId + "]";
    }
  }

  /**
   * Decides API calls: root everything; users and roles by their policies, with action {@code
   * service:Operation} and the resource the request names, else {@code *}. GetCallerIdentity needs
   * no permission.
   */
  public CallAuthoriser callAuthoriser() {
    return callAuthoriser((call, action, input) -> Optional.empty());
  }

  /**
   * As {@link #callAuthoriser()}, for services that know better than their requests which resource
   * a call is about. A policy of that resource counts, too.
   */
  public CallAuthoriser callAuthoriser(CallResources resources) {
    return (call, action, input) -> authorise(call, action, input, resources);
  }

  private void authorise(
      CallContext call, String action, ObjectNode input, CallResources resources) {
    if (action.equals("sts:GetCallerIdentity") && call.identity() != null) {
      return;
    }
    if (!(call.identity() instanceof CallerIdentity caller)) {
      throw new AwsException(
          "MissingAuthenticationToken", 403, "Sign the request with an access key");
    }
    CallResource resource =
        resources
            .find(call, action, input)
            .orElseGet(() -> CallResource.named(RequestedResource.of(call, action, input)));
    Decision decision = decide(caller, action, resource);
    if (decision == Decision.ALLOW) {
      return;
    }
    throw new AwsException(
        "AccessDeniedException",
        403,
        "User: "
            + caller.arn()
            + " is not authorized to perform: "
            + action
            + " on resource: "
            + resource.arns().getFirst()
            + (decision == Decision.DENY_EXPLICIT
                ? " with an explicit deny in "
                    + (resource.policy() == null ? "an identity-based" : "a")
                    + " policy"
                : " because no identity-based policy allows the " + action + " action"));
  }

  /** The operations of IAM that are served. */
  public ServiceOperations iam() {
    return new IamOperations(store, this, policies, ids, accountId, clock).operations();
  }

  /** The operations of STS that are served. */
  public ServiceOperations sts() {
    return new StsOperations(this, accountId).operations();
  }
}
