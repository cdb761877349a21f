package io.ryegrass.groups;

import static org.assertj.core.api.Assertions.assertThat;

import io.ryegrass.groups.TestCloud.Answer;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the V1 API refuses, with the codes and texts of the service where they are known
 * (v1-group-deployment.md §4, §5; QUO rows), else naming what is wrong. Unknown ids and the seven
 * invalid function definitions are in {@link GroupsServiceTest}, input files in {@link
 * BulkDeploymentsTest}.
 */
class BadGroupsTest {
  private static final String THING = "arn:aws:iot:us-east-1:000000000000:thing/";
  private static final String CERTIFICATE = "arn:aws:iot:us-east-1:000000000000:cert/aa";
  private static final String FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:echo:1";

  @TempDir Path folder;
  private TestCloud cloud;

  @BeforeEach
  void open() {
    cloud = new TestCloud(folder);
    cloud.service.start();
  }

  @AfterEach
  void close() {
    cloud.close();
  }

  private static String thing(String id, String arn) {
    return "{\"Id\":\"%s\",\"ThingArn\":\"%s\",\"CertificateArn\":\"%s\"}"
        .formatted(id, arn, CERTIFICATE);
  }

  private static String list(String member, int count, String entity) {
    return IntStream.range(0, count)
        .mapToObj(i -> entity.replace("ID", "i" + i))
        .collect(Collectors.joining(",", "{\"" + member + "\":[", "]}"));
  }

  private void isRefused(String kind, String content, String detail) {
    Answer answer = cloud.post("/definition/" + kind, "{\"InitialVersion\":" + content + "}");
    assertThat(answer.status()).as("%s", answer).isEqualTo(400);
    assertThat(answer.code()).startsWith("400");
    assertThat(answer.text("message"))
        .isEqualTo(
            "The "
                + kind
                + " definition is invalid or corrupted. (ErrorDetails: ["
                + detail
                + "])");
    assertThat(cloud.get("/definition/" + kind).body().path("Definitions"))
        .as("nothing is left of it")
        .isEmpty();
  }

  private String define(String kind, String content) {
    Answer answer = cloud.post("/definition/" + kind, "{\"InitialVersion\":" + content + "}");
    assertThat(answer.status()).as("%s", answer).isEqualTo(201);
    return answer.text("LatestVersionArn");
  }

  @Test
  void listsBeyondTheQuotasAreRefused() {
    String core = thing("ID", THING + "c");
    isRefused("cores", list("Cores", 2, core), "It has 2 entries; at most 1 are allowed"); // QUO-03
    isRefused(
        "devices",
        list("Devices", 2501, core),
        "It has 2501 entries; at most 2500 are allowed"); // QUO-01
    isRefused(
        "functions",
        list("Functions", 201, "{\"Id\":\"ID\",\"FunctionArn\":\"" + FUNCTION + "\"}"),
        "It has 201 entries; at most 200 are allowed");
    isRefused(
        "subscriptions",
        list(
            "Subscriptions",
            10_001,
            "{\"Id\":\"ID\",\"Source\":\"cloud\",\"Subject\":\"a\",\"Target\":\"cloud\"}"),
        "It has 10001 entries; at most 10000 are allowed");
    String resource =
        "{\"Id\":\"ID\",\"Name\":\"ID\",\"ResourceDataContainer\":{\"LocalDeviceResourceData\":{\"SourcePath\":\"/dev/null\"}}}";
    isRefused(
        "resources",
        list("Resources", 201, resource),
        "It has 201 entries; at most 200 are allowed");
    isRefused(
        "functions",
        "{\"Functions\":[{\"Id\":\"f\",\"FunctionArn\":\"%s\",\"FunctionConfiguration\":{\"Environment\":%s}}]}"
            .formatted(FUNCTION, list("ResourceAccessPolicies", 21, "{\"ResourceId\":\"ID\"}")),
        "Function 'f' uses more than 20 resources");
    assertThat(define("devices", list("Devices", 2500, core))).isNotEmpty();
  }

