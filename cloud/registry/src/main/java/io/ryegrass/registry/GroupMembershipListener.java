package io.ryegrass.registry;

/** Told of things that join or leave a group, inside the transaction that makes the change. */
@FunctionalInterface
public interface GroupMembershipListener {
  void changed(String thing, String group, boolean joined);
}
