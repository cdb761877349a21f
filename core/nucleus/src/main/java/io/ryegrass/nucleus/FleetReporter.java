package io.ryegrass.nucleus;

/**
 * Takes snapshots of the components; the link decides what of them is sent, and how. Must not block
 * for long.
 */
@FunctionalInterface
public interface FleetReporter {
  void componentsChanged(FleetSnapshot s);
}
