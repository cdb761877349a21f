package io.ryegrass.nucleus.config;

import io.ryegrass.model.ConfigurationMerge;
import io.ryegrass.model.DeploymentDocument.SystemResourceLimits;
import io.ryegrass.model.JsonFields;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.CoreIdentity;
import io.ryegrass.nucleus.LoggingSettings;
import io.ryegrass.nucleus.NucleusConfiguration;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code config.yaml} and the current generation as one tree. The nucleus' configuration is the
 * file's with the deployed one merged over it, except the keys that say where the cloud is: those
 * are identity and always the file's.
 */
public final class EffectiveConfiguration implements ConfigTree, NucleusConfiguration {
  private static final Set<String> IDENTITY_KEYS =
      Set.of("awsRegion", "iotRoleAlias", "iotDataEndpoint", "iotCredEndpoint");

  private final Path root;
  private final CoreConfigFile file;
  private final @Nullable GenerationStore generations;
  private final Map<String, Generation.Entry> before;

  /**
   * The file and the generation as they stand on disk before the folder is opened; nothing of what
   * changes later is seen.
   */
  public static EffectiveConfiguration beforeOpening(Path root, CoreConfigFile file) {
    return new EffectiveConfiguration(
        root, file, null, DeployedConfiguration.entries(DeployedConfiguration.read(root)));
  }

  /**
   * @param generations null when only the file is to be read (before the folder is opened)
   */
  public EffectiveConfiguration(
      Path root, CoreConfigFile file, @Nullable GenerationStore generations) {
    this(root, file, generations, Map.of());
  }

  private EffectiveConfiguration(
      Path root,
      CoreConfigFile file,
      @Nullable GenerationStore generations,
      Map<String, Generation.Entry> before) {
    this.root = root;
    this.file = file;
    this.generations = generations;
    this.before = before;
  }

  @Override
  public CoreIdentity identity() {
    return file.identity();
  }

  @Override
  public NucleusConfiguration nucleus() {
    return this;
  }

  @Override
  public Path root() {
    return root;
  }

  @Override
  public ObjectNode component(String name) {
    if (name.equals(CoreConfigFile.NUCLEUS)) {
      return raw();
    }
    return deployed(name);
  }

  private ObjectNode deployed(String name) {
    if (generations != null) {
      return generations
          .find(name, List.of())
          .map(ObjectNode.class::cast)
          .orElseGet(JsonNodeFactory.instance::objectNode);
    }
    return stamped(name).values();
  }

  private StampedConfiguration stamped(String name) {
    if (generations != null) {
      return generations.configuration(name).orElseGet(StampedConfiguration::empty);
    }
    Generation.Entry e = before.get(name);
    return e == null ? StampedConfiguration.empty() : e.stamped();
  }

  /** Where each value at and below a path comes from. */
  public List<StampedConfiguration.Explained> origins(String component, List<String> path) {
    StampedConfiguration deployed = stamped(component);
    if (!component.equals(CoreConfigFile.NUCLEUS)) {
      return deployed.explain(path);
    }
    ObjectNode stamps = deployed.stamps();
    IDENTITY_KEYS.forEach(stamps::remove);
    List<StampedConfiguration.Explained> found = new ArrayList<>();
    for (StampedConfiguration.Explained e : StampedConfiguration.of(raw(), stamps).explain(path)) {
      boolean ofFile = e.time() == 0;
      found.add(
          ofFile
              ? new StampedConfiguration.Explained(
                  e.path(), e.value(), 0, new ValueOrigin(ValueOrigin.Kind.FILE, ""))
              : e);
    }
    return found;
  }

  @Override
  public Optional<JsonNode> find(String component, List<String> path) {
    if (component.equals(CoreConfigFile.NUCLEUS)) {
      return StampedConfiguration.of(raw(), JsonNodeFactory.instance.objectNode()).find(path);
    }
    return generations == null ? stamped(component).find(path) : generations.find(component, path);
  }

  @Override
  public List<Explained> explain(String component, List<String> path) {
    return origins(component, path).stream()
        .map(
            e ->
                new Explained(
                    e.path(), e.value(), e.origin().kind().name(), e.origin().id(), e.time()))
        .toList();
  }

  @Override
  public ObjectNode effective() {
    ObjectNode top = JsonNodeFactory.instance.objectNode();
    top.set("system", file.system().deepCopy());
    ObjectNode services = top.putObject("services");
    if (generations == null) {
      services.putObject(CoreConfigFile.NUCLEUS).set("configuration", raw());
      return top;
    }
    Generation g = generations.snapshot().generation();
    g.components()
        .forEach(
            (name, e) -> {
              ObjectNode one = services.putObject(name);
              one.put("componentType", e.type().name());
              one.put("version", e.version());
              one.set(
                  "configuration",
                  name.equals(CoreConfigFile.NUCLEUS) ? raw() : e.configuration().deepCopy());
              if (e.posixUser() != null) {
                one.putObject("runWith").put("posixUser", e.posixUser());
              }
            });
    return top;
  }

  // ---- the nucleus' own keys

