package io.ryegrass.identity;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** IAM's users and their access keys. They have no passwords: there is no console to sign in to. */
final class IamUsers {
  private static final int MAX_KEYS_PER_USER = 2;
  private static final int MAX_USERS = 5000;

  private final Iam iam;
  private final IdentityService identity;
  private final LastUsed lastUsed;

  IamUsers(Iam iam, IdentityService identity, LastUsed lastUsed) {
    this.iam = iam;
    this.identity = identity;
    this.lastUsed = lastUsed;
  }

  void register(ServiceOperations.Builder operations) {
    operations
        .json("CreateUser", this::createUser)
        .json("GetUser", this::getUser)
        .json("ListUsers", this::listUsers)
        .json("UpdateUser", this::updateUser)
        .json("DeleteUser", this::deleteUser)
        .json("CreateAccessKey", this::createAccessKey)
        .json("ListAccessKeys", this::listAccessKeys)
        .json("UpdateAccessKey", this::updateAccessKey)
        .json("DeleteAccessKey", this::deleteAccessKey)
        .json("GetAccessKeyLastUsed", this::getAccessKeyLastUsed);
  }

  private ObjectNode createUser(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "UserName");
    String path = Iam.path(input);
    return iam.store()
        .write(
            sql -> {
              Iam.Kind.USER.requireFree(sql, name);
              if (sql.count("SELECT count(*) AS n FROM identity_users") >= MAX_USERS) {
                throw Iam.limitExceeded("UsersPerAccount: " + MAX_USERS);
              }
              String boundary = IamBoundaries.checked(sql, iam.accountId(), input);
              sql.update(
                  "INSERT INTO identity_users (user_name, user_id, arn, path, boundary, created)"
                      + " VALUES (?, ?, ?, ?, ?, ?)",
                  name,
                  iam.ids().id("AIDA"),
                  Iam.Kind.USER.arn(iam.accountId(), path, name),
                  path,
                  boundary,
                  iam.clock().instant());
              IamTags.put(sql, "user", name, input.path("Tags"));
              iam.policies().changed();
              return answer(sql, name);
            });
  }

  private ObjectNode getUser(CallContext call, ObjectNode input) {
    if (!input.has("UserName")
        && call.identity() instanceof CallerIdentity caller
        && caller.root()) {
      return rootUser();
    }
    String name = userOf(call, input);
    return iam.store().read(sql -> answer(sql, name));
  }

  /** The account itself, when its own key asks who it is. */
  private ObjectNode rootUser() {
    ObjectNode answer = Iam.object();
    long created =
        iam.store()
            .read(
                sql ->
                    sql.count(
                        "SELECT coalesce(min(created), 0) AS n FROM identity_access_keys WHERE"
                            + " user_name IS NULL"));
    answer
        .putObject("User")
        .put("Path", "/")
        .put("UserName", "root")
        .put("UserId", iam.accountId())
        .put("Arn", "arn:aws:iam::" + iam.accountId() + ":root")
        .put("CreateDate", created / 1000);
    return answer;
  }

  private static ObjectNode answer(Sql sql, String name) {
    ObjectNode answer = Iam.object();
    ObjectNode user = require(sql, name);
    IamTags.show(sql, "user", name, user);
    answer.set("User", user);
    return answer;
  }

  private ObjectNode listUsers(CallContext call, ObjectNode input) {
    String prefix = input.path("PathPrefix").asString("/");
    return Iam.page(
        input,
        "Users",
        iam.store()
            .read(
                sql ->
                    sql.list(
                        "SELECT * FROM identity_users WHERE substr(path, 1, length(?)) = ?",
                        row -> {
                          ObjectNode user = node(row);
                          user.remove("PermissionsBoundary"); // GetUser tells it, lists do not
                          return user;
                        },
                        prefix,
                        prefix)),
        "UserName");
  }

  /** What belongs to a user is kept under its name and moves with it. */
  private ObjectNode updateUser(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "UserName");
    iam.store()
        .write(
            sql -> {
              ObjectNode old = require(sql, name);
              String path = input.path("NewPath").asString(old.path("Path").asString("/"));
              String next = input.path("NewUserName").asString(name);
              if (!next.equalsIgnoreCase(name)) {
                Iam.Kind.USER.requireFree(sql, next);
              }
              String arn = Iam.Kind.USER.arn(iam.accountId(), path, next);
              if (next.equals(name)) {
                sql.update(
                    "UPDATE identity_users SET path = ?, arn = ? WHERE user_name = ?",
                    path,
                    arn,
                    name);
              } else {
                rename(sql, name, next, path, arn);
              }
              iam.policies().changed();
              return next;
            });
    return Iam.object();
  }

  private static void rename(Sql sql, String name, String next, String path, String arn) {
    sql.update(
        "INSERT INTO identity_users (user_name, user_id, arn, path, boundary, created) SELECT ?,"
            + " user_id, ?, ?, boundary, created FROM identity_users WHERE user_name = ?",
        next,
        arn,
        path,
        name);
    for (String table :
        List.of("identity_access_keys", "identity_group_members", "identity_sessions")) {
      sql.update("UPDATE " + table + " SET user_name = ? WHERE user_name = ?", next, name);
    }
    IamOwnedPolicies.rename(sql, "user", name, next);
    sql.update("DELETE FROM identity_users WHERE user_name = ?", name);
  }

  private ObjectNode deleteUser(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "UserName");
    iam.store()
        .write(
            sql -> {
              require(sql, name);
              if (sql.count(
                      "SELECT count(*) AS n FROM identity_group_members WHERE user_name = ?", name)
                  > 0) {
                throw Iam.deleteConflict(
                    "Cannot delete entity, must remove users from group first.");
              }
              IamOwnedPolicies.requireNone(sql, "user", name);
              if (sql.count(
                      "SELECT count(*) AS n FROM identity_access_keys WHERE user_name = ?", name)
                  > 0) {
                throw Iam.deleteConflict("Cannot delete entity, must delete access keys first.");
              }
              iam.policies().changed();
              IamTags.removeAll(sql, "user", name);
              sql.update("DELETE FROM identity_sessions WHERE user_name = ?", name);
              return sql.update("DELETE FROM identity_users WHERE user_name = ?", name);
            });
    return Iam.object();
  }

  static ObjectNode require(Sql sql, String name) {
    return sql.one("SELECT * FROM identity_users WHERE user_name = ?", IamUsers::node, name)
        .orElseThrow(() -> Iam.Kind.USER.missing(name));
  }

  static ObjectNode node(Row row) {
    ObjectNode user =
        Iam.object()
            .put("Path", row.text("path"))
            .put("UserName", row.text("user_name"))
            .put("UserId", row.text("user_id"))
            .put("Arn", row.text("arn"))
            .put("CreateDate", row.instant("created").getEpochSecond());
    IamBoundaries.show(row, user);
    return user;
  }

  /** Without a name the operation is about the caller itself. */
  private static String userOf(CallContext call, ObjectNode input) {
    String given = input.path("UserName").asString("");
    if (!given.isEmpty()) {
      return given;
    }
    String name = call.identity() instanceof CallerIdentity caller ? caller.userName() : null;
    if (name == null) {
      throw Iam.validation("Must specify userName when calling with non-User credentials", null);
    }
    return name;
  }

  // --- access keys -----------------------------------------------------------------------------

  private ObjectNode createAccessKey(CallContext call, ObjectNode input) {
    String user = userOf(call, input);
    IdentityService.NewAccessKey made =
        iam.store()
            .write(
                sql -> {
                  require(sql, user);
                  if (sql.count(
                          "SELECT count(*) AS n FROM identity_access_keys WHERE user_name = ?",
                          user)
                      >= MAX_KEYS_PER_USER) {
                    throw Iam.limitExceeded("AccessKeysPerUser: " + MAX_KEYS_PER_USER);
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
    List<ObjectNode> keys =
        iam.store()
            .read(
                sql -> {
                  require(sql, user);
                  return sql.list(
                      "SELECT * FROM identity_access_keys WHERE user_name = ?",
                      row ->
                          Iam.object()
                              .put("UserName", user)
                              .put("AccessKeyId", row.text("access_key_id"))
                              .put("Status", row.text("status"))
                              .put("CreateDate", row.instant("created").getEpochSecond()),
                      user);
                });
    return Iam.page(
        input,
        "AccessKeyMetadata",
        keys,
        key -> key.path("CreateDate").asString("") + key.path("AccessKeyId").asString(""),
        key -> key);
  }

  private ObjectNode updateAccessKey(CallContext call, ObjectNode input) {
    return changeKey(
        call,
        input,
        "UPDATE identity_access_keys SET status = '"
            + (Iam.text(input, "Status").equals("Active") ? "Active" : "Inactive")
            + "'");
  }

  private ObjectNode deleteAccessKey(CallContext call, ObjectNode input) {
    return changeKey(call, input, "DELETE FROM identity_access_keys");
  }

  /** Without a user's name: whoever it belongs to, when the caller is no user. */
  private ObjectNode changeKey(CallContext call, ObjectNode input, String statement) {
    String id = Iam.text(input, "AccessKeyId");
    boolean anyUser =
        !input.has("UserName")
            && call.identity() instanceof CallerIdentity caller
            && caller.userName() == null;
    iam.store()
        .write(
            sql -> {
              String user;
              if (anyUser) {
                user =
                    sql.one(
                            "SELECT user_name FROM identity_access_keys WHERE access_key_id = ? AND"
                                + " user_name IS NOT NULL",
                            row -> row.text("user_name"),
                            id)
                        .orElseThrow(() -> noKey(id));
              } else {
                user = userOf(call, input);
                require(sql, user);
              }
              int changed =
                  sql.update(statement + " WHERE access_key_id = ? AND user_name = ?", id, user);
              if (changed == 0) {
                throw noKey(id);
              }
              iam.policies().changed();
              return changed;
            });
    return Iam.object();
  }

  private ObjectNode getAccessKeyLastUsed(CallContext call, ObjectNode input) {
    String id = Iam.text(input, "AccessKeyId");
    ObjectNode answer = Iam.object();
    String user =
        iam.store()
            .read(
                sql ->
                    sql.one(
                        "SELECT coalesce(user_name, 'root') AS name FROM identity_access_keys WHERE"
                            + " access_key_id = ?",
                        row -> row.text("name"),
                        id))
            .orElseThrow(() -> noKey(id));
    answer.put("UserName", user);
    ObjectNode used = answer.putObject("AccessKeyLastUsed");
    LastUsed.Use use = lastUsed.ofKey(id);
    if (use == null) {
      used.put("ServiceName", "N/A").put("Region", "N/A");
    } else {
      used.put("LastUsedDate", use.time().getEpochSecond())
          .put("ServiceName", use.service())
          .put("Region", use.region());
    }
    return answer;
  }

  private static io.ryegrass.awsapi.AwsException noKey(String id) {
    return Iam.noSuchEntity("The Access Key with id " + id + " cannot be found.");
  }
}
