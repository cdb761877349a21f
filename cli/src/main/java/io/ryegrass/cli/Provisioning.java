package io.ryegrass.cli;

import java.util.List;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.iam.IamClient;
import software.amazon.awssdk.services.iam.model.EntityAlreadyExistsException;
import software.amazon.awssdk.services.iot.IotClient;
import software.amazon.awssdk.services.iot.model.CreateKeysAndCertificateResponse;
import software.amazon.awssdk.services.iot.model.ResourceAlreadyExistsException;

/**
 * The IoT and IAM calls that turn a name into a device: thing, certificate, policy and, for a core,
 * a role with its alias. Every call may find its work done already; only the certificate is new
 * each time.
 */
final class Provisioning implements AutoCloseable {
  /** The role whose temporary credentials cores and their components get. */
  static final String ROLE = "GreengrassV2TokenExchangeRole";

  static final String ROLE_ALIAS = "GreengrassV2TokenExchangeRoleAlias";

  private static final String TRUST =
      """
      {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",\
      "Principal":{"Service":"credentials.iot.amazonaws.com"}}]}""";

  /** What a core may do as that role: read artifacts. */
  private static final String ROLE_POLICY =
      """
      {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*",\
      "Action":["s3:GetObject","s3:GetBucketLocation","s3:ListBucket",\
      "logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents","logs:DescribeLogStreams"]}]}""";

  private final CloudAddress cloud;
  private final IotClient iot;
  private final IamClient iam;

  Provisioning(CloudAddress cloud) {
    this.cloud = cloud;
    var http = UrlConnectionHttpClient.create();
    var credentials = StaticCredentialsProvider.create(cloud.credentials());
    iot =
        IotClient.builder()
            .endpointOverride(cloud.apiUrl())
            .region(Region.of(cloud.region()))
            .credentialsProvider(credentials)
            .httpClient(http)
            .build();
    iam =
        IamClient.builder()
            .endpointOverride(cloud.apiUrl())
            .region(Region.of(cloud.region()))
            .credentialsProvider(credentials)
            .httpClient(http)
            .build();
  }

  /** A new identity: the certificate is active, attached to the thing, and has the policy. */
  CreateKeysAndCertificateResponse createIdentity(String thing, String policy, String document) {
    iot.createThing(b -> b.thingName(thing));
    try {
      iot.createPolicy(b -> b.policyName(policy).policyDocument(document));
    } catch (ResourceAlreadyExistsException e) {
      if (!iot.getPolicy(b -> b.policyName(policy)).policyDocument().equals(document)) {
        throw new CliException(
            "IoT policy '"
                + policy
                + "' exists with another text; delete it with './ryegrass aws iot delete-policy"
                + " --policy-name "
                + policy
                + "' or name another one with --policy");
      }
    }
    var certificate = iot.createKeysAndCertificate(b -> b.setAsActive(true));
    iot.attachPolicy(b -> b.policyName(policy).target(certificate.certificateArn()));
    iot.attachThingPrincipal(b -> b.thingName(thing).principal(certificate.certificateArn()));
    return certificate;
  }

  /** The role and its alias that every core of this account shares. */
  void ensureRoleAlias() {
    String role = "arn:aws:iam::" + cloud.account() + ":role/" + ROLE;
    try {
      iam.createRole(b -> b.roleName(ROLE).assumeRolePolicyDocument(TRUST));
      iam.putRolePolicy(
          b -> b.roleName(ROLE).policyName("CoreDeviceArtifacts").policyDocument(ROLE_POLICY));
    } catch (EntityAlreadyExistsException e) {
      role = iam.getRole(b -> b.roleName(ROLE)).role().arn();
    }
    String roleArn = role;
    try {
      iot.createRoleAlias(b -> b.roleAlias(ROLE_ALIAS).roleArn(roleArn));
    } catch (ResourceAlreadyExistsException e) {
      String known =
          iot.describeRoleAlias(b -> b.roleAlias(ROLE_ALIAS)).roleAliasDescription().roleArn();
      if (!known.equals(roleArn)) {
        throw new CliException(
            "role alias '" + ROLE_ALIAS + "' points to " + known + ", not to " + roleArn);
      }
    }
  }

  String corePolicy() {
    String alias =
        "arn:aws:iot:" + cloud.region() + ":" + cloud.account() + ":rolealias/" + ROLE_ALIAS;
    return policy(
        List.of(
            statement(
                "\"iot:Connect\",\"iot:Publish\",\"iot:Subscribe\",\"iot:Receive\","
                    + "\"iot:GetThingShadow\",\"iot:UpdateThingShadow\",\"iot:DeleteThingShadow\","
                    + "\"greengrass:*\"",
                "*"),
            statement("\"iot:AssumeRoleWithCertificate\"", alias)));
  }

  /** A client device may discover its cores and connect under its own name, no more. */
  String clientDevicePolicy(String thing) {
    String iotArn = "arn:aws:iot:" + cloud.region() + ":" + cloud.account();
    return policy(
        List.of(
            statement("\"greengrass:Discover\"", iotArn + ":thing/" + thing),
            statement("\"iot:Connect\"", iotArn + ":client/" + thing),
            statement("\"iot:Publish\",\"iot:Receive\"", iotArn + ":topic/devices/" + thing + "/*"),
            statement("\"iot:Subscribe\"", iotArn + ":topicfilter/devices/" + thing + "/*")));
  }

  private static String policy(List<String> statements) {
    return "{\"Version\":\"2012-10-17\",\"Statement\":[" + String.join(",", statements) + "]}";
  }

  private static String statement(String actions, String resource) {
    return "{\"Effect\":\"Allow\",\"Action\":[" + actions + "],\"Resource\":\"" + resource + "\"}";
  }

  @Override
  public void close() {
    iot.close();
    iam.close();
  }
}
