package io.ryegrass.bench.nucleus;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A folder of recipes for local deployments. */
record Recipes(Path folder) {
  /** Lives for an hour and does nothing. */
  static final String LIVES = "exec sleep 3600";

  static final String FAILS = "exit 1";

  static Recipes in(Path folder) {
    try {
      return new Recipes(Files.createDirectories(folder));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** As the core's own user, so that no user has to be made for the benchmark. */
  void write(String name, String version, String script) {
    write(name, version, script, "");
  }

  /**
   * @param configuration YAML below {@code DefaultConfiguration}, indented by four spaces
   */
  void write(String name, String version, String script, String configuration) {
    String text =
        """
        RecipeFormatVersion: '2020-01-25'
        ComponentName: %s
        ComponentVersion: %s
        ComponentPublisher: bench
        ComponentConfiguration:
          DefaultConfiguration:
            inner: {depth: 1}
        %s
        Manifests:
          - Platform: {os: linux}
            Lifecycle:
              Run: {RequiresPrivilege: true, Script: "%s"}
        """
            .formatted(name, version, configuration, script);
    try {
      Files.writeString(folder.resolve(name + "-" + version + ".yaml"), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
