package io.ryegrass.nucleus;

/** How the nucleus gets its own process, or the host, started anew. */
@FunctionalInterface
public interface RestartPort {
  /** What is to be started anew, and the exit code that says so (v2-deployments.md section 10). */
  enum What {
    NUCLEUS(100),
    HOST(101);

    private final int exitCode;

    What(int exitCode) {
      this.exitCode = exitCode;
    }

    /** Exit code of bootstrap steps, and of the core for the loader. */
    public int exitCode() {
      return exitCode;
    }
  }

  /**
   * Asks for it and returns at once; the program then closes the nucleus and ends. All that is
   * needed to go on is on the disk.
   *
   * @param why one sentence for the log
   * @return whether it will happen; when not, the deployment goes on without it
   */
  boolean restart(What what, String why);

  /** A program that cannot start itself anew. */
  RestartPort NONE = (what, why) -> false;
}
