package io.ryegrass.cli.install;

import io.ryegrass.cli.CliException;
import java.io.IOException;
import java.nio.file.Path;

/** Runs the loader in the foreground until it ends (INS-07); a signal to us is one to it. */
final class Foreground {
  private Foreground() {}

  /**
   * @return its exit code
   */
  static int run(Path loader) {
    Process process;
    try {
      process = new ProcessBuilder(loader.toString()).inheritIO().start();
    } catch (IOException e) {
      throw new CliException("the core could not be started by " + loader + ": " + e.getMessage());
    }
    Thread ending =
        new Thread(
            () -> {
              process.destroy();
              try {
                process.waitFor();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "end-core");
    Runtime.getRuntime().addShutdownHook(ending);
    try {
      int code = process.waitFor();
      Runtime.getRuntime().removeShutdownHook(ending);
      return code;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      process.destroy();
      return 1;
    } catch (IllegalStateException e) {
      return 0; // we are ending already, and the hook waits for the core
    }
  }
}
