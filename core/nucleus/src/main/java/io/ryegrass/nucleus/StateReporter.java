package io.ryegrass.nucleus;

/** How a body tells its life cycle what happens. Reports from an earlier start are ignored. */
public interface StateReporter {
  void running();

  void finished();

  /**
   * @param code v2-recipes-config.md section 4.3, for example {@code RUN_ERROR}
   */
  void errored(String code, String reason);
}
