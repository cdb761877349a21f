package io.ryegrass.groups;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ryegrass.groups.TestCloud.Answer;
import io.ryegrass.registry.DevicePrincipal;
import io.ryegrass.registry.DeviceRequest;
import io.ryegrass.registry.DeviceResponse;
import io.ryegrass.registry.DeviceRoute;
import io.ryegrass.store.testing.OnBothDatabases;
import java.io.ByteArrayInputStream;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The V1 API as a client sees it on the wire (v1-group-deployment.md §3 to §6). */
@OnBothDatabases
class GroupsServiceTest {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final String CORE =
      "{\"Cores\":[{\"Id\":\"c\",\"ThingArn\":\"arn:aws:iot:us-east-1:000000000000:thing/the-core\",\"CertificateArn\":\"arn:aws:iot:us-east-1:000000000000:cert/aa\"}]}";
  private static final String DEVICE =
      "{\"Devices\":[{\"Id\":\"d\",\"ThingArn\":\"arn:aws:iot:us-east-1:000000000000:thing/lamp\",\"CertificateArn\":\"arn:aws:iot:us-east-1:000000000000:cert/bb\"}]}";
  private static final String FUNCTION =
      "{\"Functions\":[{\"Id\":\"f\",\"FunctionArn\":\"arn:aws:lambda:us-east-1:000000000000:function:echo:PROD\",\"FunctionConfiguration\":{\"MemorySize\":65536,\"Pinned\":true}}]}";

  private static final String TOKEN = "x-amzn-client-token";

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

  @Test
  void everyKindOfDefinitionIsCreatedVersionedRenamedListedAndDeleted() {
    Map<String, String> contents =
        Map.of(
            "cores", CORE,
            "devices", DEVICE,
            "functions", FUNCTION,
            "subscriptions",
                "{\"Subscriptions\":[{\"Id\":\"s\",\"Source\":\"cloud\",\"Subject\":\"a\",\"Target\":\"GGShadowService\"}]}",
            "resources", "{\"Resources\":[]}",
            "connectors", "{\"Connectors\":[]}",
            "loggers",
                "{\"Loggers\":[{\"Id\":\"l\",\"Component\":\"Lambda\",\"Type\":\"FileSystem\",\"Level\":\"INFO\",\"Space\":5}]}");
    contents.forEach(
        (kind, content) -> {
          String path = "/definition/" + kind;
          Answer created = cloud.post(path, "{\"Name\":\"one\",\"tags\":{\"k\":\"v\"}}");
          assertThat(created.status()).as("%s %s", kind, created).isEqualTo(201);
          String id = created.text("Id");
          assertThat(created.text("Arn"))
              .isEqualTo(
                  "arn:aws:greengrass:us-east-1:000000000000:/greengrass/definition/"
                      + kind
                      + "/"
                      + id);
          assertThat(created.body().has("LatestVersion")).isFalse();

          Answer version = cloud.post(path + "/" + id + "/versions", content);
          assertThat(version.status()).as("%s", version).isEqualTo(201);
          Answer read = cloud.get(path + "/" + id + "/versions/" + version.text("Version"));
          assertThat(read.body().path("Definition")).isEqualTo(TestCloud.JSON.readTree(content));
          Answer info = cloud.get(path + "/" + id);
          assertThat(info.text("LatestVersion")).isEqualTo(version.text("Version"));
          assertThat(info.text("LatestVersionArn")).isEqualTo(version.text("Arn"));
          assertThat(info.body().path("tags").path("k").asString()).isEqualTo("v");

          assertThat(
                  cloud.call("PUT", "/greengrass" + path + "/" + id, "{\"Name\":\"two\"}").status())
              .isEqualTo(200);
          assertThat(cloud.get(path).body().path("Definitions").path(0).path("Name").asString())
              .isEqualTo("two");
          assertThat(cloud.get(path + "/" + id + "/versions").body().path("Versions")).hasSize(1);
          assertThat(cloud.call("DELETE", "/greengrass" + path + "/" + id, "").status())
              .isEqualTo(200);
          assertThat(cloud.get(path + "/" + id).status()).isEqualTo(404);
        });
  }

  @Test
  void listsComeInPages() {
    for (int i = 0; i < 5; i++) {
      cloud.post("/groups", "{\"Name\":\"g" + i + "\"}");
    }
    Answer first = cloud.get("/groups?MaxResults=2");
    assertThat(first.body().path("Groups")).hasSize(2);
    Answer second = cloud.get("/groups?MaxResults=2&NextToken=" + first.text("NextToken"));
    Answer third = cloud.get("/groups?MaxResults=2&NextToken=" + second.text("NextToken"));
    assertThat(third.body().path("Groups")).hasSize(1);
    assertThat(third.body().has("NextToken")).isFalse();
    assertThat(cloud.get("/groups?MaxResults=none").status()).isEqualTo(400);
  }

