package io.ryegrass.nucleus;

import java.util.List;

/** The nucleus of one core. */
public final class Nucleus implements AutoCloseable {
  private Nucleus() {}

  /**
   * Locks the root folder and reads everything from disk; nothing runs yet.
   *
   * @throws NucleusException with one sentence for people when something is missing or wrong
   */
  public static Nucleus open(
      NucleusSettings settings,
      List<BuiltIn> builtIns,
      List<ComponentBodyFactory> bodies,
      CloudPorts cloud) {
    throw new UnsupportedOperationException();
  }

  /**
   * Starts the current generation and the deployment engine; returns when the components have begun
   * to start.
   */
  public void start() {
    throw new UnsupportedOperationException();
  }

  public Bus bus() {
    throw new UnsupportedOperationException();
  }

  public ConfigTree config() {
    throw new UnsupportedOperationException();
  }

  public DeploymentEngine deployments() {
    throw new UnsupportedOperationException();
  }

  public Components components() {
    throw new UnsupportedOperationException();
  }

  /**
   * The core's identity and configuration are readable before {@link #open}, for building the cloud
   * link.
   */
  public static ConfigTree readConfiguration(NucleusSettings settings) {
    throw new UnsupportedOperationException();
  }

  /** Stops all components, dependers first, then the engine, and frees the folder. */
  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
