package io.ryegrass.registry;

import io.ryegrass.policy.PolicyDocument;
import io.ryegrass.policy.PolicyEvaluator;
import io.ryegrass.store.CloudStore;
import io.ryegrass.store.Sql;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;

/**
 * May this certificate do that? Answered from parsed policies that are kept until the next change
 * of the registry (mqtt-cloud, section 5): those of the certificate and of the groups, with their
 * parents, of the things that it is attached to.
 */
final class DeviceAuthority {
  /** Enough for a busy plant; beyond it the whole cache starts anew. */
  private static final int MAX_CACHED = 10_000;

  private final CloudStore store;
  private final Registry registry;
  private final Map<String, Cached> cache = new ConcurrentHashMap<>();
  private final AtomicLong epoch = new AtomicLong();
  private final List<Runnable> changes = new CopyOnWriteArrayList<>();

  DeviceAuthority(CloudStore store, Registry registry) {
    this.store = store;
    this.registry = registry;
  }

  private record Cached(
      long epoch, boolean active, Set<String> things, List<PolicyDocument> policies) {}

  /** Called after each change is on disk. */
  void forget() {
    epoch.incrementAndGet();
    cache.clear();
    changes.forEach(Runnable::run);
  }

  /** Calls back after each change of what certificates may do. */
  void onChange(Runnable listener) {
    changes.add(listener);
  }

  /** The things of an active certificate; empty when it is unknown or not active. */
  Optional<Set<String>> things(String certificateId) {
    Cached cached = cached(certificateId);
    return cached.active() ? Optional.of(cached.things()) : Optional.empty();
  }

  boolean isAllowed(
      String certificateId, String action, String resource, Map<String, String> variables) {
    Cached cached = cached(certificateId);
    return cached.active()
        && PolicyEvaluator.evaluate(cached.policies(), action, resource, variables)
            == PolicyEvaluator.Decision.ALLOW;
  }

  private Cached cached(String certificateId) {
    Cached known = cache.get(certificateId);
    if (known != null && known.epoch() == epoch.get()) {
      return known;
    }
    long before = epoch.get();
    Cached read = store.read(sql -> read(sql, certificateId, before));
    if (cache.size() >= MAX_CACHED) {
      cache.clear();
    }
    if (epoch.get() == before) {
      cache.put(certificateId, read);
    }
    return read;
  }

  private Cached read(Sql sql, String certificateId, long readAt) {
    boolean active =
        Certificates.find(sql, certificateId).filter(c -> c.status().equals("ACTIVE")).isPresent();
    if (!active) {
      return new Cached(readAt, false, Set.of(), List.of());
    }
    Set<String> things = new LinkedHashSet<>(Certificates.things(sql, certificateId));
    Set<String> targets = new LinkedHashSet<>();
    targets.add(registry.certArn(certificateId));
    for (String thing : things) {
      for (String group : registry.thingGroupsOf(thing)) {
        targets.add(registry.thingGroupArn(group));
        registry.parentsOf(group).forEach(p -> targets.add(registry.thingGroupArn(p)));
      }
    }
    List<PolicyDocument> policies = new ArrayList<>();
    for (String target : targets) {
      IotPolicies.documents(sql, target).forEach(d -> policies.add(PolicyDocument.parse(d)));
    }
    return new Cached(readAt, true, Set.copyOf(things), List.copyOf(policies));
  }
}
