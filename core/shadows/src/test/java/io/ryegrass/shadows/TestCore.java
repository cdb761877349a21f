package io.ryegrass.shadows;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.ryegrass.ipc.IpcPorts;
import io.ryegrass.model.Json;
import io.ryegrass.nucleus.BuiltInContext;
import io.ryegrass.nucleus.Bus;
import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.Components;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.Participant;
import io.ryegrass.nucleus.bus.LegacySubscriptionRouter;
import io.ryegrass.nucleus.bus.LocalBus;
import io.ryegrass.nucleus.config.CoreConfigFile;
import io.ryegrass.nucleus.config.EffectiveConfiguration;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The shadow manager on the nucleus' real bus and subscription table, in one folder. */
final class TestCore implements AutoCloseable {
  static final String ROUTER = LegacySubscriptionRouter.NAME;

  final FakeCloud cloud;
  final LocalBus bus;
  final ShadowManager manager;
  private final Path root;
  private final ConfigTree tree;
  private final LegacySubscriptionRouter router = new LegacySubscriptionRouter();
  private final Map<String, String> configurations = new HashMap<>();
  private final Map<String, List<Consumer<ObjectNode>>> listeners = new HashMap<>();

  TestCore(Path root, FakeCloud cloud) throws IOException {
    this.root = root;
    this.cloud = cloud;
    Files.createDirectories(root.resolve("config"));
    for (String file : new String[] {"c.pem", "k.pem", "r.pem"}) {
      Files.writeString(
          root.resolve(file),
          file.equals("k.pem") ? "-----BEGIN PRIVATE KEY-----\n" : "-----BEGIN CERTIFICATE-----\n");
    }
    Files.writeString(
        root.resolve("config/config.yaml"),
        """
        system: {thingName: core-1, certificateFilePath: c.pem, privateKeyPath: k.pem, rootCaPath: r.pem, rootpath: .}
        services:
          aws.greengrass.Nucleus:
            configuration: {awsRegion: us-east-1, iotDataEndpoint: localhost, iotCredEndpoint: localhost}
        """);
    tree = new EffectiveConfiguration(root, CoreConfigFile.read(root), null);
    bus = new LocalBus(cloud);
    manager =
        new ShadowManager(
            new IpcPorts(),
            cloud,
            Clock.systemUTC(),
            new ShadowSync.Times(
                Duration.ofMillis(50), Duration.ofMillis(300), Duration.ofMillis(20)));
  }

  /** Tests send more than a device may. */
  static String quick(String more) {
    return "{\"rateLimits\":{\"maxTotalLocalRequestsRate\":100000,\"maxLocalRequestsPerSecondPerThing\":100000}"
        + (more.isEmpty() ? "" : "," + more)
        + "}";
  }

  TestCore configure(String component, String json) {
    configurations.put(component, json);
    ObjectNode changed = (ObjectNode) Json.read(json);
    listeners.getOrDefault(component, List.of()).forEach(l -> l.accept(changed));
    return this;
  }

  TestCore start() {
    router.start(new Context(ROUTER));
    manager.start(new Context(ShadowManager.NAME));
    return this;
  }

  Path work() {
    return root.resolve("work").resolve(ShadowManager.NAME);
  }

  /** As a function calls the shadow service. */
  JsonNode call(String shadowTopic, String payload) {
    return Json.read(manager.call("$aws/things/" + shadowTopic, payload.getBytes(UTF_8)));
  }

  /** The state of a classic shadow; missing when there is none. */
  JsonNode state(String thing) {
    JsonNode state = call(thing + "/shadow/get", "").path("state");
    if (state instanceof ObjectNode object) {
      object.remove("delta");
    }
    return state;
  }

  /** What a participant of V1's table gets, as {@code topic payload}. */
  List<String> hears(Participant who) {
    List<String> heard = new CopyOnWriteArrayList<>();
    bus.attach(who, m -> heard.add(m.topic() + " " + new String(m.payload(), UTF_8)), 100);
    return heard;
  }

  void publish(Participant from, Message.Space space, String topic, String payload) {
    bus.publish(new Message(from, space, topic, payload.getBytes(UTF_8), 1));
  }

  @Override
  public void close() {
    manager.stop();
    router.stop();
    bus.close();
  }

  private final class Context implements BuiltInContext {
    private final String name;
    private final Path work;

    Context(String name) {
      this.name = name;
      this.work = root.resolve("work").resolve(name);
      try {
        Files.createDirectories(work);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      listeners.put(name, new CopyOnWriteArrayList<>());
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public ObjectNode configuration() {
      return (ObjectNode) Json.read(configurations.getOrDefault(name, "{}"));
    }

    @Override
    public void onConfigurationChanged(Consumer<ObjectNode> listener) {
      listeners.get(name).add(listener);
    }

    @Override
    public Bus bus() {
      return bus;
    }

    @Override
    public ConfigTree config() {
      return tree;
    }

    @Override
    public Components components() {
      throw new UnsupportedOperationException();
    }

    @Override
    public CloudPorts cloud() {
      CloudPorts none = CloudPorts.offline();
      return new CloudPorts(
          none.catalog(),
          none.artifacts(),
          cloud,
          none.reporter(),
          none.fleet(),
          none.credentials());
    }

    @Override
    public Path root() {
      return root;
    }

    @Override
    public Path work() {
      return work;
    }

    @Override
    public Logger log() {
      return LoggerFactory.getLogger(name);
    }

    @Override
    public void provideEnvironment(String variable, String value) {}

    @Override
    public void failed(String code, String reason) {
      throw new IllegalStateException(code + ": " + reason);
    }
  }
}
