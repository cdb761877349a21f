package io.ryegrass.groups;

import io.ryegrass.functions.FunctionVersion;
import io.ryegrass.groups.CompiledGroup.FunctionComponent;
import io.ryegrass.model.BuiltInComponents;
import io.ryegrass.model.DeploymentDocument.ComponentUpdate;
import io.ryegrass.model.DeploymentDocument.ConfigurationUpdate;
import io.ryegrass.model.Recipe;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * V1 as a dialect of V2: turns a group version into the components of a V2 deployment. Pure: the
 * same group version and the same functions give the same result, and nothing is read or written
 * but the function lookup.
 *
 * <ul>
 *   <li>Each function becomes a Lambda component ({@link FunctionCompiler}).
 *   <li>Subscriptions become the configuration of {@code aws.greengrass.LegacySubscriptionRouter}.
 *       Aliases are resolved here: an end that names an alias or a version of a function means the
 *       version that the group runs.
 *   <li>Devices become the configuration of {@code aws.greengrass.clientdevices.Auth}, and bring
 *       the local broker.
 *   <li>Loggers become the configuration of {@code aws.greengrass.LambdaManager}.
 * </ul>
 *
 * <p>Every component's configuration is reset before ours is merged, so that nothing of an earlier
 * group version stays. A group that asks for what this system does not have (a connector, a secret,
 * a machine-learning model, most system functions) is refused by name rather than deployed without
 * it.
 */
public final class GroupCompiler {
  static final String ROUTER = "aws.greengrass.LegacySubscriptionRouter";
  static final String AUTH = "aws.greengrass.clientdevices.Auth";
  static final String BROKER = "aws.greengrass.clientdevices.mqtt.Moquette";
  static final String LAMBDA_MANAGER = "aws.greengrass.LambdaManager";

  private final GroupContents group;
  private final FunctionLookup lookup;
  private final Map<String, ComponentUpdate> components = new LinkedHashMap<>();
  private final List<FunctionComponent> functions = new ArrayList<>();

  /** Any ARN by which a subscription may name a function of this group → its qualified ARN. */
  private final Map<String, String> functionEnds = new LinkedHashMap<>();

  private GroupCompiler(GroupContents group, FunctionLookup lookup) {
    this.group = group;
    this.lookup = lookup;
  }

  /**
   * @throws GroupCompilationException when the group cannot be deployed as it is
   */
  public static CompiledGroup compile(GroupContents group, FunctionLookup lookup) {
    return new GroupCompiler(group, lookup).compile();
  }

  private CompiledGroup compile() {
    if (group.cores().size() != 1) {
      throw new GroupCompilationException(
          "You need a Greengrass Core in this Group before you can deploy.");
    }
    if (!group.connectors().isEmpty()) {
      throw new GroupCompilationException(
          "Connector "
              + group.connectors().getFirst().path("ConnectorArn").asString("")
              + " is not available here. Remove it from the group, or run its work as a function.");
    }
    String core = thingName(group.cores().getFirst());
    functions();
    List<String> devices = devices();
    subscriptions(core, devices);
    return new CompiledGroup(core, Map.copyOf(components), List.copyOf(functions), devices);
  }

  private void functions() {
    String groupMode = FunctionCompiler.isolation(group.functionDefaults());
    if (!groupMode.isEmpty() && !FunctionCompiler.ISOLATION_MODES.contains(groupMode)) {
      throw new GroupCompilationException(
          "Your 'IsolationMode' configuration for the group is invalid.");
    }
    FunctionCompiler compiler = new FunctionCompiler(group);
    Set<String> names = new TreeSet<>();
    for (JsonNode definition : group.functions()) {
      String arn = definition.path("FunctionArn").asString("");
      if (arn.startsWith("arn:aws:lambda:::function:")) {
        systemFunction(arn, definition);
        continue;
      }
      FunctionVersion version =
          lookup
              .resolve(arn)
              .orElseThrow(
                  () ->
                      new GroupCompilationException(
                          "Function "
                              + arn
                              + " does not exist as a published version. Publish a version and name it, or an alias of"
                              + " it, in the function definition."));
      String name = compiler.componentName(version);
      if (!names.add(name)) {
        name = name + "." + FunctionCompiler.clean(definition.path("Id").asString(""));
        names.add(name);
      }
      boolean alias = !arn.equals(version.functionArn());
      Recipe recipe = compiler.recipe(name, version);
      functions.add(new FunctionComponent(recipe, version));
      component(
          name,
          recipe.componentVersion().text(),
          compiler.configuration(definition, version, alias ? arn : ""));
      functionEnds.put(arn, version.functionArn());
      functionEnds.put(version.functionArn(), version.functionArn());
    }
    if (!functions.isEmpty() || !group.loggers().isEmpty()) {
      ObjectNode configuration = Shapes.empty();
      ArrayNode loggers = configuration.putArray("loggers");
      group.loggers().forEach(loggers::add);
      builtIn(LAMBDA_MANAGER, configuration);
    }
  }

