package io.ryegrass.ipc;

import io.ryegrass.model.ComponentType;
import io.ryegrass.model.ConfigurationMerge;
import io.ryegrass.model.Topics;
import io.ryegrass.nucleus.Bus;
import io.ryegrass.nucleus.BusMetrics;
import io.ryegrass.nucleus.CloudMessage;
import io.ryegrass.nucleus.CloudMessaging;
import io.ryegrass.nucleus.CloudMessagingException;
import io.ryegrass.nucleus.ComponentState;
import io.ryegrass.nucleus.ComponentStatus;
import io.ryegrass.nucleus.Components;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.ConfigurationConflictException;
import io.ryegrass.nucleus.ConfigurationListener;
import io.ryegrass.nucleus.CoreIdentity;
import io.ryegrass.nucleus.DeploymentEngine;
import io.ryegrass.nucleus.DeploymentRecord;
import io.ryegrass.nucleus.DeploymentRequest;
import io.ryegrass.nucleus.LocalDeployment;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.NucleusConfiguration;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.Participant;
import io.ryegrass.nucleus.PublishResult;
import io.ryegrass.nucleus.Receiver;
import io.ryegrass.nucleus.RouteSource;
import io.ryegrass.nucleus.Subscription;
import io.ryegrass.nucleus.UpdateConsent;
import io.ryegrass.policy.AccessControl;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The faces of the nucleus in memory: enough of each rule for the operations to be seen from
 * outside.
 */
final class TestCore implements Components, ConfigTree, Bus, DeploymentEngine, CloudMessaging {
  static final JsonMapper JSON = JsonMapper.builder().build();

  private final Path root;
  final Map<String, ObjectNode> configurations = new ConcurrentHashMap<>();
  final Map<String, Instant> changes = new ConcurrentHashMap<>();
  final Map<String, String> tokens = new ConcurrentHashMap<>();
  final List<String> calls = new CopyOnWriteArrayList<>();
  final List<CloudMessage> published = new CopyOnWriteArrayList<>();
  final List<CloudSubscription> cloud = new CopyOnWriteArrayList<>();
  final List<Local> local = new CopyOnWriteArrayList<>();
  private final List<Watch> watches = new CopyOnWriteArrayList<>();
  private final ExecutorService deliveries = Executors.newSingleThreadExecutor();
  final IpcPorts ports = new IpcPorts();
  final ComponentMetrics metrics = new ComponentMetrics();
  final TestDeployments deployments = new TestDeployments();
  volatile boolean connected = true;
  volatile UpdateConsent consent = UpdateConsent.ALWAYS;

  record CloudSubscription(String filter, int qos, Consumer<CloudMessage> consumer) {}

  record Local(Participant who, String filter, boolean own, Receiver receiver) {}

  private record Watch(String component, List<String> path, ConfigurationListener listener) {}

  TestCore(Path root) {
    this.root = root;
  }

  IpcServer.Core core() {
    return new IpcServer.Core(
        this,
        this,
        this,
        this,
        deployments,
        this,
        ports,
        metrics,
        new DebugPasswords(Clock.systemUTC()));
  }

  /** A component with this configuration in JSON; returns its token. */
  String component(String name, String configuration) {
    configurations.put(name, (ObjectNode) JSON.readTree(configuration));
    String token = "TOKEN" + name.toUpperCase(java.util.Locale.ROOT);
    tokens.put(token, name);
    return token;
  }

  void stop() {
    deliveries.shutdownNow();
  }

  @Override
  public List<ComponentStatus> list() {
    return configurations.keySet().stream().sorted().map(this::status).toList();
  }

  @Override
  public Optional<ComponentStatus> find(String component) {
    return configurations.containsKey(component)
        ? Optional.of(status(component))
        : Optional.empty();
  }

  private ComponentStatus status(String name) {
    return new ComponentStatus(
        name,
        "1.0.0",
        ComponentState.RUNNING,
        ComponentType.GENERIC,
        true,
        List.of(),
        List.of(),
        "",
        Instant.EPOCH);
  }

  @Override
  public void restart(String component) {
    calls.add("restart " + component);
  }

  @Override
  public void stop(String component) {
    calls.add("stop " + component);
    if (component.equals("stubborn")) {
      throw new NucleusException("STOP_FAILED", "stubborn does not stop");
    }
  }

  @Override
  public void reportState(String component, String state) {
    calls.add(component + " " + state);
  }

  @Override
  public Optional<String> componentOfToken(String token) {
    return Optional.ofNullable(tokens.get(token));
  }

  @Override
  public void pause(String component) {
    if (calls.contains("pause " + component)) {
      throw new NucleusException("INVALID_STATE", component + " is paused already");
    }
    calls.add("pause " + component);
  }

  @Override
  public void resume(String component) {
    calls.add("resume " + component);
  }

