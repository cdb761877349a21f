package io.ryegrass.v1;

import io.ryegrass.clientdevices.ServerCertificateSource;
import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import io.ryegrass.model.BuiltInComponents;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.BuiltIn;
import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.ComponentBodyFactory;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.ComponentStatus;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.DeploymentEngine;
import io.ryegrass.nucleus.Nucleus;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.NucleusSettings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The V1 face of one core, from before its nucleus is opened. The program that assembles the core
 * sends what it gives to the nucleus through the methods of this class.
 */
public final class V1Face {
  /** The version whose face this is; names {@code ggc/packages/<version>}. */
  public static final String VERSION = "1.11.6";

  /** What is left of a group in folders of the nucleus when its components are gone (RST-01). */
  private static final Set<String> STATE =
      Set.of(
          "aws.greengrass.ShadowManager",
          "aws.greengrass.SecretManager",
          "aws.greengrass.clientdevices.Auth",
          "aws.greengrass.clientdevices.mqtt.Moquette");

  private final Path root;
  private final Path write;
  private final Path state;
  private final V1Config config;
  private final V1LogFiles files;
  private final V1Loggers loggers = new V1Loggers();
  private final SystemLogs system;
  private volatile @Nullable ConfigTree live;

  private V1Face(Path root, V1Config config, Clock clock) {
    this.root = root;
    this.config = config;
    Path elsewhere = config.writeFolder();
    this.write = elsewhere == null ? root.resolve("ggc") : elsewhere;
    this.state = elsewhere == null ? root : elsewhere;
    this.files = new V1LogFiles(write.resolve("var").resolve("log"), clock);
    this.system = new SystemLogs(files, loggers);
  }

  /** Whether a folder is that of a V1 core: it has V1's configuration and none of V2. */
  public static boolean isFolder(Path root) {
    return Files.exists(V1Config.file(root))
        && !Files.exists(root.resolve("config").resolve("config.yaml"));
  }

  /**
   * Reads the configuration; writes nothing when it is wrong.
   *
   * @throws NucleusException CONFIG_NOT_VALID with one sentence for people
   */
  public static V1Face open(Path root, Clock clock) {
    Path absolute = root.toAbsolutePath().normalize();
    return new V1Face(absolute, V1Config.read(absolute), clock);
  }

  /** Where the nucleus lives: the root, or {@code writeDirectory}. */
  public Path state() {
    return state;
  }

  public SystemLogs logs() {
    return system;
  }

  /** The nucleus' settings with the configuration of {@code config.json}. */
  public NucleusSettings settings(NucleusSettings of) {
    return of.in(state).withConfiguration(V1Translation.of(config));
  }

  /**
   * To be called when the folder is locked and before the nucleus is opened: tells what of the file
   * has no effect, and takes the group away when somebody has emptied {@code group.json}
   * (TRB-CORE-06, TRB-CORE-08).
   */
  public void prepare() {
    Logger log = log();
    log.info(
        "Greengrass daemon {} of {} starts from {}", VERSION, config.thingName(), config.file());
    config.notes().forEach(note -> log.info("config.json: {}", note));
    if (isEmptied(groupFile())) {
      Path generations = state.resolve("generations");
      Path aside = state.resolve("generations.before-empty-group");
      if (Files.exists(generations)) {
        try {
          V1Files.deleteTree(aside);
          DurableFiles.move(generations, aside);
          Files.deleteIfExists(groupFile());
          log.warn(
              "{} is an empty group: the core starts without functions; what it ran before is in"
                  + " {}. Deploy the group again.",
              groupFile(),
              aside);
        } catch (IOException | DurableException e) {
          throw new NucleusException(
              "V1_GROUP_NOT_EMPTIED",
              groupFile()
                  + " is an empty group, and what ran before cannot be put aside ("
                  + e
                  + "); remove "
                  + generations
                  + " and start again.",
              e);
        }
      }
    }
  }

  /** Loggers of this package are made late: SLF4J's provider is chosen by the program. */
  private static Logger log() {
    return LoggerFactory.getLogger(V1Face.class);
  }

  private static boolean isEmptied(Path file) {
    try {
      JsonNode group = Json.read(DurableFiles.read(file).orElse(new byte[] {'0'}));
      return group.isObject() && group.isEmpty();
    } catch (JacksonException | DurableException e) {
      log().warn("{} cannot be read and is written anew: {}", file, e.getMessage());
      return false;
    }
  }

  private Path groupFolder() {
    return write.resolve("deployment").resolve("group");
  }

  private Path groupFile() {
    return groupFolder().resolve("group.json");
  }

  private Path code() {
    return write.resolve("deployment").resolve("lambda");
  }

  private Path serverFolder() {
    return write.resolve(Path.of("var", "state", "server"));
  }

  /** The built-in components, told what {@code config.json} says about them. */
  public List<BuiltIn> builtIns(List<BuiltIn> all) {
    ObjectNode settings =
        Json.object()
            .put("allowFunctionsToRunAsRoot", config.text("runtime.allowFunctionsToRunAsRoot"))
            .put("maxWorkItemCount", config.number("runtime.maxWorkItemCount"))
            .put("maxConcurrentLimit", config.number("runtime.maxConcurrentLimit"));
    return all.stream()
        .map(b -> b.name().equals(GroupFile.LAMBDA_MANAGER) ? new DeviceLimits(b, settings) : b)
        .toList();
  }