  /** Where AWS printed several quotas, the largest counts: QUO-05, QUO-06. */
  @Test
  void whatAnOlderGuideHasAsTheMostIsTaken() {
    assertThat(
            define(
                "subscriptions",
                list(
                    "Subscriptions",
                    51,
                    "{\"Id\":\"ID\",\"Source\":\"cloud\",\"Subject\":\"a/ID\",\"Target\":\""
                        + FUNCTION
                        + "\"}")))
        .isNotEmpty();
    assertThat(
            define(
                "resources",
                list(
                    "Resources",
                    200,
                    "{\"Id\":\"ID\",\"Name\":\"ID\",\"ResourceDataContainer\":{\"LocalDeviceResourceData\":{\"SourcePath\":\"/dev/null\"}}}")))
        .isNotEmpty();
    assertThat(
            define(
                "functions",
                "{\"Functions\":[{\"Id\":\"f\",\"FunctionArn\":\"%s\",\"FunctionConfiguration\":{\"Environment\":%s}}]}"
                    .formatted(
                        FUNCTION, list("ResourceAccessPolicies", 20, "{\"ResourceId\":\"ID\"}"))))
        .as("QUO-07")
        .isNotEmpty();
  }

  /** TRB-MLI-01; a member that is missing altogether is AWS's model's business. */
  @Test
  void anOwnerOfAModelHasBothAGroupAndAPermission() {
    for (String kind :
        new String[] {
          "S3MachineLearningModelResourceData", "SageMakerMachineLearningModelResourceData"
        }) {
      String resources =
          "{\"Resources\":[{\"Id\":\"m\",\"Name\":\"m\",\"ResourceDataContainer\":{\"%s\":{\"DestinationPath\":\"/m\",\"OwnerSetting\":%s}}}]}";
      isRefused(
          "resources",
          resources.formatted(kind, "{\"GroupOwner\":\"\",\"GroupPermission\":\"ro\"}"),
          "InvalidMLModelOwner - GroupOwnerSetting is provided in ML model resource, but"
              + " GroupOwner or GroupPermission is not present");
      Answer answer =
          cloud.post(
              "/definition/resources",
              "{\"InitialVersion\":" + resources.formatted(kind, "{\"GroupOwner\":\"119\"}") + "}");
      assertThat(answer.status()).as("%s", answer).isEqualTo(400);
      assertThat(answer.text("message") + answer.text("Message")).contains("roupPermission");
    }
  }

  @Test
  void arnsOfSomethingElseAreRefused() {
    for (String arn : new String[] {"", "lamp", "x:thing/y", FUNCTION, THING}) {
      isRefused(
          "cores",
          "{\"Cores\":[" + thing("c", arn) + "]}",
          "Thing ARN is invalid. ID is 'c' and ARN is '" + arn + "'");
      isRefused(
          "devices",
          "{\"Devices\":[" + thing("d", arn) + "]}",
          "Thing ARN is invalid. ID is 'd' and ARN is '" + arn + "'");
    }
    for (String arn : new String[] {"echo", "arn:aws:lambda:us-east-1:000000000000:echo"}) {
      isRefused(
          "functions",
          "{\"Functions\":[{\"Id\":\"f\",\"FunctionArn\":\"" + arn + "\"}]}",
          "Function ARN is invalid. ID is 'f' and ARN is '" + arn + "'");
      isRefused(
          "connectors",
          "{\"Connectors\":[{\"Id\":\"c\",\"ConnectorArn\":\"" + arn + "\"}]}",
          "Connector ARN is invalid. ID is 'c' and ARN is '" + arn + "'");
      isRefused(
          "subscriptions",
          "{\"Subscriptions\":[{\"Id\":\"s\",\"Source\":\"cloud\",\"Subject\":\"a\",\"Target\":\""
              + arn
              + "\"}]}",
          "Subscription target is invalid. ID is 's' and Target is '" + arn + "'");
    }
  }

  @Test
  void idsThatAreMissingWrongOrUsedTwiceAreNamed() {
    isRefused(
        "devices",
        "{\"Devices\":[" + thing("a", THING + "a") + "," + thing("a", THING + "b") + "]}",
        "ID 'a' is used more than once");
    isRefused(
        "devices",
        "{\"Devices\":[" + thing("a b", THING + "a") + "]}",
        "ID 'a b' is invalid: use 1 to 128 characters of a-z A-Z 0-9 : _ -");
    String twins =
        list(
            "Resources",
            2,
            "{\"Id\":\"ID\",\"Name\":\"n\",\"ResourceDataContainer\":{\"LocalDeviceResourceData\":{\"SourcePath\":\"/dev/null\"}}}");
    isRefused("resources", twins, "Name 'n' is used more than once");
  }

