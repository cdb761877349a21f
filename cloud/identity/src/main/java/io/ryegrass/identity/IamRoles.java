package io.ryegrass.identity;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** IAM's roles, those linked to services among them. */
final class IamRoles {
  private static final int DEFAULT_SESSION_SECONDS = 3600;
  private static final int MAX_ROLES = 5000;
  private static final int MAX_TRUST_CHARACTERS = 4096;
  private static final String LINKED_PATH = "/aws-service-role/";

  /** Names of linked roles that do not follow from the service's name. */
  private static final Map<String, String> LINKED_NAMES =
      Map.of(
          "autoscaling", "AutoScaling",
          "elasticbeanstalk", "ElasticBeanstalk",
          "ecs", "ECS",
          "custom-resource.application-autoscaling", "ApplicationAutoScaling_CustomResource",
          "replication.iot", "IoTReplication",
          "iotfleetwise", "IoTFleetWise");

  private final Iam iam;
  private final LastUsed lastUsed;

  IamRoles(Iam iam, LastUsed lastUsed) {
    this.iam = iam;
    this.lastUsed = lastUsed;
  }

  void register(ServiceOperations.Builder operations) {
    operations
        .json("CreateRole", this::createRole)
        .json("GetRole", this::getRole)
        .json("ListRoles", this::listRoles)
        .json("UpdateRole", this::updateRole)
        .json("UpdateRoleDescription", this::updateRoleDescription)
        .json("UpdateAssumeRolePolicy", this::updateAssumeRolePolicy)
        .json("DeleteRole", this::deleteRole)
        .json("CreateServiceLinkedRole", this::createServiceLinkedRole)
        .json("DeleteServiceLinkedRole", this::deleteServiceLinkedRole)
        .json("GetServiceLinkedRoleDeletionStatus", this::deletionStatus);
  }

  private ObjectNode createRole(CallContext call, ObjectNode input) {
    String path = Iam.path(input);
    if (path.startsWith(LINKED_PATH)) {
      throw Iam.invalidInput("Cannot create a role in the path " + LINKED_PATH);
    }
    String trust = trust(Iam.text(input, "AssumeRolePolicyDocument"));
    return create(input, Iam.text(input, "RoleName"), path, trust);
  }

  private ObjectNode create(ObjectNode input, String name, String path, String trust) {
    return iam.store()
        .write(
            sql -> {
              Iam.Kind.ROLE.requireFree(sql, name);
              if (sql.count("SELECT count(*) AS n FROM identity_roles") >= MAX_ROLES) {
                throw Iam.limitExceeded("RolesPerAccount: " + MAX_ROLES);
              }
              iam.policies().changed();
              sql.update(
                  "INSERT INTO identity_roles (role_name, role_id, arn, path, trust_policy,"
                      + " description, max_session_seconds, boundary, created) VALUES (?, ?, ?, ?,"
                      + " ?, ?, ?, ?, ?)",
                  name,
                  iam.ids().id("AROA"),
                  Iam.Kind.ROLE.arn(iam.accountId(), path, name),
                  path,
                  trust,
                  Iam.textOrNull(input, "Description"),
                  input.path("MaxSessionDuration").asInt(DEFAULT_SESSION_SECONDS),
                  IamBoundaries.checked(sql, iam.accountId(), input),
                  iam.clock().instant());
              IamTags.put(sql, "role", name, input.path("Tags"));
              ObjectNode answer = Iam.object();
              ObjectNode role = require(sql, name);
              if (!input.has("MaxSessionDuration")) {
                role.remove("MaxSessionDuration"); // IAM's answer to CreateRole has it when asked
              }
              IamTags.show(sql, "role", name, role);
              answer.set("Role", role);
              return answer;
            });
  }

  private static String trust(String document) {
    if (document.replaceAll("\\s", "").length() > MAX_TRUST_CHARACTERS) {
      throw Iam.limitExceeded("ACLSizePerRole: " + MAX_TRUST_CHARACTERS);
    }
    PolicyGrammar.trustPolicy(document);
    return document;
  }

