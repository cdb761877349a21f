package io.ryegrass.identity;

import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The parsed policies of users and roles, cached until the next write to any of them. */
final class Policies {
  private static final int MAX_CACHED = 1000;

  /**
   * What a user or a role has.
   *
   * @param identity its own policies and those of its groups
   * @param boundary its permissions boundary, when it has one
   * @param tags of the user or role
   * @param roleArn of a role, absent for users
   */
  record Owned(
      List<PolicyDocument> identity,
      @Nullable PolicyDocument boundary,
      Map<String, String> tags,
      @Nullable String roleArn) {}

  private record Cached(long generation, Owned owned) {}

  private final CloudStore store;
  private final ConcurrentMap<String, Cached> cache = new ConcurrentHashMap<>();
  private final AtomicLong generation = new AtomicLong();
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

  Policies(CloudStore store) {
    this.store = store;
  }

  /** Called after each commit of a change. */
  void onChange(Runnable listener) {
    listeners.add(listener);
  }

  /** How often something has changed; what was read before a change is old. */
  long generation() {
    return generation.get();
  }

  /** To be called inside each transaction that changes keys, users, groups, roles or policies. */
  void changed() {
    store.afterCommit(
        () -> {
          generation.incrementAndGet();
          cache.clear();
          listeners.forEach(Runnable::run);
        });
  }

  /**
   * @param kind {@code user}, {@code role} or {@code group}
   */
  Owned of(String kind, String name) {
    String key = kind + "/" + name;
    long now = generation.get();
    Cached known = cache.get(key);
    if (known != null && known.generation() == now) {
      return known.owned();
    }
    Owned loaded = store.read(sql -> load(sql, kind, name));
    if (cache.size() >= MAX_CACHED) {
      cache.clear();
    }
    cache.put(key, new Cached(now, loaded));
    return loaded;
  }

  private static Owned load(Sql sql, String kind, String name) {
    List<PolicyDocument> found = new ArrayList<>(documents(sql, kind, name));
    if (kind.equals("user")) {
      for (String group : IamGroups.ofUser(sql, name)) {
        found.addAll(documents(sql, "group", group));
      }
    }
    PolicyDocument boundary = null;
    String roleArn = null;
    if (!kind.equals("group")) {
      String table = kind.equals("user") ? "identity_users" : "identity_roles";
      record Entity(String arn, @Nullable String boundary) {}
      Entity entity =
          sql.one(
                  "SELECT arn, boundary FROM " + table + " WHERE " + kind + "_name = ?",
                  row -> new Entity(row.text("arn"), row.textOrNull("boundary")),
                  name)
              .orElse(null);
      if (entity != null) {
        roleArn = kind.equals("role") ? entity.arn() : null;
        String arn = entity.boundary();
        if (arn != null) {
          List<PolicyDocument> documents = managed(sql, arn);
          // a boundary that is gone allows nothing
          boundary = documents.isEmpty() ? nothing() : documents.getFirst();
        }
      }
    }
    return new Owned(List.copyOf(found), boundary, IamTags.of(sql, kind, name), roleArn);
  }

  private static PolicyDocument nothing() {
    return PolicyDocument.parse(
        "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\","
            + "\"Resource\":\"*\"}}");
  }

  /** Inline and attached policies of one owner. */
  private static List<PolicyDocument> documents(Sql sql, String kind, String name) {
    List<PolicyDocument> found = new ArrayList<>();
    IamOwnedPolicies.inline(sql, kind, name)
        .values()
        .forEach(text -> found.add(PolicyDocument.parse(text)));
    IamOwnedPolicies.attached(sql, kind, name).forEach(arn -> found.addAll(managed(sql, arn)));
    return found;
  }

  /** The default version of a managed policy; nothing when there is none. */
  static List<PolicyDocument> managed(Sql sql, String arn) {
    return ManagedPolicies.find(arn)
        .map(List::of)
        .orElseGet(
            () ->
                sql.list(
                    "SELECT v.document FROM identity_policies p JOIN identity_policy_versions v ON"
                        + " v.arn = p.arn AND v.version = p.default_version WHERE p.arn = ?",
                    row -> row.text("document"),
                    arn))
        .stream()
        .map(PolicyDocument::parse)
        .toList();
  }
}
