package io.ryegrass.groups;

import java.util.Optional;
import java.util.function.Supplier;

/** Finds the archive of a machine-learning resource in a bucket (MLI-03). */
@FunctionalInterface
public interface ModelLookup {

  /**
   * An archive as it is now.
   *
   * @param sha256 digest of the content, base64: a model that did not change is not fetched again
   *     (MLI-02)
   * @param content reads it
   */
  record Model(String sha256, Supplier<byte[]> content) {}

  /** The object that an {@code s3://} or {@code https://} address names, if there is one. */
  Optional<Model> find(String s3Uri);
}