  /**
   * IP detection is what every core of ours does; the other system functions are refused by name.
   */
  private static void systemFunction(String arn, JsonNode definition) {
    if (definition.path("FunctionConfiguration").path("Environment").has("Execution")) {
      throw new GroupCompilationException(
          "Execution configuration for function with arn " + arn + " is not allowed.");
    }
    if (!arn.startsWith("arn:aws:lambda:::function:GGIPDetector")) {
      throw new GroupCompilationException(
          "System function "
              + arn
              + " is not available here. Remove it from the group's functions.");
    }
  }

  private List<String> devices() {
    List<String> names = new ArrayList<>();
    if (group.devices().isEmpty()) {
      return names;
    }
    ObjectNode configuration =
        Shapes.empty().put("groupId", group.groupId()).put("groupName", group.groupName());
    ObjectNode devices = configuration.putObject("devices");
    for (JsonNode device : group.devices()) {
      String name = thingName(device);
      String certificateArn = device.path("CertificateArn").asString("");
      names.add(name);
      devices
          .putObject(name)
          .put("thingArn", device.path("ThingArn").asString(""))
          .put("certificateId", certificateArn.substring(certificateArn.lastIndexOf('/') + 1))
          .put("syncShadow", device.path("SyncShadow").asBoolean(false));
    }
    builtIn(AUTH, configuration);
    builtIn(BROKER, Shapes.empty());
    return List.copyOf(names);
  }

  private void subscriptions(String core, List<String> devices) {
    if (group.subscriptions().isEmpty()) {
      return;
    }
    Set<String> things = new TreeSet<>(devices);
    things.add(core);
    ObjectNode configuration = Shapes.empty();
    ObjectNode table = configuration.putObject("subscriptions");
    for (JsonNode subscription : group.subscriptions()) {
      String id = subscription.path("Id").asString("");
      table
          .putObject(id)
          .put("id", id)
          .put("source", end(id, "source", subscription.path("Source").asString(""), things))
          .put("subject", subscription.path("Subject").asString(""))
          .put("target", end(id, "target", subscription.path("Target").asString(""), things));
    }
    builtIn(ROUTER, configuration);
  }

  private String end(String subscription, String word, String end, Set<String> things) {
    if (end.equals("cloud") || end.equals("GGShadowService")) {
      return end;
    }
    if (end.startsWith("arn:aws:lambda:::function:GGShadowService")) {
      return "GGShadowService";
    }
    String function = functionEnds.get(end);
    if (function != null) {
      return function;
    }
    int thing = end.indexOf(":thing/");
    if (thing >= 0 && things.contains(end.substring(thing + ":thing/".length()))) {
      return end;
    }
    throw new GroupCompilationException(
        "Subscription "
            + subscription
            + ": its "
            + word
            + " "
            + end
            + " is neither a function nor a device of the group. Add it to the group, or change the subscription.");
  }

  private void builtIn(String name, ObjectNode configuration) {
    String version =
        BuiltInComponents.recipes().stream()
            .filter(recipe -> recipe.componentName().equals(name))
            .map(recipe -> recipe.componentVersion().text())
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("no built-in component " + name));
    component(name, version, configuration);
  }

  private void component(String name, String version, ObjectNode configuration) {
    components.put(
        name,
        new ComponentUpdate(
            version,
            new ConfigurationUpdate(configuration.isEmpty() ? null : configuration, List.of("")),
            null));
  }

  static String thingName(JsonNode entity) {
    String arn = entity.path("ThingArn").asString("");
    return arn.substring(arn.indexOf(":thing/") + ":thing/".length());
  }
}
