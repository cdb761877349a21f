package io.ryegrass.identity;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallAuthoriser;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.CallRecorder.RecordedCall;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.awssignature.AccessKey;
import io.ryegrass.awssignature.AccessKeySource;
import io.ryegrass.identity.audit.AuditEvent;
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
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** Access keys, users, roles and sessions of one account. Safe for any number of threads. */
public final class IdentityService implements AccessKeySource {
  /** The service that assumes a role for a device through a role alias. */
  static final String CREDENTIALS_PROVIDER = "credentials.iot.amazonaws.com";

  private static final String GREENGRASS = "greengrass.amazonaws.com";

  private static final Pattern SESSION_NAME = Pattern.compile("[\\w+=,.@-]{2,64}");

  private static final int MAX_CACHED_KEYS = 20_000;

  private record CachedKey(long generation, Optional<AccessKey> key) {}

  private final CloudStore store;
  private final String accountId;
  private final Clock clock;
  private final RandomIds ids;
  private final SecretBox secrets;
  private final Policies policies;
  private final LastUsed lastUsed;
  private final ConcurrentMap<String, CachedKey> keyCache = new ConcurrentHashMap<>();

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
    this.lastUsed = new LastUsed(store);
    policies.onChange(keyCache::clear);
  }

  /** The tables of this service. */
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
    long now = policies.generation();
    CachedKey known = keyCache.get(accessKeyId);
    if (known != null && known.generation() == now) {
      return known.key();
    }
    Optional<AccessKey> found =
        accessKeyId.startsWith("ASIA") ? findSession(accessKeyId) : findPermanent(accessKeyId);
    if (found.isPresent()) { // whoever tries unknown keys does not fill the cache
      if (keyCache.size() >= MAX_CACHED_KEYS) {
        keyCache.clear();
      }
      keyCache.put(accessKeyId, new CachedKey(now, found));
    }
    return found;
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
        ? new CallerIdentity(accountId, rootArn(), accountId, true, null, null)
        : new CallerIdentity(
            accountId, arn, row.text("user_id"), false, null, null, row.text("user_name"), null);
  }

  String rootArn() {
    return "arn:aws:iam::" + accountId + ":root";
  }

  private Optional<AccessKey> findSession(String id) {
    return store.read(sql -> Sessions.find(sql, id, accountId, secrets));
  }

  /** Whether the caller's own policies allow an action. Root may do everything. */
  public boolean isAllowed(CallerIdentity caller, String action, String resource) {
    return isAllowed(caller, action, CallResource.named(resource));
  }

  /** Whether a caller may do something, the policy of the resource considered as well. */
  public boolean isAllowed(CallerIdentity caller, String action, CallResource resource) {
    return decide(caller, action, resource, variables(caller), Map.of()).allowed();
  }

  /** One ARN that is allowed is enough, one that is denied spoils it. */
  private Decider.Verdict decide(
      CallerIdentity caller,
      String action,
      CallResource resource,
      Map<String, String> variables,
      Map<String, List<String>> lists) {
    if (isUnlimited(caller)) {
      return Decider.Verdict.ALLOWED;
    }
    variables.putAll(resource.conditionKeys());
    Decider.Question question = question(caller, resource.policy(), variables, lists);
    Decider.Verdict answer = null;
    for (String arn : resource.arns()) {
      Decider.Verdict verdict = Decider.decide(question, action, arn);
      if (verdict.decision() == Decision.DENY_EXPLICIT) {
        return verdict;
      }
      answer = answer == null || verdict.allowed() ? verdict : answer;
    }
    return answer == null ? new Decider.Verdict(Decision.DENY_DEFAULT, "identity-based") : answer;
  }

  /** The root user, and sessions of it that nobody has limited. */
  private static boolean isUnlimited(CallerIdentity caller) {
    CallerIdentity.Session session = caller.session();
    return caller.root() && (session == null || session.policies().isEmpty());
  }

  private Decider.Question question(
      CallerIdentity caller,
      @Nullable PolicyDocument resourcePolicy,
      Map<String, String> variables,
      Map<String, List<String>> lists) {
    Policies.Owned owned = owned(caller);
    List<String> names = new ArrayList<>(List.of(caller.arn()));
    String roleArn = owned.roleArn();
    if (roleArn != null) {
      names.add(roleArn);
    }
    CallerIdentity.Session session = caller.session();
    return new Decider.Question(
        owned.identity(),
        owned.boundary(),
        session == null ? List.of() : session.policies(),
        resourcePolicy,
        names,
        List.of(accountId, rootArn()),
        variables,
        lists);
  }

  private Policies.Owned owned(CallerIdentity caller) {
    String role = caller.roleName();
    if (role != null) {
      return policies.of("role", role);
    }
    String user = caller.userName();
    return user != null
        ? policies.of("user", user)
        : new Policies.Owned(
            List.of(EVERYTHING), null, Map.of(), null); // of the root: limited by its session
  }

  private static final PolicyDocument EVERYTHING =
      PolicyDocument.parse(
          "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\","
              + "\"Resource\":\"*\"}}");

  /** Keys that every policy may ask for ("AWS global condition context keys"). */
  private Map<String, String> variables(CallerIdentity caller) {
    Map<String, String> values = new HashMap<>();
    Instant now = clock.instant();
    Policies.Owned owned = caller.root() ? null : owned(caller);
    values.put("aws:CurrentTime", now.toString());
    values.put("aws:EpochTime", Long.toString(now.getEpochSecond()));
    values.put("aws:PrincipalAccount", caller.accountId());
    values.put("aws:PrincipalIsAWSService", "false");
    values.put("aws:ViaAWSService", "false");
    values.put(
        "aws:PrincipalArn",
        owned != null && owned.roleArn() != null ? owned.roleArn() : caller.arn());
    values.put(
        "aws:PrincipalType",
        caller.root()
            ? "Account"
            : caller.roleName() != null
                ? "AssumedRole"
                : caller.arn().contains(":federated-user/") ? "FederatedUser" : "User");
    values.put("aws:userid", caller.userId());
    if (caller.userName() != null) {
      values.put("aws:username", caller.userName());
    }
    if (owned != null) {
      owned.tags().forEach((key, value) -> values.put("aws:PrincipalTag/" + key, value));
    }
    CallerIdentity.Session session = caller.session();
    if (session != null) {
      values.put("aws:TokenIssueTime", session.issued().toString());
      values.put("aws:MultiFactorAuthPresent", "false");
      session.tags().forEach((key, value) -> values.put("aws:PrincipalTag/" + key, value));
    }
    String thing = caller.thingName();
    if (thing != null) {
      values.put("credentials-iot:ThingName", thing);
    }
    return values;
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

  /**
   * Credentials of a V1 group's role for its core, for an hour. The role must trust {@code
   * greengrass.amazonaws.com} (IAM-06).
   *
   * @throws AwsException {@code AccessDenied} 403 when the role is unknown or does not trust it
   */
  public TemporaryCredentials assumeGroupRole(
      String roleArn, String sessionName, String thingName) {
    return assumeRole(
        roleArn, sessionName, Duration.ofHours(1), thingName, "Service", List.of(GREENGRASS));
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
    return openSession(
        new Sessions.Wanted(
            role.name(), role.id(), null, sessionName, thingName, List.of(), Map.of()),
        duration);
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
   * The role a caller wants to assume, when the role trusts the caller and the caller may: a trust
   * in the caller itself is enough, one in the account leaves it to the caller's policies.
   *
   * @throws AwsException {@code AccessDenied} 403
   */
  Role roleToAssume(CallContext call, CallerIdentity caller, String roleArn, ObjectNode input) {
    Role role = findRole(roleArn).filter(r -> r.arn().equals(roleArn)).orElse(null);
    List<String> actions = new ArrayList<>(List.of("sts:AssumeRole"));
    if (!input.path("Tags").isEmpty()) {
      actions.add("sts:TagSession");
    }
    if (input.has("SourceIdentity")) {
      actions.add("sts:SetSourceIdentity");
    }
    for (String action : actions) {
      if (role == null || !mayAssume(call, caller, role, action, input)) {
        throw new AwsException(
            "AccessDenied",
            403,
            "User: "
                + caller.arn()
                + " is not authorized to perform: "
                + action
                + " on resource: "
                + roleArn);
      }
    }
    return role == null ? findRole(roleArn).orElseThrow() : role;
  }

  private boolean mayAssume(
      CallContext call, CallerIdentity caller, Role role, String action, ObjectNode input) {
    PolicyDocument trust = PolicyDocument.parse(role.trustPolicy());
    Map<String, String> variables = variables(caller);
    RequestedTags tags = requestKeys(call, action, input, variables);
    named(input, "SourceIdentity", "sts:SourceIdentity", variables);
    List<String> names = new ArrayList<>(List.of(caller.arn(), accountId, rootArn()));
    String ownRole = owned(caller).roleArn();
    if (ownRole != null) {
      names.add(ownRole);
    }
    return PolicyEvaluator.evaluateTrust(trust, "AWS", names, action, variables) == Decision.ALLOW
        && decide(
                caller,
                action,
                new CallResource(List.of(role.arn()), trust, Map.of()),
                variables,
                Map.of("aws:TagKeys", tags.keys()))
            .allowed();
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

  TemporaryCredentials openSession(Sessions.Wanted wanted, Duration duration) {
    Instant now = clock.instant();
    var made =
        new TemporaryCredentials(
            ids.id("ASIA"),
            ids.secret(),
            ids.sessionToken(),
            Instant.ofEpochSecond(now.plus(duration).getEpochSecond()));
    store.write(sql -> Sessions.insert(sql, made, wanted, secrets, now));
    return made;
  }

  String sessionArn(String roleName, String sessionName) {
    return Sessions.roleSessionArn(accountId, roleName, sessionName);
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
    if (OPEN_ACTIONS.contains(action)) {
      return;
    }
    if (!(call.identity() instanceof CallerIdentity caller)) {
      throw new AwsException(
          "MissingAuthenticationToken", 403, "Request is missing Authentication Token");
    }
    String service = action.substring(0, action.indexOf(':'));
    lastUsed.used(
        call.origin().accessKeyId(), caller.roleName(), call.time(), service, call.region());
    if (isUnlimited(caller) || FREE_ACTIONS.contains(action)) {
      return;
    }
    CallResource resource =
        resources
            .find(call, action, input)
            .orElseGet(() -> CallResource.named(RequestedResource.of(call, action, input)));
    Map<String, String> variables = variables(caller);
    RequestedTags tags = requestKeys(call, action, input, variables);
    Decider.Verdict verdict =
        decide(caller, action, resource, variables, Map.of("aws:TagKeys", tags.keys()));
    if (verdict.allowed()) {
      return;
    }
    throw new AwsException(
        QUERY_SERVICES.contains(service) ? "AccessDenied" : "AccessDeniedException",
        403,
        "User: "
            + caller.arn()
            + " is not authorized to perform: "
            + action
            + " on resource: "
            + resource.arns().getFirst()
            + verdict.reason(action));
  }

  /** Keys of the request: where it comes from and what it names. */
  private static RequestedTags requestKeys(
      CallContext call, String action, ObjectNode input, Map<String, String> variables) {
    if (!call.origin().sourceIp().isEmpty()) {
      variables.put("aws:SourceIp", call.origin().sourceIp());
    }
    if (!call.origin().userAgent().isEmpty()) {
      variables.put("aws:UserAgent", call.origin().userAgent());
    }
    variables.put("aws:RequestedRegion", call.region());
    variables.put("aws:SecureTransport", "false");
    if (action.startsWith("iam:")) {
      named(input, "PolicyArn", "iam:PolicyARN", variables);
      named(input, "PermissionsBoundary", "iam:PermissionsBoundary", variables);
      named(input, "AWSServiceName", "iam:AWSServiceName", variables);
    }
    if (action.startsWith("sts:")) {
      named(input, "ExternalId", "sts:ExternalId", variables);
      named(input, "RoleSessionName", "sts:RoleSessionName", variables);
    }
    RequestedTags tags = RequestedTags.of(input);
    tags.tags().forEach((key, value) -> variables.put("aws:RequestTag/" + key, value));
    return tags;
  }

  private static void named(
      ObjectNode input, String member, String key, Map<String, String> variables) {
    if (input.path(member).isString()) {
      variables.put(key, input.path(member).asString(""));
    }
  }

  /** Needs no permission, whoever asks; AssumeRole asks the role's trust itself. */
  private static final Set<String> FREE_ACTIONS =
      Set.of("sts:GetCallerIdentity", "sts:GetSessionToken", "sts:AssumeRole");

  /** Prove who calls by other means than a signature. */
  private static final Set<String> OPEN_ACTIONS =
      Set.of("sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML");

  private static final Set<String> QUERY_SERVICES = Set.of("iam", "sts");

  /** The operations of IAM that are served. */
  public ServiceOperations iam() {
    Iam iam = new Iam(store, policies, ids, accountId, clock);
    ServiceOperations.Builder operations = ServiceOperations.of("iam");
    IamRoles roles = new IamRoles(iam, lastUsed);
    new IamUsers(iam, this, lastUsed).register(operations);
    new IamGroups(iam).register(operations);
    roles.register(operations);
    new IamInstanceProfiles(iam).register(operations);
    new IamManagedPolicies(iam).register(operations);
    new IamOwnedPolicies(iam).register(operations);
    new IamBoundaries(iam).register(operations);
    new IamTags(iam).register(operations);
    new IamAccount(iam, roles).register(operations);
    new IamSimulation(iam).register(operations);
    return operations.build();
  }

  /** The operations of STS that are served. */
  public ServiceOperations sts() {
    return new StsOperations(this, store, accountId).operations();
  }

  /** Describes calls for the audit log. */
  public Function<RecordedCall, AuditEvent> auditEvents() {
    return new CallDescriber(accountId, policies)::describe;
  }

  /**
   * Describes what a device did with its certificate, for the audit log.
   *
   * @param address where it called from
   * @param action such as {@code iot:AssumeRoleWithCertificate}
   * @param resource ARN of what it was about, absent when there is none
   */
  public AuditEvent deviceEvent(
      String certificateId,
      String address,
      String region,
      String action,
      @Nullable String resource) {
    ObjectNode who =
        Iam.object()
            .put("type", "Unknown") // CloudTrail has no type for certificates
            .put("principalId", certificateId)
            .put("arn", "arn:aws:iot:" + region + ":" + accountId + ":cert/" + certificateId)
            .put("accountId", accountId);
    int colon = action.indexOf(':');
    return new AuditEvent(
        clock.instant(),
        action.substring(0, colon),
        action.substring(colon + 1),
        who,
        certificateId,
        "",
        address,
        "",
        region,
        UUID.randomUUID().toString(),
        null,
        resource);
  }

  /**
   * Describes a signed request that did not go through the engine, for the audit log.
   *
   * @param accessKeyId the key that signed; unknown ones give no event
   */
  public Optional<AuditEvent> signedEvent(
      String accessKeyId,
      CallContext.Origin origin,
      String region,
      String action,
      @Nullable String resource) {
    return find(accessKeyId)
        .map(
            key -> {
              CallContext context =
                  new CallContext(
                      key.identity(),
                      ((CallerIdentity) key.identity()).arn(),
                      accountId,
                      region,
                      UUID.randomUUID().toString(),
                      clock.instant(),
                      origin);
              int colon = action.indexOf(':');
              return new CallDescriber(accountId, policies)
                  .describe(
                      context, action.substring(0, colon), action.substring(colon + 1), resource);
            });
  }
}
