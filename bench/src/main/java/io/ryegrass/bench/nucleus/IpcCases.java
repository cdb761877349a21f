package io.ryegrass.bench.nucleus;

import io.ryegrass.bench.report.Goal;
import io.ryegrass.bench.report.Report;
import io.ryegrass.bench.report.Waiting;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** What a component gets from the socket: messages, answers, connections. */
final class IpcCases {
  private static final String COMPONENT = "com.example.Bench";
  private static final String POLICY =
      """
          accessControl:
            aws.greengrass.ipc.pubsub:
              'com.example.Bench:pubsub:1': {operations: ['*'], resources: ['*']}
            aws.greengrass.ipc.mqttproxy:
              'com.example.Bench:mqttproxy:1': {operations: ['*'], resources: ['*']}
      """
          .stripTrailing();

  private final Report report;
  private final Options options;

  IpcCases(Report report, Options options) {
    this.report = report;
    this.options = options;
  }

  boolean wanted() {
    return List.of("pubsub", "round-trip", "configuration", "connect", "connections", "slow")
        .stream()
        .anyMatch(options::wants);
  }

  /** Deploys a component that may do everything; returns the token that it was started with. */
  static String deployBench(CoreProgram core) throws Exception {
    Recipes recipes = Recipes.in(core.root().resolveSibling("recipes-bench"));
    recipes.write(COMPONENT, "1.0.0", "echo $SVCUID > token; exec sleep 3600", POLICY);
    try (Operator operator = Operator.of(core)) {
      operator.deployAndAwait(recipes, Map.of(COMPONENT, "1.0.0"));
    }
    Path token = core.root().resolve("work").resolve(COMPONENT).resolve("token");
    Waiting.until("the component's token", Duration.ofSeconds(10), () -> Files.exists(token));
    return Files.readString(token).strip();
  }

  void run(CoreProgram core) throws Exception {
    String token = deployBench(core);
    Path socket = core.socket();
    LoadClient.Maker sdk = () -> SdkClient.connect(socket, token);
    LoadClient.Maker raw = () -> RawClient.connect(socket, token);
    for (String kind : List.of("sdk", "raw")) {
      LoadClient.Maker maker = kind.equals("sdk") ? sdk : raw;
      if (options.wants("pubsub")) {
        pubSub(kind, maker, core);
      }
      if (options.wants("round-trip")) {
        roundTrip(kind, maker);
      }
      if (options.wants("configuration")) {
        configuration(kind, maker);
      }
      if (options.wants("connect")) {
        connect(kind, maker);
      }
    }
    if (options.wants("connections")) {
      connections(sdk);
    }
    if (options.wants("slow")) {
      slow(socket, token, raw);
    }
  }

  private void pubSub(String kind, LoadClient.Maker maker, CoreProgram core) throws Exception {
    PubSub.ALL.getFirst().run(maker, 1); // both sides are warm then
    for (PubSub load : PubSub.ALL) {
      double before = core.cpuSeconds();
      PubSub.Outcome outcome = load.run(maker, options.seconds());
      String name = "pubsub_" + load.name() + "_" + kind;
      if (kind.equals("sdk")) {
        report.figure(name, outcome.perSecond(), "deliveries/s", Goal.atLeast(load.goal()));
      } else {
        report.figure(name, outcome.perSecond(), "deliveries/s");
      }
      report.figure(name + "_core_cpu", core.cpuSeconds() - before, "s");
      if (outcome.lost() > 0) {
        report.figure(name + "_lost", outcome.lost(), "messages");
      }
    }
  }

  private void roundTrip(String kind, LoadClient.Maker maker) throws Exception {
    try (LoadClient client = maker.connect()) {
      long[] took = new long[(int) (options.seconds() * 2000)];
      for (int i = -1000; i < took.length; i++) {
        long start = System.nanoTime();
        client.publishOnce("bench/none", new byte[100]);
        if (i >= 0) {
          took[i] = System.nanoTime() - start;
        }
      }
      report.percentiles("round_trip_" + kind, took, Goal.atMost(0.25), Goal.atMost(0.8));
    }
  }

  private void configuration(String kind, LoadClient.Maker maker) throws Exception {
    try (LoadClient client = maker.connect()) {
      client.call(LoadClient.Call.GET_CONFIGURATION, after(0.5));
    }
    call("get_configuration_" + kind, maker, LoadClient.Call.GET_CONFIGURATION, 34_000);
    call("update_configuration_" + kind, maker, LoadClient.Call.UPDATE_CONFIGURATION, 18_000);
  }

  private void call(String name, LoadClient.Maker maker, LoadClient.Call call, double goal)
      throws Exception {
    try (LoadClient client = maker.connect()) {
      long start = System.nanoTime();
      long calls = client.call(call, after(options.seconds()));
      report.figure(name, calls * 1e9 / (System.nanoTime() - start), "calls/s", Goal.atLeast(goal));
    }
  }

  private static long after(double seconds) {
    return System.nanoTime() + (long) (seconds * 1e9);
  }

  private void connect(String kind, LoadClient.Maker maker) throws Exception {
    long[] took = new long[options.quick() ? 100 : 300];
    for (int i = -50; i < took.length; i++) {
      long start = System.nanoTime();
      LoadClient client = maker.connect();
      if (i >= 0) {
        took[i] = System.nanoTime() - start;
      }
      client.close();
    }
    report.percentiles("connect_" + kind, took, Goal.atMost(2), null);
  }

  /** Two hundred at once, each heard once by all: nobody is refused, every message arrives. */
  private void connections(LoadClient.Maker maker) throws Exception {
    int count = 200;
    LongAdder heard = new LongAdder();
    List<LoadClient> clients = new ArrayList<>();
    try {
      long start = System.nanoTime();
      for (int i = 0; i < count; i++) {
        LoadClient client = maker.connect();
        clients.add(client);
        client.subscribe("bench/all", heard);
      }
      report.figure("connections_open", clients.size(), "connections", Goal.atLeast(count));
      report.figure("connections_setup", (System.nanoTime() - start) / 1e6, "ms");
      start = System.nanoTime();
      for (int i = 0; i < 50; i++) {
        clients.get(i).publishOnce("bench/all", new byte[100]);
      }
      Waiting.until(
          "50 messages at 200 connections",
          Duration.ofSeconds(30),
          () -> heard.sum() >= 50L * count);
      report.figure("connections_10000_deliveries", (System.nanoTime() - start) / 1e6, "ms");
    } finally {
      for (LoadClient client : clients) {
        client.close();
      }
    }
  }

  /** The same load with and without a subscriber who reads nothing. */
  private void slow(Path socket, String token, LoadClient.Maker maker) throws Exception {
    PubSub load = new PubSub("slow", 1, 1, 1_000, 0);
    load.run(maker, 1);
    double alone = load.run(maker, options.seconds()).perSecond();
    try (RawClient still = RawClient.connect(socket, token)) {
      still.subscribeAndStandStill("bench/slow/+");
      PubSub.Outcome beside = load.run(maker, options.seconds());
      report.figure("slow_subscriber_alone", alone, "deliveries/s");
      report.figure("slow_subscriber_beside", beside.perSecond(), "deliveries/s");
      report.figure("slow_subscriber_share", beside.perSecond() / alone, "x", Goal.atLeast(0.8));
      report.figure("slow_subscriber_lost_by_others", beside.lost(), "messages", Goal.atMost(0));
    }
  }
}
