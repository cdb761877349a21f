package io.ryegrass.identity;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import tools.jackson.databind.node.ObjectNode;

/**
 * The policies of account {@code aws} that Greengrass guides and their scripts attach. Their
 * documents are our own and as wide as their names say; what a narrower original would refuse,
 * these may allow inside the named services.
 */
final class ManagedPolicies {
  static final String PREFIX = "arn:aws:iam::aws:policy/";

  /** 2015-02-06, when most of the originals appeared. */
  private static final long CREATED = 1_423_203_600;

  /** Path and name to the actions that are allowed. */
  private static final Map<String, String> ACTIONS =
      Map.ofEntries(
          Map.entry("AdministratorAccess", "*"),
          Map.entry("PowerUserAccess", "!iam:* organizations:* account:*"),
          Map.entry(
              "ReadOnlyAccess",
              "greengrass:Get* greengrass:List* greengrass:Describe* iot:Get* iot:List*"
                  + " iot:Describe* iam:Get* iam:List* s3:Get* s3:List* lambda:Get* lambda:List*"
                  + " logs:Get* logs:Describe* logs:FilterLogEvents secretsmanager:List*"
                  + " secretsmanager:Describe* cloudtrail:LookupEvents"),
          Map.entry("AmazonDynamoDBFullAccess", "dynamodb:*"),
          Map.entry(
              "AmazonEC2ContainerRegistryReadOnly",
              "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability"
                  + " ecr:GetDownloadUrlForLayer ecr:BatchGetImage ecr:Describe* ecr:List*"),
          Map.entry("AmazonKinesisFullAccess", "kinesis:*"),
          Map.entry("AmazonKinesisFirehoseFullAccess", "firehose:*"),
          Map.entry("AmazonS3FullAccess", "s3:* s3-object-lambda:*"),
          Map.entry("AmazonS3ReadOnlyAccess", "s3:Get* s3:List* s3:Describe*"),
          Map.entry("AmazonSNSFullAccess", "sns:*"),
          Map.entry("AWSCloudTrail_ReadOnlyAccess", "cloudtrail:Get* cloudtrail:LookupEvents"),
          Map.entry("AWSGreengrassFullAccess", "greengrass:*"),
          Map.entry("AWSGreengrassReadOnlyAccess", "greengrass:List* greengrass:Get*"),
          Map.entry("AWSIoTConfigAccess", "iot:*"),
          Map.entry("AWSIoTConfigReadOnlyAccess", "iot:Describe* iot:Get* iot:List*"),
          Map.entry(
              "AWSIoTDataAccess",
              "iot:Connect iot:Publish iot:Subscribe iot:Receive iot:GetThingShadow"
                  + " iot:UpdateThingShadow iot:DeleteThingShadow iot:ListNamedShadowsForThing"),
          Map.entry(
              "AWSIoTDeviceTesterForGreengrassFullAccess",
              "iot:* greengrass:* s3:* lambda:* iam:Get* iam:List* iam:PassRole logs:*"),
          Map.entry("AWSIoTFullAccess", "iot:* iotjobsdata:*"),
          Map.entry("AWSLambda_FullAccess", "lambda:* iam:PassRole logs:*"),
          Map.entry("AWSLambda_ReadOnlyAccess", "lambda:Get* lambda:List* logs:Describe*"),
          Map.entry("CloudWatchFullAccess", "cloudwatch:* logs:*"),
          Map.entry("CloudWatchLogsFullAccess", "logs:*"),
          Map.entry(
              "CloudWatchLogsReadOnlyAccess",
              "logs:Describe* logs:Get* logs:List* logs:FilterLogEvents logs:TestMetricFilter"),
          Map.entry("IAMFullAccess", "iam:*"),
          Map.entry("IAMReadOnlyAccess", "iam:Get* iam:List* iam:Simulate* iam:Generate*"),
          Map.entry("SecretsManagerReadWrite", "secretsmanager:*"),
          Map.entry(
              "service-role/AWSGreengrassResourceAccessRolePolicy",
              "iot:* greengrass:* lambda:GetFunction lambda:GetFunctionConfiguration"
                  + " secretsmanager:GetSecretValue secretsmanager:DescribeSecret s3:GetObject"
                  + " s3:ListBucket s3:GetBucketLocation sagemaker:DescribeTrainingJob"),
          Map.entry(
              "service-role/AWSIoTLogging",
              "logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents"
                  + " logs:PutMetricFilter logs:PutRetentionPolicy"),
          Map.entry(
              "service-role/AWSIoTRuleActions",
              "dynamodb:PutItem kinesis:PutRecord iot:Publish s3:PutObject sns:Publish"
                  + " sqs:SendMessage*"),
          Map.entry(
              "service-role/AWSIoTThingsRegistration",
              "iot:AddThingToThingGroup iot:AttachPolicy iot:AttachPrincipalPolicy"
                  + " iot:AttachThingPrincipal iot:CreateCertificateFromCsr iot:CreatePolicy"
                  + " iot:CreateThing iot:DescribeCertificate iot:DescribeThing"
                  + " iot:DescribeThingGroup iot:DescribeThingType iot:DetachPolicy"
                  + " iot:DetachThingPrincipal iot:GetPolicy iot:ListAttachedPolicies"
                  + " iot:ListPolicyPrincipals iot:ListPrincipalPolicies iot:ListPrincipalThings"
                  + " iot:ListTargetsForPolicy iot:ListThingGroupsForThing"
                  + " iot:ListThingPrincipals iot:RegisterCertificate"
                  + " iot:RegisterCertificateWithoutCA iot:RegisterThing"
                  + " iot:RemoveThingFromThingGroup iot:UpdateCertificate iot:UpdateThing"
                  + " iot:UpdateThingGroupsForThing iot:AddThingToBillingGroup"),
          Map.entry(
              "service-role/AWSLambdaBasicExecutionRole",
              "logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents"),
          Map.entry("service-role/GreengrassOTAUpdateArtifactAccess", "s3:GetObject"));

