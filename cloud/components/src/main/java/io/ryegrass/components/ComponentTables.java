package io.ryegrass.components;

import io.ryegrass.store.Migration;
import java.util.List;

/** The tables of this module; times are milliseconds since 1970. */
final class ComponentTables {
  private static final String FIRST =
      """
      CREATE TABLE components_versions (
        name TEXT NOT NULL, version TEXT NOT NULL, created BIGINT NOT NULL, hidden INTEGER NOT NULL,
        recipe TEXT NOT NULL, PRIMARY KEY (name, version));
      CREATE TABLE components_tags (
        arn TEXT NOT NULL, tag TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (arn, tag));
      CREATE TABLE components_tokens (
        token TEXT NOT NULL, operation TEXT NOT NULL, request TEXT NOT NULL, response TEXT NOT NULL,
        created BIGINT NOT NULL, PRIMARY KEY (token, operation));
      CREATE TABLE components_revisions (
        target TEXT NOT NULL PRIMARY KEY, revision BIGINT NOT NULL);
      CREATE TABLE components_deployments (
        id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, target TEXT NOT NULL,
        revision BIGINT NOT NULL, configuration_arn TEXT NOT NULL UNIQUE, created BIGINT NOT NULL,
        status TEXT NOT NULL, latest INTEGER NOT NULL, parent_target TEXT, core TEXT, job_id TEXT UNIQUE,
        request TEXT NOT NULL);
      CREATE INDEX components_deployments_target ON components_deployments (target, latest);
      CREATE TABLE components_effective (
        core TEXT NOT NULL, deployment_id TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
        details TEXT NOT NULL, created BIGINT NOT NULL, modified BIGINT NOT NULL,
        PRIMARY KEY (core, deployment_id));
      CREATE TABLE components_cores (
        thing TEXT NOT NULL PRIMARY KEY, version TEXT NOT NULL, platform TEXT NOT NULL,
        architecture TEXT NOT NULL, runtime TEXT NOT NULL, status TEXT NOT NULL,
        sequence BIGINT NOT NULL, device_time BIGINT NOT NULL, updated BIGINT NOT NULL);
      CREATE TABLE components_installed (
        thing TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, state TEXT NOT NULL,
        reason TEXT NOT NULL, codes TEXT NOT NULL, root INTEGER NOT NULL, source TEXT NOT NULL,
        changed BIGINT NOT NULL, reported BIGINT NOT NULL, PRIMARY KEY (thing, name));
      CREATE TABLE components_status_chunks (
        thing TEXT NOT NULL, sequence BIGINT NOT NULL, chunk INTEGER NOT NULL, names TEXT NOT NULL,
        PRIMARY KEY (thing, sequence, chunk));
      CREATE TABLE components_client_devices (
        core TEXT NOT NULL, thing TEXT NOT NULL, associated BIGINT NOT NULL,
        PRIMARY KEY (core, thing));
      CREATE TABLE components_connectivity (
        thing TEXT NOT NULL PRIMARY KEY, version BIGINT NOT NULL, entries TEXT NOT NULL);
      CREATE TABLE components_service_role (
        account TEXT NOT NULL PRIMARY KEY, role_arn TEXT NOT NULL, associated BIGINT NOT NULL);
      CREATE TABLE components_hidden_groups (
        core TEXT NOT NULL, group_key TEXT NOT NULL, PRIMARY KEY (core, group_key))
      """;

  private static final String FLEET =
      """
      CREATE TABLE components_settings (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
      CREATE TABLE components_presence (
        thing TEXT NOT NULL PRIMARY KEY, connected INTEGER NOT NULL, changed BIGINT NOT NULL,
        reason TEXT NOT NULL);
      CREATE TABLE components_telemetry (
        thing TEXT NOT NULL, received BIGINT NOT NULL, seq BIGINT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (thing, received, seq));
      CREATE INDEX components_deployments_parent ON components_deployments (parent_target);
      CREATE INDEX components_effective_deployment ON components_effective (deployment_id)
      """;

  /**
   * The documents of V1 groups that outgrew their job, until the group's next deployment. Those of
   * V2 deployments are made again of the request.
   */
  private static final String GROUP_DOCUMENTS =
      """
      CREATE TABLE components_group_documents (
        target TEXT NOT NULL PRIMARY KEY, deployment_id TEXT NOT NULL, document TEXT NOT NULL)
      """;

  private ComponentTables() {}

  static List<Migration> migrations() {
    return List.of(
        new Migration("components", 1, FIRST),
        new Migration("components", 2, FLEET),
        new Migration("components", 3, GROUP_DOCUMENTS));
  }
}