  private ObjectNode getRole(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "RoleName");
    ObjectNode answer = Iam.object();
    answer.set("Role", iam.store().read(sql -> whole(sql, name)));
    return answer;
  }

  /** With tags and its last use, which lists leave out. */
  private ObjectNode whole(Sql sql, String name) {
    ObjectNode role = require(sql, name);
    IamTags.show(sql, "role", name, role);
    showLastUsed(name, role);
    return role;
  }

  void showLastUsed(String name, ObjectNode role) {
    LastUsed.Use use = lastUsed.ofRole(name);
    ObjectNode shown = role.putObject("RoleLastUsed");
    if (use != null) {
      shown.put("LastUsedDate", use.time().getEpochSecond()).put("Region", use.region());
    }
  }

  private ObjectNode listRoles(CallContext call, ObjectNode input) {
    String prefix = input.path("PathPrefix").asString("/");
    return Iam.page(
        input,
        "Roles",
        iam.store()
            .read(
                sql ->
                    sql.list(
                        "SELECT * FROM identity_roles WHERE substr(path, 1, length(?)) = ?",
                        row -> {
                          ObjectNode role = node(row);
                          role.remove("PermissionsBoundary"); // GetRole tells it, lists do not
                          return role;
                        },
                        prefix,
                        prefix)),
        "RoleName");
  }

  /** What is not given goes back to its default, as IAM does. */
  private ObjectNode updateRole(CallContext call, ObjectNode input) {
    update(
        input,
        "UPDATE identity_roles SET description = ?, max_session_seconds = ? WHERE role_name = ?",
        Iam.textOrNull(input, "Description"),
        input.path("MaxSessionDuration").asInt(DEFAULT_SESSION_SECONDS));
    return Iam.object();
  }

  private ObjectNode updateRoleDescription(CallContext call, ObjectNode input) {
    update(
        input,
        "UPDATE identity_roles SET description = ? WHERE role_name = ?",
        Iam.text(input, "Description"));
    return getRole(call, input);
  }

  private ObjectNode updateAssumeRolePolicy(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "RoleName");
    iam.store().read(sql -> require(sql, name));
    update(
        input,
        "UPDATE identity_roles SET trust_policy = ? WHERE role_name = ?",
        trust(Iam.text(input, "PolicyDocument")));
    return Iam.object();
  }

  private void update(ObjectNode input, String statement, @Nullable Object... values) {
    String name = Iam.text(input, "RoleName");
    @Nullable Object[] arguments = java.util.Arrays.copyOf(values, values.length + 1);
    arguments[values.length] = name;
    iam.store()
        .write(
            sql -> {
              requireOwn(require(sql, name), name);
              iam.policies().changed();
              return sql.update(statement, arguments);
            });
  }

  private ObjectNode deleteRole(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "RoleName");
    iam.store()
        .write(
            sql -> {
              requireOwn(require(sql, name), name);
              if (sql.count(
                      "SELECT count(*) AS n FROM identity_instance_profiles WHERE role_name = ?",
                      name)
                  > 0) {
                throw Iam.deleteConflict(
                    "Cannot delete entity, must remove roles from instance profile first.");
              }
              IamOwnedPolicies.requireNone(sql, "role", name);
              return delete(sql, name);
            });
    return Iam.object();
  }

  private int delete(Sql sql, String name) {
    iam.policies().changed();
    IamTags.removeAll(sql, "role", name);
    sql.update("DELETE FROM identity_sessions WHERE role_name = ?", name);
    return sql.update("DELETE FROM identity_roles WHERE role_name = ?", name);
  }

  // --- roles linked to services ------------------------------------------------------------------

  private ObjectNode createServiceLinkedRole(CallContext call, ObjectNode input) {
    String service = Iam.text(input, "AWSServiceName");
    String base = service.replace(".amazonaws.com", "");
    String suffix = Iam.textOrNull(input, "CustomSuffix");
    String name =
        "AWSServiceRoleFor"
            + LINKED_NAMES.getOrDefault(base, base)
            + (suffix == null ? "" : "_" + suffix);
    String trust =
        "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Action\": [\"sts:AssumeRole\"],"
            + " \"Effect\": \"Allow\", \"Principal\": {\"Service\": [\""
            + service
            + "\"]}}]}";
    PolicyGrammar.trustPolicy(trust);
    try {
      return create(input, name, LINKED_PATH + service + "/", trust);
    } catch (AwsException e) {
      if (!e.code().equals("EntityAlreadyExists")) {
        throw e;
      }
      AwsException taken =
          Iam.invalidInput(
              "Service role name "
                  + name
                  + " has been taken in this account, please try a different suffix.");
      taken.initCause(e);
      throw taken;
    }
  }

  private ObjectNode deleteServiceLinkedRole(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "RoleName");
    return iam.store()
        .write(
            sql -> {
              ObjectNode role = require(sql, name);
              String path = role.path("Path").asString("");
              if (!path.startsWith(LINKED_PATH)) {
                throw Iam.invalidInput(name + " is not a service-linked role.");
              }
              for (String table :
                  List.of("identity_inline_policies", "identity_attached_policies")) {
                sql.update(
                    "DELETE FROM " + table + " WHERE owner_kind = 'role' AND owner_name = ?", name);
              }
              delete(sql, name);
              return Iam.object()
                  .put("DeletionTaskId", "task" + path + name + "/" + UUID.randomUUID());
            });
  }

  /** Deletion is done when it is answered; a task of a role that is still there was none. */
  private ObjectNode deletionStatus(CallContext call, ObjectNode input) {
    String task = Iam.text(input, "DeletionTaskId");
    if (!task.startsWith("task" + LINKED_PATH)) {
      throw Iam.noSuchEntity("The deletion task " + task + " cannot be found.");
    }
    return Iam.object().put("Status", "SUCCEEDED");
  }

  /** Linked roles are changed by their service only. */
  private static void requireOwn(ObjectNode role, String name) {
    if (role.path("Path").asString("").startsWith(LINKED_PATH)) {
      throw new AwsException(
          "UnmodifiableEntity",
          400,
          "Cannot perform the operation on the protected role '"
              + name
              + "' - this role is only modifiable by AWS");
    }
  }

  static ObjectNode require(Sql sql, String name) {
    return sql.one("SELECT * FROM identity_roles WHERE role_name = ?", IamRoles::node, name)
        .orElseThrow(() -> Iam.Kind.ROLE.missing(name));
  }

  static ObjectNode node(Row row) {
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
    if (description != null) {
      role.put("Description", description);
    }
    IamBoundaries.show(row, role);
    return role;
  }
}
