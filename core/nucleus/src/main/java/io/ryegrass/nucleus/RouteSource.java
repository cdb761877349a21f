package io.ryegrass.nucleus;

import java.util.Set;
import java.util.function.Consumer;

/**
 * A set of rules that says who gets a message. Must be quick and must not block: it runs on the
 * publisher's thread.
 */
@FunctionalInterface
public interface RouteSource {
  /**
   * Names each target of the message; the bus removes duplicates and never returns a message to
   * nobody's queue twice.
   */
  void targets(Message m, Consumer<Participant> to);

  /** Filters to subscribe to in the cloud, for rules that have the cloud as source. */
  default Set<String> cloudFilters() {
    return Set.of();
  }

  /** Targets of a message that came from the cloud through one of {@link #cloudFilters()}. */
  default void targetsOfCloud(String filter, Message m, Consumer<Participant> to) {
    targets(m, to);
  }
}
