package io.ryegrass.nucleus;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** A component that runs inside the core process and is never downloaded. */
public interface BuiltIn {
  /** Component name, one of {@link io.ryegrass.model.BuiltInComponents}. */
  String name();

  /**
   * Returns when it serves; throws NucleusException when it cannot (the life cycle tries again,
   * three times in an hour).
   */
  void start(BuiltInContext c);

  /**
   * Returns when everything started by {@link #start} has ended. Never throws for a component that
   * did not start.
   */
  void stop();

  /**
   * A deployment with this component has been resolved and downloaded and has changed nothing yet.
   * Called whether the component runs or not; may be called again for the same deployment.
   *
   * @param configuration what the component will have with it
   * @param local whether it was asked for on this device, where there may be no cloud
   * @throws NucleusException fails the deployment, and nothing is changed
   */
  default void prepare(ObjectNode configuration, boolean local) {}

  /**
   * A deployment has ended, well or not.
   *
   * @param configuration what the component has now; null when it is no part of this core any more
   */
  default void deploymentEnded(@Nullable ObjectNode configuration) {}
}
