package io.ryegrass.cli.v1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.cli.CliException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What is made of files that people saved of Greengrass V1. */
class RescueFilesTest {
  private static final String THERE = "us-west-2:123456789012:";
  private static final String GREENGRASS = "arn:aws:greengrass:" + THERE + "/greengrass/";

  @TempDir Path folder;

  private Rescue read(Map<String, String> parameters, Map<String, String[]> runtimes) {
    return RescueFiles.read(List.of(folder), parameters, runtimes, "eu-west-1", "000000000000");
  }

  private void write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text.replace("'", "\""));
  }

  private static JsonNode only(Rescue rescue, V1Kind kind) {
    List<Rescue.Definition> found =
        rescue.definitions.stream().filter(d -> d.kind() == kind).toList();
    assertThat(found).as("%s in %s", kind, rescue.left).hasSize(1);
    return found.getFirst().content().path(kind.member()).path(0);
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = RescueFilesTest.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** CFN-01 to CFN-06, with the short forms of YAML. */
  @Test
  void aTemplateIsEvaluatedAsCloudFormationWould() throws IOException {
    Files.writeString(folder.resolve("group.yaml"), resource("group.yaml"));
    Rescue rescue =
        read(Map.of("CoreCertificateArn", "arn:aws:iot:" + THERE + "cert/aa"), Map.of());

    assertThat(rescue.things).containsExactly("GreenCore");
    assertThat(rescue.policies.get("GreenCore-policy").at("/Statement/0/Resource").asString())
        .isEqualTo("arn:aws:iot:eu-west-1:000000000000:*");
    JsonNode core = only(rescue, V1Kind.CORE);
    assertThat(core.path("ThingArn").asString())
        .isEqualTo("arn:aws:iot:eu-west-1:000000000000:thing/GreenCore");
    assertThat(core.path("SyncShadow").isBoolean()).isTrue();
    JsonNode function = only(rescue, V1Kind.FUNCTION);
    assertThat(function.path("FunctionArn").asString())
        .isEqualTo("arn:aws:lambda:eu-west-1:000000000000:function:hello:live");
    JsonNode configuration = function.path("FunctionConfiguration");
    assertThat(configuration.path("MemorySize").intValue()).isEqualTo(65536);
    assertThat(configuration.path("Timeout").intValue()).isEqualTo(25);
    assertThat(configuration.path("Pinned").booleanValue()).isTrue();
    assertThat(configuration.has("ExecArgs")).isFalse();
    assertThat(configuration.at("/Environment/Variables/PORT").asString()).isEqualTo("8080");
    assertThat(rescue.definitions.toString())
        .contains("GreengrassContainer")
        .doesNotContain("never");
    assertThat(rescue.functions)
        .singleElement()
        .satisfies(f -> assertThat(f.name()).isEqualTo("hello"));
    assertThat(rescue.functions.getFirst().variables()).containsEntry("STAGE", "prod");
    assertThat(rescue.aliases.getFirst().version()).isEqualTo("HelloV1");
    Rescue.Group group = rescue.groups.getFirst();
    assertThat(group.name()).isEqualTo("group-a");
    assertThat(group.roleArn()).isEqualTo("arn:aws:iam::000000000000:role/Role");
    assertThat(group.definitions())
        .containsOnlyKeys(V1Kind.CORE, V1Kind.FUNCTION, V1Kind.SUBSCRIPTION)
        .containsEntry(V1Kind.FUNCTION, "group.yaml#Functions");
    assertThat(rescue.left)
        .anyMatch(l -> l.contains("Connectors") && l.contains("Topic (AWS::SNS::Topic)"))
        .anyMatch(l -> l.contains("AWS::IAM::Role is not carried over"));
  }

  @Test
  void aParameterWithoutValueIsAskedFor() throws IOException {
    Files.writeString(folder.resolve("group.yaml"), resource("group.yaml"));
    assertThat(read(Map.of(), Map.of()).left)
        .anyMatch(l -> l.contains("give it with --parameter CoreCertificateArn=VALUE"));
  }

  /** The template that the guide prints, whose braces are damaged as it prints them. */
  @Test
  void membersOfEnvironmentThatStandBesideItAreTakenIntoIt() throws IOException {
    write(
        "template.json",
        "{'Resources':{'F':{'Type':'AWS::Greengrass::FunctionDefinition','Properties':{'Name':'f','InitialVersion':{'Functions':[{'Id':'f','FunctionArn':'arn:aws:lambda:eu-west-1:000000000000:function:f:1','FunctionConfiguration':{'MemorySize':'512','AccessSysfs':'false','ResourceAccessPolicies':[{'ResourceId':'r','Permission':'ro'}],'Execution':{'IsolationMode':'GreengrassContainer','RunAs':{'Uid':'1','Gid':'10'}},'Environment':{'Variables':{'v':'1'}}}}]}}}}}");
    JsonNode environment =
        only(read(Map.of(), Map.of()), V1Kind.FUNCTION).at("/FunctionConfiguration/Environment");
    assertThat(environment.at("/Execution/RunAs/Uid").intValue()).isEqualTo(1);
    assertThat(environment.path("AccessSysfs").isBoolean()).isTrue();
    assertThat(environment.at("/ResourceAccessPolicies/0/ResourceId").asString()).isEqualTo("r");
    assertThat(environment.at("/Variables/v").asString()).isEqualTo("1");
  }

  /** A folder of answers of the AWS CLI, as GRP-07 to GRP-10 and API-04 print them. */
  @Test
  void answersOfTheCommandLineComeTogetherAsTheGroupThatTheyWere() throws IOException {
    write(
        "groups.json",
        "{'Groups':[{'Id':'g1','Name':'Factory','Arn':'"
            + GREENGRASS
            + "groups/g1','LatestVersion':'gv2'}]}");
    write("group-version-1.json", groupVersion("gv1", "2020-01-01", "fv1"));
    write("group-version-2.json", groupVersion("gv2", "2020-02-01", "fv2"));
    write(
        "cores.json",
        "{'Arn':'"
            + GREENGRASS
            + "definition/cores/c1/versions/cv1','Id':'c1','Version':'cv1','CreationTimestamp':'2020-01-01','Definition':{'Cores':[{'Id':'core','ThingArn':'arn:aws:iot:"
            + THERE
            + "thing/Factory_Core','CertificateArn':'arn:aws:iot:"
            + THERE
            + "cert/abc','SyncShadow':true}]}}");
    write("functions-1.json", functions("fv1", 1));
    write("functions-2.json", functions("fv2", 2));
    write(
        "role.json",
        "{'RoleArn':'arn:aws:iam::123456789012:role/Greengrass_Role','AssociatedAt':'x'}");
    write(
        "alias.json",
        "{'AliasArn':'arn:aws:lambda:"
            + THERE
            + "function:hello:live','Name':'live','FunctionVersion':'2'}");
    write(
        "lambda.json",
        "{'Configuration':{'FunctionName':'hello','FunctionArn':'arn:aws:lambda:"
            + THERE
            + "function:hello:2','Version':'2','Runtime':'python3.7','Handler':'hello.handler','Timeout':3,'MemorySize':128}}");
    Files.write(folder.resolve("hello-2.zip"), TemplateReader.zip("hello.py", "x = 1"));
    write("notes.json", "{'shopping':['milk']}");

    Rescue rescue = read(Map.of(), Map.of());

    Rescue.Group group = rescue.groups.getFirst();
    assertThat(group.name()).isEqualTo("Factory");
    assertThat(group.roleArn()).endsWith("role/Greengrass_Role");
    assertThat(group.definitions()).containsOnlyKeys(V1Kind.CORE, V1Kind.FUNCTION);
    assertThat(only(rescue, V1Kind.FUNCTION).at("/FunctionConfiguration/Timeout").intValue())
        .isEqualTo(2);
    assertThat(rescue.functions.getFirst().arn()).endsWith("function:hello:2");
    assertThat(rescue.left)
        .anyMatch(l -> l.contains("definition/subscriptions/s1") && l.contains("was not saved"))
        .anyMatch(l -> l.startsWith("group ") && l.contains("1 other version(s); gv2"))
        .anyMatch(l -> l.startsWith("notes.json"))
        .noneMatch(l -> l.contains("its code is not among the files"));
  }

  private static String groupVersion(String version, String created, String functions) {
    return "{'Arn':'"
        + GREENGRASS
        + "groups/g1/versions/"
        + version
        + "','Id':'g1','Version':'"
        + version
        + "','CreationTimestamp':'"
        + created
        + "','Definition':{'CoreDefinitionVersionArn':'"
        + GREENGRASS
        + "definition/cores/c1/versions/cv1','FunctionDefinitionVersionArn':'"
        + GREENGRASS
        + "definition/functions/f1/versions/"
        + functions
        + "','SubscriptionDefinitionVersionArn':'"
        + GREENGRASS
        + "definition/subscriptions/s1/versions/sv1'}}";
  }

  private static String functions(String version, int timeout) {
    return "{'Arn':'"
        + GREENGRASS
        + "definition/functions/f1/versions/"
        + version
        + "','Id':'f1','Version':'"
        + version
        + "','CreationTimestamp':'2020-01-01','Definition':{'Functions':[{'Id':'hello','FunctionArn':'arn:aws:lambda:"
        + THERE
        + "function:hello:live','FunctionConfiguration':{'Timeout':"
        + timeout
        + "}}]}}";
  }

  /** A definition without anything else, straight out of the AWS CLI. */
  @Test
  void oneAnswerAloneIsADefinition() throws IOException {
    write("functions.json", functions("fv1", 7));
    Rescue rescue = read(Map.of(), Map.of());
    assertThat(only(rescue, V1Kind.FUNCTION).at("/FunctionConfiguration/Timeout").intValue())
        .isEqualTo(7);
    assertThat(rescue.left)
        .anyMatch(l -> l.contains("hello:live: its code is not among the files"));
  }

  /** DIR rows: the folder of a core, copied off the device. */
  @Test
  void theFolderOfACoreTellsWhoItIsAndWhatWasDeployed() throws IOException {
    write(
        "config/config.json",
        "{'coreThing':{'caPath':'root.ca.pem','certPath':'abc.cert.pem','keyPath':'abc.private.key','thingArn':'arn:aws:iot:"
            + THERE
            + "thing/MyCore','iotHost':'x','ggHost':'y'},'runtime':{'cgroup':{'useSystemd':'yes'}}}");
    Files.createDirectories(folder.resolve("certs"));
    Files.writeString(folder.resolve("certs/abc.cert.pem"), resource("device.pem"));
    String lambda = "ggc/deployment/lambda/arn:aws:lambda:" + THERE + "function:hello:3/hello.py";
    write(lambda, "x = 1\n");
    write(
        "ggc/deployment/group/group.json",
        "{'GroupId':'g','GroupDefinitions':{'Functions':[{'Id':'hello','FunctionArn':'arn:aws:lambda:"
            + THERE
            + "function:hello:3','FunctionConfiguration':{'Pinned':true}}],'Routes':{}}}");

    Rescue rescue = read(Map.of(), Map.of("hello", new String[] {"python3.7", "hello.handler"}));

    assertThat(rescue.things).containsExactly("MyCore");
    assertThat(rescue.certificates.getFirst().thing()).isEqualTo("MyCore");
    assertThat(only(rescue, V1Kind.CORE).path("CertificateArn").asString())
        .matches("arn:aws:iot:us-west-2:123456789012:cert/[0-9a-f]{64}");
    assertThat(only(rescue, V1Kind.FUNCTION).path("Id").asString()).isEqualTo("hello");
    assertThat(rescue.functions.getFirst().runtime()).isEqualTo("python3.7");
    assertThat(rescue.groups.getFirst().name()).isEqualTo("MyCore-group");
    assertThat(read(Map.of(), Map.of()).left)
        .anyMatch(l -> l.contains("give them with --function hello=RUNTIME,HANDLER"));

    Files.delete(folder.resolve("config/config.json"));
    write("config/config.json", "{'coreThing':{}}");
    assertThatThrownBy(() -> read(Map.of(), Map.of()))
        .isInstanceOf(CliException.class)
        .hasMessageContaining("no coreThing.thingArn");
  }
}