  @Override
  public ObjectNode raw() {
    ObjectNode deployed = deployed(CoreConfigFile.NUCLEUS);
    IDENTITY_KEYS.forEach(deployed::remove);
    return ConfigurationMerge.merge(file.nucleus().deepCopy(), deployed);
  }

  @Override
  public Optional<JsonNode> find(String... path) {
    return find(CoreConfigFile.NUCLEUS, List.of(path));
  }

  private String text(String fallback, String... path) {
    String value = find(path).filter(n -> !n.isContainer()).map(JsonNode::asString).orElse("");
    return value.isBlank() ? fallback : value;
  }

  private long number(long fallback, String... path) {
    String value = text("", path);
    if (value.isEmpty()) {
      return fallback;
    }
    try {
      return (long) Double.parseDouble(value);
    } catch (NumberFormatException e) {
      return fallback;
    }
  }

  private int port(int fallback, String... path) {
    long value = number(fallback, path);
    return value >= 0 && value <= 65535 ? (int) value : fallback;
  }

  private Optional<String> optional(String... path) {
    String value = text("", path);
    return value.isEmpty() ? Optional.empty() : Optional.of(value);
  }

  @Override
  public String awsRegion() {
    return text("", "awsRegion");
  }

  @Override
  public Optional<String> iotRoleAlias() {
    return optional("iotRoleAlias");
  }

  @Override
  public String iotDataEndpoint() {
    return text("", "iotDataEndpoint");
  }

  @Override
  public String iotCredEndpoint() {
    return text("", "iotCredEndpoint");
  }

  @Override
  public String dataPlaneHost() {
    String host = text("", "greengrassDataPlaneEndpoint");
    return host.isEmpty() || host.equals("iotdata") ? iotDataEndpoint() : host;
  }

  @Override
  public int dataPlanePort() {
    return port(8443, "greengrassDataPlanePort");
  }

  @Override
  public int mqttPort() {
    return port(8883, "mqtt", "port");
  }

  @Override
  public Optional<String> runWithDefaultPosixUser() {
    return optional("runWithDefault", "posixUser");
  }

  @Override
  public String posixShell() {
    return text("sh", "runWithDefault", "posixShell");
  }

  @Override
  public Optional<String> s3Endpoint() {
    return optional("ryegrass", "s3Endpoint");
  }

  @Override
  public int localMqttPort() {
    return port(8883, "ryegrass", "localMqttPort");
  }

  @Override
  public String localMqttHost() {
    return text("127.0.0.1", "ryegrass", "localMqttHost");
  }

  @Override
  public int lambdaIpcPort() {
    return port(8000, "ryegrass", "lambdaIpcPort");
  }

  @Override
  public boolean interpolateComponentConfiguration() {
    return text("false", "interpolateComponentConfiguration").equalsIgnoreCase("true");
  }

  @Override
  public long componentStoreMaxSizeBytes() {
    return number(10_000_000_000L, "componentStoreMaxSizeBytes");
  }

  @Override
  public LoggingSettings logging() {
    LoggingSettings unset = LoggingSettings.of(root);
    ObjectNode all = raw();
    JsonNode logging = JsonFields.get(all, "logging");
    if (!(logging instanceof ObjectNode l)) {
      return unset;
    }
    String directory = text(l, "outputDirectory", "");
    return new LoggingSettings(
        LoggingSettings.Level.of(text(l, "level", "INFO")),
        text(l, "format", "TEXT").equalsIgnoreCase("JSON"),
        text(l, "outputType", "FILE").equalsIgnoreCase("CONSOLE"),
        (int) Math.clamp(number(l, "fileSizeKB", unset.fileKb()), 16, 1 << 20),
        (int) Math.clamp(number(l, "totalLogsSizeKB", unset.totalKb()), 16, 1 << 24),
        directory.isEmpty() ? unset.directory() : root.resolve(directory));
  }

  private static String text(ObjectNode section, String key, String fallback) {
    String value = JsonFields.text(section, key);
    return value == null || value.isBlank() ? fallback : value;
  }

  private static long number(ObjectNode section, String key, long fallback) {
    try {
      return (long) Double.parseDouble(text(section, key, Long.toString(fallback)));
    } catch (NumberFormatException e) {
      return fallback;
    }
  }

  @Override
  public Optional<SystemResourceLimits> runWithDefaultLimits() {
    return find("runWithDefault", "systemResourceLimits")
        .filter(ObjectNode.class::isInstance)
        .map(ObjectNode.class::cast)
        .map(
            l -> {
              JsonNode cpus = JsonFields.get(l, "cpus");
              JsonNode one = cpus == null ? JsonFields.get(l, "cpu") : cpus; // NUC-07 writes cpu
              return new SystemResourceLimits(
                  number(l, "memory", 0), one == null ? 0 : one.asDouble(0));
            });
  }

  @Override
  public Map<String, String> platformOverride() {
    Map<String, String> map = new LinkedHashMap<>();
    find("platformOverride")
        .ifPresent(n -> n.properties().forEach(e -> map.put(e.getKey(), e.getValue().asString())));
    return map;
  }
}
