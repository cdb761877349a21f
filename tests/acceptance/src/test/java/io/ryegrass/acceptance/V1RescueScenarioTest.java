package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

/** A group of Greengrass V1 comes back from the CloudFormation template that made it (CFN rows). */
@DisplayName("A V1 group is rescued from its template")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class V1RescueScenarioTest {
  private static final Duration PATIENCE = Duration.ofSeconds(120);
  private static final String TEMPLATE =
      """
      AWSTemplateFormatVersion: 2010-09-09
      Parameters:
        CoreCertificateArn: {Type: String}
      Resources:
        CoreThing:
          Type: AWS::IoT::Thing
          Properties: {ThingName: rescued-core}
        Hello:
          Type: AWS::Lambda::Function
          Properties:
            FunctionName: rescued-hello
            Runtime: python3.8
            Handler: index.handler
            Role: arn:aws:iam::123456789012:role/lambda
            Code:
              ZipFile: |
                def handler(event, context):
                  return event
        HelloVersion:
          Type: AWS::Lambda::Version
          Properties: {FunctionName: !Ref Hello}
        HelloAlias:
          Type: AWS::Lambda::Alias
          Properties: {FunctionName: !Ref Hello, Name: live, FunctionVersion: !GetAtt HelloVersion.Version}
        Cores:
          Type: AWS::Greengrass::CoreDefinition
          Properties:
            Name: rescued-cores
            InitialVersion:
              Cores:
                - {Id: c, ThingArn: !GetAtt CoreThing.Arn, CertificateArn: !Ref CoreCertificateArn, SyncShadow: "false"}
        Functions:
          Type: AWS::Greengrass::FunctionDefinition
          Properties:
            Name: rescued-functions
            InitialVersion:
              Functions:
                - Id: hello
                  FunctionArn: !Ref HelloAlias
                  FunctionConfiguration: {Pinned: "true", MemorySize: "16384", Timeout: "25"}
        Subscriptions:
          Type: AWS::Greengrass::SubscriptionDefinition
          Properties:
            Name: rescued-subscriptions
            InitialVersion:
              Subscriptions: [{Id: s, Source: !Ref HelloAlias, Subject: hello/world, Target: cloud}]
        Group:
          Type: AWS::Greengrass::Group
          Properties:
            Name: rescued
            InitialVersion:
              CoreDefinitionVersionArn: !GetAtt Cores.LatestVersionArn
              FunctionDefinitionVersionArn: !GetAtt Functions.LatestVersionArn
              SubscriptionDefinitionVersionArn: !GetAtt Subscriptions.LatestVersionArn
      """;

  private static TestCloud cloud;

  @BeforeAll
  static void write(TestCloud shared) {
    cloud = shared;
    TestCloud.write(cloud.folder.resolve("rescue/group.yaml"), TEMPLATE);
  }

  private static Ryegrass.Outcome importingOf(String file, String template) {
    TestCloud.write(cloud.folder.resolve(file), template);
    return importing(file);
  }

  private static String imported(String file, String... more) {
    Ryegrass.Outcome outcome = importing(file, more);
    assertThat(outcome.exitCode()).as(outcome.output()).isZero();
    return outcome.output();
  }

  private static Ryegrass.Outcome importing(String file, String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "import",
                "--data",
                cloud.data().toString(),
                "--parameter",
                "CoreCertificateArn=arn:aws:iot:us-west-2:123456789012:cert/0123",
                file));
    arguments.addAll(List.of(more));
    return Ryegrass.run(cloud.folder, PATIENCE, arguments.toArray(String[]::new));
  }

  private static boolean groupExists() {
    return cloud.aws("greengrass", "list-groups").path("Groups").toString().contains("\"rescued\"");
  }

  @Test
  @Order(1)
  void aDryRunMakesNothing() {
    assertThat(imported("rescue/group.yaml", "--dry-run"))
        .contains("would create thing rescued-core", "would create group rescued");
    assertThat(groupExists()).isFalse();
  }

  @Test
  @Order(2)
  void theFirstRunMakesTheGroupAndTheSecondKeepsIt() {
    assertThat(imported("rescue/group.yaml"))
        .contains(
            "create function rescued-hello",
            "create alias rescued-hello:live -> 1",
            "create group rescued",
            "deploy it: aws greengrass create-deployment",
            "not carried over: certificate 0123 of rescued-core");
    assertThat(imported("rescue/group.yaml"))
        .contains("keep group rescued", "keep function rescued-hello version 1")
        .doesNotContain("create function", "create alias", "update ", "create group");
    JsonNode aliases =
        cloud.aws("lambda", "get-alias", "--function-name", "rescued-hello", "--name", "live");
    assertThat(aliases.path("FunctionVersion").asString()).isEqualTo("1");
  }

  @Test
  @Order(4)
  void afterARefusalTheSameCommandGoesOnFromThere() {
    String good = TEMPLATE.replace("rescued", "mended");
    String bad =
        good.replace(
            "Pinned: \"true\", ",
            "Pinned: \"true\", Environment: {Execution: {IsolationMode: Jail}}, ");
    Ryegrass.Outcome refused = importingOf("rescue/mended.yaml", bad);
    assertThat(refused.exitCode()).as(refused.output()).isEqualTo(3);
    assertThat(refused.output())
        .contains(
            "create function mended-hello",
            "the cloud refused: 400, The functions definition is invalid or corrupted.",
            "the cloud refused 1 thing of these. Mend it and run the same command again");

    Ryegrass.Outcome mended = importingOf("rescue/mended.yaml", good);
    assertThat(mended.exitCode()).as(mended.output()).isZero();
    assertThat(mended.output())
        .contains(
            "keep thing mended-core",
            "keep function mended-hello version 1",
            "create function definition mended-functions",
            "update group mended")
        .doesNotContain("the cloud refused");
  }

  @Test
  @Order(3)
  void theGroupIsExplainedInTermsOfV2() {
    Ryegrass.Outcome outcome =
        Ryegrass.run(
            cloud.folder,
            PATIENCE,
            "groups",
            "explain",
            "--data",
            cloud.data().toString(),
            "rescued");
    assertThat(outcome.exitCode()).as(outcome.output()).isZero();
    assertThat(outcome.output())
        .contains(
            "group rescued on core rescued-core",
            "-> rescued-hello 1.0.0 (Lambda component)",
            "subscription s -> aws.greengrass.LegacySubscriptionRouter subscriptions.s");
  }
}
