package io.ryegrass.nucleus.deploy;

/** Told of each step after it is durable, so that tests can end the process there. */
@FunctionalInterface
public interface FaultPoint {
  /** Does nothing. */
  FaultPoint NONE = step -> {};

  /**
   * @param step {@code state:<STATE>}, {@code generation-written}, {@code brought-taken}, {@code
   *     pointer-switched}, {@code reconciled} and others
   */
  void passed(String step);
}
