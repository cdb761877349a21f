package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.ConfigurationListener;
import io.ryegrass.nucleus.Subscription;
import io.ryegrass.nucleus.config.StampedConfiguration;
import io.ryegrass.policy.AccessControl;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Who wants to hear of configuration changes, and the access policies that are read from the
 * configuration.
 */
final class ConfigurationWatches {
  private static final Logger LOG = LoggerFactory.getLogger(ConfigurationWatches.class);

  private record Watch(String component, List<String> path, ConfigurationListener listener) {}

  private final List<Watch> watches = new CopyOnWriteArrayList<>();
  private final AtomicLong policyVersion = new AtomicLong();
  private volatile @Nullable AccessControl accessControl;

  Subscription watch(String component, List<String> path, ConfigurationListener listener) {
    Watch w = new Watch(component, List.copyOf(path), listener);
    watches.add(w);
    return () -> watches.remove(w);
  }

  /** Tells the watchers what differs; returns whether anything does. */
  boolean announce(String component, ObjectNode before, ObjectNode after) {
    List<List<String>> differences = StampedConfiguration.differences(before, after);
    if (differences.isEmpty()) {
      return false;
    }
    forgetPolicies();
    for (Watch w : watches) {
      if (!w.component().equals(component)) {
        continue;
      }
      for (List<String> path : differences) {
        if (under(w.path(), path)) {
          w.listener().changed(component, path);
        }
      }
    }
    return true;
  }

  private static boolean under(List<String> watched, List<String> path) {
    int common = Math.min(watched.size(), path.size());
    for (int i = 0; i < common; i++) {
      if (!watched.get(i).equalsIgnoreCase(path.get(i))) {
        return false;
      }
    }
    return true;
  }

  /** Policies are read again when they are asked for the next time. */
  void forgetPolicies() {
    policyVersion.incrementAndGet();
    accessControl = null;
  }

  /** The policies of the named components as configured now. */
  AccessControl policies(Set<String> components, ConfigTree config) {
    AccessControl current = accessControl;
    if (current == null) {
      long version = policyVersion.get();
      Map<String, JsonNode> blocks = new LinkedHashMap<>();
      for (String name : components) {
        config.find(name, List.of("accessControl")).ifPresent(block -> blocks.put(name, block));
      }
      current = AccessControl.parse(blocks);
      current.problems().forEach(p -> LOG.warn("Access policy left out: {}", p));
      accessControl = current;
      if (policyVersion.get() != version) {
        accessControl = null; // changed while it was read
      }
    }
    return current;
  }
}
