package io.ryegrass.identity;

import io.ryegrass.awsapi.ServiceOperations;
import io.ryegrass.store.Row;
import io.ryegrass.store.Sql;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** Permissions boundaries of users and roles: a managed policy that must allow, too. */
final class IamBoundaries {

  private final Iam iam;

  IamBoundaries(Iam iam) {
    this.iam = iam;
  }

  void register(ServiceOperations.Builder operations) {
    for (Iam.Kind kind : List.of(Iam.Kind.USER, Iam.Kind.ROLE)) {
      operations
          .json("Put" + kind.title + "PermissionsBoundary", (call, in) -> put(kind, in))
          .json("Delete" + kind.title + "PermissionsBoundary", (call, in) -> delete(kind, in));
    }
  }

  private ObjectNode put(Iam.Kind kind, ObjectNode input) {
    return set(kind, input, true);
  }

  private ObjectNode delete(Iam.Kind kind, ObjectNode input) {
    return set(kind, input, false);
  }

  private ObjectNode set(Iam.Kind kind, ObjectNode input, boolean given) {
    String name = kind.name(input);
    iam.store()
        .write(
            sql -> {
              kind.require(sql, name);
              String arn = given ? checked(sql, iam.accountId(), input) : null;
              iam.policies().changed();
              return sql.update(
                  "UPDATE " + kind.table + " SET boundary = ? WHERE " + kind.column + " = ?",
                  arn,
                  name);
            });
    return Iam.object();
  }

  /** The policy named as boundary; it must be there. */
  static @Nullable String checked(Sql sql, String accountId, ObjectNode input) {
    String arn = Iam.textOrNull(input, "PermissionsBoundary");
    if (arn == null) {
      return null;
    }
    if (!arn.matches("arn:aws:iam::(aws|\\d{12}):policy/.+")) {
      throw Iam.validation(
          "Value (" + arn + ") failed to satisfy constraint: Member must be a valid policy ARN",
          null);
    }
    IamManagedPolicies.require(sql, arn);
    return arn;
  }

  static void show(Row row, ObjectNode entity) {
    String arn = row.textOrNull("boundary");
    if (arn != null) {
      entity
          .putObject("PermissionsBoundary")
          .put("PermissionsBoundaryType", "PermissionsBoundaryPolicy")
          .put("PermissionsBoundaryArn", arn);
    }
  }
}
