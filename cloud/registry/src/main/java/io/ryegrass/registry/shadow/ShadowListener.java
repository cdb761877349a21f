package io.ryegrass.registry.shadow;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Told after an update was accepted and is on disk. */
@FunctionalInterface
public interface ShadowListener {
  /**
   * @param shadowName null for the classic shadow
   * @param document the whole document as {@code get} would answer it: state, metadata, version,
   *     timestamp
   */
  void accepted(String thing, @Nullable String shadowName, JsonNode document);
}
