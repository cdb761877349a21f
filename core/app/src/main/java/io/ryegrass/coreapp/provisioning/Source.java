package io.ryegrass.coreapp.provisioning;

/** Where an identity comes from. */
interface Source {
  /** For messages. */
  String name();

  /**
   * Gets it; may take minutes. What is thrown decides what follows: {@link GaveUp} ends the
   * attempts until the next start, everything else is tried again.
   */
  Identity get() throws InterruptedException, GaveUp;

  /** Called when the identity is on disk: nothing of the way to it is needed any more. */
  void done();

  /** Trying again would not help. */
  final class GaveUp extends Exception {
    private static final long serialVersionUID = 1;

    GaveUp(String message) {
      super(message);
    }
  }
}
