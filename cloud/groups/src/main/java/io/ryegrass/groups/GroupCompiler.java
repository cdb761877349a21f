package io.ryegrass.groups;

import io.ryegrass.functions.FunctionVersion;
import io.ryegrass.groups.CompiledGroup.PrivateComponent;
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
 * same group version and the same surroundings give the same result, and nothing is read or written
 * but what {@link GroupSurroundings} looks up.
 *
 * <ul>
 *   <li>Each function becomes a Lambda component ({@link FunctionCompiler}); its local resources
 *       are parameters of that component.
 *   <li>System functions configure built-in components ({@link SystemFunctions}).
 *   <li>Subscriptions become the configuration of {@code aws.greengrass.LegacySubscriptionRouter}.
 *       Aliases are resolved here: an end that names an alias or a version of a function means the
 *       version that the group runs; one that names a connector means its component.
 *   <li>Devices become the configuration of {@code aws.greengrass.clientdevices.Auth}, and bring
 *       the local broker.
 *   <li>Models become components that hold an archive ({@link ModelCompiler}), secrets the
 *       configuration of the secret manager ({@link GroupSecrets}), connectors components of their
 *       own ({@link ConnectorCompiler}), loggers logging configuration ({@link LoggerCompiler}).
 * </ul>
 *
 * <p>Every component's configuration is reset before ours is merged, so that nothing of an earlier
 * group version stays; of the nucleus, which is the device's, only the part that the group sets.
 * What a group asks for and does not exist here is named in {@link CompiledGroup#missing()}: such a
 * group is explained, and not deployed.
 */
public final class GroupCompiler {
  static final String ROUTER = "aws.greengrass.LegacySubscriptionRouter";
  static final String AUTH = "aws.greengrass.clientdevices.Auth";
  static final String BROKER = "aws.greengrass.clientdevices.mqtt.Moquette";
  static final String LAMBDA_MANAGER = "aws.greengrass.LambdaManager";
  private static final String SHADOWS = "GGShadowService";

  private final GroupContents group;
  private final GroupSurroundings around;
  private final CompilerOutput out;

  /**
   * Any name by which a subscription may mean a member of this group → the router's name for it.
   */
  private final Map<String, String> ends = new LinkedHashMap<>();

  private GroupCompiler(GroupContents group, GroupSurroundings around) {
    this.group = group;
    this.around = around;
    this.out = new CompilerOutput(around.components());
  }

  /**
   * @throws GroupCompilationException when the group cannot be deployed as it is, whatever there is
   *     around it
   */
  public static CompiledGroup compile(GroupContents group, GroupSurroundings around) {
    return new GroupCompiler(group, around).compile();
  }

  private CompiledGroup compile() {
    if (group.cores().size() != 1) {
      throw new GroupCompilationException(
          "You need a Greengrass Core in this Group before you can deploy.");
    }
    JsonNode coreEntity = group.cores().getFirst();
    String core = thingName(coreEntity);
    out.became("core", coreEntity.path("Id").asString(""), "the deployment's core " + core);
    GroupResources resources = new GroupResources(group.resources());
    GroupSecrets secrets = new GroupSecrets(resources, out);
    GroupShadows shadows = new GroupShadows(out);
    shadows.core(coreEntity);
    List<String> functions = functions(resources, secrets, shadows);
    explainResources(resources);
    connectors();
    List<String> devices = devices(shadows);
    subscriptions(core, devices, shadows);
    if (!functions.isEmpty() || !devices.isEmpty()) {
      shadows.possible();
    }
    new LoggerCompiler(out).compile(group.loggers(), functions);
    secrets.compile();
    shadows.compile();
    return out.finish(core, devices);
  }

  private List<String> functions(
      GroupResources resources, GroupSecrets secrets, GroupShadows shadows) {
    FunctionRules.checkDefaults(group.functionDefaults());
    FunctionCompiler compiler =
        new FunctionCompiler(group, resources, new ModelCompiler(around.models(), out));
    SystemFunctions system = new SystemFunctions(out, secrets, shadows);
    List<String> names = new ArrayList<>();
    for (JsonNode definition : group.functions()) {
      String arn = definition.path("FunctionArn").asString("");
      if (FunctionRules.isSystem(arn)) {
        FunctionRules.container(definition, group.functionDefaults());
        system.compile(arn, definition);
        continue;
      }
      names.add(function(arn, definition, compiler, names));
    }
    if (!names.isEmpty() || !group.loggers().isEmpty()) {
      ObjectNode configuration = Shapes.empty();
      ArrayNode loggers = configuration.putArray("loggers");
      group.loggers().forEach(loggers::add);
      out.need(LAMBDA_MANAGER, configuration, "The group's functions");
    }
    return names;
  }

  private String function(
      String arn, JsonNode definition, FunctionCompiler compiler, List<String> taken) {
    FunctionVersion version =
        around
            .functions()
            .resolve(arn)
            .orElseThrow(
                () ->
                    new GroupCompilationException(
                        "Function "
                            + arn
                            + " does not exist as a published version. Publish a version and name it, or an alias of"
                            + " it, in the function definition."));
    String id = definition.path("Id").asString("");
    String name = compiler.componentName(version);
    if (taken.contains(name)) {
      name = name + "." + FunctionCompiler.clean(id);
    }
    boolean alias = !arn.equals(version.functionArn());
    out.put(
        new PrivateComponent(compiler.recipe(name, version), CompiledGroup.CODE, version::zip),
        compiler.configuration(name, definition, version, alias ? arn : ""));
    ends.put(arn, version.functionArn());
    ends.put(version.functionArn(), version.functionArn());
    out.became(
        "function",
        id + " " + arn,
        name + " " + version.version() + ".0.0 (Lambda component)",
        alias ? "The alias means version " + version.version() + " from this deployment on." : "");
    return name;
  }

  /** Secrets and models explain themselves; local resources live in each function that has them. */
  private void explainResources(GroupResources resources) {
    for (GroupResources.Resource resource : resources.all()) {
      String parameter =
          switch (resource.type()) {
            case VOLUME -> "containerParams.volumes";
            case DEVICE -> "containerParams.devices";
            default -> "";
          };
      if (!parameter.isEmpty()) {
        out.became("resource", resource.id(), parameter + " of each function that has it", "");
      }
    }
  }

  private void connectors() {
    ConnectorCompiler compiler = new ConnectorCompiler(out);
    for (JsonNode connector : group.connectors()) {
      ends.put(connector.path("ConnectorArn").asString(""), compiler.compile(connector));
    }
  }

  private List<String> devices(GroupShadows shadows) {
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
      shadows.device(name, device);
      devices
          .putObject(name)
          .put("thingArn", device.path("ThingArn").asString(""))
          .put("certificateId", certificateArn.substring(certificateArn.lastIndexOf('/') + 1))
          .put("syncShadow", device.path("SyncShadow").asBoolean(false));
      out.became(
          "device",
          device.path("Id").asString(""),
          AUTH + " devices." + name,
          "It may connect to the core's broker under its thing name.");
    }
    out.need(AUTH, configuration, "The group's devices");
    out.need(BROKER, Shapes.empty(), "The group's devices");
    return List.copyOf(names);
  }

  private void subscriptions(String core, List<String> devices, GroupShadows shadows) {
    if (group.subscriptions().isEmpty()) {
      return;
    }
    Set<String> things = new TreeSet<>(devices);
    things.add(core);
    ObjectNode configuration = Shapes.empty();
    ObjectNode table = configuration.putObject("subscriptions");
    for (JsonNode subscription : group.subscriptions()) {
      String id = subscription.path("Id").asString("");
      String source = end(id, "source", subscription.path("Source").asString(""), things);
      String target = end(id, "target", subscription.path("Target").asString(""), things);
      if (source.equals(SHADOWS) || target.equals(SHADOWS)) {
        shadows.wanted("Subscription " + id + " (to or from GGShadowService)");
      }
      table
          .putObject(id)
          .put("id", id)
          .put("source", source)
          .put("subject", subscription.path("Subject").asString(""))
          .put("target", target);
      out.became("subscription", id, ROUTER + " subscriptions." + id);
    }
    out.need(ROUTER, configuration, "The group's subscriptions");
  }

  private String end(String subscription, String word, String end, Set<String> things) {
    if (end.equals("cloud") || end.equals(SHADOWS)) {
      return end;
    }
    if (end.startsWith(FunctionRules.SYSTEM + SHADOWS)) {
      return SHADOWS;
    }
    String member = ends.get(end);
    if (member != null) {
      return member;
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
            + " is neither a function nor a device of the group, nor a connector. Add it to the group, or change the"
            + " subscription.");
  }

  static String thingName(JsonNode entity) {
    String arn = entity.path("ThingArn").asString("");
    return arn.substring(arn.indexOf(":thing/") + ":thing/".length());
  }
}
