package io.ryegrass.components;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.store.CloudStore;
import java.time.Clock;
import tools.jackson.databind.node.ObjectNode;

/** The role of the account that the service may take; one for V1 and V2. */
final class ServiceRole {
  private final CloudStore store;
  private final Arns arns;
  private final Clock clock;

  ServiceRole(CloudStore store, Arns arns, Clock clock) {
    this.store = store;
    this.arns = arns;
    this.clock = clock;
  }

  ObjectNode associate(ObjectNode input) {
    return store.write(
        sql -> {
          sql.update("DELETE FROM components_service_role WHERE account = ?", arns.account());
          sql.update(
              "INSERT INTO components_service_role (account, role_arn, associated) VALUES (?, ?, ?)",
              arns.account(),
              Json.text(input, "roleArn"),
              clock.millis());
          return Json.object().put("associatedAt", clock.instant().toString());
        });
  }

  ObjectNode get(ObjectNode input) {
    return store
        .read(
            sql ->
                sql.one(
                    "SELECT * FROM components_service_role WHERE account = ?",
                    row ->
                        Json.object()
                            .put("associatedAt", row.instant("associated").toString())
                            .put("roleArn", row.text("role_arn")),
                    arns.account()))
        .orElseThrow(
            () ->
                new AwsException(
                    "ResourceNotFoundException",
                    404,
                    "You need to attach a service role to this account."));
  }

  ObjectNode disassociate(ObjectNode input) {
    store.write(
        sql -> sql.update("DELETE FROM components_service_role WHERE account = ?", arns.account()));
    return Json.object().put("disassociatedAt", clock.instant().toString());
  }
}
