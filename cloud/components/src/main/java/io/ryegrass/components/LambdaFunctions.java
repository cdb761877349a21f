package io.ryegrass.components;

import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The registry of Lambda functions, as far as components are made of them. */
@FunctionalInterface
public interface LambdaFunctions {
  /**
   * A published version of a function.
   *
   * @param arn qualified by the version's number
   * @param code reads the package, a ZIP file
   */
  record Version(
      String arn,
      String name,
      String version,
      String runtime,
      String handler,
      Supplier<byte[]> code) {}

  /**
   * The version that an ARN names, if there is one.
   *
   * @param caller who asks, as the verifier of signatures knows it
   * @throws io.ryegrass.awsapi.AwsException when the caller may not read it
   */
  Optional<Version> find(@Nullable Object caller, String arn);

  /** For programs without functions. */
  static LambdaFunctions none() {
    return (caller, arn) -> Optional.empty();
  }
}
