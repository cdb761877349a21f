package io.ryegrass.identity;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** IAM's users, access keys and roles. Their policies are in {@link IamPolicyOperations}. */
final class IamOperations {
  private static final int MAX_KEYS_PER_USER = 2;
  private static final int DEFAULT_SESSION_SECONDS = 3600;

  private final CloudStore store;
  private final IdentityService identity;
  private final Policies policies;
  private final RandomIds ids;
  private final String accountId;
  private final Clock clock;

  IamOperations(
      CloudStore store,
      IdentityService identity,
      Policies policies,
      RandomIds ids,
      String accountId,
      Clock clock) {
    this.store = store;
    this.identity = identity;
    this.policies = policies;
    this.ids = ids;
    this.accountId = accountId;
    this.clock = clock;
  }

  ServiceOperations operations() {
    ServiceOperations.Builder iam =
        ServiceOperations.of("iam")
            .json("CreateUser", this::createUser)
            .json("GetUser", this::getUser)
            .json("ListUsers", this::listUsers)
            .json("DeleteUser", this::deleteUser)
            .json("CreateAccessKey", this::createAccessKey)
            .json("ListAccessKeys", this::listAccessKeys)
            .json("UpdateAccessKey", this::updateAccessKey)
            .json("DeleteAccessKey", this::deleteAccessKey)
            .json("CreateRole", this::createRole)
            .json("GetRole", this::getRole)
            .json("ListRoles", this::listRoles)
            .json("DeleteRole", this::deleteRole)
            .json("UpdateAssumeRolePolicy", this::updateAssumeRolePolicy);
    new IamPolicyOperations(store, policies, ids, accountId, clock).register(iam);
    return iam.build();
  }

  // --- users -----------------------------------------------------------------------------------

