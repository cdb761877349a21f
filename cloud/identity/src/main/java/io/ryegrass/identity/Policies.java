package io.ryegrass.identity;

import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;

/** The parsed policies of users and roles, cached until the next write to any of them. */
final class Policies {
  private static final int MAX_CACHED = 1000;

  private record Cached(long generation, List<PolicyDocument> documents) {}

  private final CloudStore store;
  private final ConcurrentMap<String, Cached> cache = new ConcurrentHashMap<>();
  private final AtomicLong generation = new AtomicLong();

  Policies(CloudStore store) {
    this.store = store;
  }

  /** To be called inside each transaction that changes users, roles or policies. */
  void changed() {
    store.afterCommit(
        () -> {
          generation.incrementAndGet();
          cache.clear();
        });
  }

  List<PolicyDocument> of(String kind, String name) {
    String key = kind + "/" + name;
    long now = generation.get();
    Cached known = cache.get(key);
    if (known != null && known.generation() == now) {
      return known.documents();
    }
    List<PolicyDocument> loaded = store.read(sql -> load(sql, kind, name));
    if (cache.size() >= MAX_CACHED) {
      cache.clear();
    }
    cache.put(key, new Cached(now, loaded));
    return loaded;
  }

  private static List<PolicyDocument> load(Sql sql, String kind, String name) {
    List<PolicyDocument> found = new ArrayList<>();
    sql.list(
            "SELECT document FROM identity_inline_policies WHERE owner_kind = ? AND owner_name = ?",
            row -> row.text("document"),
            kind,
            name)
        .forEach(text -> found.add(PolicyDocument.parse(text)));
    sql.list(
            "SELECT v.document FROM identity_attached_policies a JOIN identity_policies p ON p.arn ="
                + " a.policy_arn JOIN identity_policy_versions v ON v.arn = p.arn AND v.version ="
                + " p.default_version WHERE a.owner_kind = ? AND a.owner_name = ?",
            row -> row.text("document"),
            kind,
            name)
        .forEach(text -> found.add(PolicyDocument.parse(text)));
    sql.list(
            "SELECT policy_arn FROM identity_attached_policies WHERE owner_kind = ? AND owner_name = ?",
            row -> row.text("policy_arn"),
            kind,
            name)
        .forEach(
            arn ->
                ManagedPolicies.find(arn).ifPresent(text -> found.add(PolicyDocument.parse(text))));
    return List.copyOf(found);
  }
}
