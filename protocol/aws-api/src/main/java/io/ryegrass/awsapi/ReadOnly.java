package io.ryegrass.awsapi;

import java.util.List;
import java.util.Set;

/**
 * Which operations change nothing and so leave no record. The models do not say it; AWS names its
 * operations so that the first word does.
 */
final class ReadOnly {

  private static final List<String> READING =
      List.of(
          "Get",
          "List",
          "Describe",
          "BatchGet",
          "Search",
          "Lookup",
          "Simulate",
          "Test",
          "Filter",
          "Resolve",
          "Validate",
          "Check",
          "Preview",
          "Decode");

  /** Gives credentials: read-only to CloudTrail, too, and recorded by it all the same. */
  private static final Set<String> RECORDED =
      Set.of("sts:GetSessionToken", "sts:GetFederationToken");

  /** Reads that the first word does not tell, and what devices send all day long. */
  private static final Set<String> NOT_RECORDED =
      Set.of(
          "logs:PutLogEvents",
          "logs:StartQuery",
          "logs:StopQuery",
          "iam:GenerateCredentialReport",
          "iam:GenerateServiceLastAccessedDetails");

  private ReadOnly() {}

  static boolean isRecorded(String service, String operation) {
    String name = service + ":" + operation;
    return RECORDED.contains(name)
        || (!NOT_RECORDED.contains(name) && READING.stream().noneMatch(operation::startsWith));
  }
}
