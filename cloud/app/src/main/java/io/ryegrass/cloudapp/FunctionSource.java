package io.ryegrass.cloudapp;

import io.ryegrass.awsapi.AwsException;
import io.ryegrass.components.LambdaFunctions;
import io.ryegrass.functions.FunctionService;
import io.ryegrass.identity.CallerIdentity;
import io.ryegrass.identity.IdentityService;

/** The functions of which components are made, for callers that may read them. */
final class FunctionSource {
  private FunctionSource() {}

  static LambdaFunctions of(FunctionService functions, IdentityService identity) {
    return (caller, arn) -> {
      if (!(caller instanceof CallerIdentity who)
          || !identity.isAllowed(who, "lambda:GetFunction", arn)) {
        throw new AwsException(
            "AccessDeniedException",
            403,
            "the caller is not authorized to perform: lambda:GetFunction on resource: " + arn);
      }
      return functions
          .resolve(arn)
          .map(
              f ->
                  new LambdaFunctions.Version(
                      f.functionArn(), f.name(), f.version(), f.runtime(), f.handler(), f::zip));
    };
  }
}
