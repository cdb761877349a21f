package io.ryegrass.identity;

import io.ryegrass.store.CloudStore;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * When access keys and roles were last used. Kept in memory and written at most every quarter of an
 * hour per key, off the way of requests; AWS tells it with a delay of hours, too. A crash loses
 * that quarter of an hour.
 */
final class LastUsed {

  /** A use. */
  record Use(Instant time, String service, String region) {}

  private static final Duration WRITTEN_EVERY = Duration.ofMinutes(15);
  private static final int MAX_REMEMBERED = 20_000;

  private record Known(Use use, Instant written) {}

  private final CloudStore store;
  private final Map<String, Known> keys = new ConcurrentHashMap<>();
  private final Map<String, Known> roles = new ConcurrentHashMap<>();

  LastUsed(CloudStore store) {
    this.store = store;
  }

  /** Called for each authorised request. */
  void used(String accessKeyId, @Nullable String role, Instant now, String service, String region) {
    if (role != null) {
      note(
          roles,
          role,
          new Use(now, service, region),
          "UPDATE identity_roles SET last_used = ?, last_region = ? WHERE role_name = ?",
          false);
    } else if (!accessKeyId.isEmpty()) {
      note(
          keys,
          accessKeyId,
          new Use(now, service, region),
          "UPDATE identity_access_keys SET last_used = ?, last_service = ?, last_region = ? WHERE"
              + " access_key_id = ?",
          true);
    }
  }

  private void note(
      Map<String, Known> map, String name, Use use, String statement, boolean withService) {
    Known known = map.get(name);
    boolean due = known == null || known.written().plus(WRITTEN_EVERY).isBefore(use.time());
    if (known != null
        && !due
        && known.use().time().getEpochSecond() == use.time().getEpochSecond()) {
      return;
    }
    if (known == null && map.size() >= MAX_REMEMBERED) {
      map.clear();
    }
    map.put(name, new Known(use, due || known == null ? use.time() : known.written()));
    if (due) {
      Thread.ofVirtual()
          .name("last-used")
          .start(
              () ->
                  store.write(
                      sql ->
                          withService
                              ? sql.update(statement, use.time(), use.service(), use.region(), name)
                              : sql.update(statement, use.time(), use.region(), name)));
    }
  }

  @Nullable Use ofKey(String accessKeyId) {
    Known known = keys.get(accessKeyId);
    return known != null
        ? known.use()
        : stored(
            "SELECT last_used, last_service, last_region FROM identity_access_keys WHERE"
                + " access_key_id = ? AND last_used IS NOT NULL",
            accessKeyId);
  }

  @Nullable Use ofRole(String name) {
    Known known = roles.get(name);
    return known != null
        ? known.use()
        : stored(
            "SELECT last_used, '' AS last_service, last_region FROM identity_roles WHERE role_name"
                + " = ? AND last_used IS NOT NULL",
            name);
  }

  private @Nullable Use stored(String statement, String name) {
    return store
        .read(
            sql ->
                sql.one(
                    statement,
                    row ->
                        new Use(
                            row.instant("last_used"),
                            row.text("last_service"),
                            row.text("last_region")),
                    name))
        .orElse(null);
  }
}
