package io.ryegrass.nucleus;

import java.util.List;

/**
 * Told of each changed node: the component and the full path of the node below its configuration.
 * Must not block.
 */
@FunctionalInterface
public interface ConfigurationListener {
  void changed(String component, List<String> path);
}