  @Override
  public Token issueToken(String principal) {
    String text = "ISSUED" + tokens.size();
    tokens.put(text, principal);
    return new Token() {
      @Override
      public String text() {
        return text;
      }

      @Override
      public void close() {
        tokens.remove(text);
      }
    };
  }

  @Override
  public ObjectNode configuration(String component) {
    return component(component);
  }

  @Override
  public void updateConfiguration(
      String component, List<String> path, JsonNode value, Instant timestamp) {
    if (timestamp.isBefore(changes.getOrDefault(component, Instant.MIN))) {
      throw new ConfigurationConflictException("the stored value is newer");
    }
    changes.put(component, timestamp);
    ObjectNode update = (ObjectNode) value;
    for (String key : path.reversed()) {
      ObjectNode outer = JSON.createObjectNode();
      outer.set(key, update);
      update = outer;
    }
    ObjectNode merge = update;
    configurations.compute(component, (name, old) -> ConfigurationMerge.merge(old, merge));
    List<String> changed = new ArrayList<>(path);
    value.propertyNames().stream().findFirst().ifPresent(changed::add);
    for (Watch watch : watches) {
      int common = Math.min(watch.path.size(), changed.size());
      if (watch.component.equals(component)
          && watch.path.subList(0, common).equals(changed.subList(0, common))) {
        watch.listener.changed(component, changed);
      }
    }
  }

  @Override
  public AccessControl accessControl() {
    Map<String, JsonNode> blocks = new ConcurrentHashMap<>();
    configurations.forEach((name, c) -> blocks.put(name, c.path("accessControl")));
    return AccessControl.parse(blocks);
  }

  @Override
  public Subscription onConfigurationChange(
      String component, List<String> path, ConfigurationListener listener) {
    Watch watch = new Watch(component, path, listener);
    watches.add(watch);
    return () -> watches.remove(watch);
  }

  @Override
  public Subscription onStateChange(Consumer<ComponentStatus> listener) {
    return () -> {};
  }

  @Override
  public CoreIdentity identity() {
    throw new UnsupportedOperationException();
  }

  @Override
  public NucleusConfiguration nucleus() {
    throw new UnsupportedOperationException();
  }

  @Override
  public Path root() {
    return root;
  }

  @Override
  public ObjectNode component(String name) {
    ObjectNode found = configurations.get(name);
    return found == null ? JSON.createObjectNode() : found.deepCopy();
  }

  @Override
  public Optional<JsonNode> find(String component, List<String> path) {
    JsonNode node = configurations.get(component);
    for (String key : path) {
      node = node == null ? null : node.get(key);
    }
    return Optional.ofNullable(node).map(JsonNode::deepCopy);
  }

  @Override
  public ObjectNode effective() {
    throw new UnsupportedOperationException();
  }

  @Override
  public PublishResult publishToAllOrNone(Message m) {
    return publish(m);
  }

  @Override
  public PublishResult publish(Message m) {
    int targets = 0;
    for (Local each : local) {
      boolean mine = each.who.equals(m.source());
      if (Topics.matches(each.filter, m.topic()) && (each.own || !mine)) {
        targets++;
        deliveries.execute(() -> each.receiver.receive(m));
      }
    }
    return new PublishResult(targets, targets, 0, 0, null);
  }

  @Override
  public void addRoutes(String name, RouteSource r) {}

  @Override
  public void removeRoutes(String name) {}

  @Override
  public void attach(Participant p, Receiver r, int capacity) {}

  @Override
  public void detach(Participant p) {}

  @Override
  public void alsoCalled(Participant p, Participant name) {}

  @Override
  public Subscription subscribe(Participant who, String filter, boolean own, Receiver r) {
    Local subscription = new Local(who, filter, own, r);
    local.add(subscription);
    return () -> local.remove(subscription);
  }

  @Override
  public BusMetrics metrics() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void submit(DeploymentRequest r) {}

  @Override
  public void submit(LocalDeployment d) {}

  @Override
  public void cancel(String origin, String id) {}

  @Override
  public List<DeploymentRecord> recent() {
    return List.of();
  }

  @Override
  public void consult(UpdateConsent asked) {
    consent = asked;
  }

  @Override
  public void publish(String topic, byte[] payload, int qos) {
    if (topic.equals("spool/full")) {
      throw new CloudMessagingException("SPOOLER_FULL", "The spool is full");
    }
    published.add(new CloudMessage(topic, payload, qos));
  }

  @Override
  public AutoCloseable subscribe(String filter, int qos, Consumer<CloudMessage> c) {
    CloudSubscription subscription = new CloudSubscription(filter, qos, c);
    cloud.add(subscription);
    return () -> cloud.remove(subscription);
  }

  @Override
  public boolean connected() {
    return connected;
  }
}
