package io.ryegrass.logs;

import io.ryegrass.awsapi.AwsException;

/** The errors of CloudWatch Logs, by the names of its model. */
final class Faults {
  private Faults() {}

  static AwsException invalid(String message) {
    return new AwsException("InvalidParameterException", 400, message);
  }

  static AwsException noGroup() {
    return new AwsException(
        "ResourceNotFoundException", 400, "The specified log group does not exist.");
  }

  static AwsException noStream() {
    return new AwsException(
        "ResourceNotFoundException", 400, "The specified log stream does not exist.");
  }

  static AwsException exists(String what) {
    return new AwsException(
        "ResourceAlreadyExistsException", 400, "The specified log " + what + " already exists");
  }

  static AwsException badToken() {
    return invalid("The specified nextToken is invalid.");
  }
}