  @Test
  void aGroupVersionNamesEveryReferenceThatDoesNotExist() {
    String none =
        "arn:aws:greengrass:us-east-1:000000000000:/greengrass/definition/%s/x/versions/y";
    String group = cloud.post("/groups", "{\"Name\":\"g\"}").text("Id");
    String[][] kinds = {
      {"Core", "cores", "Cores"},
      {"Device", "devices", "Devices"},
      {"Function", "functions", "Lambda"},
      {"Subscription", "subscriptions", "Subscription"},
      {"Resource", "resources", "Resource"},
    };
    for (String[] kind : kinds) {
      for (String arn : new String[] {none.formatted(kind[1]), "x", FUNCTION}) {
        Answer answer =
            cloud.post(
                "/groups/" + group + "/versions",
                "{\"" + kind[0] + "DefinitionVersionArn\":\"" + arn + "\"}");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.text("message"))
            .isEqualTo(
                "The group is invalid or corrupted. (ErrorDetails: ["
                    + kind[2]
                    + " definition reference does not exist])");
      }
    }
    assertThat(cloud.get("/groups/" + group + "/versions").body().path("Versions"))
        .as("the empty one that the group was created with")
        .hasSize(1);
  }

  @Test
  void deploymentsThatLackSomethingAreRefusedAtOnce() {
    String cores = define("cores", "{\"Cores\":[]}");
    Answer made =
        cloud.post(
            "/groups",
            "{\"Name\":\"g\",\"InitialVersion\":{\"CoreDefinitionVersionArn\":\"" + cores + "\"}}");
    String path = "/groups/" + made.text("Id") + "/deployments";
    String version = made.text("LatestVersion");

    isRefused(
        path,
        "{\"DeploymentType\":\"NewDeployment\",\"GroupVersionId\":\"" + version + "\"}",
        400,
        "MissingCoreException",
        "You need a Greengrass Core in this Group before you can deploy.");
    isRefused(
        path,
        "{\"DeploymentType\":\"NewDeployment\"}",
        400,
        "InvalidInputException",
        "Your request is missing the following required parameter(s): {GroupVersionId}.");
    isRefused(
        path,
        "{\"DeploymentType\":\"Redeployment\"}",
        400,
        "InvalidInputException",
        "Your request is missing the following required parameter(s): {DeploymentId}.");
    isRefused(
        path,
        "{\"DeploymentType\":\"Redeployment\",\"DeploymentId\":\"none\"}",
        400,
        "InvalidInputException",
        "Deployment ID 'none' is invalid.");
    isRefused(
        path,
        "{\"DeploymentType\":\"Overnight\",\"GroupVersionId\":\"" + version + "\"}",
        400,
        "InvalidInputException",
        "That deployment type is not valid.");
    isRefused(
        path,
        "{\"DeploymentType\":\"NewDeployment\",\"GroupVersionId\":\"none\"}",
        404,
        "ResourceNotFoundException",
        "Version none of Group Definition " + made.text("Id") + " does not exist.");
  }

  private void isRefused(String path, String body, int status, String code, String message) {
    Answer answer = cloud.post(path, body);
    assertThat(answer.status()).as("%s", answer).isEqualTo(status);
    assertThat(answer.code()).startsWith(code);
    assertThat(answer.text("message")).contains(message);
  }

  @Test
  void whatTheModelRequiresIsNamed() {
    for (String[] request :
        new String[][] {
          {"/groups", "{}", "name"},
          {
            "/definition/loggers",
            "{\"InitialVersion\":{\"Loggers\":[{\"Id\":\"l\",\"Component\":\"Toaster\",\"Type\":\"FileSystem\",\"Level\":\"INFO\"}]}}",
            "component"
          },
          {"/groups/g/deployments", "{\"GroupVersionId\":\"v\"}", "deploymentType"},
          {"/bulk/deployments", "{\"InputFileUri\":\"https://x\"}", "executionRoleArn"},
          {"/updates", "{}", "s3UrlSignerRole"},
        }) {
      Answer answer = cloud.post(request[0], request[1]);
      assertThat(answer.status()).as("%s", answer).isEqualTo(400);
      assertThat(answer.text("message") + answer.text("Message")).containsIgnoringCase(request[2]);
    }
  }
}