  /** The maker of functions. */
  public ComponentBodyFactory functions(ComponentBodyFactory functions) {
    return new V1Functions(functions, files, loggers, code());
  }

  /** The ports to the cloud. */
  public CloudPorts cloud(CloudPorts ports) {
    return new CloudPorts(
        ports.catalog(),
        ports.artifacts(),
        ports.messaging(),
        new V1Deployments(ports.reporter(), this::refresh),
        ports.fleet(),
        ports.credentials());
  }

  /** Where the local broker gets its certificate. */
  public ServerCertificateSource certificates(ServerCertificateSource cloud) {
    return new CopiedCertificates(cloud, serverFolder());
  }

  /** The engine, for those who bring deployments. */
  public DeploymentEngine deployments(DeploymentEngine engine) {
    return new V1Deployments.Told(engine);
  }

  /** To be called when the nucleus is open and before it starts. */
  public void follow(Nucleus nucleus) {
    live = nucleus.config();
    Runnable follow =
        () ->
            loggers.follow(
                nucleus
                    .config()
                    .find(GroupFile.LAMBDA_MANAGER, List.of("loggers"))
                    .orElseGet(Json::array));
    follow.run();
    var _ =
        nucleus
            .components()
            .onConfigurationChange(
                GroupFile.LAMBDA_MANAGER, List.of("loggers"), (component, path) -> follow.run());
    refresh();
  }

  /**
   * Makes the folders say what the nucleus runs. When it runs nothing of a group any more, what the
   * group left is removed, too (RST-01).
   */
  private void refresh() {
    ConfigTree tree = live;
    if (tree == null) {
      return;
    }
    ObjectNode effective = tree.effective();
    GroupFile group = GroupFile.of(effective);
    loggers.follow(group.content().path("Loggers"));
    try {
      prune(group.functions());
      if (group.isEmpty()) {
        if (Files.exists(groupFile())) {
          reset(effective.path("services"));
        }
      } else {
        DurableFiles.createDirectories(groupFolder());
        DurableFiles.writeAtomically(groupFile(), pretty(group.content()), DurableFiles.OWNER_ONLY);
      }
    } catch (IOException | DurableException e) {
      log().warn("The V1 folders below {} are not up to date: {}", write, e.toString());
    }
  }

  /** One line for each list, so that people can read and compare it. */
  private static byte[] pretty(ObjectNode group) {
    StringBuilder text = new StringBuilder("{");
    String comma = "\n  ";
    for (var e : group.properties()) {
      text.append(comma).append('"').append(e.getKey()).append("\": ");
      text.append(Json.text(e.getValue()));
      comma = ",\n  ";
    }
    return text.append("\n}\n").toString().getBytes(StandardCharsets.UTF_8);
  }

  /** Links of functions that are no longer of the group. */
  private void prune(Set<String> functions) throws IOException {
    if (!Files.isDirectory(code())) {
      return;
    }
    List<Path> links;
    try (Stream<Path> all = Files.list(code())) {
      links = all.filter(Files::isSymbolicLink).toList();
    }
    for (Path link : links) {
      if (!functions.contains(String.valueOf(link.getFileName()))) {
        Files.deleteIfExists(link);
      }
    }
  }

  private void reset(JsonNode services) throws IOException {
    files.forgetUsers();
    V1Files.deleteTree(serverFolder());
    for (String component : STATE) {
      if (!services.has(component)) {
        V1Files.deleteTree(state.resolve("work").resolve(component));
      }
    }
    Files.deleteIfExists(groupFile());
    log().info("The group was reset: its functions, logs and certificates are removed");
  }

  /**
   * Waits until the core's own components run, as {@code runtime.postStartHealthCheckTimeout} has
   * it.
   *
   * @return names of those that do not; empty when all is well
   */
  public List<String> awaitSystem(Nucleus nucleus) throws InterruptedException {
    long end =
        System.nanoTime()
            + Duration.ofMillis(config.number("runtime.postStartHealthCheckTimeout")).toNanos();
    while (true) {
      List<ComponentStatus> own =
          nucleus.components().list().stream()
              .filter(c -> BuiltInComponents.isBuiltIn(c.name()))
              .filter(
                  c -> c.state() != ComponentState.RUNNING && c.state() != ComponentState.FINISHED)
              .toList();
      boolean hopeless = own.stream().allMatch(c -> c.state() == ComponentState.BROKEN);
      if (own.isEmpty() || hopeless || System.nanoTime() > end) {
        own.forEach(
            c -> log().error("{} failed to start: {} {}", c.name(), c.state(), c.statusReason()));
        return own.stream().map(ComponentStatus::name).toList();
      }
      TimeUnit.MILLISECONDS.sleep(100);
    }
  }

  /** For messages. */
  public Path root() {
    return root;
  }
}
