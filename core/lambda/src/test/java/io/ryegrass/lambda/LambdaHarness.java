package io.ryegrass.lambda;

import static org.awaitility.Awaitility.await;

import io.ryegrass.model.ComponentVersion;
import io.ryegrass.model.Recipe;
import io.ryegrass.model.Topics;
import io.ryegrass.nucleus.BuiltInContext;
import io.ryegrass.nucleus.Bus;
import io.ryegrass.nucleus.BusMetrics;
import io.ryegrass.nucleus.CloudMessage;
import io.ryegrass.nucleus.CloudMessaging;
import io.ryegrass.nucleus.CloudPorts;
import io.ryegrass.nucleus.ComponentBody;
import io.ryegrass.nucleus.ComponentInstance;
import io.ryegrass.nucleus.ComponentLog;
import io.ryegrass.nucleus.Components;
import io.ryegrass.nucleus.ConfigTree;
import io.ryegrass.nucleus.CoreIdentity;
import io.ryegrass.nucleus.Message;
import io.ryegrass.nucleus.NucleusConfiguration;
import io.ryegrass.nucleus.Participant;
import io.ryegrass.nucleus.PublishResult;
import io.ryegrass.nucleus.Receiver;
import io.ryegrass.nucleus.RouteSource;
import io.ryegrass.nucleus.StateReporter;
import io.ryegrass.nucleus.Subscription;
import io.ryegrass.nucleus.bus.LocalBus;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A core as far as functions see it: the real manager with real processes, on a bus whose
 * subscription table the test writes. {@link #call} is a caller with a token of its own, as another
 * function would have.
 */
final class LambdaHarness implements AutoCloseable {
  static final Path RUNTIMES = Path.of("../../runtimes").toAbsolutePath().normalize();
  static final JsonMapper JSON = JsonMapper.shared();
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  final Path root;
  final TestBus bus = new TestBus();
  final TestCloud cloud = new TestCloud();
  final List<String> log = new CopyOnWriteArrayList<>();
  final LambdaManager manager;
  final Map<String, Deployed> deployed = new LinkedHashMap<>();
  private final AtomicInteger tokens = new AtomicInteger();
  final ObjectNode managerConfiguration = JSON.createObjectNode();

  LambdaHarness(Path root) {
    this(root, Duration.ofSeconds(20));
  }

  /**
   * @param moduleLoopGrace after which a module that still runs counts as running; long where a
   *     test is about something else, for a loaded machine loads slowly
   */
  LambdaHarness(Path root, Duration moduleLoopGrace) {
    this(root, moduleLoopGrace, Duration.ofSeconds(20));
  }

  LambdaHarness(Path root, Duration moduleLoopGrace, Duration initialisationLimit) {
    this.root = root;
    // Functions run as whoever runs the tests.
    managerConfiguration.put("allowFunctionsToRunAsRoot", "yes");
    this.manager =
        new LambdaManager(
            new LambdaSettings(
                RUNTIMES,
                Clock.systemUTC(),
                initialisationLimit,
                moduleLoopGrace,
                Duration.ofSeconds(2),
                Duration.ofSeconds(10),
                Duration.ofMillis(50)));
    manager.start(context());
  }

  /** Sets members of the manager's configuration. */
  void configure(Map<String, ?> members) {
    members.forEach((k, v) -> managerConfiguration.set(k, JSON.valueToTree(v)));
  }

  /** A function component and what it reported. */
  record Deployed(ComponentBody body, TestReporter reporter, String arn, Path code) {
    Deployed awaitRunning() {
      await().atMost(Duration.ofSeconds(30)).until(() -> reporter.states.contains("RUNNING"));
      return this;
    }
  }

  static final class TestReporter implements StateReporter {
    final List<String> states = new CopyOnWriteArrayList<>();

    @Override
    public void running() {
      states.add("RUNNING");
    }

    @Override
    public void finished() {
      states.add("FINISHED");
    }

    @Override
    public void errored(String code, String reason) {
      states.add("ERRORED " + code + " " + reason);
    }
  }

  static String arn(String name) {
    return "arn:aws:lambda:us-east-1:000000000000:function:" + name + ":1";
  }

  /** Deploys Python code; the configuration can be changed before it is read. */
  Deployed deploy(String name, String handler, String code, Consumer<ObjectNode> change) {
    ObjectNode c = JSON.createObjectNode();
    c.put("lambdaArn", arn(name)).put("runtime", "python3.8").put("handler", handler);
    c.put("pinned", false).put("timeoutInSeconds", 30).put("containerMode", "NoContainer");
    change.accept(c);
    Path unarchived = root.resolve("packages/artifacts-unarchived").resolve(name).resolve("1.0.0");
    Path folder = unarchived.resolve("lambda");
    Path work = root.resolve("work").resolve(name);
    try {
      Files.createDirectories(folder);
      Files.createDirectories(work);
      Files.writeString(folder.resolve("main.py"), code);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    Recipe recipe =
        Recipe.parse(
            ("RecipeFormatVersion: '2020-01-25'\nComponentName: "
                    + name
                    + "\nComponentVersion: 1.0.0\nComponentType: aws.greengrass.lambda\n"
                    + "Manifests:\n  - Artifacts:\n      - URI: greengrass:lambda.zip\n        Unarchive: ZIP\n")
                .getBytes(StandardCharsets.UTF_8));
    ComponentLog componentLog = (level, text) -> log.add(level + " " + text);
    ComponentBody body =
        manager.create(
            new ComponentInstance(
                name,
                ComponentVersion.parse("1.0.0"),
                recipe,
                JSON.createObjectNode(),
                c,
                work,
                root.resolve("packages/artifacts"),
                unarchived,
                System.getProperty("user.name"),
                Map.of("AWS_REGION", "us-east-1"),
                "svcuid",
                componentLog));
    TestReporter reporter = new TestReporter();
    Deployed d = new Deployed(body, reporter, arn(name), folder);
    deployed.put(name, d);
    body.install();
    body.start(reporter);
    return d;
  }

  Deployed deploy(String name, String handler, String code) {
    return deploy(name, handler, code, c -> {});
  }

  /** A token of a living worker, as a function in the group would hold. */
  String callerToken() {
    LambdaManager.Running running = manager.running();
    Worker caller =
        running.newWorker(
            new FunctionPool(
                FunctionConfiguration.read(
                    "caller",
                    JSON.createObjectNode().put("lambdaArn", arn("caller")).put("handler", "x.y")),
                LambdaSettings.of(RUNTIMES),
                (PoolSurroundings)
                    Proxy.newProxyInstance(
                        getClass().getClassLoader(),
                        new Class<?>[] {PoolSurroundings.class},
                        (p, m, a) ->
                            switch (m.getName()) {
                              case "timer" -> running.timer();
                              case "limits" -> running.limits();
                              default -> null;
                            })),
            "caller",
            "caller-0");
    return caller.token();
  }

  record Answer(int status, String error, String body) {
    JsonNode json() {
      return JSON.readTree(body);
    }
  }

  /** Invokes a function and waits for its result. */
  Answer call(String targetArn, String payload) {
    String token = callerToken();
    HttpResponse<String> posted =
        http(
            "POST",
            "/2016-11-01/functions/" + targetArn,
            token,
            payload,
            Map.of("X-Amz-Invocation-Type", "RequestResponse"));
    if (posted.statusCode() != 200) {
      return new Answer(posted.statusCode(), "", posted.body());
    }
    String id = posted.headers().firstValue("X-Amz-InvocationId").orElseThrow();
    HttpResponse<String> result =
        http(
            "GET",
            "/2016-11-01/functions/" + targetArn,
            token,
            "",
            Map.of("X-Amz-InvocationId", id));
    return new Answer(
        result.statusCode(),
        result.headers().firstValue("X-Amz-Function-Error").orElse(""),
        result.body());
  }

  HttpResponse<String> http(
      String method, String path, String token, String body, Map<String, String> headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + manager.port() + path))
            .timeout(Duration.ofSeconds(30))
            .method(method, HttpRequest.BodyPublishers.ofString(body));
    if (!token.isEmpty()) {
      request.header("Authorization", token);
    }
    headers.forEach(request::header);
    try {
      return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  static String clientContext(String json) {
    return Base64.getEncoder().encodeToString(json.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public void close() {
    deployed.values().forEach(d -> d.body().stop(Duration.ofMillis(300)));
    manager.stop();
  }

  // ---- the core around it

  BuiltInContext context() {
    ConfigTree config =
        stub(
            ConfigTree.class,
            Map.of(
                "identity",
                a -> new CoreIdentity("core-1", root, root, root),
                "nucleus",
                a -> stub(NucleusConfiguration.class, Map.of("lambdaIpcPort", b -> 0))));
    Components components =
        stub(
            Components.class,
            Map.of(
                "issueToken",
                a -> {
                  String text = "token-" + tokens.incrementAndGet() + "-" + UUID.randomUUID();
                  return new Components.Token() {
                    @Override
                    public String text() {
                      return text;
                    }

                    @Override
                    public void close() {}
                  };
                }));
    CloudPorts offline = CloudPorts.offline();
    CloudPorts ports =
        new CloudPorts(
            offline.catalog(),
            offline.artifacts(),
            cloud,
            offline.reporter(),
            offline.fleet(),
            offline.credentials());
    Logger logger = LoggerFactory.getLogger("test");
    return stub(
        BuiltInContext.class,
        Map.of(
            "bus", a -> bus,
            "config", a -> config,
            "components", a -> components,
            "cloud", a -> ports,
            "root", a -> root,
            "work", a -> root.resolve("work/aws.greengrass.LambdaManager"),
            "configuration", a -> managerConfiguration,
            "onConfigurationChanged", a -> JSON,
            "log", a -> logger));
  }

  @SuppressWarnings("unchecked")
  private static <T> T stub(Class<T> type, Map<String, Function<Object[], Object>> methods) {
    return (T)
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              Function<Object[], Object> answer = methods.get(method.getName());
              if (answer == null) {
                throw new UnsupportedOperationException(method.toString());
              }
              Object value = answer.apply(arguments);
              return method.getReturnType() == void.class ? null : value;
            });
  }

  /** The cloud as a list of subscriptions. */
  static final class TestCloud implements CloudMessaging {
    final Map<String, Consumer<CloudMessage>> subscriptions = new ConcurrentHashMap<>();

    @Override
    public void publish(String topic, byte[] payload, int qos) {}

    @Override
    public AutoCloseable subscribe(String filter, int qos, Consumer<CloudMessage> c) {
      subscriptions.put(filter, c);
      return () -> subscriptions.remove(filter);
    }

    @Override
    public boolean connected() {
      return true;
    }
  }

  /** The core's bus, with a subscription table that the test writes, and what came by. */
  static final class TestBus implements Bus {
    record Rule(String source, String filter, Participant target) {}

    final List<Rule> rules = new CopyOnWriteArrayList<>();
    final Map<Participant, Receiver> attached = new ConcurrentHashMap<>();
    final Map<String, Receiver> subscribed = new ConcurrentHashMap<>();
    final List<Message> published = new CopyOnWriteArrayList<>();
    private final LocalBus bus = new LocalBus(CloudPorts.offline().messaging());

    TestBus() {
      bus.addRoutes("rules", this::targets);
    }

    private void targets(Message m, Consumer<Participant> to) {
      for (Rule rule : rules) {
        if (rule.source().equals(m.source().id()) && Topics.matches(rule.filter(), m.topic())) {
          to.accept(rule.target());
        }
      }
    }

    @Override
    public PublishResult publish(Message m) {
      published.add(m);
      return bus.publish(m);
    }

    @Override
    public PublishResult publishToAllOrNone(Message m) {
      published.add(m);
      return bus.publishToAllOrNone(m);
    }

    @Override
    public void addRoutes(String name, RouteSource r) {
      bus.addRoutes(name, r);
    }

    @Override
    public void removeRoutes(String name) {
      bus.removeRoutes(name);
    }

    @Override
    public void attach(Participant p, Receiver r, int capacity) {
      attached.put(p, r);
      bus.attach(p, r, capacity);
    }

    @Override
    public void detach(Participant p) {
      attached.remove(p);
      bus.detach(p);
    }

    @Override
    public void alsoCalled(Participant p, Participant name) {}

    @Override
    public Subscription subscribe(Participant who, String filter, boolean ownMessages, Receiver r) {
      subscribed.put(filter, r);
      return () -> subscribed.remove(filter);
    }

    @Override
    public BusMetrics metrics() {
      return bus.metrics();
    }
  }
}
