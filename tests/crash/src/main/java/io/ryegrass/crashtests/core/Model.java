package io.ryegrass.crashtests.core;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a core is meant to run: root components by group, and what runs, each with its content.
 * Written from the contract (v2-recipes-config.md section 6, v2-deployments.md sections 5 and 16),
 * not from the code.
 */
final class Model {
  private final Map<String, Map<String, Spec>> roots = new HashMap<>();
  private final Map<String, Spec> running = new HashMap<>();

  Map<String, Spec> roots(String group) {
    return roots.getOrDefault(group, Map.of());
  }

  boolean runs(String name) {
    return running.containsKey(name);
  }

  @Nullable Spec running(String name) {
    return running.get(name);
  }

  /** The names that run when a plan has been applied. */
  TreeSet<String> namesAfter(Plan plan) {
    Map<String, Map<String, Spec>> next = rootsAfter(plan);
    TreeSet<String> names = new TreeSet<>();
    next.values().forEach(m -> m.values().forEach(s -> close(s, plan, names)));
    return names;
  }

  private void close(Spec spec, Plan plan, TreeSet<String> names) {
    String needed = names.add(spec.name()) ? spec.needs() : null;
    if (needed == null) {
      return;
    }
    Spec dependency = plan.merge().get(needed);
    if (dependency == null) {
      dependency = running.getOrDefault(needed, plan.extra().get(needed));
    }
    if (dependency == null) {
      names.add(needed);
    } else {
      close(dependency, plan, names);
    }
  }

  private Map<String, Map<String, Spec>> rootsAfter(Plan plan) {
    Map<String, Map<String, Spec>> next = new HashMap<>(roots);
    Map<String, Spec> own = new LinkedHashMap<>(roots(plan.groupKey()));
    own.keySet().removeAll(plan.remove());
    own.putAll(plan.merge());
    next.put(plan.groupKey(), own);
    return next;
  }

  /** The plan was applied, and this is what runs now. */
  void applied(Plan plan, Seen seen) {
    Map<String, Map<String, Spec>> next = rootsAfter(plan);
    roots.clear();
    roots.putAll(next);
    Map<String, Spec> now = new HashMap<>();
    seen.components()
        .forEach(
            (name, c) -> {
              Spec brought = plan.brings(name, c.version());
              Spec kept = running.get(name);
              if (brought != null && (plan.merge().containsKey(name) || kept == null)) {
                now.put(name, brought);
              } else if (kept != null && kept.version().equals(c.version())) {
                now.put(name, kept);
              }
            });
    running.clear();
    running.putAll(now);
  }

  /** The configuration that a component has after an update: reset, then defaults, then merge. */
  static Map<String, Object> configured(
      @Nullable Map<String, Object> before, Map<String, Object> defaults, Plan.@Nullable Update u) {
    Map<String, Object> c = before == null ? new LinkedHashMap<>() : copy(before);
    if (u != null) {
      for (String pointer : u.reset()) {
        if (pointer.isEmpty()) {
          c.clear();
          break;
        }
        c.remove(pointer.substring(1));
      }
    }
    fill(c, defaults);
    if (u != null) {
      merge(c, u.merge());
    }
    return c;
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> copy(Map<String, Object> m) {
    Map<String, Object> copy = new LinkedHashMap<>();
    m.forEach(
        (k, v) -> copy.put(k, v instanceof Map<?, ?> in ? copy((Map<String, Object>) in) : v));
    return copy;
  }

  @SuppressWarnings("unchecked")
  private static void fill(Map<String, Object> target, Map<String, Object> defaults) {
    defaults.forEach(
        (k, v) -> {
          if (!target.containsKey(k)) {
            target.put(k, v instanceof Map<?, ?> in ? copy((Map<String, Object>) in) : v);
          } else if (target.get(k) instanceof Map<?, ?> inner && v instanceof Map<?, ?> more) {
            fill((Map<String, Object>) inner, (Map<String, Object>) more);
          }
        });
  }

  @SuppressWarnings("unchecked")
  private static void merge(Map<String, Object> target, Map<String, Object> update) {
    update.forEach(
        (k, v) -> {
          if (target.get(k) instanceof Map<?, ?> inner && v instanceof Map<?, ?> more) {
            merge((Map<String, Object>) inner, (Map<String, Object>) more);
          } else {
            target.put(k, v instanceof Map<?, ?> in ? copy((Map<String, Object>) in) : v);
          }
        });
  }
}
