package io.ryegrass.cli;

import java.net.URI;
import java.util.List;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.awscore.client.builder.AwsSyncClientBuilder;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.greengrassv2.GreengrassV2Client;
import software.amazon.awssdk.services.greengrassv2.model.ComponentDeploymentSpecification;
import software.amazon.awssdk.services.greengrassv2.model.DeploymentHistoryFilter;
import software.amazon.awssdk.services.iam.IamClient;
import software.amazon.awssdk.services.iam.model.EntityAlreadyExistsException;
import software.amazon.awssdk.services.iot.IotClient;
import software.amazon.awssdk.services.iot.model.CertificateStatus;
import software.amazon.awssdk.services.iot.model.CreateKeysAndCertificateResponse;
import software.amazon.awssdk.services.iot.model.ResourceAlreadyExistsException;
import software.amazon.awssdk.services.iot.model.ResourceNotFoundException;

/**
 * The IoT, IAM and Greengrass calls that turn a name into a device: thing, certificate, policy and,
 * for a core, thing group, a role with its alias, and a first deployment. Every call may find its
 * work done already (PRV-03); only the certificate is new each time.
 */
public final class Provisioning implements AutoCloseable {
  /** The role whose temporary credentials cores and their components get (INS-24). */
  public static final String ROLE = "GreengrassV2TokenExchangeRole";

  /** INS-25. */
  public static final String ROLE_ALIAS = "GreengrassV2TokenExchangeRoleAlias";

  private static final String CLI = "aws.greengrass.Cli";

  private static final String TRUST =
      """
      {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",\
      "Principal":{"Service":"credentials.iot.amazonaws.com"}}]}""";

  /** What the contract's installer gives that role (TES-02): logs, and no object of S3. */
  private static final String ROLE_ACCESS =
      """
      {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*",\
      "Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents",\
      "logs:DescribeLogStreams","s3:GetBucketLocation"]}]}""";

  /**
   * What 'provision' adds: artifacts can be read without another step, and secrets by the names
   * that V1's AWSGreengrassResourceAccessRolePolicy allows (SEC-07).
   */
  private static final String ROLE_ARTIFACTS =
      """
      {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*",\
      "Action":["s3:GetObject","s3:GetBucketLocation","s3:ListBucket",\
      "logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents","logs:DescribeLogStreams"]},\
      {"Effect":"Allow","Resource":"arn:*:secretsmanager:*:*:secret:greengrass-*",\
      "Action":"secretsmanager:GetSecretValue"}]}""";

  /** What a core may do as itself: the permissive policy of the contract's installer (INS-23). */
  private static final String CORE_POLICY =
      """
      {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iot:Connect","iot:Publish",\
      "iot:Subscribe","iot:Receive","iot:GetThingShadow","iot:UpdateThingShadow",\
      "iot:DeleteThingShadow","greengrass:*"],"Resource":"*"}]}""";

  private final IotClient iot;
  private final IamClient iam;
  private final GreengrassV2Client greengrass;

  public Provisioning(CloudAddress cloud) {
    this(cloud.apiUrl(), cloud.region(), cloud.credentials());
  }

  /**
   * @param api null for AWS's own endpoints
   */
  public Provisioning(@Nullable URI api, String region, AwsCredentials credentials) {
    iot = at(IotClient.builder(), api, region, credentials).build();
    iam =
        at(IamClient.builder(), api, api == null ? Region.AWS_GLOBAL.id() : region, credentials)
            .build();
    greengrass = at(GreengrassV2Client.builder(), api, region, credentials).build();
  }

  private static <B extends AwsClientBuilder<B, C> & AwsSyncClientBuilder<B, C>, C> B at(
      B builder, @Nullable URI api, String region, AwsCredentials credentials) {
    builder
        .region(Region.of(region))
        .credentialsProvider(StaticCredentialsProvider.create(credentials))
        .httpClientBuilder(UrlConnectionHttpClient.builder());
    return api == null ? builder : builder.endpointOverride(api);
  }

  /** Host names of AWS's own endpoints, as DescribeEndpoint tells them. */
  public String endpoint(String type) {
    return iot.describeEndpoint(b -> b.endpointType(type)).endpointAddress();
  }

  /** Makes the thing, or finds it; its attributes stay what they are. */
  public String ensureThing(String thing) {
    try {
      return iot.createThing(b -> b.thingName(thing)).thingArn();
    } catch (ResourceAlreadyExistsException e) {
      return iot.describeThing(b -> b.thingName(thing)).thingArn();
    }
  }

  /**
   * Makes the group, or finds it, and puts the thing into it.
   *
   * @return whether the group was there before
   */
  public boolean joinGroup(String thing, String group) {
    boolean existed = true;
    try {
      iot.describeThingGroup(b -> b.thingGroupName(group));
    } catch (ResourceNotFoundException e) {
      existed = false;
      iot.createThingGroup(b -> b.thingGroupName(group));
    }
    iot.addThingToThingGroup(b -> b.thingName(thing).thingGroupName(group));
    return existed;
  }

  /** ARN of a group that is there. */
  public String groupArn(String group) {
    return iot.describeThingGroup(b -> b.thingGroupName(group)).thingGroupArn();
  }

  /** Makes the policy; one that is there is used as it is (INS-23). */
  public void ensurePolicy(String policy, String document) {
    try {
      iot.createPolicy(b -> b.policyName(policy).policyDocument(document));
    } catch (ResourceAlreadyExistsException e) {
      iot.getPolicy(b -> b.policyName(policy));
    }
  }

  /** Makes the policy; one that is there must say the same. */
  public void requirePolicy(String policy, String document) {
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
  }

