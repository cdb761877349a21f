package io.ryegrass.nucleus;

import io.ryegrass.model.ComponentType;

/** Makes bodies for component types. */
public interface ComponentBodyFactory {
  boolean supports(ComponentType t);

  ComponentBody create(ComponentInstance i);
}
