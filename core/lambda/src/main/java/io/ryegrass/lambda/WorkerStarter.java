package io.ryegrass.lambda;

import java.nio.file.Path;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/** Starts workers in one kind of isolation. */
interface WorkerStarter {
  /**
   * Says whether functions of this configuration can run here, before one is started.
   *
   * @throws io.ryegrass.nucleus.NucleusException with one sentence that names the remedy
   */
  void check(FunctionHome home);

  /**
   * Starts a worker; its output goes to the function's log.
   *
   * @param token the worker's own token
   * @param name unique among workers of this core
   * @throws io.ryegrass.nucleus.NucleusException when it does not start
   */
  WorkerProcess start(FunctionHome home, String token, String name);

  /**
   * Makes everything for a worker but its program, so that {@link Prepared#start} is all that a
   * later call waits for; blocks. Empty where there is nothing to prepare, or no room for one more.
   *
   * @throws io.ryegrass.nucleus.NucleusException when it cannot be made
   */
  default Optional<Prepared> prepare(FunctionHome home, String token, String name) {
    return Optional.empty();
  }

  /** The surroundings of a worker, made ahead; used by one thread at a time. */
  interface Prepared {
    /**
     * Starts the program; empty when what was prepared is no longer there, or not for this home.
     * Once.
     */
    Optional<WorkerProcess> start(FunctionHome home);

    /** Takes it down unused. */
    void discard();
  }

  /**
   * Everything about a function that a start needs.
   *
   * @param code folder with the unpacked package
   * @param work writable folder of the component, home of plain processes
   * @param manager configuration of aws.greengrass.LambdaManager: where interpreters are
   * @param posixUser {@code user[:group]} of the component, empty for the core's own user
   */
  record FunctionHome(
      FunctionConfiguration configuration,
      Path code,
      Path work,
      String posixUser,
      FunctionEnvironment environment,
      ObjectNode manager,
      WorkerLog log) {}
}
