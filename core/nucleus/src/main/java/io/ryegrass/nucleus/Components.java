package io.ryegrass.nucleus;

import io.ryegrass.policy.AccessControl;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The components that run here, for the IPC server, the cloud link and the command line. */
public interface Components {
  List<ComponentStatus> list();

  Optional<ComponentStatus> find(String component);

  /**
   * Stops and starts again; a BROKEN component gets a fresh count of errors. Unknown names throw
   * RESOURCE_NOT_FOUND.
   */
  void restart(String component);

  void stop(String component);

  /**
   * Freezes the component's processes; returns when they stand (IPC-19). Those that depend on it go
   * on.
   *
   * @throws NucleusException RESOURCE_NOT_FOUND; INVALID_ARGUMENTS when it is not RUNNING or not a
   *     generic component; PAUSE_ERROR when this host cannot do it, with the reason
   */
  default void pause(String component) {
    throw new NucleusException("PAUSE_ERROR", "This core cannot pause components.");
  }

  /**
   * Lets the processes of a paused component go on.
   *
   * @throws NucleusException as {@link #pause}; INVALID_ARGUMENTS when it is not paused
   */
  default void resume(String component) {
    throw new NucleusException("PAUSE_ERROR", "This core cannot pause components.");
  }

  /** Whether the component is paused. */
  default boolean paused(String component) {
    return false;
  }

  /**
   * IPC UpdateState: {@code RUNNING} or {@code ERRORED} (also {@code FINISHED}), accepted where
   * section 4 allows it.
   */
  void reportState(String component, String state);

  /** The component that an IPC token (SVCUID) belongs to. */
  Optional<String> componentOfToken(String token);

  /**
   * Gives a new token to something that is not a component (a Lambda worker of it, the command
   * line); ends when closed.
   */
  Token issueToken(String principal);

  /** Effective configuration (a copy); unknown component → RESOURCE_NOT_FOUND. */
  ObjectNode configuration(String component);

  /**
   * Where each value at and below a JSON pointer comes from; no values when there is nothing.
   *
   * @throws NucleusException RESOURCE_NOT_FOUND for an unknown component, INVALID_ARGUMENTS for
   *     what is no pointer
   */
  default ConfigExplanation explain(String component, String pointer) {
    return new ConfigExplanation(component, pointer, List.of());
  }

  /**
   * A runtime change: merges {@code value} at {@code path}; durable when it returns (v2-ipc.md
   * section 7.2).
   *
   * @throws ConfigurationConflictException when the stored value is newer than {@code timestamp}
   */
  void updateConfiguration(String component, List<String> path, JsonNode value, Instant timestamp);

  /** Watches a node and all below it. */
  Subscription onConfigurationChange(
      String component, List<String> path, ConfigurationListener listener);

  /** Watches states; called in order for each component. Must not block. */
  Subscription onStateChange(Consumer<ComponentStatus> listener);

  /** The policies of all components as they stand now. */
  AccessControl accessControl();

  /** A token and the way to end it. */
  interface Token extends Subscription {
    String text();
  }
}
