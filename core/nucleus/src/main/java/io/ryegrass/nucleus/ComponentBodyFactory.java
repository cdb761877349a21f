package io.ryegrass.nucleus;

import io.ryegrass.model.ComponentType;
import org.jspecify.annotations.Nullable;

/** Makes bodies for component types. */
public interface ComponentBodyFactory {
  boolean supports(ComponentType t);

  ComponentBody create(ComponentInstance i);

  /** Where people read what a component of its making wrote, if not in the component's own log. */
  default @Nullable String logOf(String component) {
    return null;
  }
}
