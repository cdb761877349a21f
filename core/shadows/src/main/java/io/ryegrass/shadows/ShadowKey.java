package io.ryegrass.shadows;

import io.ryegrass.model.shadow.ShadowException;
import io.ryegrass.model.shadow.ShadowTopics;
import org.jspecify.annotations.Nullable;

/**
 * Which shadow.
 *
 * @param shadow empty for the classic one
 */
record ShadowKey(String thing, String shadow) {
  /**
   * @throws ShadowException 400 for what cannot be a name
   */
  static ShadowKey of(String thing, @Nullable String shadow) {
    String name = shadow == null || shadow.isEmpty() ? null : shadow;
    ShadowTopics.checkNames(thing, name);
    return new ShadowKey(thing, name == null ? "" : name);
  }

  @Nullable String nameOrNull() {
    return shadow.isEmpty() ? null : shadow;
  }

  /** What its topics begin with, without a slash at the end. */
  String prefix() {
    return ShadowTopics.prefix(thing, nameOrNull());
  }

  @Override
  public String toString() {
    return shadow.isEmpty()
        ? "the classic shadow of " + thing
        : "shadow " + shadow + " of " + thing;
  }
}