  private static final SortedMap<String, String> DOCUMENTS = new TreeMap<>();

  static {
    ACTIONS.forEach((name, actions) -> DOCUMENTS.put(PREFIX + name, document(actions)));
  }

  private ManagedPolicies() {}

  /** The document of a policy of account {@code aws}. */
  static Optional<String> find(String arn) {
    return Optional.ofNullable(DOCUMENTS.get(arn));
  }

  static SortedMap<String, String> all() {
    return DOCUMENTS;
  }

  static ObjectNode node(String arn) {
    String path = arn.substring(PREFIX.length() - 1, arn.lastIndexOf('/') + 1);
    return Iam.object()
        .put("PolicyName", arn.substring(arn.lastIndexOf('/') + 1))
        .put("PolicyId", id(arn))
        .put("Arn", arn)
        .put("Path", path)
        .put("DefaultVersionId", "v1")
        .put("PermissionsBoundaryUsageCount", 0)
        .put("IsAttachable", true)
        .put("CreateDate", CREATED)
        .put("UpdateDate", CREATED);
  }

  static ObjectNode version(String document) {
    return Iam.object()
        .put("Document", Iam.encoded(document))
        .put("VersionId", "v1")
        .put("IsDefaultVersion", true)
        .put("CreateDate", CREATED);
  }

  /** Always the same for the same policy. */
  private static String id(String arn) {
    long hash = 1125899906842597L;
    for (byte b : arn.getBytes(StandardCharsets.UTF_8)) {
      hash = 31 * hash + b;
    }
    return "ANPA" + HexFormat.of().withUpperCase().toHexDigits(hash).substring(0, 16) + "A";
  }

  /** All actions but those listed when the first character is an exclamation mark. */
  private static String document(String actions) {
    boolean inverted = actions.startsWith("!");
    return "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\""
        + (inverted ? "NotAction" : "Action")
        + "\":[\""
        + String.join("\",\"", (inverted ? actions.substring(1) : actions).split(" "))
        + "\"],\"Resource\":\"*\"}]}";
  }
}
