package io.ryegrass.groups;

import io.ryegrass.functions.FunctionVersion;
import java.util.Optional;

/** Finds the published version that a function ARN names by number or by alias. */
@FunctionalInterface
public interface FunctionLookup {
  Optional<FunctionVersion> resolve(String arnOrAliasArn);
}
