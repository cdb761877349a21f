package io.ryegrass.nucleus;

/**
 * Takes messages for one target: called in order on the target's own virtual thread (or on the
 * sender's, see {@link Bus#attach}).
 */
@FunctionalInterface
public interface Receiver {
  void receive(Message m);
}
