package io.ryegrass.nucleus;

import io.ryegrass.model.DeploymentDocument;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a component is made of: processes, Lambda workers, or a built-in. The life cycle calls it
 * from one thread at a time per component, except {@link #stop}, which may arrive while {@link
 * #install} still runs and must end it.
 */
public interface ComponentBody {
  /**
   * Returns when installed; throws NucleusException (code {@code INSTALL_ERROR} …). Interrupted at
   * its deadline.
   */
  void install();

  /** Begins the start and returns soon; the outcome goes to the reporter. */
  void start(StateReporter r);

  /**
   * Returns when nothing of the component runs any more, at most {@code deadline} plus a grace for
   * killing later.
   */
  void stop(Duration deadline);

  /** The configuration changed, nothing else did. */
  void configurationChanged(ObjectNode c);

  /** The component is removed from this core; it is stopped. */
  void uninstall();

  /** Runs the component's recovery after an error; returns when done. */
  default void recover() {}

  /**
   * Makes everything of the component stand still; returns soon, when it does.
   *
   * @throws NucleusException INVALID_ARGUMENTS for a kind of component that cannot be paused,
   *     PAUSE_ERROR when this host cannot do it
   */
  default void pause() {
    throw new NucleusException(
        "INVALID_ARGUMENTS", "Only generic components can be paused; use stop and restart.");
  }

  /** Lets everything of a paused component go on. */
  default void resume() {}

  /** Other limits for what runs and for what will be started; null for none. Returns soon. */
  default void limit(DeploymentDocument.@Nullable SystemResourceLimits limits) {}
}
