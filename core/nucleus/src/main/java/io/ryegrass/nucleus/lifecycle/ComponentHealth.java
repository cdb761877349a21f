package io.ryegrass.nucleus.lifecycle;

import io.ryegrass.model.ComponentType;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.lifecycle.ComponentSet.Member;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How the components of a set are, all together: what a deployment waits for, and the waiting
 * itself.
 */
final class ComponentHealth {
  private final Map<String, Member> members;
  private final Clock clock;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /**
   * @param members as they are at each moment; only read here
   */
  ComponentHealth(Map<String, Member> members, Clock clock) {
    this.members = members;
    this.clock = clock;
  }

  /** Wakes all who wait for any change of state. */
  void stateChanged() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  void awaitChange(Duration most) throws InterruptedException {
    lock.lock();
    try {
      if (changed.await(most.toNanos(), TimeUnit.NANOSECONDS)) {
        return;
      }
    } finally {
      lock.unlock();
    }
  }

  Map<String, String> broken(Collection<String> among) {
    Map<String, String> found = new LinkedHashMap<>();
    for (String name : among) {
      Member m = members.get(name);
      if (m != null && m.actor().broken()) {
        found.put(name, m.actor().statusCode() + ": " + m.actor().statusReason());
      }
    }
    return found;
  }

  boolean healthy(Set<String> young, Duration age, Set<String> ignored) {
    Instant now = clock.instant();
    for (Member m : members.values()) {
      ComponentActor a = m.actor();
      if (ignored.contains(a.name())) {
        continue;
      }
      if (!a.settled() || a.broken()) {
        return false;
      }
      if (young.contains(a.name())
          && m.definition().recipe().componentType() == ComponentType.GENERIC
          && a.state() == ComponentState.RUNNING
          && new Steps(m.definition().lifecycle()).hasRunOnly()
          && Duration.between(a.since(), now).compareTo(age) < 0) {
        return false;
      }
    }
    return true;
  }

  boolean settled() {
    return members.values().stream().allMatch(m -> m.actor().settled());
  }

  Duration longestStart() {
    Duration longest = Duration.ZERO;
    for (Member m : members.values()) {
      Steps steps = new Steps(m.definition().lifecycle());
      Duration own =
          steps.timeout("Install", Duration.ZERO).plus(steps.timeout("Startup", Duration.ZERO));
      longest = own.compareTo(longest) > 0 ? own : longest;
    }
    return longest;
  }
}
