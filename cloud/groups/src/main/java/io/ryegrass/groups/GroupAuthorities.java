package io.ryegrass.groups;

import io.ryegrass.identity.CertificateAuthority;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Migration;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The certificate authorities of groups: {@code <folder>/<group>/<authority>/}, key 0600
 * (docs/decisions/003), RSA 2048 as V1's were (SCY-07); made when somebody first asks for it, for
 * that costs some hundred milliseconds. The newest signs; devices are told of all, so that a
 * rotation cuts nobody off.
 */
final class GroupAuthorities {
  static final Migration TABLES =
      new Migration(
          "groups",
          2,
          """
          CREATE TABLE gg_authority (
            id VARCHAR(64) PRIMARY KEY,
            group_id VARCHAR(64) NOT NULL,
            created BIGINT NOT NULL);
          CREATE INDEX gg_authority_group ON gg_authority (group_id);
          CREATE TABLE gg_certificate_expiry (
            group_id VARCHAR(64) PRIMARY KEY,
            milliseconds BIGINT NOT NULL)
          """);

  /**
   * Life of a core's server certificate: 7 days, configurable up to 30 (v1-group-deployment.md §6).
   */
  static final Duration MIN_EXPIRY = Duration.ofDays(7);

  static final Duration MAX_EXPIRY = Duration.ofDays(30);

  private final CloudStore store;
  private final Path folder;
  private final Clock clock;
  private final ConcurrentHashMap<String, CertificateAuthority> open = new ConcurrentHashMap<>();
  private final ReentrantLock creating = new ReentrantLock();

  record Authority(String id, Instant created, CertificateAuthority ca) {}

  GroupAuthorities(CloudStore store, Path folder, Clock clock) {
    this.store = store;
    this.folder = folder;
    this.clock = clock;
  }

  /** The authority that signs; made when the group has none. */
  Authority current(String groupId) {
    List<Authority> all = all(groupId);
    if (!all.isEmpty()) {
      return all.getFirst();
    }
    creating.lock();
    try {
      List<Authority> made = all(groupId);
      return made.isEmpty() ? create(groupId) : made.getFirst();
    } finally {
      creating.unlock();
    }
  }

  /** A further authority, which signs from now on. The key is on disk before the row is. */
  Authority create(String groupId) {
    String id = UUID.randomUUID().toString().replace("-", "");
    CertificateAuthority ca = open(groupId, id);
    Instant now = clock.instant();
    store.write(
        sql ->
            sql.update(
                "INSERT INTO gg_authority (id, group_id, created) VALUES (?, ?, ?)",
                id,
                groupId,
                now));
    return new Authority(id, now, ca);
  }

  /** Newest first. */
  List<Authority> all(String groupId) {
    record Stored(String id, Instant created) {}
    return store
        .read(
            sql ->
                sql.list(
                    "SELECT id, created FROM gg_authority WHERE group_id = ? ORDER BY created DESC, id LIMIT 100",
                    row -> new Stored(row.text("id"), row.instant("created")),
                    groupId))
        .stream()
        .map(stored -> new Authority(stored.id(), stored.created(), open(groupId, stored.id())))
        .toList();
  }

  private CertificateAuthority open(String groupId, String id) {
    return open.computeIfAbsent(
        id,
        key ->
            CertificateAuthority.openOrCreate(
                folder.resolve(groupId).resolve(id),
                "Greengrass Core CA " + groupId,
                clock,
                "RSA"));
  }

  /** The rows only: key files stay until an operator removes them. */
  void delete(String groupId) {
    store.write(
        sql -> {
          sql.update("DELETE FROM gg_certificate_expiry WHERE group_id = ?", groupId);
          return sql.update("DELETE FROM gg_authority WHERE group_id = ?", groupId);
        });
  }

  Duration expiry(String groupId) {
    return store.read(
        sql ->
            sql.one(
                    "SELECT milliseconds FROM gg_certificate_expiry WHERE group_id = ?",
                    row -> Duration.ofMillis(row.number("milliseconds")),
                    groupId)
                .orElse(MIN_EXPIRY));
  }

  void setExpiry(String groupId, Duration expiry) {
    store.write(
        sql -> {
          sql.update("DELETE FROM gg_certificate_expiry WHERE group_id = ?", groupId);
          return sql.update(
              "INSERT INTO gg_certificate_expiry (group_id, milliseconds) VALUES (?, ?)",
              groupId,
              expiry.toMillis());
        });
  }
}
