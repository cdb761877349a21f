package io.ryegrass.identity;

import java.util.Map;
import java.util.Optional;

/**
 * The policies of account {@code aws} that Greengrass tutorials attach. Their documents are our own
 * and as wide as their names say; what a narrower original would refuse, these may allow inside the
 * named services.
 */
final class ManagedPolicies {
  static final String PREFIX = "arn:aws:iam::aws:policy/";

  private static final Map<String, String> DOCUMENTS =
      Map.of(
          "AdministratorAccess", allow("\"*\""),
          "AmazonS3FullAccess", allow("\"s3:*\""),
          "AmazonS3ReadOnlyAccess", allow("\"s3:Get*\",\"s3:List*\""),
          "AWSIoTFullAccess", allow("\"iot:*\""),
          "AWSGreengrassFullAccess", allow("\"greengrass:*\""),
          "AWSLambda_FullAccess", allow("\"lambda:*\""),
          "CloudWatchLogsFullAccess", allow("\"logs:*\""),
          "SecretsManagerReadWrite", allow("\"secretsmanager:*\""),
          "service-role/AWSGreengrassResourceAccessRolePolicy",
              allow(
                  "\"iot:*\",\"greengrass:*\",\"lambda:GetFunction\",\"secretsmanager:GetSecretValue\","
                      + "\"s3:GetObject\",\"s3:ListBucket\""),
          "service-role/AWSLambdaBasicExecutionRole", allow("\"logs:*\""));

  private ManagedPolicies() {}

  /** The document of a policy of account {@code aws}. */
  static Optional<String> find(String arn) {
    return arn.startsWith(PREFIX)
        ? Optional.ofNullable(DOCUMENTS.get(arn.substring(PREFIX.length())))
        : Optional.empty();
  }

  private static String allow(String actions) {
    return "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":["
        + actions
        + "],\"Resource\":\"*\"}]}";
  }
}
