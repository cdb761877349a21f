package io.ryegrass.groups;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.functions.FunctionVersion;
import io.ryegrass.model.DeploymentDocument.ComponentUpdate;
import io.ryegrass.model.Recipe;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
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

  @Test
  void aWholeGroupBecomesTheComponentsOfTheGoldenFile() throws IOException {
    CompiledGroup compiled =
        GroupCompiler.compile(group(read("whole-group.json")), GroupCompilerTest::resolve);
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
    compiled.functions().forEach(function -> recipes.add(function.recipe().toJson()));
    JsonNode golden = read("whole-group.golden.json");
    assertThat(JSON.writeValueAsString(seen)).isEqualTo(JSON.writeValueAsString(golden));
  }

  @Test
  void compilingTwiceGivesTheSame() throws IOException {
    GroupContents group = group(read("whole-group.json"));
    assertThat(GroupCompiler.compile(group, GroupCompilerTest::resolve).components())
        .isEqualTo(GroupCompiler.compile(group, GroupCompilerTest::resolve).components());
  }

  @Test
  void recipesDependOnTheFunctionVersionAlone() throws IOException {
    ObjectNode one = read("whole-group.json");
    ObjectNode other = one.deepCopy();
    ((ObjectNode) other.at("/functions/0/FunctionConfiguration")).put("Timeout", 99);
    assertThat(recipes(one)).isEqualTo(recipes(other));
  }

  private static List<Recipe> recipes(ObjectNode group) {
    return GroupCompiler.compile(group(group), GroupCompilerTest::resolve).functions().stream()
        .map(CompiledGroup.FunctionComponent::recipe)
        .toList();
  }

  @Test
  void aGroupWithoutCoreOrWithAConnectorIsRefusedByName() {
    ObjectNode group = minimal();
    group.putArray("cores");
    assertRefused(group, "You need a Greengrass Core in this Group before you can deploy.");
    group = minimal();
    group
        .putArray("connectors")
        .addObject()
        .put("Id", "c")
        .put("ConnectorArn", "arn:aws:greengrass:us-east-1::/connectors/SNS/versions/4");
    assertRefused(group, "arn:aws:greengrass:us-east-1::/connectors/SNS/versions/4");
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
  void systemFunctionsThatAreMissingAreRefusedAndIpDetectionNeedsNothing() {
    ObjectNode group = minimal();
    group
        .putArray("functions")
        .addObject()
        .put("Id", "ip")
        .put("FunctionArn", "arn:aws:lambda:::function:GGIPDetector:1");
    assertThat(GroupCompiler.compile(group(group), GroupCompilerTest::resolve).components())
        .isEmpty();
    group
        .putArray("functions")
        .addObject()
        .put("Id", "sm")
        .put("FunctionArn", "arn:aws:lambda:::function:GGStreamManager:1");
    assertRefused(group, "GGStreamManager");
  }

  private static ObjectNode function(String configuration) {
    ObjectNode group = minimal();
    ObjectNode function = group.putArray("functions").addObject();
    function.put("Id", "f").put("FunctionArn", LAMBDA + "echo:1");
    function.set("FunctionConfiguration", JSON.readTree(configuration));
    return group;
  }

  private static void assertRefused(ObjectNode group, String message) {
    assertThatThrownBy(() -> GroupCompiler.compile(group(group), GroupCompilerTest::resolve))
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
