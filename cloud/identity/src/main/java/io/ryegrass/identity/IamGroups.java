package io.ryegrass.identity;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** IAM's groups: users get the policies of the groups they are in. */
final class IamGroups {
  private static final int MAX_GROUPS = 300;
  private static final int MAX_GROUPS_PER_USER = 10;

  private final Iam iam;

  IamGroups(Iam iam) {
    this.iam = iam;
  }

  void register(ServiceOperations.Builder operations) {
    operations
        .json("CreateGroup", this::createGroup)
        .json("GetGroup", this::getGroup)
        .json("ListGroups", this::listGroups)
        .json("UpdateGroup", this::updateGroup)
        .json("DeleteGroup", this::deleteGroup)
        .json("AddUserToGroup", this::addUser)
        .json("RemoveUserFromGroup", this::removeUser)
        .json("ListGroupsForUser", this::listGroupsForUser);
  }

  private ObjectNode createGroup(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "GroupName");
    String path = Iam.path(input);
    return iam.store()
        .write(
            sql -> {
              Iam.Kind.GROUP.requireFree(sql, name);
              if (sql.count("SELECT count(*) AS n FROM identity_groups") >= MAX_GROUPS) {
                throw Iam.limitExceeded("GroupsPerAccount: " + MAX_GROUPS);
              }
              sql.update(
                  "INSERT INTO identity_groups (group_name, group_id, arn, path, created) VALUES"
                      + " (?, ?, ?, ?, ?)",
                  name,
                  iam.ids().id("AGPA"),
                  Iam.Kind.GROUP.arn(iam.accountId(), path, name),
                  path,
                  iam.clock().instant());
              ObjectNode answer = Iam.object();
              answer.set("Group", require(sql, name));
              return answer;
            });
  }

  private ObjectNode getGroup(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "GroupName");
    return iam.store()
        .read(
            sql -> {
              ObjectNode group = require(sql, name);
              ObjectNode answer =
                  Iam.page(
                      input,
                      "Users",
                      sql.list(
                          "SELECT u.* FROM identity_users u JOIN identity_group_members m ON"
                              + " m.user_name = u.user_name WHERE m.group_name = ?",
                          row -> {
                            ObjectNode user = IamUsers.node(row);
                            user.remove("PermissionsBoundary");
                            return user;
                          },
                          name),
                      "UserName");
              answer.set("Group", group);
              return answer;
            });
  }

  private ObjectNode listGroups(CallContext call, ObjectNode input) {
    String prefix = input.path("PathPrefix").asString("/");
    return Iam.page(
        input,
        "Groups",
        iam.store()
            .read(
                sql ->
                    sql.list(
                        "SELECT * FROM identity_groups WHERE substr(path, 1, length(?)) = ?",
                        IamGroups::node,
                        prefix,
                        prefix)),
        "GroupName");
  }

  private ObjectNode updateGroup(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "GroupName");
    iam.store()
        .write(
            sql -> {
              ObjectNode old = require(sql, name);
              String path = input.path("NewPath").asString(old.path("Path").asString("/"));
              String next = input.path("NewGroupName").asString(name);
              if (!next.equalsIgnoreCase(name)) {
                Iam.Kind.GROUP.requireFree(sql, next);
              }
              sql.update(
                  "UPDATE identity_groups SET group_name = ?, path = ?, arn = ? WHERE group_name ="
                      + " ?",
                  next,
                  path,
                  Iam.Kind.GROUP.arn(iam.accountId(), path, next),
                  name);
              sql.update(
                  "UPDATE identity_group_members SET group_name = ? WHERE group_name = ?",
                  next,
                  name);
              IamOwnedPolicies.rename(sql, "group", name, next);
              iam.policies().changed();
              return next;
            });
    return Iam.object();
  }

  private ObjectNode deleteGroup(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "GroupName");
    iam.store()
        .write(
            sql -> {
              require(sql, name);
              if (sql.count(
                      "SELECT count(*) AS n FROM identity_group_members WHERE group_name = ?", name)
                  > 0) {
                throw Iam.deleteConflict(
                    "Cannot delete entity, must remove users from group first.");
              }
              IamOwnedPolicies.requireNone(sql, "group", name);
              return sql.update("DELETE FROM identity_groups WHERE group_name = ?", name);
            });
    return Iam.object();
  }

  private ObjectNode addUser(CallContext call, ObjectNode input) {
    String group = Iam.text(input, "GroupName");
    String user = Iam.text(input, "UserName");
    iam.store()
        .write(
            sql -> {
              IamUsers.require(sql, user);
              require(sql, group);
              iam.policies().changed();
              sql.update(
                  "INSERT INTO identity_group_members (group_name, user_name, joined) VALUES (?, ?,"
                      + " ?) ON CONFLICT (group_name, user_name) DO NOTHING",
                  group,
                  user,
                  iam.clock().instant());
              if (sql.count(
                      "SELECT count(*) AS n FROM identity_group_members WHERE user_name = ?", user)
                  > MAX_GROUPS_PER_USER) {
                throw Iam.limitExceeded("GroupsPerUser: " + MAX_GROUPS_PER_USER);
              }
              return user;
            });
    return Iam.object();
  }

  private ObjectNode removeUser(CallContext call, ObjectNode input) {
    String group = Iam.text(input, "GroupName");
    String user = Iam.text(input, "UserName");
    iam.store()
        .write(
            sql -> {
              require(sql, group);
              IamUsers.require(sql, user);
              iam.policies().changed();
              int removed =
                  sql.update(
                      "DELETE FROM identity_group_members WHERE group_name = ? AND user_name = ?",
                      group,
                      user);
              if (removed == 0) {
                throw Iam.noSuchEntity("User " + user + " not in group " + group);
              }
              return removed;
            });
    return Iam.object();
  }

  private ObjectNode listGroupsForUser(CallContext call, ObjectNode input) {
    String user = Iam.text(input, "UserName");
    return Iam.page(
        input,
        "Groups",
        iam.store()
            .read(
                sql -> {
                  IamUsers.require(sql, user);
                  return sql.list(
                      "SELECT g.* FROM identity_groups g JOIN identity_group_members m ON"
                          + " m.group_name = g.group_name WHERE m.user_name = ?",
                      IamGroups::node,
                      user);
                }),
        "GroupName");
  }

  static List<String> ofUser(Sql sql, String user) {
    return sql.list(
        "SELECT group_name FROM identity_group_members WHERE user_name = ?",
        row -> row.text("group_name"),
        user);
  }

  private static ObjectNode require(Sql sql, String name) {
    return sql.one("SELECT * FROM identity_groups WHERE group_name = ?", IamGroups::node, name)
        .orElseThrow(() -> Iam.Kind.GROUP.missing(name));
  }

  static ObjectNode node(Row row) {
    return Iam.object()
        .put("Path", row.text("path"))
        .put("GroupName", row.text("group_name"))
        .put("GroupId", row.text("group_id"))
        .put("Arn", row.text("arn"))
        .put("CreateDate", row.instant("created").getEpochSecond());
  }
}