  @Test
  void errorsHaveTheCodesAndTextsOfTheService() {
    Answer answer = cloud.get("/definition/functions/nothing");
    assertThat(answer.status()).isEqualTo(404);
    assertThat(answer.code()).startsWith("IdNotFoundException");
    assertThat(answer.body().toString()).contains("That Lambda List Definition does not exist.");

    String id = cloud.post("/definition/cores", "{}").text("Id");
    assertThat(cloud.get("/definition/cores/" + id + "/versions/v").body().toString())
        .contains("Version v of Core List Definition " + id + " does not exist.");
    assertThat(cloud.call("PUT", "/greengrass/definition/cores/" + id, "{\"Name\":\"\"}").code())
        .startsWith("InvalidContainerDefinitionException");
    assertThat(
            cloud
                .post(
                    "/definition/subscriptions",
                    "{\"InitialVersion\":{\"Subscriptions\":[{\"Id\":\"i\",\"Source\":\"s\",\"Subject\":\"x\",\"Target\":\"cloud\"}]}}")
                .body()
                .toString())
        .contains(
            "The subscriptions definition is invalid or corrupted. (ErrorDetails: [Subscription source is invalid. ID is 'i' and Source is 's'])");
    assertThat(
            cloud
                .post(
                    "/definition/resources",
                    "{\"InitialVersion\":{\"Resources\":[{\"Id\":\"i\",\"Name\":\"n\",\"ResourceDataContainer\":{\"LocalVolumeResourceData\":{\"SourcePath\":\"/sys/x\"}}}]}}")
                .body()
                .toString())
        .contains("[Accessing /sys is prohibited]");
    assertThat(
            cloud
                .post(
                    "/groups",
                    "{\"Name\":\"g\",\"InitialVersion\":{\"FunctionDefinitionVersionArn\":\"arn:aws:x\"}}")
                .body()
                .toString())
        .contains(
            "The group is invalid or corrupted. (ErrorDetails: [Lambda definition reference does not exist])");
  }

  /** The guide recommends the token for every create call. */
  @Test
  void aRequestThatComesAgainWithItsTokenIsAnsweredAsTheFirstTimeAlsoAfterACrash() {
    Answer first = cloud.call("POST", "/greengrass/groups", "{\"Name\":\"g\"}", TOKEN, "one");
    cloud = cloud.killed(folder);
    cloud.service.start();
    Answer again = cloud.call("POST", "/greengrass/groups", "{\"Name\":\"g\"}", TOKEN, "one");
    assertThat(again.body()).isEqualTo(first.body());
    assertThat(cloud.get("/groups").body().path("Groups")).hasSize(1);
    Answer other = cloud.call("POST", "/greengrass/groups", "{\"Name\":\"h\"}", TOKEN, "one");
    assertThat(other.text("Id")).isNotEqualTo(first.text("Id"));
    cloud.call("POST", "/greengrass/groups", "{\"Name\":\"g\"}", TOKEN, "two");
    assertThat(cloud.get("/groups").body().path("Groups")).hasSize(3);
  }

  /** The service has several words for the same thing, by what was asked for. */
  @Test
  void whatDoesNotExistIsNamedAsTheServiceNamesIt() {
    assertNotFound(
        cloud.get("/definition/subscriptions/x"),
        "That Subscription List Definition does not exist.");
    assertNotFound(
        cloud.get("/definition/subscriptions/x/versions"),
        "That subscriptions definition does not exist.");
    assertNotFound(
        cloud.post("/definition/subscriptions/x/versions", "{}"),
        "That subscriptions does not exist.");
    assertNotFound(
        cloud.post("/definition/resources/x/versions", "{}"),
        "That resource definition does not exist.");
    assertNotFound(
        cloud.post("/definition/functions/x/versions", "{}"), "That lambdas does not exist.");
    assertNotFound(
        cloud.call("DELETE", "/greengrass/definition/cores/x", ""),
        "That cores definition does not exist.");
    assertNotFound(cloud.get("/groups/x"), "That Group Definition does not exist.");
    assertNotFound(cloud.get("/groups/x/versions"), "That group definition does not exist.");
    assertNotFound(cloud.post("/groups/x/versions", "{}"), "That group does not exist.");
    assertNotFound(
        cloud.call("DELETE", "/greengrass/groups/x", ""), "That group definition does not exist.");
    String group = cloud.post("/groups", "{\"Name\":\"g\"}").text("Id");
    Answer version = cloud.get("/groups/" + group + "/versions/v");
    assertThat(version.code()).startsWith("VersionNotFoundException");
    assertThat(version.text("message"))
        .isEqualTo("Version v of Group Definition " + group + " does not exist.");
    String functions = cloud.post("/definition/functions", "{}").text("Id");
    assertNotFound(
        cloud.get("/definition/functions/" + functions + "/versions/v"),
        "Version v of Lambda List Definition " + functions + " does not exist.");
    assertThat(cloud.get("/groups/x/deployments").body().path("Deployments")).isEmpty();
    Answer reset = cloud.post("/groups/x/deployments/$reset", "{}");
    assertThat(reset.code()).startsWith("ResourceNotFoundException");
    assertThat(reset.text("message")).isEqualTo("That Group Definition does not exist.");
  }

