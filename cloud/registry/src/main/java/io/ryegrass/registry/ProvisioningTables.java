package io.ryegrass.registry;

import io.ryegrass.store.Migration;
import java.util.List;

/** The schema of fleet provisioning. */
final class ProvisioningTables {
  private ProvisioningTables() {}

  static List<Migration> migrations() {
    return List.of(
        new Migration(
            "provisioning",
            1,
            """
            CREATE TABLE provisioning_templates (
              name TEXT PRIMARY KEY, description TEXT NOT NULL, enabled INTEGER NOT NULL,
              role_arn TEXT NOT NULL, default_version BIGINT NOT NULL, next_version BIGINT NOT NULL,
              created BIGINT NOT NULL, updated BIGINT NOT NULL);
            CREATE TABLE provisioning_template_versions (
              template TEXT NOT NULL, version BIGINT NOT NULL, body TEXT NOT NULL,
              created BIGINT NOT NULL, PRIMARY KEY (template, version));
            CREATE TABLE certificate_ownership (
              token TEXT PRIMARY KEY, certificate TEXT NOT NULL, expires BIGINT NOT NULL,
              request TEXT, answer TEXT);
            CREATE INDEX certificate_ownership_by_expiry ON certificate_ownership (expires)
            """),
        new Migration(
            "provisioning",
            2,
            """
            ALTER TABLE provisioning_templates
              ADD COLUMN kind TEXT NOT NULL DEFAULT 'FLEET_PROVISIONING'
            """));
  }
}
