package io.ryegrass.registry;

import io.ryegrass.store.Migration;
import java.util.List;

/** The registry's schema. */
final class RegistryTables {
  private RegistryTables() {}

  static List<Migration> migrations() {
    return List.of(
        new Migration(
            "registry",
            1,
            """
            CREATE TABLE thing_types (
              name TEXT PRIMARY KEY, id TEXT NOT NULL, description TEXT, searchable TEXT NOT NULL,
              deprecated INTEGER NOT NULL, created BIGINT NOT NULL);
            CREATE TABLE things (
              name TEXT PRIMARY KEY, id TEXT NOT NULL, type TEXT, attributes TEXT NOT NULL,
              version BIGINT NOT NULL, created BIGINT NOT NULL);
            CREATE TABLE thing_groups (
              name TEXT PRIMARY KEY, id TEXT NOT NULL, parent TEXT, description TEXT,
              attributes TEXT NOT NULL, version BIGINT NOT NULL, created BIGINT NOT NULL);
            CREATE TABLE thing_group_members (
              group_name TEXT NOT NULL, thing TEXT NOT NULL, PRIMARY KEY (group_name, thing));
            CREATE INDEX thing_group_members_by_thing ON thing_group_members (thing);
            CREATE TABLE certificates (
              id TEXT PRIMARY KEY, pem TEXT NOT NULL, status TEXT NOT NULL,
              created BIGINT NOT NULL, updated BIGINT NOT NULL);
            CREATE TABLE thing_principals (
              thing TEXT NOT NULL, certificate TEXT NOT NULL, PRIMARY KEY (thing, certificate));
            CREATE INDEX thing_principals_by_certificate ON thing_principals (certificate);
            CREATE TABLE iot_policies (
              name TEXT PRIMARY KEY, next_version BIGINT NOT NULL, created BIGINT NOT NULL);
            CREATE TABLE iot_policy_versions (
              policy TEXT NOT NULL, version BIGINT NOT NULL, document TEXT NOT NULL,
              is_default INTEGER NOT NULL, created BIGINT NOT NULL, PRIMARY KEY (policy, version));
            CREATE TABLE iot_policy_targets (
              policy TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (policy, target));
            CREATE INDEX iot_policy_targets_by_target ON iot_policy_targets (target);
            CREATE TABLE role_aliases (
              alias TEXT PRIMARY KEY, role_arn TEXT NOT NULL, seconds BIGINT NOT NULL,
              created BIGINT NOT NULL, updated BIGINT NOT NULL)
            """),
        new Migration(
            "registry",
            2,
            """
            CREATE TABLE event_configurations (
              type TEXT PRIMARY KEY, enabled INTEGER NOT NULL, created BIGINT NOT NULL,
              updated BIGINT NOT NULL)
            """),
        new Migration(
            "registry",
            3,
            """
            ALTER TABLE thing_types ADD COLUMN deprecated_at BIGINT;
            ALTER TABLE things ADD COLUMN billing_group TEXT;
            CREATE INDEX things_by_creation ON things (created, name);
            CREATE INDEX things_by_type ON things (type);
            CREATE INDEX things_by_billing_group ON things (billing_group);
            ALTER TABLE thing_groups ADD COLUMN query TEXT;
            CREATE INDEX thing_groups_by_parent ON thing_groups (parent);
            ALTER TABLE certificates ADD COLUMN ca TEXT;
            ALTER TABLE certificates ADD COLUMN mode TEXT NOT NULL DEFAULT 'DEFAULT';
            ALTER TABLE certificates ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
            CREATE INDEX certificates_by_ca ON certificates (ca);
            CREATE TABLE ca_certificates (
              id TEXT PRIMARY KEY, subject TEXT NOT NULL, pem TEXT NOT NULL, status TEXT NOT NULL,
              auto_registration INTEGER NOT NULL, mode TEXT NOT NULL, registration TEXT NOT NULL,
              version BIGINT NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL);
            CREATE INDEX ca_certificates_by_subject ON ca_certificates (subject);
            CREATE TABLE billing_groups (
              name TEXT PRIMARY KEY, id TEXT NOT NULL, description TEXT, version BIGINT NOT NULL,
              created BIGINT NOT NULL);
            CREATE TABLE iot_tags (
              arn TEXT NOT NULL, tag TEXT NOT NULL, content TEXT NOT NULL,
              PRIMARY KEY (arn, tag));
            CREATE TABLE iot_settings (name TEXT PRIMARY KEY, content TEXT NOT NULL)
            """));
  }
}
