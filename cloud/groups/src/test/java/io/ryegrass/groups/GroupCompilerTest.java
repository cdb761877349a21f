package io.ryegrass.groups;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.functions.FunctionVersion;
import io.ryegrass.model.DeploymentDocument.ComponentUpdate;
import io.ryegrass.model.Recipe;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** V1 group versions as V2 components; the golden file is the contract with the core. */
class GroupCompilerTest {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
          .build();
  private static final String LAMBDA = "arn:aws:lambda:us-east-1:000000000000:function:";
  private static final String THING = "arn:aws:iot:us-east-1:000000000000:thing/";

  private static final String SECRET =
      "arn:aws:secretsmanager:us-east-1:000000000000:secret:greengrass-TestSecret-AbCdEf";

  /** What there is today. */
  static final GroupSurroundings HERE =
      new GroupSurroundings(
          GroupCompilerTest::resolve, ComponentLookup.builtIn(), GroupCompilerTest::model);

  /** Every component that a group can need exists. */
  private static final GroupSurroundings EVERYTHING =
      new GroupSurroundings(
          GroupCompilerTest::resolve,
          name -> ComponentLookup.builtIn().version(name).or(() -> Optional.of("9.9.9")),
          GroupCompilerTest::model);

  /** The files under golden are inputs (NAME.json) and what becomes of them (NAME.golden.json). */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "whole-group",
        "functions",
        "system-functions",
        "subscriptions",
        "devices",
        "local-resources",
        "models",
        "secrets",
        "connectors",
        "loggers"
      })
  void eachKindOfDefinitionBecomesWhatItsGoldenFileSays(String name) throws IOException {
    String seen =
        JSON.writeValueAsString(
            seen(GroupCompiler.compile(group(read(name + ".json")), EVERYTHING)));
    String folder = System.getProperty("ryegrass.writeGolden", "");
    if (!folder.isEmpty()) {
      Files.writeString(Path.of(folder).resolve(name + ".golden.json"), seen + "\n");
    }
    assertThat(seen).isEqualTo(JSON.writeValueAsString(read(name + ".golden.json")));
  }

  private static ObjectNode seen(CompiledGroup compiled) {
    ObjectNode seen = JSON.createObjectNode();
    seen.put("core", compiled.coreThingName());
    ObjectNode components = seen.putObject("components");
    for (Map.Entry<String, ComponentUpdate> entry :
        new TreeMap<>(compiled.components()).entrySet()) {
      ObjectNode component = components.putObject(entry.getKey());
      component.put("version", entry.getValue().version());
      entry.getValue().configurationUpdate().reset().forEach(component.putArray("reset")::add);
      if (entry.getValue().configurationUpdate().merge() != null) {
        component.set("merge", entry.getValue().configurationUpdate().merge());
      }
    }
    var recipes = seen.putArray("recipes");
    compiled.privateComponents().forEach(c -> recipes.add(c.recipe().toJson()));
    var explanation = seen.putArray("explanation");
    compiled
        .explanation()
        .forEach(
            e ->
                explanation.add(
                    e.kind()
                        + " "
                        + e.what()
                        + " -> "
                        + e.became()
                        + (e.note().isEmpty() ? "" : " (" + e.note() + ")")));
    compiled.missing().forEach(seen.putArray("missing")::add);
    return seen;
  }

  @Test
  void compilingTwiceGivesTheSame() throws IOException {
    GroupContents group = group(read("whole-group.json"));
    assertThat(GroupCompiler.compile(group, HERE).components())
        .isEqualTo(GroupCompiler.compile(group, HERE).components());
  }

  @Test
  void recipesDependOnTheFunctionVersionAlone() throws IOException {
    ObjectNode one = read("whole-group.json");
    ObjectNode other = one.deepCopy();
    ((ObjectNode) other.at("/functions/0/FunctionConfiguration")).put("Timeout", 99);
    assertThat(recipes(one)).isEqualTo(recipes(other));
  }

  private static List<Recipe> recipes(ObjectNode group) {
    return GroupCompiler.compile(group(group), HERE).privateComponents().stream()
        .map(CompiledGroup.PrivateComponent::recipe)
        .toList();
  }

  @Test
  void aGroupWithoutCoreOrWithTwoIsRefused() {
    ObjectNode group = minimal();
    group.withArray("/cores").addObject().put("Id", "other").put("ThingArn", THING + "other");
    assertRefused(group, "You need a Greengrass Core in this Group before you can deploy.");
    group.putArray("cores");
    assertRefused(group, "You need a Greengrass Core in this Group before you can deploy.");
  }

  /** CON-02, and connectors that do not exist yet. */
  @Test
  void aConnectorWithoutComponentIsMissingByNameAndOneThatComesTwiceIsRefused() {
    ObjectNode group = minimal();
    String sns = "arn:aws:greengrass:us-east-1::/connectors/SNS/versions/4";
    group.putArray("connectors").addObject().put("Id", "c").put("ConnectorArn", sns);
    assertThat(GroupCompiler.compile(group(group), HERE).missing())
        .singleElement()
        .asString()
        .contains("Connector " + sns + " needs component aws.greengrass.SNS");
    group
        .withArray("/connectors")
        .addObject()
        .put("Id", "d")
        .put("ConnectorArn", sns.replace("/4", "/3"));
    assertRefused(group, "a group may have one instance of a connector");
    group.putArray("connectors").addObject().put("Id", "e").put("ConnectorArn", "arn:aws:x");
    assertRefused(group, "Connector e has the ARN 'arn:aws:x'");
  }

  /** What there is today and what not, by the golden inputs. */
  @Test
  void whatAGroupNeedsAndDoesNotExistIsNamedOnceForEachThing() throws IOException {
    assertThat(missing("secrets")).isEmpty();
    assertThat(missing("models")).singleElement().asString().contains("SageMaker job");
    assertThat(missing("system-functions"))
        .anyMatch(m -> m.contains("GGStreamManager:1 needs component aws.greengrass.StreamManager"))
        .hasSize(1);
    assertThat(missing("loggers")).isEmpty();
    assertThat(missing("devices")).isEmpty();
    assertThat(missing("functions")).isEmpty();
    assertThat(missing("local-resources")).isEmpty();
    assertThat(missing("subscriptions")).isEmpty();
  }

  private static List<String> missing(String name) throws IOException {
    return GroupCompiler.compile(group(read(name + ".json")), HERE).missing();
  }

  @Test
  void isolationRulesFailWithTheTextsOfTheGuide() {
    assertRefused(
        function(
            "{\"MemorySize\": 1024, \"Environment\": {\"Execution\": {\"IsolationMode\": \"NoContainer\"}}}"),
        "MemorySize configuration for function with arn "
            + LAMBDA
            + "echo:1 is not allowed in IsolationMode=NoContainer.");
    assertRefused(
        function(
            "{\"Environment\": {\"Execution\": {\"IsolationMode\": \"GreengrassContainer\"}}}"),
        "MemorySize configuration for function with arn "
            + LAMBDA
            + "echo:1 is required in IsolationMode=GreengrassContainer.");
    assertRefused(
        function(
            "{\"Environment\": {\"AccessSysfs\": true, \"Execution\": {\"IsolationMode\": \"NoContainer\"}}}"),
        "Access Sysfs configuration for function with arn "
            + LAMBDA
            + "echo:1 is not allowed in IsolationMode=NoContainer.");
    assertRefused(
        function("{\"Environment\": {\"Execution\": {\"IsolationMode\": \"Jail\"}}}"),
        "Your 'IsolationMode' configuration for function with arn "
            + LAMBDA
            + "echo:1 is invalid.");
    ObjectNode group = function("{}");
    group.putObject("functionDefaults").putObject("Execution").put("IsolationMode", "Jail");
    assertRefused(group, "Your 'IsolationMode' configuration for the group is invalid.");
  }

  /** LAM-16, LAM-44. */
  @Test
  void anExecutableThatWantsJsonIsRefused() {
    assertRefused(
        function(
            "{\"FunctionRuntimeOverride\": \"arn:aws:greengrass:::runtime/function/executable\","
                + " \"EncodingType\": \"json\"}"),
        "EncodingType configuration for function with arn "
            + LAMBDA
            + "echo:1 is json, but Lambda executables support the binary encoding type only");
  }

  @Test
  void anUnpublishedFunctionAndAStrangeEndAreNamed() {
    ObjectNode group = minimal();
    group.putArray("functions").addObject().put("Id", "f").put("FunctionArn", LAMBDA + "gone:7");
    assertRefused(group, LAMBDA + "gone:7");
    group = minimal();
    group
        .putArray("subscriptions")
        .addObject()
        .put("Id", "s1")
        .put("Source", THING + "stranger")
        .put("Subject", "#")
        .put("Target", "cloud");
    assertRefused(group, "Subscription s1: its source " + THING + "stranger");
  }

  @Test
  void aSystemFunctionIsRefusedWithExecutionAndWhenNobodyKnowsIt() {
    ObjectNode group = minimal();
    ObjectNode ip = group.putArray("functions").addObject().put("Id", "ip");
    ip.put("FunctionArn", "arn:aws:lambda:::function:GGIPDetector:1");
    assertThat(GroupCompiler.compile(group(group), HERE).components()).isEmpty();
    ip.withObject("/FunctionConfiguration/Environment/Execution")
        .put("IsolationMode", "NoContainer");
    assertRefused(
        group,
        "Execution configuration for function with arn arn:aws:lambda:::function:GGIPDetector:1 is"
            + " not allowed.");
    ip.removeAll().put("Id", "x").put("FunctionArn", "arn:aws:lambda:::function:GGSomething:1");
    assertRefused(group, "GGSomething:1 is not available here");
  }

  /** MQT-07. */
  @Test
  void aSpoolThatIsTooSmallIsRefusedWithTheWordsOfTheCore() {
    ObjectNode group = minimal();
    ObjectNode spooler = group.putArray("functions").addObject().put("Id", "s");
    spooler.put("FunctionArn", "arn:aws:lambda:::function:GGCloudSpooler:1");
    spooler
        .withObject("/FunctionConfiguration/Environment/Variables")
        .put("GG_CONFIG_MAX_SIZE_BYTES", "1000");
    assertRefused(group, "Spool size should be at least 262144 bytes.");
  }

  /** TRB-GRP-06 and TRB-MLI-02 to 05. */
  @Test
  void whatAFunctionMayNotHaveOfResourcesFailsWithTheTextsOfTheGuide() {
    String none = "\"Execution\":{\"IsolationMode\":\"NoContainer\"},";
    String owner = "\"OwnerSetting\":{\"GroupOwner\":\"119\",\"GroupPermission\":\"ro\"},";
    assertRefused(
        resource(none, "LocalVolumeResourceData", "", "[{\"ResourceId\":\"r\"}]"),
        "Function "
            + LAMBDA
            + "echo:1 refers to resource of type Local.Volume that is not allowed in"
            + " IsolationMode=NoContainer.");
    assertRefused(
        resource(none, "S3MachineLearningModelResourceData", "", "[{\"ResourceId\":\"r\"}]"),
        "refers to resource of type ML_Model.S3_Object that is not allowed in"
            + " IsolationMode=NoContainer.");
    assertRefused(
        resource(
            none,
            "S3MachineLearningModelResourceData",
            owner,
            "[{\"ResourceId\":\"r\",\"Permission\":\"ro\"}]"),
        "NoContainer function cannot configure permission when attaching Machine Learning resources. "
            + LAMBDA
            + "echo:1 refers to Machine Learning resource r with permission ro in resource access"
            + " policy.");
    assertRefused(
        resource("", "S3MachineLearningModelResourceData", "", "[{\"ResourceId\":\"r\"}]"),
        "Function "
            + LAMBDA
            + "echo:1 refers to Machine Learning resource r with missing permission in both"
            + " ResourceAccessPolicy and resource OwnerSetting.");
    assertRefused(
        resource(
            "",
            "S3MachineLearningModelResourceData",
            owner,
            "[{\"ResourceId\":\"r\",\"Permission\":\"rw\"}]"),
        "refers to Machine Learning resource r with permission \"rw\", while resource owner setting"
            + " GroupPermission only allows \"ro\".");
    assertRefused(
        resource(
            none,
            "S3MachineLearningModelResourceData",
            owner,
            "[{\"ResourceId\":\"r\"},{\"ResourceId\":\"inner\"}]"),
        "NoContainer Function "
            + LAMBDA
            + "echo:1 refers to resources of nested destination path.");
    assertRefused(
        resource("", "LocalVolumeResourceData", "", "[{\"ResourceId\":\"gone\"}]"),
        "refers to resource gone, which is not in the group.");
  }

  private static JsonNode echo(ObjectNode group, GroupSurroundings surroundings) {
    return GroupCompiler.compile(group(group), surroundings)
        .components()
        .get("echo")
        .configurationUpdate()
        .merge();
  }

  /** TRB-MLI-06, MLI-11: only the core knows which groups a function runs with. */
  @Test
  void aFunctionIsToldWhichGroupsOwnTheModelsThatItDoesNotHave() {
    String owner = "\"OwnerSetting\":{\"GroupOwner\":\"119\",\"GroupPermission\":\"ro\"},";
    JsonNode configuration =
        echo(
            resource("", "S3MachineLearningModelResourceData", owner, "[{\"ResourceId\":\"r\"}]"),
            HERE);
    assertThat(configuration.path("mlResources").path("0").path("resourceId").asString())
        .isEqualTo("r");
    assertThat(configuration.path("mlOwners").toString()).isEqualTo("{\"inner\":\"119\"}");
  }

  /** MLI-02: the version of a model's component is its content's. */
  @Test
  void aModelHasAnotherVersionWhenItsContentIsAnotherAndOnlyThen() {
    ObjectNode group =
        resource(
            "",
            "S3MachineLearningModelResourceData",
            "",
            "[{\"ResourceId\":\"r\",\"Permission\":\"ro\"}]");
    List<String> versions =
        Stream.of("first", "first", "second")
            .map(
                content ->
                    new GroupSurroundings(
                        GroupCompilerTest::resolve,
                        ComponentLookup.builtIn(),
                        uri -> Optional.of(modelOf(content))))
            .map(s -> echo(group, s).path("mlResources").path("0").path("version").asString())
            .toList();
    assertThat(versions.get(1)).isNotEmpty().isEqualTo(versions.getFirst());
    assertThat(versions.get(2)).isNotEqualTo(versions.getFirst());
  }

  private static ModelLookup.Model modelOf(String content) {
    byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
      return new ModelLookup.Model(Base64.getEncoder().encodeToString(digest), () -> bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private static ObjectNode resource(String execution, String type, String owner, String policies) {
    ObjectNode group =
        function(
            "{\"Environment\":{" + execution + "\"ResourceAccessPolicies\":" + policies + "}}");
    String data =
        "{\"SourcePath\":\"/srv\",\"S3Uri\":\"s3://models/m.zip\","
            + owner
            + "\"DestinationPath\":";
    for (String id : List.of("r", "inner")) {
      ObjectNode resource = group.withArray("/resources").addObject().put("Id", id).put("Name", id);
      resource
          .putObject("ResourceDataContainer")
          .set(type, JSON.readTree(data + (id.equals("r") ? "\"/ml\"}" : "\"/ml/inner\"}")));
    }
    return group;
  }

  /** SEC-10 and SEC-12. */
  @Test
  void aSecretIsInAGroupOnceAndNeverWritable() {
    ObjectNode group =
        function(
            "{\"Environment\":{\"ResourceAccessPolicies\":[{\"ResourceId\":\"one\",\"Permission\":\"rw\"}]}}");
    secret(group, "one");
    assertRefused(group, "only ro is allowed for secrets");
    secret(group, "two");
    assertRefused(group, "Resources one and two refer to the same secret");
  }

  private static void secret(ObjectNode group, String id) {
    group
        .withArray("/resources")
        .addObject()
        .put("Id", id)
        .withObject("/ResourceDataContainer/SecretsManagerSecretResourceData")
        .put("ARN", SECRET);
  }

  private static ObjectNode function(String configuration) {
    ObjectNode group = minimal();
    ObjectNode function = group.putArray("functions").addObject();
    function.put("Id", "f").put("FunctionArn", LAMBDA + "echo:1");
    function.set("FunctionConfiguration", JSON.readTree(configuration));
    return group;
  }

  private static void assertRefused(ObjectNode group, String message) {
    assertThatThrownBy(() -> GroupCompiler.compile(group(group), HERE))
        .isInstanceOf(GroupCompilationException.class)
        .hasMessageContaining(message);
  }

  private static ObjectNode minimal() {
    ObjectNode group = JSON.createObjectNode();
    group.putArray("cores").addObject().put("Id", "core").put("ThingArn", THING + "the-core");
    return group;
  }

  private static GroupContents group(ObjectNode node) {
    return new GroupContents(
        "11111111-2222-3333-4444-555555555555",
        "the group",
        list(node, "cores"),
        list(node, "devices"),
        node.path("functionDefaults") instanceof ObjectNode defaults
            ? defaults
            : JSON.createObjectNode(),
        list(node, "functions"),
        list(node, "subscriptions"),
        list(node, "resources"),
        list(node, "connectors"),
        list(node, "loggers"));
  }

  private static List<JsonNode> list(ObjectNode node, String member) {
    List<JsonNode> list = new ArrayList<>();
    node.path(member).forEach(list::add);
    return list;
  }

  /** Functions echo and upper; alias echo:PROD means version 2. */
  static Optional<FunctionVersion> resolve(String arn) {
    return switch (arn) {
      case LAMBDA + "echo:1" -> Optional.of(version("echo", "1"));
      case LAMBDA + "echo:2", LAMBDA + "echo:PROD" -> Optional.of(version("echo", "2"));
      case LAMBDA + "upper:3" -> Optional.of(version("upper", "3"));
      default -> Optional.empty();
    };
  }

  /** One model, s3://models/m.zip and its sister. */
  private static Optional<ModelLookup.Model> model(String uri) {
    return uri.startsWith("s3://models/")
        ? Optional.of(
            new ModelLookup.Model(
                "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", () -> new byte[] {7}))
        : Optional.empty();
  }

  private static FunctionVersion version(String name, String version) {
    return new FunctionVersion(
        LAMBDA + name + ":" + version,
        name,
        version,
        "python3.8",
        name + ".handler",
        60,
        128,
        Map.of("ignored", "by V1"),
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        3,
        () -> new byte[] {1, 2, 3});
  }

  private static ObjectNode read(String name) throws IOException {
    try (InputStream in = GroupCompilerTest.class.getResourceAsStream(name)) {
      return (ObjectNode) JSON.readTree(in);
    }
  }
}