  /** A new certificate: active, attached to the thing, with these policies. */
  public CreateKeysAndCertificateResponse createCertificate(String thing, List<String> policies) {
    var certificate = iot.createKeysAndCertificate(b -> b.setAsActive(true));
    attach(certificate.certificateArn(), thing, policies);
    return certificate;
  }

  private void attach(String certificateArn, String thing, List<String> policies) {
    for (String policy : policies) {
      iot.attachPolicy(b -> b.policyName(policy).target(certificateArn));
    }
    iot.attachThingPrincipal(b -> b.thingName(thing).principal(certificateArn));
  }

  /**
   * Whether the cloud knows this certificate as an active one; then it is given the thing and the
   * policies again, should they have been taken away.
   */
  public boolean reuseCertificate(String certificateId, String thing, List<String> policies) {
    try {
      var known = iot.describeCertificate(b -> b.certificateId(certificateId));
      if (known.certificateDescription().status() != CertificateStatus.ACTIVE) {
        return false;
      }
      attach(known.certificateDescription().certificateArn(), thing, policies);
      return true;
    } catch (ResourceNotFoundException e) {
      return false;
    }
  }

  /**
   * The token exchange role; a new one gets the managed policy {@code <role>Access} (INS-10).
   *
   * @return its ARN
   */
  public String ensureRole(String role) {
    String arn;
    try {
      arn = iam.createRole(b -> b.roleName(role).assumeRolePolicyDocument(TRUST)).role().arn();
    } catch (EntityAlreadyExistsException e) {
      return iam.getRole(b -> b.roleName(role)).role().arn();
    }
    String name = role + "Access";
    String policyArn;
    try {
      policyArn =
          iam.createPolicy(b -> b.policyName(name).policyDocument(ROLE_ACCESS)).policy().arn();
    } catch (EntityAlreadyExistsException e) {
      policyArn = arn.substring(0, arn.indexOf(":role/")) + ":policy/" + name;
    }
    String attached = policyArn;
    iam.attachRolePolicy(b -> b.roleName(role).policyArn(attached));
    return arn;
  }

  /** The role of {@link #ensureRole}, and cores with it may read artifacts from any bucket. */
  public String ensureRoleWithArtifacts(String role) {
    String arn = ensureRole(role);
    iam.putRolePolicy(
        b -> b.roleName(role).policyName("CoreDeviceArtifacts").policyDocument(ROLE_ARTIFACTS));
    return arn;
  }

  /** An alias, and which role it stands for. */
  public record Alias(String arn, String roleArn) {}

  /** Makes the alias; one that is there is left as it is. */
  public Alias ensureAlias(String alias, String roleArn) {
    try {
      return new Alias(
          iot.createRoleAlias(b -> b.roleAlias(alias).roleArn(roleArn)).roleAliasArn(), roleArn);
    } catch (ResourceAlreadyExistsException e) {
      var known = iot.describeRoleAlias(b -> b.roleAlias(alias)).roleAliasDescription();
      return new Alias(known.roleAliasArn(), known.roleArn());
    }
  }

  /**
   * Makes a cloud deployment of the command line for a target that has no deployment (INS-28).
   *
   * @return whether it was made
   */
  public boolean deployCommandLine(String targetArn, String region) {
    boolean none =
        greengrass
            .listDeployments(
                b -> b.targetArn(targetArn).historyFilter(DeploymentHistoryFilter.LATEST_ONLY))
            .deployments()
            .isEmpty();
    if (none) {
      String version =
          greengrass
              .listComponentVersions(
                  b -> b.arn("arn:aws:greengrass:" + region + ":aws:components:" + CLI))
              .componentVersions()
              .getFirst()
              .componentVersion();
      greengrass.createDeployment(
          b ->
              b.targetArn(targetArn)
                  .deploymentName("Deployment for " + CLI)
                  .components(
                      java.util.Map.of(
                          CLI,
                          ComponentDeploymentSpecification.builder()
                              .componentVersion(version)
                              .build())));
    }
    return none;
  }

  /** The permissive policy of a core. */
  public static String corePolicy() {
    return CORE_POLICY;
  }

  /** The same, with the right to the credentials of an alias (PRV-16). */
  static String corePolicy(String aliasArn) {
    return CORE_POLICY.substring(0, CORE_POLICY.length() - 2)
        + ","
        + assumeStatement(aliasArn)
        + "]}";
  }

  /** The right to the credentials of an alias alone (PRV-04). */
  public static String aliasPolicy(String aliasArn) {
    return "{\"Version\":\"2012-10-17\",\"Statement\":[" + assumeStatement(aliasArn) + "]}";
  }

  private static String assumeStatement(String aliasArn) {
    return statement("\"iot:AssumeRoleWithCertificate\"", aliasArn);
  }

  /** A client device may discover its cores and connect under its own name, no more. */
  static String clientDevicePolicy(String thingArn, String thing) {
    String iotArn = thingArn.substring(0, thingArn.indexOf(":thing/"));
    return "{\"Version\":\"2012-10-17\",\"Statement\":["
        + String.join(
            ",",
            statement("\"greengrass:Discover\"", thingArn),
            statement("\"iot:Connect\"", iotArn + ":client/" + thing),
            statement("\"iot:Publish\",\"iot:Receive\"", iotArn + ":topic/devices/" + thing + "/*"),
            statement("\"iot:Subscribe\"", iotArn + ":topicfilter/devices/" + thing + "/*"))
        + "]}";
  }

  private static String statement(String actions, String resource) {
    return "{\"Effect\":\"Allow\",\"Action\":[" + actions + "],\"Resource\":\"" + resource + "\"}";
  }

  @Override
  public void close() {
    iot.close();
    iam.close();
    greengrass.close();
  }
}
