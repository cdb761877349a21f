package io.ryegrass.identity;

import io.ryegrass.awsapi.CallContext;
import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Instance profiles: kept for scripts that make them; no machine gets a role from one here. */
final class IamInstanceProfiles {

  private final Iam iam;

  IamInstanceProfiles(Iam iam) {
    this.iam = iam;
  }

  void register(ServiceOperations.Builder operations) {
    operations
        .json("CreateInstanceProfile", this::create)
        .json("GetInstanceProfile", this::get)
        .json("ListInstanceProfiles", this::list)
        .json("ListInstanceProfilesForRole", this::listForRole)
        .json("DeleteInstanceProfile", this::delete)
        .json("AddRoleToInstanceProfile", this::addRole)
        .json("RemoveRoleFromInstanceProfile", this::removeRole);
  }

  private ObjectNode create(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "InstanceProfileName");
    String path = Iam.path(input);
    return iam.store()
        .write(
            sql -> {
              Iam.Kind.PROFILE.requireFree(sql, name);
              sql.update(
                  "INSERT INTO identity_instance_profiles (profile_name, profile_id, arn, path,"
                      + " created) VALUES (?, ?, ?, ?, ?)",
                  name,
                  iam.ids().id("AIPA"),
                  Iam.Kind.PROFILE.arn(iam.accountId(), path, name),
                  path,
                  iam.clock().instant());
              IamTags.put(sql, Iam.Kind.PROFILE.key(), name, input.path("Tags"));
              return answer(sql, name);
            });
  }

  private ObjectNode get(CallContext call, ObjectNode input) {
    return iam.store().read(sql -> answer(sql, Iam.text(input, "InstanceProfileName")));
  }

  private static ObjectNode answer(Sql sql, String name) {
    ObjectNode answer = Iam.object();
    answer.set(
        "InstanceProfile",
        found(sql, " WHERE profile_name = ?", name).stream()
            .findFirst()
            .orElseThrow(() -> Iam.Kind.PROFILE.missing(name)));
    return answer;
  }

  private ObjectNode list(CallContext call, ObjectNode input) {
    String prefix = input.path("PathPrefix").asString("/");
    return Iam.page(
        input,
        "InstanceProfiles",
        iam.store()
            .read(sql -> found(sql, " WHERE substr(path, 1, length(?)) = ?", prefix, prefix)),
        "InstanceProfileName");
  }

  private ObjectNode listForRole(CallContext call, ObjectNode input) {
    String role = Iam.text(input, "RoleName");
    return Iam.page(
        input,
        "InstanceProfiles",
        iam.store()
            .read(
                sql -> {
                  IamRoles.require(sql, role);
                  return found(sql, " WHERE role_name = ?", role);
                }),
        "InstanceProfileName");
  }

  private ObjectNode delete(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "InstanceProfileName");
    iam.store()
        .write(
            sql -> {
              if (role(sql, name) != null) {
                throw Iam.deleteConflict(
                    "Cannot delete entity, must remove roles from instance profile first.");
              }
              IamTags.removeAll(sql, Iam.Kind.PROFILE.key(), name);
              return sql.update(
                  "DELETE FROM identity_instance_profiles WHERE profile_name = ?", name);
            });
    return Iam.object();
  }

  private ObjectNode addRole(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "InstanceProfileName");
    String role = Iam.text(input, "RoleName");
    iam.store()
        .write(
            sql -> {
              String present = role(sql, name);
              IamRoles.require(sql, role);
              if (present != null) {
                throw Iam.limitExceeded("InstanceSessionsPerInstanceProfile: 1");
              }
              return setRole(sql, name, role);
            });
    return Iam.object();
  }

  private ObjectNode removeRole(CallContext call, ObjectNode input) {
    String name = Iam.text(input, "InstanceProfileName");
    String role = Iam.text(input, "RoleName");
    iam.store()
        .write(
            sql -> {
              String present = role(sql, name);
              IamRoles.require(sql, role);
              if (!role.equals(present)) {
                throw Iam.noSuchEntity("Role " + role + " is not in Instance Profile " + name);
              }
              return setRole(sql, name, null);
            });
    return Iam.object();
  }

  private static int setRole(Sql sql, String name, @Nullable String role) {
    return sql.update(
        "UPDATE identity_instance_profiles SET role_name = ? WHERE profile_name = ?", role, name);
  }

  private static @Nullable String role(Sql sql, String name) {
    Iam.Kind.PROFILE.require(sql, name);
    return sql
        .list(
            "SELECT role_name FROM identity_instance_profiles WHERE profile_name = ? AND role_name"
                + " IS NOT NULL",
            row -> row.text("role_name"),
            name)
        .stream()
        .findFirst()
        .orElse(null);
  }

  /** Profiles with their role in them. */
  static List<ObjectNode> found(Sql sql, String where, Object... arguments) {
    record Found(ObjectNode node, String name, @Nullable String role) {}
    List<Found> profiles =
        sql.list(
            "SELECT * FROM identity_instance_profiles" + where,
            row -> new Found(node(row), row.text("profile_name"), row.textOrNull("role_name")),
            (Object[]) arguments);
    for (Found profile : profiles) {
      ArrayNode roles = profile.node().putArray("Roles");
      String role = profile.role();
      if (role != null) {
        ObjectNode shown = IamRoles.require(sql, role);
        shown.remove("MaxSessionDuration");
        roles.add(shown);
      }
      IamTags.show(sql, Iam.Kind.PROFILE.key(), profile.name(), profile.node());
    }
    return profiles.stream().map(Found::node).toList();
  }

  private static ObjectNode node(Row row) {
    return Iam.object()
        .put("Path", row.text("path"))
        .put("InstanceProfileName", row.text("profile_name"))
        .put("InstanceProfileId", row.text("profile_id"))
        .put("Arn", row.text("arn"))
        .put("CreateDate", row.instant("created").getEpochSecond());
  }
}
