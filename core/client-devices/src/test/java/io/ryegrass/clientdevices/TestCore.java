package io.ryegrass.clientdevices;

import io.ryegrass.nucleus.BuiltIn;
import io.ryegrass.nucleus.BuiltInContext;
import io.ryegrass.nucleus.Bus;
import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.Components;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.bus.LegacySubscriptionRouter;
import io.ryegrass.nucleus.bus.LocalBus;
import io.ryegrass.nucleus.config.CoreConfigFile;
import io.ryegrass.nucleus.config.EffectiveConfiguration;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The nucleus' real bus, subscription router and configuration round the two components, in one
 * folder.
 */
final class TestCore implements AutoCloseable {
  static final String AUTH = "aws.greengrass.clientdevices.Auth";
  static final String BROKER = "aws.greengrass.clientdevices.mqtt.Moquette";
  static final String ROUTER = "aws.greengrass.LegacySubscriptionRouter";

  private final Path root;
  final TestMessaging messaging = new TestMessaging();
  final LocalBus bus = new LocalBus(CloudPorts.offline().messaging());
  private final Map<String, ObjectNode> configurations = new LinkedHashMap<>();
  private final Map<String, List<Consumer<ObjectNode>>> listeners = new LinkedHashMap<>();
  private final ConfigTree tree;
  private final List<BuiltIn> builtIns;

  TestCore(Path root, ServerCertificateSource cloud, Clock clock, Duration firstWait)
      throws Exception {
    this.root = root;
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
            configuration:
              awsRegion: us-east-1
              iotDataEndpoint: localhost
              iotCredEndpoint: localhost
              ryegrass: {localMqttPort: 0, localMqttHost: 127.0.0.1}
        """);
    tree = new EffectiveConfiguration(root, CoreConfigFile.read(root), null);
    DeviceRegistry devices = new DeviceRegistry();
    builtIns =
        List.of(
            new LegacySubscriptionRouter(),
            new ClientDeviceAuth(devices),
            new LocalBroker(devices, cloud, clock, firstWait));
    configure(AUTH, "{}");
    configure(BROKER, "{}");
    configure(ROUTER, "{}");
  }

  TestCore configure(String component, String json) {
    ObjectNode configuration = (ObjectNode) JsonMapper.shared().readTree(json);
    configurations.put(component, configuration);
    listeners.getOrDefault(component, List.of()).forEach(l -> l.accept(configuration.deepCopy()));
    return this;
  }

  TestCore start() {
    for (BuiltIn b : builtIns) {
      b.start(new Context(b.name()));
    }
    return this;
  }

  JsonNode endpoint() throws Exception {
    return JsonMapper.shared()
        .readTree(
            Files.readAllBytes(root.resolve("work").resolve(BROKER).resolve("endpoint.json")));
  }

  int port() throws Exception {
    return endpoint().path("port").asInt();
  }

  boolean serves() {
    return Files.exists(root.resolve("work").resolve(BROKER).resolve("endpoint.json"));
  }

  @Override
  public void close() {
    builtIns.reversed().forEach(BuiltIn::stop);
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
      } catch (java.io.IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
      listeners.put(name, new CopyOnWriteArrayList<>());
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public ObjectNode configuration() {
      return configurations.get(name).deepCopy();
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
          messaging,
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
