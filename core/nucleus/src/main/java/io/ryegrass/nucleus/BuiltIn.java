package io.ryegrass.nucleus;

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
}
