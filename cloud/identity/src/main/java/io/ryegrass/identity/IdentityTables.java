package io.ryegrass.identity;

import io.ryegrass.store.Migration;
import java.util.List;

/**
 * The tables of this module. Owners of policies are {@code user}, {@code role} or {@code group}.
 */
final class IdentityTables {
  private IdentityTables() {}

  static List<Migration> migrations() {
    return List.of(
        new Migration(
            "identity",
            1,
            """
            CREATE TABLE identity_users (
              user_name TEXT NOT NULL PRIMARY KEY, user_id TEXT NOT NULL, arn TEXT NOT NULL,
              path TEXT NOT NULL, created BIGINT NOT NULL);
            CREATE TABLE identity_access_keys (
              access_key_id TEXT NOT NULL PRIMARY KEY,
              user_name TEXT REFERENCES identity_users (user_name), -- null: the account's root
              secret TEXT NOT NULL, status TEXT NOT NULL, created BIGINT NOT NULL);
            CREATE TABLE identity_roles (
              role_name TEXT NOT NULL PRIMARY KEY, role_id TEXT NOT NULL, arn TEXT NOT NULL,
              path TEXT NOT NULL, trust_policy TEXT NOT NULL, description TEXT,
              max_session_seconds INTEGER NOT NULL, created BIGINT NOT NULL);
            CREATE TABLE identity_policies (
              arn TEXT NOT NULL PRIMARY KEY, policy_name TEXT NOT NULL, policy_id TEXT NOT NULL,
              path TEXT NOT NULL, description TEXT, default_version TEXT NOT NULL,
              last_version INTEGER NOT NULL, created BIGINT NOT NULL);
            CREATE TABLE identity_policy_versions (
              arn TEXT NOT NULL REFERENCES identity_policies (arn), version TEXT NOT NULL,
              document TEXT NOT NULL, created BIGINT NOT NULL, PRIMARY KEY (arn, version));
            CREATE TABLE identity_inline_policies (
              owner_kind TEXT NOT NULL, owner_name TEXT NOT NULL, policy_name TEXT NOT NULL,
              document TEXT NOT NULL, PRIMARY KEY (owner_kind, owner_name, policy_name));
            CREATE TABLE identity_attached_policies (
              owner_kind TEXT NOT NULL, owner_name TEXT NOT NULL, policy_arn TEXT NOT NULL,
              PRIMARY KEY (owner_kind, owner_name, policy_arn));
            CREATE TABLE identity_sessions (
              access_key_id TEXT NOT NULL PRIMARY KEY, secret TEXT NOT NULL, token TEXT NOT NULL,
              role_name TEXT NOT NULL, role_id TEXT NOT NULL, session_name TEXT NOT NULL,
              thing_name TEXT, expires BIGINT NOT NULL);
            CREATE INDEX identity_sessions_expires ON identity_sessions (expires);
            """),
        new Migration(
            "identity",
            2,
            """
            ALTER TABLE identity_users ADD COLUMN boundary TEXT;
            ALTER TABLE identity_roles ADD COLUMN boundary TEXT;
            ALTER TABLE identity_roles ADD COLUMN last_used BIGINT;
            ALTER TABLE identity_roles ADD COLUMN last_region TEXT;
            ALTER TABLE identity_access_keys ADD COLUMN last_used BIGINT;
            ALTER TABLE identity_access_keys ADD COLUMN last_service TEXT;
            ALTER TABLE identity_access_keys ADD COLUMN last_region TEXT;
            ALTER TABLE identity_policies ADD COLUMN updated BIGINT;
            ALTER TABLE identity_sessions ADD COLUMN user_name TEXT; -- of a user's own session
            ALTER TABLE identity_sessions ADD COLUMN policies TEXT; -- JSON list of documents
            ALTER TABLE identity_sessions ADD COLUMN tags TEXT; -- JSON object
            ALTER TABLE identity_sessions ADD COLUMN issued BIGINT;
            CREATE TABLE identity_groups (
              group_name TEXT NOT NULL PRIMARY KEY, group_id TEXT NOT NULL, arn TEXT NOT NULL,
              path TEXT NOT NULL, created BIGINT NOT NULL);
            CREATE TABLE identity_group_members (
              group_name TEXT NOT NULL, user_name TEXT NOT NULL, joined BIGINT NOT NULL,
              PRIMARY KEY (group_name, user_name));
            CREATE INDEX identity_group_members_user ON identity_group_members (user_name);
            CREATE TABLE identity_tags (
              owner_kind TEXT NOT NULL, owner_name TEXT NOT NULL, tag_key TEXT NOT NULL,
              tag_value TEXT NOT NULL, position BIGINT NOT NULL,
              PRIMARY KEY (owner_kind, owner_name, tag_key));
            CREATE TABLE identity_instance_profiles (
              profile_name TEXT NOT NULL PRIMARY KEY, profile_id TEXT NOT NULL, arn TEXT NOT NULL,
              path TEXT NOT NULL, role_name TEXT, created BIGINT NOT NULL);
            CREATE TABLE identity_account (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
            """));
  }
}