  private static void assertNotFound(Answer answer, String message) {
    assertThat(answer.status()).isEqualTo(404);
    assertThat(answer.code()).startsWith("IdNotFoundException");
    assertThat(answer.text("message")).isEqualTo(message);
  }

  /** E30: TRB-GRP-01 to 07. */
  @Test
  void theSevenInvalidFunctionDefinitionsAreRefusedWithTheTextsOfTheGuide() {
    String arn = "arn:aws:lambda:us-east-1:000000000000:function:echo:1";
    assertRefusedFunction(
        "{\"DefaultConfig\":{\"Execution\":{\"IsolationMode\":\"Jail\"}},\"Functions\":[]}",
        "Your 'IsolationMode' configuration for the group is invalid.");
    assertRefusedFunction(
        function(arn, "{\"Environment\":{\"Execution\":{\"IsolationMode\":\"Jail\"}}}"),
        "Your 'IsolationMode' configuration for function with arn " + arn + " is invalid.");
    assertRefusedFunction(
        function(
            arn,
            "{\"MemorySize\":1,\"Environment\":{\"Execution\":{\"IsolationMode\":\"NoContainer\"}}}"),
        "MemorySize configuration for function with arn "
            + arn
            + " is not allowed in IsolationMode=NoContainer.");
    assertRefusedFunction(
        function(
            arn,
            "{\"Environment\":{\"AccessSysfs\":true,\"Execution\":{\"IsolationMode\":\"NoContainer\"}}}"),
        "Access Sysfs configuration for function with arn "
            + arn
            + " is not allowed in IsolationMode=NoContainer.");
    assertRefusedFunction(
        function(
            arn, "{\"Environment\":{\"Execution\":{\"IsolationMode\":\"GreengrassContainer\"}}}"),
        "MemorySize configuration for function with arn "
            + arn
            + " is required in IsolationMode=GreengrassContainer.");
    String spooler = "arn:aws:lambda:::function:GGCloudSpooler:1";
    assertRefusedFunction(
        function(spooler, "{\"Environment\":{\"Execution\":{\"IsolationMode\":\"NoContainer\"}}}"),
        "Execution configuration for function with arn " + spooler + " is not allowed.");

    String functions =
        define(
            "functions",
            function(
                arn,
                "{\"Environment\":{\"ResourceAccessPolicies\":[{\"ResourceId\":\"r\"}],\"Execution\":{\"IsolationMode\":\"NoContainer\"}}}"));
    String resources =
        define(
            "resources",
            "{\"Resources\":[{\"Id\":\"r\",\"Name\":\"n\",\"ResourceDataContainer\":{\"LocalDeviceResourceData\":{\"SourcePath\":\"/dev/null\"}}}]}");
    Answer group =
        cloud.post(
            "/groups",
            "{\"Name\":\"g\",\"InitialVersion\":{\"FunctionDefinitionVersionArn\":\""
                + functions
                + "\",\"ResourceDefinitionVersionArn\":\""
                + resources
                + "\"}}");
    assertThat(group.status()).isEqualTo(400);
    assertThat(group.text("message"))
        .isEqualTo(
            "The group is invalid or corrupted. (ErrorDetails: [Function "
                + arn
                + " refers to resource of type Local.Device that is not allowed in"
                + " IsolationMode=NoContainer.])");
  }

  private static String function(String arn, String configuration) {
    return "{\"Functions\":[{\"Id\":\"f\",\"FunctionArn\":\""
        + arn
        + "\",\"FunctionConfiguration\":"
        + configuration
        + "}]}";
  }

