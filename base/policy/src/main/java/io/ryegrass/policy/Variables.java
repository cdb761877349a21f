package io.ryegrass.policy;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Names of variables and condition keys are not case-sensitive; attribute names in [] are. */
final class Variables {
  private Variables() {}

  static @Nullable String find(Map<String, String> variables, String name) {
    String exact = variables.get(name);
    if (exact != null || name.indexOf('[') >= 0) {
      return exact;
    }
    for (Map.Entry<String, String> entry : variables.entrySet()) {
      if (entry.getKey().equalsIgnoreCase(name)) {
        return entry.getValue();
      }
    }
    return null;
  }
}
