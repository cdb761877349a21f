package io.ryegrass.cli.v1;

import io.ryegrass.cli.CliException;
import io.ryegrass.cli.v1.AwsCalls.Refused;
import picocli.CommandLine;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkClientException;

/** Failures of these commands as one sentence on stderr. */
final class Failures {
  private Failures() {}

  static CommandLine reported(CommandLine command, String name) {
    return command.setExecutionExceptionHandler(
        (e, line, result) -> {
          String sentence =
              switch (e) {
                case CliException own -> own.getMessage();
                case Refused refused ->
                    "the cloud refused: " + refused.code() + ", " + refused.getMessage();
                case AwsServiceException refused ->
                    "the cloud refused: "
                        + refused.awsErrorDetails().errorCode()
                        + ", "
                        + refused.awsErrorDetails().errorMessage();
                case SdkClientException unreachable ->
                    "cannot reach the cloud: " + unreachable.getMessage();
                default -> throw e;
              };
          System.err.println(name + ": " + sentence);
          return 1;
        });
  }
}