  private void assertRefusedFunction(String content, String detail) {
    Answer answer = cloud.post("/definition/functions", "{\"InitialVersion\":" + content + "}");
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.code()).startsWith("400");
    assertThat(answer.text("message"))
        .isEqualTo(
            "The functions definition is invalid or corrupted. (ErrorDetails: [" + detail + "])");
  }

  /** OTA-07 to OTA-11. */
  @Test
  void aSoftwareUpdateIsAJobForItsTargets() {
    Answer made = update("core", "ubuntu", "x86_64", "thing/the-core");
    assertThat(made.status()).as("%s", made).isEqualTo(200);
    assertThat(made.text("IotJobId")).startsWith("Greengrass-OTA-");
    assertThat(made.text("IotJobArn"))
        .isEqualTo("arn:aws:iot:us-east-1:000000000000:job/" + made.text("IotJobId"));
    assertThat(made.text("PlatformSoftwareVersion")).isEqualTo("1.11.6");
    TestCloud.Job job = cloud.jobs.getFirst();
    assertThat(job.id()).isEqualTo(made.text("IotJobId"));
    assertThat(job.things()).containsExactly("the-core");
    assertThat(job.document().at("/greengrassOta/url").asString())
        .contains("us-east-1-greengrass-updates.s3.us-east-1.amazonaws.com/core/x86_64/");
    update("ota_agent", "raspbian", "armv7l", "thinggroup/cores");
    assertThat(cloud.jobs.getLast().groups()).containsExactly("cores");

    assertThat(update("core", "raspbian", "x86_64", "thing/the-core").code())
        .startsWith("BadRequestException");
    assertThat(update("core", "ubuntu", "x86_64", "thing/none").text("Message"))
        .contains("thing/none does not exist");
    assertThat(update("core", "ubuntu", "x86_64", "topic/x").status()).isEqualTo(400);
    assertThat(cloud.jobs).hasSize(2);
  }

  private Answer update(String software, String system, String architecture, String target) {
    return cloud.post(
        "/updates",
        "{\"S3UrlSignerRole\":\"arn:aws:iam::000000000000:role/r\",\"SoftwareToUpdate\":\""
            + software
            + "\",\"UpdateTargets\":[\"arn:aws:iot:us-east-1:000000000000:"
            + target
            + "\"],\"UpdateTargetsArchitecture\":\""
            + architecture
            + "\",\"UpdateTargetsOperatingSystem\":\""
            + system
            + "\"}");
  }

  /** NTF-01, NTF-02. */
  @Test
  void eachStateOfADeploymentIsAnEvent() {
    String group = group();
    String id = underWay(group);
    cloud.report(id, "SUCCEEDED", "");
    awaitStatus(group, id, "Success");
    assertThat(cloud.events)
        .allMatch(e -> e.source().equals("aws.greengrass") && e.resources().isEmpty())
        .allMatch(e -> e.detailType().equals("Greengrass Deployment Status Change"))
        .allMatch(e -> e.detail().path("group-id").asString().equals(group))
        .allMatch(e -> e.detail().path("deployment-id").asString().equals(id))
        .allMatch(e -> e.detail().path("deployment-type").asString().equals("NewDeployment"))
        .extracting(e -> e.detail().path("status").asString())
        .containsExactly("Building", "InProgress", "Success");
  }

  /** RST-02, RST-03. */
  @Test
  void aResetWaitsForTheDeploymentThatIsUnderWayUnlessItIsForced() {
    String group = group();
    String id = underWay(group);
    Answer refused = cloud.post("/groups/" + group + "/deployments/$reset", "{}");
    assertThat(refused.status()).isEqualTo(400);
    assertThat(refused.code()).startsWith("ConcurrentDeployment");
    assertThat(refused.body().toString()).contains(id, "InProgress");
    String forced =
        cloud
            .post("/groups/" + group + "/deployments/$reset", "{\"Force\":true}")
            .text("DeploymentId");
    awaitStatus(group, forced, "Success");
    assertThat(status(group, forced).text("DeploymentType")).isEqualTo("ForceResetDeployment");
  }

  @Test
  void aDeploymentIsBuiltSentAndEndsAsTheCoreReports() {
    String group = group();
    Answer created = deploy(group);
    String id = created.text("DeploymentId");
    assertThat(created.text("DeploymentArn")).endsWith(group + "/deployments/" + id);
    awaitStatus(group, id, "InProgress");
    TestCloud.Sent sent = cloud.sent.getFirst();
    assertThat(sent.core()).isEqualTo("the-core");
    assertThat(sent.components()).containsKeys("echo", "aws.greengrass.clientdevices.Auth");
    assertThat(cloud.components).containsOnlyKeys("echo 2.0.0");
    assertThat(cloud.components.get("echo 2.0.0").get("lambda.zip")).containsExactly(1, 2, 3);

    cloud.report(id, "SUCCEEDED", "");
    awaitStatus(group, id, "Success");
    assertThat(cloud.get("/groups/" + group + "/deployments").body().path("Deployments"))
        .hasSize(1);

    String again =
        cloud
            .post(
                "/groups/" + group + "/deployments",
                "{\"DeploymentType\":\"Redeployment\",\"DeploymentId\":\"" + id + "\"}")
            .text("DeploymentId");
    awaitStatus(group, again, "InProgress");
    cloud.report(again, "FAILED", "component echo is BROKEN");
    awaitStatus(group, again, "Failure");
    assertThat(status(group, again).text("ErrorMessage"))
        .isEqualTo(
            "Deployment "
                + again
                + " of type Redeployment for group "
                + group
                + " failed error: component echo is BROKEN");
    cloud.report(again, "SUCCEEDED", "");
    assertThat(status(group, again).text("DeploymentStatus")).isEqualTo("Failure");
  }

  @Test
  void aDeploymentThatCannotBeBuiltFailsByNameAndWrongOnesAreRefusedAtOnce() {
    String connectors =
        cloud
            .post(
                "/definition/connectors",
                "{\"InitialVersion\":{\"Connectors\":[{\"Id\":\"c\",\"ConnectorArn\":\"arn:aws:greengrass:us-east-1::/connectors/SNS/versions/4\"}]}}")
            .text("LatestVersionArn");
    String group =
        cloud
            .post(
                "/groups",
                "{\"Name\":\"g\",\"InitialVersion\":{\"CoreDefinitionVersionArn\":\""
                    + define("cores", CORE)
                    + "\",\"ConnectorDefinitionVersionArn\":\""
                    + connectors
                    + "\"}}")
            .text("Id");
    String id = deploy(group).text("DeploymentId");
    awaitStatus(group, id, "Failure");
    assertThat(status(group, id).text("ErrorMessage")).contains("/connectors/SNS/versions/4");

    String empty = cloud.post("/groups", "{\"Name\":\"g\",\"InitialVersion\":{}}").text("Id");
    Answer missing = deploy(empty);
    assertThat(missing.status()).isEqualTo(400);
    assertThat(missing.code()).startsWith("MissingCoreException");
    assertThat(TestCloud.JSON.readTree(missing.text("message")).at("/ErrorDetails/0"))
        .isEqualTo(
            TestCloud.JSON.readTree(
                "{\"DetailedErrorCode\":\"GG-303\",\"DetailedErrorMessage\":\"You need a Greengrass Core in this Group before you can deploy.\"}"));
    assertThat(
            cloud
                .post(
                    "/groups/none/deployments",
                    "{\"DeploymentType\":\"NewDeployment\",\"GroupVersionId\":\"v\"}")
                .status())
        .isEqualTo(404);
    assertThat(cloud.get("/groups/" + group + "/deployments/none/status").code())
        .startsWith("InvalidInputException");
  }

  @Test
  void aResetTakesEverythingAwayAndOnlyThenMayTheGroupBeDeleted() {
    String group = group();
    assertThat(cloud.post("/groups/" + group + "/deployments/$reset", "{}").status())
        .isEqualTo(404);
    String id = deploy(group).text("DeploymentId");
    awaitStatus(group, id, "InProgress");
    cloud.report(id, "SUCCEEDED", "");
    assertThat(cloud.call("DELETE", "/greengrass/groups/" + group, "").status()).isEqualTo(400);

    String reset =
        cloud.post("/groups/" + group + "/deployments/$reset", "{}").text("DeploymentId");
    awaitStatus(group, reset, "InProgress");
    assertThat(cloud.sent.getLast().components()).isEmpty();
    assertThat(cloud.sent.getLast().core()).isEqualTo("the-core");
    cloud.report(reset, "SUCCEEDED", "");
    awaitStatus(group, reset, "Success");
    assertThat(cloud.forgotten).containsExactly("the-core");
    assertThat(discover("lamp").status()).isEqualTo(404);
    assertThat(cloud.post("/groups/" + group + "/deployments/$reset", "{}").status())
        .isEqualTo(404);
    String forced =
        cloud
            .post("/groups/" + group + "/deployments/$reset", "{\"Force\":true}")
            .text("DeploymentId");
    awaitStatus(group, forced, "Success");
    assertThat(cloud.call("DELETE", "/greengrass/groups/" + group, "").status()).isEqualTo(200);
  }

  @Test
  void whatWasBuildingWhenTheProcessEndedIsBuiltAtTheNextStart() {
    String group = group();
    cloud.service.close();
    String id = deploy(group).text("DeploymentId");
    assertThat(status(group, id).text("DeploymentStatus")).isEqualTo("Building");
    cloud.close();
    cloud = new TestCloud(folder);
    cloud.service.start();
    awaitStatus(group, id, "InProgress");
  }

  private String underWay(String group) {
    String id = deploy(group).text("DeploymentId");
    awaitStatus(group, id, "InProgress");
    return id;
  }

  @Test
  void anEndThatWasCommittedJustBeforeTheCloudDiedIsTakenUpAtTheNextStart() {
    String good = group();
    String bad = group();
    String open = group();
    String lost = group();
    String goodId = underWay(good);
    String badId = underWay(bad);
    String openId = underWay(open);
    String lostId = underWay(lost);
    cloud.commitUntold(goodId, "SUCCEEDED", "");
    cloud.commitUntold(badId, "FAILED", "component echo is BROKEN");
    cloud.commitUntold(openId, "IN_PROGRESS", "");

    cloud = cloud.killed(folder);
    cloud.service.start();

    awaitStatus(good, goodId, "Success");
    assertThat(discover("lamp").status()).isEqualTo(200);
    awaitStatus(bad, badId, "Failure");
    assertThat(status(bad, badId).text("ErrorMessage")).endsWith("component echo is BROKEN");
    awaitStatus(lost, lostId, "Failure");
    assertThat(status(lost, lostId).text("ErrorMessage"))
        .contains("gone", "deploy the group again");
    assertThat(status(open, openId).text("DeploymentStatus")).isEqualTo("InProgress");
    cloud.report(openId, "SUCCEEDED", "");
    awaitStatus(open, openId, "Success");
  }

  @Test
  void theEndOfAResetCommittedJustBeforeTheCloudDiedStillEndsTheMembershipOfTheCore() {
    String group = group();
    cloud.report(underWay(group), "SUCCEEDED", "");
    String reset =
        cloud.post("/groups/" + group + "/deployments/$reset", "{}").text("DeploymentId");
    awaitStatus(group, reset, "InProgress");
    cloud.commitUntold(reset, "SUCCEEDED", "");

    cloud = cloud.killed(folder);
    cloud.service.start();

    awaitStatus(group, reset, "Success");
    assertThat(cloud.forgotten).containsExactly("the-core");
    assertThat(discover("lamp").status()).isEqualTo(404);
  }

  @Test
  void aLateResultOfAResetLeavesTheMembershipToTheDeploymentAfterIt() {
    String group = group();
    cloud.report(underWay(group), "SUCCEEDED", "");
    String reset =
        cloud.post("/groups/" + group + "/deployments/$reset", "{}").text("DeploymentId");
    awaitStatus(group, reset, "InProgress");
    underWay(group);
    cloud.report(reset, "SUCCEEDED", "");
    awaitStatus(group, reset, "Success");
    assertThat(cloud.forgotten).isEmpty();
  }

  @Test
  void aDeviceDiscoversItsCoreAfterTheDeploymentAndTheCoreGetsACertificateDuringIt()
      throws Exception {
    String group = group();
    assertThat(discover("lamp").status()).isEqualTo(404);
    KeyPair key = KeyPairGenerator.getInstance("RSA").generateKeyPair();
    String csr = csr(key, "192.168.7.7", "localhost", "evil.example");
    assertThat(certificate(group, "the-core", "the-core", csr).status()).isEqualTo(403);
    String id = deploy(group).text("DeploymentId");
    awaitStatus(group, id, "InProgress");

    DeviceResponse issued = certificate(group, "the-core", "the-core", csr);
    assertThat(issued.status()).isEqualTo(200);
    JsonNode answer = TestCloud.JSON.readTree(issued.body());
    X509Certificate certificate = x509(answer.path("certificatePem").asString());
    X509Certificate ca = x509(answer.path("caPem").asString());
    certificate.verify(ca.getPublicKey());
    assertThat(certificate.getSigAlgName()).isEqualTo("SHA256withRSA");
    assertThat(certificate.getPublicKey()).isEqualTo(key.getPublic());
    assertThat(certificate.getSubjectAlternativeNames().toString())
        .contains("192.168.7.7", "localhost")
        .doesNotContain("evil");
    assertThat(certificate(group, "lamp", "the-core", csr).status()).isEqualTo(403);
    assertThat(certificate(group, "lamp", "lamp", csr).status()).isEqualTo(403);

    cloud.report(id, "SUCCEEDED", "");
    DeviceResponse found = discover("lamp");
    assertThat(found.status()).isEqualTo(200);
    JsonNode discovered = TestCloud.JSON.readTree(found.body()).path("GGGroups").path(0);
    assertThat(discovered.path("GGGroupId").asString()).isEqualTo(group);
    assertThat(discovered.at("/Cores/0/thingArn").asString()).endsWith(":thing/the-core");
    assertThat(discovered.at("/Cores/0/Connectivity/0/HostAddress").asString())
        .isEqualTo("192.168.7.7");
    assertThat(discovered.at("/Cores/0/Connectivity/0/PortNumber").asInt()).isEqualTo(8883);
    assertThat(x509(discovered.path("CAs").path(0).asString())).isEqualTo(ca);
    String authority =
        cloud
            .get("/groups/" + group + "/certificateauthorities")
            .body()
            .at("/GroupCertificateAuthorities/0/GroupCertificateAuthorityId")
            .asString();
    assertThat(
            x509(
                cloud
                    .get("/groups/" + group + "/certificateauthorities/" + authority)
                    .text("PemEncodedCertificate")))
        .isEqualTo(ca);
  }

  @Test
  void aRotatedAuthoritySignsButTheOldOneIsStillToldToDevices() {
    String group = group();
    Answer before = cloud.get("/groups/" + group + "/certificateauthorities");
    assertThat(before.body().path("GroupCertificateAuthorities")).hasSize(1);
    cloud.post("/groups/" + group + "/certificateauthorities", "");
    assertThat(
            cloud
                .get("/groups/" + group + "/certificateauthorities")
                .body()
                .path("GroupCertificateAuthorities"))
        .hasSize(2);
    String path = "/greengrass/groups/" + group + "/certificateauthorities/configuration/expiry";
    assertThat(cloud.call("PUT", path, "{\"CertificateExpiryInMilliseconds\":\"1\"}").status())
        .isEqualTo(400);
    assertThat(
            cloud
                .call("PUT", path, "{\"CertificateExpiryInMilliseconds\":\"2592000000\"}")
                .text("CertificateExpiryInMilliseconds"))
        .isEqualTo("2592000000");
  }

  @Test
  void theCoreOfAGroupGetsCredentialsOfTheRoleThatTheGroupHasNowIAM07() {
    String group = group();
    assertThat(credentials(group, "the-core").status()).as("not deployed").isEqualTo(403);
    cloud.report(underWay(group), "SUCCEEDED", "");
    DeviceResponse without = credentials(group, "the-core");
    assertThat(without.status()).isEqualTo(404);
    assertThat(TestCloud.JSON.readTree(without.body()).path("message").asString())
        .contains("You need to attach an IAM role to this deployment group.");

    String role = "/greengrass/groups/" + group + "/role";
    for (String service : List.of("lambda", "greengrass")) {
      cloud.iam(
          "CreateRole",
          "RoleName",
          service,
          "AssumeRolePolicyDocument",
          "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\""
              + service
              + ".amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}");
    }
    cloud.call("PUT", role, "{\"RoleArn\":\"arn:aws:iam::000000000000:role/lambda\"}");
    assertThat(credentials(group, "the-core").status())
        .as("a role that does not trust Greengrass")
        .isEqualTo(403);
    cloud.call("PUT", role, "{\"RoleArn\":\"arn:aws:iam::000000000000:role/greengrass\"}");

    DeviceResponse given = credentials(group, "the-core");

    assertThat(given.status()).isEqualTo(200);
    assertThat(TestCloud.JSON.readTree(given.body()).at("/credentials/accessKeyId").asString())
        .startsWith("ASIA");
    assertThat(credentials(group, "lamp").status()).as("a device of the group").isEqualTo(403);
    cloud.call("DELETE", role, "");
    assertThat(credentials(group, "the-core").status()).isEqualTo(404);
  }

  private DeviceResponse credentials(String group, String caller) {
    return cloud.service.deviceRoutes().stream()
        .filter(route -> route.action().equals("greengrass:AssumeRoleForGroup"))
        .findFirst()
        .orElseThrow()
        .handler()
        .apply(request(Map.of("groupId", group), caller, ""));
  }

  @Test
  void rolesAndTagsAndTelemetryAreKept() {
    String group = group();
    String role = "/greengrass/groups/" + group + "/role";
    assertThat(cloud.call("GET", role, "").status()).isEqualTo(404);
    assertThat(cloud.call("GET", role, "").code()).isEqualTo("404");
    assertThat(cloud.call("GET", role, "").text("message"))
        .isEqualTo("You need to attach an IAM role to this deployment group.");
    assertThat(cloud.call("PUT", role, "{\"RoleArn\":\"r\"}").status()).isEqualTo(400);
    cloud.call("PUT", role, "{\"RoleArn\":\"arn:aws:iam::000000000000:role/r\"}");
    assertThat(cloud.call("GET", role, "").text("RoleArn"))
        .isEqualTo("arn:aws:iam::000000000000:role/r");
    assertThat(cloud.call("DELETE", role, "").status()).isEqualTo(200);

    String arn = cloud.get("/groups/" + group).text("Arn").replace(":", "%3A").replace("/", "%2F");
    assertThat(cloud.call("POST", "/tags/" + arn, "{\"tags\":{\"a\":\"1\",\"b\":\"2\"}}").status())
        .isEqualTo(204);
    assertThat(cloud.call("DELETE", "/tags/" + arn + "?tagKeys=a", "").status()).isEqualTo(204);
    assertThat(cloud.call("GET", "/tags/" + arn, "").body().path("tags").toString())
        .isEqualTo("{\"b\":\"2\"}");

    String runtime = "/greengrass/things/the-core/runtimeconfig";
    cloud.call("PUT", runtime, "{\"TelemetryConfiguration\":{\"Telemetry\":\"On\"}}");
    assertThat(
            cloud
                .call("GET", runtime, "")
                .body()
                .at("/RuntimeConfiguration/TelemetryConfiguration/Telemetry")
                .asString())
        .isEqualTo("On");
  }

  private String group() {
    return cloud
        .post(
            "/groups",
            "{\"Name\":\"demo\",\"InitialVersion\":{\"CoreDefinitionVersionArn\":\""
                + define("cores", CORE)
                + "\",\"DeviceDefinitionVersionArn\":\""
                + define("devices", DEVICE)
                + "\",\"FunctionDefinitionVersionArn\":\""
                + define("functions", FUNCTION)
                + "\"}}")
        .text("Id");
  }

  private String define(String kind, String content) {
    return cloud
        .post("/definition/" + kind, "{\"Name\":\"n\",\"InitialVersion\":" + content + "}")
        .text("LatestVersionArn");
  }

  private Answer deploy(String group) {
    String version = cloud.get("/groups/" + group).text("LatestVersion");
    return cloud.post(
        "/groups/" + group + "/deployments",
        "{\"DeploymentType\":\"NewDeployment\",\"GroupVersionId\":\"" + version + "\"}");
  }

  private Answer status(String group, String deployment) {
    return cloud.get("/groups/" + group + "/deployments/" + deployment + "/status");
  }

  private void awaitStatus(String group, String deployment, String wanted) {
    await()
        .atMost(SOON)
        .untilAsserted(
            () ->
                assertThat(status(group, deployment).text("DeploymentStatus"))
                    .as("%s", status(group, deployment))
                    .isEqualTo(wanted));
  }

  private DeviceResponse discover(String thing) {
    return route("GET").handler().apply(request(Map.of("thingName", thing), thing, ""));
  }

  private DeviceResponse certificate(String group, String caller, String thing, String csr) {
    String body =
        TestCloud.JSON.createObjectNode().put("csr", csr).put("thingName", thing).toString();
    return route("POST").handler().apply(request(Map.of("groupId", group), caller, body));
  }

  private DeviceRoute route(String method) {
    return cloud.service.deviceRoutes().stream()
        .filter(route -> route.method().equals(method))
        .findFirst()
        .orElseThrow();
  }

  private static DeviceRequest request(Map<String, String> path, String caller, String body) {
    return new DeviceRequest(
        new DevicePrincipal("cert", null, Set.of(caller)),
        path,
        Map.of(),
        Map.of(),
        body.getBytes(StandardCharsets.UTF_8));
  }

  private static String csr(KeyPair key, String... names) throws Exception {
    ExtensionsGenerator extensions = new ExtensionsGenerator();
    List<GeneralName> general =
        List.of(names).stream()
            .map(
                name ->
                    new GeneralName(
                        name.matches("[0-9.]+") ? GeneralName.iPAddress : GeneralName.dNSName,
                        name))
            .toList();
    extensions.addExtension(
        Extension.subjectAlternativeName,
        false,
        new GeneralNames(general.toArray(GeneralName[]::new)));
    StringWriter out = new StringWriter();
    try (JcaPEMWriter pem = new JcaPEMWriter(out)) {
      pem.writeObject(
          new JcaPKCS10CertificationRequestBuilder(new X500Name("CN=core"), key.getPublic())
              .addAttribute(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, extensions.generate())
              .build(new JcaContentSignerBuilder("SHA256withRSA").build(key.getPrivate())));
    }
    return out.toString();
  }

  private static X509Certificate x509(String pem) throws Exception {
    return (X509Certificate)
        CertificateFactory.getInstance("X.509")
            .generateCertificate(new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)));
  }
}
