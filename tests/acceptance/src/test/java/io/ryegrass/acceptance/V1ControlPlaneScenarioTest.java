package io.ryegrass.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.iot.discovery.model.DiscoverResponse;
import software.amazon.awssdk.iot.discovery.model.GGGroup;
import software.amazon.awssdk.services.greengrass.model.ConnectivityInfo;
import software.amazon.awssdk.services.greengrass.model.Core;
import software.amazon.awssdk.services.greengrass.model.DeploymentType;
import software.amazon.awssdk.services.greengrass.model.Device;
import software.amazon.awssdk.services.greengrass.model.GetBulkDeploymentStatusResponse;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the V1 API and a group's core promise beside the tutorials: E07 and E10 (discovery, who is
 * let in), E28 (bulk deployments), E29 (versioned definitions), E30 (invalid functions), E34 (the
 * core's certificate).
 */
@DisplayName("V1 groups: discovery, server certificate, bulk deployments, definitions")
@ExtendWith(TestCloud.Shared.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class V1ControlPlaneScenarioTest {
  private static final String BUCKET = "bulk-input";
  private static final String ROLE = "arn:aws:iam::" + TestCloud.ACCOUNT + ":role/bulk-role";

  private static TestCloud cloud;
  private static TestCore core;
  private static GroupDevice lamp;
  private static GroupDevice stranger;
  private static String group;
  private static String version;

  @BeforeAll
  static void makeTheGroup(TestCloud shared) {
    cloud = shared;
    core = TestCore.started(cloud, "control-core");
    lamp = GroupDevice.create(cloud, "control-lamp");
    stranger = GroupDevice.create(cloud, "control-stranger");
    String devices =
        cloud
            .v1
            .createDeviceDefinition(
                b ->
                    b.initialVersion(
                        v ->
                            v.devices(
                                Device.builder()
                                    .id("lamp")
                                    .thingArn(TestCloud.thingArn(lamp.thing))
                                    .certificateArn(lamp.certificateArn)
                                    .build())))
            .latestVersionArn();
    var made =
        cloud.v1.createGroup(
            b ->
                b.name("control")
                    .initialVersion(
                        v ->
                            v.coreDefinitionVersionArn(coreOf(core.arn()))
                                .deviceDefinitionVersionArn(devices)));
    group = made.id();
    version = made.latestVersion();
    String deployment =
        cloud
            .v1
            .createDeployment(
                b ->
                    b.groupId(group)
                        .groupVersionId(version)
                        .deploymentType(DeploymentType.NEW_DEPLOYMENT))
            .deploymentId();
    TestCore.await("the deployment of the group")
        .until(
            () ->
                cloud
                    .v1
                    .getDeploymentStatus(b -> b.groupId(group).deploymentId(deployment))
                    .deploymentStatus(),
            "Success"::equals);
    lamp.discover(cloud);
  }

  private static String coreOf(String thingArn) {
    return cloud
        .v1
        .createCoreDefinition(
            b ->
                b.initialVersion(
                    v ->
                        v.cores(
                            Core.builder()
                                .id("core")
                                .thingArn(thingArn)
                                .certificateArn("arn:aws:iot:us-east-1:000000000000:cert/0")
                                .build())))
        .latestVersionArn();
  }

  @AfterAll
  static void stop() {
    lamp.close();
    stranger.close();
    core.close();
  }

  // ---- E10

  @Test
  @Order(1)
  @DisplayName("E10: the client id is the thing name, and the device is one of the group")
  void theCoreLetsNobodyElseIn() throws Exception {
    stranger.discoverAs(lamp);

    assertThat(lamp.isAdmittedAs("another-name")).isFalse();
    assertThat(stranger.isAdmittedAs(stranger.thing)).isFalse();
    assertThat(stranger.isAdmittedAs(lamp.thing)).isFalse();
    lamp.connect();
  }

  // ---- E34

  private static Set<String> names(X509Certificate certificate) {
    Set<String> names = new HashSet<>();
    try {
      certificate.getSubjectAlternativeNames().forEach(n -> names.add((String) n.get(1)));
    } catch (CertificateParsingException e) {
      throw new AssertionError(e);
    }
    return names;
  }

  @Test
  @Order(2)
  @DisplayName(
      "E34: the core's certificate is SHA-256 RSA by the group's authority for 7 days, and a new"
          + " one when the connectivity changes")
  void theServerCertificateFollowsTheConnectivity() throws Exception {
    X509Certificate first = lamp.coresCertificate();
    assertThat(first.getSigAlgName()).isEqualTo("SHA256withRSA");
    assertThat(Duration.between(Instant.now(), first.getNotAfter().toInstant()))
        .isBetween(Duration.ofDays(7).minusHours(1), Duration.ofDays(7));
    assertThat(names(first)).doesNotContain("gateway.example");

    List<ConnectivityInfo> before =
        cloud.v1.getConnectivityInfo(b -> b.thingName(core.thing)).connectivityInfo();
    List<ConnectivityInfo> now = new ArrayList<>(before);
    now.add(
        ConnectivityInfo.builder()
            .id("outside")
            .hostAddress("gateway.example")
            .portNumber(9000)
            .metadata("behind the router")
            .build());
    cloud.v1.updateConnectivityInfo(b -> b.thingName(core.thing).connectivityInfo(now));

    X509Certificate second =
        TestCore.await("a certificate for gateway.example")
            .ignoreExceptions()
            .until(lamp::coresCertificate, c -> names(c).contains("gateway.example"));
    assertThat(names(second)).containsAll(names(first));
    assertThat(second.getSerialNumber()).isNotEqualTo(first.getSerialNumber());
    assertThat(lamp.isConnected()).isTrue();
  }

  // ---- E07

  @Test
  @Order(3)
  @DisplayName("E07: discovery names the group, its core, every endpoint and the authority")
  void aDeviceDiscoversItsCore() throws Exception {
    HttpResponse<String> answer = lamp.ask(cloud, true);

    assertThat(answer.statusCode()).isEqualTo(200);
    DiscoverResponse found = GroupDevice.read(answer);
    assertThat(found.getGGGroups()).hasSize(1);
    GGGroup told = found.getGGGroups().getFirst();
    assertThat(told.getGGGroupId()).isEqualTo(group);
    assertThat(told.getCores()).hasSize(1);
    assertThat(told.getCores().getFirst().getThingArn()).isEqualTo(core.arn());
    assertThat(told.getCores().getFirst().getConnectivity())
        .extracting(c -> c.getHostAddress() + ":" + c.getPortNumber())
        .contains("gateway.example:9000")
        .containsExactlyInAnyOrderElementsOf(
            cloud.v1.getConnectivityInfo(b -> b.thingName(core.thing)).connectivityInfo().stream()
                .map(c -> c.hostAddress() + ":" + c.portNumber())
                .toList());
    String authority =
        cloud
            .v1
            .listGroupCertificateAuthorities(b -> b.groupId(group))
            .groupCertificateAuthorities()
            .getFirst()
            .groupCertificateAuthorityId();
    assertThat(told.getCAs())
        .containsExactly(
            cloud
                .v1
                .getGroupCertificateAuthority(
                    b -> b.groupId(group).certificateAuthorityId(authority))
                .pemEncodedCertificate());
  }

  @Test
  @Order(4)
  @DisplayName("E07: without a certificate, or without greengrass:Discover, it is refused")
  void nobodyElseDiscovers() throws Exception {
    boolean refused;
    try {
      refused = lamp.ask(cloud, false).statusCode() == 403;
    } catch (IOException e) {
      refused = true; // already by TLS
    }
    assertThat(refused).isTrue();
    assertThat(stranger.ask(cloud, true).statusCode()).isEqualTo(404);
    cloud.iot.detachPolicy(
        b -> b.policyName(stranger.thing + "-policy").target(stranger.certificateArn));

    assertThat(stranger.ask(cloud, true).statusCode()).isEqualTo(403);
  }

  // ---- E28

  private static String record(String thing) {
    cloud.iot.createThing(b -> b.thingName(thing));
    var made =
        cloud.v1.createGroup(
            b ->
                b.name(thing)
                    .initialVersion(
                        v -> v.coreDefinitionVersionArn(coreOf(TestCloud.thingArn(thing)))));
    return "{\"GroupId\":\"%s\",\"GroupVersionId\":\"%s\",\"DeploymentType\":\"NewDeployment\"}"
        .formatted(made.id(), made.latestVersion());
  }

  private static GetBulkDeploymentStatusResponse endOf(String... lines) {
    TestCloud.write(cloud.folder.resolve("bulk.json"), String.join("\n", lines));
    cloud.aws(
        "s3api",
        "put-object",
        "--bucket",
        BUCKET,
        "--key",
        "bulk.json",
        "--body",
        cloud.folder.resolve("bulk.json").toString());
    String id =
        cloud
            .v1
            .startBulkDeployment(
                b ->
                    b.executionRoleArn(ROLE)
                        .inputFileUri(
                            "https://" + BUCKET + ".s3.us-east-1.amazonaws.com/bulk.json"))
            .bulkDeploymentId();
    return TestCore.await("the end of the bulk deployment")
        .until(
            () -> cloud.v1.getBulkDeploymentStatus(b -> b.bulkDeploymentId(id)),
            s -> Set.of("Completed", "Failed").contains(s.bulkDeploymentStatusAsString()));
  }

  @Test
  @Order(5)
  @DisplayName("E28: three lines are three deployments; a bad line fails the file by its number")
  void aFileOfDeployments() {
    cloud.aws(
        "iam",
        "create-role",
        "--role-name",
        "bulk-role",
        "--assume-role-policy-document",
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"greengrass.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}");
    cloud.aws(
        "iam",
        "put-role-policy",
        "--role-name",
        "bulk-role",
        "--policy-name",
        "bulk",
        "--policy-document",
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"greengrass:CreateDeployment\",\"s3:GetObject\"],\"Resource\":\"*\"}]}");
    cloud.aws("s3api", "create-bucket", "--bucket", BUCKET);
    String line = record("bulk-a");

    GetBulkDeploymentStatusResponse end = endOf(line, record("bulk-b"), record("bulk-c"));

    assertThat(end.bulkDeploymentStatusAsString()).isEqualTo("Completed");
    assertThat(end.bulkDeploymentMetrics().recordsProcessed()).isEqualTo(3);
    assertThat(end.bulkDeploymentMetrics().invalidInputRecords()).isZero();
    Map.of(
            line.replaceFirst("\"GroupId\":\"[^\"]*\",", ""),
            "InvalidInputFile: Missing GroupId at line number: 2",
            line.replace("NewDeployment", "Redeployment"),
            "InvalidInputFile: Invalid deployment type at line number : 2. Only valid type is"
                + " 'NewDeployment'.",
            line + " ".repeat(100) + "x".repeat(100),
            "Line 2 is too long in S3 File. Valid line is less than 256 chars.",
            "{\"GroupId\":",
            "Failed to parse input file at line number: 2")
        .forEach(
            (bad, message) -> {
              GetBulkDeploymentStatusResponse failed = endOf(line, bad);
              assertThat(failed.bulkDeploymentStatusAsString()).isEqualTo("Failed");
              assertThat(failed.errorMessage()).isEqualTo(message);
            });
  }

  // ---- E29

  private static JsonNode aws(String operation, String kind, String... arguments) {
    String[] all = new String[2 + arguments.length];
    all[0] = "greengrass";
    all[1] = operation.formatted(kind);
    System.arraycopy(arguments, 0, all, 2, arguments.length);
    return cloud.aws(all);
  }

  @Test
  @Order(6)
  @DisplayName("E29: a definition of each kind is versioned; an update changes its name alone")
  void definitionsAreVersioned() {
    String thing = "\"ThingArn\":\"arn:aws:iot:us-east-1:000000000000:thing/t\"";
    String certificate = "\"CertificateArn\":\"arn:aws:iot:us-east-1:000000000000:cert/c\"";
    Map<String, String> kinds =
        Map.of(
            "core", "{\"Cores\":[{\"Id\":\"i\",%s,%s,\"SyncShadow\":true}]}",
            "device", "{\"Devices\":[{\"Id\":\"i\",%s,%s,\"SyncShadow\":false}]}",
            "function",
                "{\"Functions\":[{\"Id\":\"i\",\"FunctionArn\":\"arn:aws:lambda:us-east-1:000000000000:function:f:1\",\"FunctionConfiguration\":{\"Pinned\":true,\"Timeout\":9}}]}",
            "subscription",
                "{\"Subscriptions\":[{\"Id\":\"i\",\"Source\":\"cloud\",\"Subject\":\"a/b\",\"Target\":\"GGShadowService\"}]}",
            "resource",
                "{\"Resources\":[{\"Id\":\"i\",\"Name\":\"n\",\"ResourceDataContainer\":{\"LocalDeviceResourceData\":{\"SourcePath\":\"/dev/null\"}}}]}",
            "connector",
                "{\"Connectors\":[{\"Id\":\"i\",\"ConnectorArn\":\"arn:aws:greengrass:us-east-1::/connectors/SNS/versions/4\",\"Parameters\":{\"a\":\"b\"}}]}",
            "logger",
                "{\"Loggers\":[{\"Id\":\"i\",\"Component\":\"Lambda\",\"Type\":\"FileSystem\",\"Level\":\"WARN\",\"Space\":128}]}");
    kinds.forEach(
        (kind, template) -> {
          String content = template.formatted(thing, certificate);
          String member = Character.toUpperCase(kind.charAt(0)) + kind.substring(1) + "s";
          String parent = "--" + kind + "-definition-id";
          JsonNode first =
              aws("create-%s-definition", kind, "--name", "one", "--initial-version", content);
          String id = first.path("Id").asString();
          assertThat(first.path("LatestVersionArn").asString())
              .isEqualTo(
                  "arn:aws:greengrass:us-east-1:000000000000:/greengrass/definition/"
                      + kind
                      + "s/"
                      + id
                      + "/versions/"
                      + first.path("LatestVersion").asString());
          JsonNode second =
              aws(
                  "create-%s-definition-version",
                  kind, parent, id, "--cli-input-json", "{\"%s\":[]}".formatted(member));
          assertThat(second.path("Version")).isNotEqualTo(first.path("LatestVersion"));
          assertThat(second.path("Id").asString()).isEqualTo(id);
          var unused = aws("update-%s-definition", kind, parent, id, "--name", "two");
          JsonNode now = aws("get-%s-definition", kind, parent, id);
          assertThat(now.path("Name").asString()).isEqualTo("two");
          assertThat(now.path("LatestVersion")).isEqualTo(second.path("Version"));
          assertThat(
                  aws(
                          "get-%s-definition-version",
                          kind,
                          parent,
                          id,
                          "--" + kind + "-definition-version-id",
                          first.path("LatestVersion").asString())
                      .path("Definition"))
              .isEqualTo(JsonMapper.shared().readTree(content));
        });
  }

  // ---- E30

  private static void isRefused(String functions, String detail) {
    Ryegrass.Outcome outcome =
        cloud.awsOutcome(
            "greengrass", "create-function-definition", "--initial-version", functions);
    assertThat(outcome.exitCode()).isNotZero();
    assertThat(outcome.output())
        .contains("(400) when calling the CreateFunctionDefinition operation")
        .contains(detail);
  }

  private static String functions(String arn, String configuration) {
    return "{\"Functions\":[{\"Id\":\"f\",\"FunctionArn\":\"%s\",\"FunctionConfiguration\":%s}]}"
        .formatted(arn, configuration);
  }

  private static String mode(String mode, String more) {
    return "{%s\"Execution\":{\"IsolationMode\":\"%s\"}}".formatted(more, mode);
  }

  @Test
  @Order(7)
  @DisplayName("E30: the seven invalid function definitions are refused in the guide's words")
  void invalidFunctionsAreRefused() {
    String arn = "arn:aws:lambda:us-east-1:000000000000:function:f:1";
    String system = "arn:aws:lambda:::function:GGIPDetector:1";
    isRefused(
        "{\"DefaultConfig\":{\"Execution\":{\"IsolationMode\":\"None\"}}}",
        "Your 'IsolationMode' configuration for the group is invalid.");
    isRefused(
        functions(arn, "{\"Environment\":" + mode("None", "") + "}"),
        "Your 'IsolationMode' configuration for function with arn " + arn + " is invalid.");
    isRefused(
        functions(arn, "{\"MemorySize\":16384,\"Environment\":" + mode("NoContainer", "") + "}"),
        "MemorySize configuration for function with arn "
            + arn
            + " is not allowed in IsolationMode=NoContainer.");
    isRefused(
        functions(arn, "{\"Environment\":" + mode("NoContainer", "\"AccessSysfs\":true,") + "}"),
        "Access Sysfs configuration for function with arn "
            + arn
            + " is not allowed in IsolationMode=NoContainer.");
    isRefused(
        functions(arn, "{\"Environment\":" + mode("GreengrassContainer", "") + "}"),
        "MemorySize configuration for function with arn "
            + arn
            + " is required in IsolationMode=GreengrassContainer.");
    isRefused(
        functions(system, "{\"Environment\":" + mode("NoContainer", "") + "}"),
        "Execution configuration for function with arn " + system + " is not allowed.");

    String functions =
        cloud
            .aws(
                "greengrass",
                "create-function-definition",
                "--initial-version",
                functions(
                    arn,
                    "{\"Environment\":"
                        + mode(
                            "NoContainer", "\"ResourceAccessPolicies\":[{\"ResourceId\":\"r\"}],")
                        + "}"))
            .path("LatestVersionArn")
            .asString();
    String resources =
        cloud
            .aws(
                "greengrass",
                "create-resource-definition",
                "--initial-version",
                "{\"Resources\":[{\"Id\":\"r\",\"Name\":\"n\",\"ResourceDataContainer\":{\"LocalVolumeResourceData\":{\"SourcePath\":\"/tmp\",\"DestinationPath\":\"/x\"}}}]}")
            .path("LatestVersionArn")
            .asString();
    assertThatThrownBy(
            () ->
                cloud.v1.createGroupVersion(
                    b ->
                        b.groupId(group)
                            .functionDefinitionVersionArn(functions)
                            .resourceDefinitionVersionArn(resources)))
        .hasMessageContaining(
            "Function "
                + arn
                + " refers to resource of type Local.Volume that is not allowed in"
                + " IsolationMode=NoContainer.");
  }
}