  private ObjectNode createUser(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "UserName");
    String path = input.path("Path").asString("/");
    store.write(
        sql -> {
          if (exists(sql, "identity_users", "user_name", name)) {
            throw Iam.alreadyExists("User with name " + name + " already exists.");
          }
          return sql.update(
              "INSERT INTO identity_users (user_name, user_id, arn, path, created) VALUES (?, ?, ?,"
                  + " ?, ?)",
              name,
              ids.id("AIDA"),
              "arn:aws:iam::" + accountId + ":user" + path + name,
              path,
              clock.instant());
        });
    return user(name);
  }

  private ObjectNode getUser(CallContext call, ObjectNode input) {
    return user(userOf(call, input));
  }

  private ObjectNode user(String name) {
    ObjectNode answer = Iam.object();
    answer.set("User", store.read(sql -> requireUser(sql, name)));
    return answer;
  }

  private ObjectNode listUsers(CallContext call, ObjectNode input) {
    return Iam.page(
        "Users",
        store.read(
            sql ->
                sql.list(
                    "SELECT * FROM identity_users WHERE substr(path, 1, length(?)) = ? ORDER BY"
                        + " user_name",
                    IamOperations::userNode,
                    input.path("PathPrefix").asString("/"),
                    input.path("PathPrefix").asString("/"))));
  }

  private ObjectNode deleteUser(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "UserName");
    store.write(
        sql -> {
          requireUser(sql, name);
          Iam.requireNoPolicies(sql, "user", name);
          if (sql.count("SELECT count(*) AS n FROM identity_access_keys WHERE user_name = ?", name)
              > 0) {
            throw Iam.deleteConflict("Cannot delete entity, must delete access keys first.");
          }
          policies.changed();
          return sql.update("DELETE FROM identity_users WHERE user_name = ?", name);
        });
    return Iam.object();
  }

  private static ObjectNode requireUser(Sql sql, String name) {
    return sql.one(
            "SELECT * FROM identity_users WHERE user_name = ?", IamOperations::userNode, name)
        .orElseThrow(() -> Iam.noSuchEntity("The user with name " + name + " cannot be found."));
  }

  private static ObjectNode userNode(Row row) {
    return Iam.object()
        .put("Path", row.text("path"))
        .put("UserName", row.text("user_name"))
        .put("UserId", row.text("user_id"))
        .put("Arn", row.text("arn"))
        .put("CreateDate", row.instant("created").getEpochSecond());
  }

  /** Without a name the operation is about the caller itself. */
  private static String userOf(CallContext call, ObjectNode input) {
    String given = input.path("UserName").asString("");
    if (!given.isEmpty()) {
      return given;
    }
    String arn = call.principalArn();
    if (!arn.contains(":user/")) {
      throw new AwsException(
          "ValidationError", 400, "Must specify userName when calling with non-User credentials");
    }
    return arn.substring(arn.lastIndexOf('/') + 1);
  }

  // --- access keys -----------------------------------------------------------------------------

  private ObjectNode createAccessKey(CallContext call, ObjectNode input) {
    String user = userOf(call, input);
    IdentityService.NewAccessKey made =
        store.write(
            sql -> {
              requireUser(sql, user);
              if (sql.count(
                      "SELECT count(*) AS n FROM identity_access_keys WHERE user_name = ?", user)
                  >= MAX_KEYS_PER_USER) {
                throw new AwsException(
                    "LimitExceeded", 409, "Cannot exceed quota for AccessKeysPerUser: 2");
              }
              return identity.createAccessKey(user);
            });
    ObjectNode answer = Iam.object();
    answer
        .putObject("AccessKey")
        .put("UserName", user)
        .put("AccessKeyId", made.accessKeyId())
        .put("Status", "Active")
        .put("SecretAccessKey", made.secret())
        .put("CreateDate", made.created().getEpochSecond());
    return answer;
  }

  private ObjectNode listAccessKeys(CallContext call, ObjectNode input) {
    String user = userOf(call, input);
    return Iam.page(
        "AccessKeyMetadata",
        store.read(
            sql -> {
              requireUser(sql, user);
              return sql.list(
                  "SELECT * FROM identity_access_keys WHERE user_name = ? ORDER BY created",
                  row ->
                      Iam.object()
                          .put("UserName", user)
                          .put("AccessKeyId", row.text("access_key_id"))
                          .put("Status", row.text("status"))
                          .put("CreateDate", row.instant("created").getEpochSecond()),
                  user);
            }));
  }

  private ObjectNode updateAccessKey(CallContext call, ObjectNode input) {
    changeKey(
        call,
        input,
        "UPDATE identity_access_keys SET status = '"
            + (Iam.text(input, "Status").equals("Active") ? "Active" : "Inactive")
            + "'");
    return Iam.object();
  }

  private ObjectNode deleteAccessKey(CallContext call, ObjectNode input) {
    changeKey(call, input, "DELETE FROM identity_access_keys");
    return Iam.object();
  }

  private void changeKey(CallContext call, ObjectNode input, String statement) {
    String user = userOf(call, input);
    String id = Iam.text(input, "AccessKeyId");
    int changed =
        store.write(
            sql -> sql.update(statement + " WHERE access_key_id = ? AND user_name = ?", id, user));
    if (changed == 0) {
      throw Iam.noSuchEntity("The Access Key with id " + id + " cannot be found.");
    }
  }

  // --- roles -----------------------------------------------------------------------------------

  private ObjectNode createRole(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "RoleName");
    String path = input.path("Path").asString("/");
    String trust = Iam.checkedDocument(Iam.text(input, "AssumeRolePolicyDocument"));
    Instant now = clock.instant();
    store.write(
        sql -> {
          if (exists(sql, "identity_roles", "role_name", name)) {
            throw Iam.alreadyExists("Role with name " + name + " already exists.");
          }
          policies.changed();
          return sql.update(
              "INSERT INTO identity_roles (role_name, role_id, arn, path, trust_policy,"
                  + " description, max_session_seconds, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
              name,
              ids.id("AROA"),
              "arn:aws:iam::" + accountId + ":role" + path + name,
              path,
              trust,
              Iam.textOrNull(input, "Description"),
              input.path("MaxSessionDuration").asInt(DEFAULT_SESSION_SECONDS),
              now);
        });
    return getRole(call, input);
  }

  private ObjectNode getRole(CallContext call, ObjectNode input) {
    ObjectNode answer = Iam.object();
    answer.set("Role", store.read(sql -> requireRole(sql, Iam.text(input, "RoleName"))));
    return answer;
  }

  private ObjectNode listRoles(CallContext call, ObjectNode input) {
    return Iam.page(
        "Roles",
        store.read(
            sql ->
                sql.list(
                    "SELECT * FROM identity_roles WHERE substr(path, 1, length(?)) = ? ORDER BY"
                        + " role_name",
                    IamOperations::roleNode,
                    input.path("PathPrefix").asString("/"),
                    input.path("PathPrefix").asString("/"))));
  }

  private ObjectNode deleteRole(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "RoleName");
    store.write(
        sql -> {
          requireRole(sql, name);
          Iam.requireNoPolicies(sql, "role", name);
          policies.changed();
          sql.update("DELETE FROM identity_sessions WHERE role_name = ?", name);
          return sql.update("DELETE FROM identity_roles WHERE role_name = ?", name);
        });
    return Iam.object();
  }

  private ObjectNode updateAssumeRolePolicy(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "RoleName");
    String trust = Iam.checkedDocument(Iam.text(input, "PolicyDocument"));
    store.write(
        sql -> {
          requireRole(sql, name);
          return sql.update(
              "UPDATE identity_roles SET trust_policy = ? WHERE role_name = ?", trust, name);
        });
    return Iam.object();
  }

  private static ObjectNode requireRole(Sql sql, String name) {
    return sql.one(
            "SELECT * FROM identity_roles WHERE role_name = ?", IamOperations::roleNode, name)
        .orElseThrow(() -> Iam.noSuchEntity("The role with name " + name + " cannot be found."));
  }

  private static ObjectNode roleNode(Row row) {
    ObjectNode role =
        Iam.object()
            .put("Path", row.text("path"))
            .put("RoleName", row.text("role_name"))
            .put("RoleId", row.text("role_id"))
            .put("Arn", row.text("arn"))
            .put("CreateDate", row.instant("created").getEpochSecond())
            .put("AssumeRolePolicyDocument", Iam.encoded(row.text("trust_policy")))
            .put("MaxSessionDuration", row.number("max_session_seconds"));
    String description = row.textOrNull("description");
    return description == null ? role : role.put("Description", description);
  }

  private static boolean exists(Sql sql, String table, String column, String value) {
    return sql.count("SELECT count(*) AS n FROM " + table + " WHERE " + column + " = ?", value) > 0;
  }

  static ArrayNode array(List<? extends ObjectNode> items) {
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    items.forEach(array::add);
    return array;
  }
}
