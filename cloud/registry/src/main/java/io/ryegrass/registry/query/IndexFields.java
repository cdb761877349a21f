package io.ryegrass.registry.query;

import java.util.Collection;
import java.util.List;

/** The indexed fields of one thing or group. */
public interface IndexFields {
  /** The values of a field, such as {@code attributes.model}; empty when there is none. */
  List<String> values(String field);

  /** The values of all fields, for terms that name no field. */
  Collection<String> all();
}
