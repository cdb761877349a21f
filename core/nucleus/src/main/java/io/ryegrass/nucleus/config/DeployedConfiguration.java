package io.ryegrass.nucleus.config;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What deployments made of the configuration, read before the generations are opened: what is built
 * before the nucleus (the cloud link) follows the deployed nucleus parameters as well, and not the
 * file alone. Changes at run time since the last fold are not in it; the nucleus has none of its
 * own.
 */
final class DeployedConfiguration {
  private DeployedConfiguration() {}

  /** The current generation, or the good one when it is damaged; null when there is none. */
  static @Nullable Generation read(Path root) {
    Path folder = root.resolve("generations");
    if (!Files.isDirectory(folder)) {
      return null;
    }
    GenerationPointer pointer = GenerationPointer.read(folder);
    if (pointer == null) {
      return null;
    }
    GenerationFiles files = new GenerationFiles(folder);
    GenerationFiles.Loaded found = files.load(pointer.current(), pointer.digest());
    if (found == null) {
      found = files.load(pointer.good(), pointer.goodDigest());
    }
    return found == null ? null : found.generation();
  }

  /** Effective configuration of each component of a generation. */
  static Map<String, Generation.Entry> entries(@Nullable Generation g) {
    return g == null ? Map.of() : g.components();
  }
}
