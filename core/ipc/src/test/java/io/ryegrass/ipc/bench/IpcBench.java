package io.ryegrass.ipc.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.LongAdder;

/**
 * Prints {@code name value unit} lines: local pub/sub, round trips, configuration, connection
 * set-up. Run after {@code mvn -pl core/ipc test-compile} with the module's test class path:
 *
 * <pre>java -cp ... io.ryegrass.ipc.bench.IpcBench [sdk|raw|all] [seconds per load]</pre>
 *
 * The server runs with the JVM options of {@code dist/launcher/lib.sh}; {@code RYEGRASS_BENCH_JVM}
 * replaces them.
 */
public final class IpcBench {
  private static final int WINDOW = 32;
  private static final String CORE_OPTIONS =
      "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+UseCompactObjectHeaders -Xms8m -Xmx40m -Xmn3m"
          + " -XX:MinHeapFreeRatio=5 -XX:MaxHeapFreeRatio=15 -Xss512k"
          + " -XX:ReservedCodeCacheSize=24m";

  private final Path socket;
  private final List<String> tokens;
  private final Process server;
  private final double seconds;

  private IpcBench(Path socket, List<String> tokens, Process server, double seconds) {
    this.socket = socket;
    this.tokens = tokens;
    this.server = server;
    this.seconds = seconds;
  }

  /** See the class. */
  public static void main(String[] args) throws Exception {
    // the SDK tells of each connection
    java.util.logging.LogManager.getLogManager().reset();
    String clients = args.length > 0 ? args[0] : "all";
    double seconds = args.length > 1 ? Double.parseDouble(args[1]) : 3;
    Path root = Files.createTempDirectory("ipcbench");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    String options = System.getenv().getOrDefault("RYEGRASS_BENCH_JVM", CORE_OPTIONS);
    command.addAll(Arrays.asList(options.strip().split("\\s+")));
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-cp"));
    command.add(System.getProperty("java.class.path"));
    command.addAll(List.of(BenchServer.class.getName(), root.toString()));
    Process server =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try {
      BufferedReader out =
          new BufferedReader(
              new InputStreamReader(server.getInputStream(), StandardCharsets.UTF_8));
      List<String> tokens = new ArrayList<>();
      String line;
      while ((line = out.readLine()) != null && !line.equals("ready")) {
        tokens.add(line);
      }
      Path socket = root.resolve("ipc.socket");
      IpcBench bench = new IpcBench(socket, tokens, server, seconds);
      bench.memory("at_start");
      if (!clients.equals("sdk")) {
        bench.raw();
      }
      if (!clients.equals("raw")) {
        bench.sdk();
      }
      bench.memory("after_load");
      server.getOutputStream().write('\n');
      server.getOutputStream().flush();
      System.out.println(out.readLine());
    } finally {
      server.getOutputStream().close();
      server.waitFor();
    }
  }

  private static void report(String name, double value, String unit) {
    System.out.println(String.format(Locale.ROOT, "%-44s %12.2f %s", name, value, unit));
  }

  private void memory(String when) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + server.pid() + "/smaps_rollup"))) {
      if (line.startsWith("Pss:")) {
        report("pss_" + when, Double.parseDouble(line.replaceAll("\\D", "")) / 1024, "MB");
      }
    }
  }

  // --- bare sockets

  private void raw() throws Exception {
    rawPubSub("raw_pubsub_100B_1_1", 1, 1, 100);
    rawPubSub("raw_pubsub_100B_1_10", 1, 10, 100);
    rawPubSub("raw_pubsub_100B_10_1", 10, 1, 100);
    rawPubSub("raw_pubsub_10KB_1_1", 1, 1, 10_000);
    rawPubSub("raw_pubsub_10KB_1_10", 1, 10, 10_000);
    rawPubSub("raw_pubsub_10KB_10_1", 10, 1, 10_000);
    rawRoundTrip();
    rawCalls("raw_get_configuration", "GetConfiguration", "{\"keyPath\":[\"inner\"]}");
    rawCalls(
        "raw_update_configuration",
        "UpdateConfiguration",
        "{\"keyPath\":[\"inner\"],\"timestamp\":4000000000,\"valueToMerge\":{\"depth\":2}}");
    rawConnect();
  }

  private void rawPubSub(String name, int publishers, int subscribers, int size) throws Exception {
    String topic = "bench/" + name;
    LongAdder delivered = new LongAdder();
    List<RawClient> clients = new ArrayList<>();
    for (int i = 0; i < subscribers; i++) {
      RawClient client = RawClient.connect(socket, tokens.get(i));
      clients.add(client);
      client.write(
          client.request(
              "SubscribeToTopic",
              "{\"topic\":\"" + topic + "\",\"receiveMode\":\"RECEIVE_ALL_MESSAGES\"}"));
      client.skipFrame();
      daemon(
          () -> {
            while (true) {
              client.skipFrame();
              delivered.increment();
            }
          });
    }
    String json =
        "{\"topic\":\""
            + topic
            + "\",\"publishMessage\":{\"binaryMessage\":{\"message\":\""
            + Base64.getEncoder().encodeToString(new byte[size])
            + "\"}}}";
    long start = System.nanoTime();
    long stop = start + (long) (seconds * 1e9);
    List<Thread> threads = new ArrayList<>();
    LongAdder published = new LongAdder();
    for (int i = 0; i < publishers; i++) {
      RawClient client = RawClient.connect(socket, tokens.get(20 + i));
      clients.add(client);
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      published.add(pump(client, "PublishToTopic", json, stop));
                    } catch (Exception e) {
                      throw new IllegalStateException(e);
                    }
                  }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    double took = finish(start, delivered, published.sum() * subscribers);
    report(name + "_deliveries", delivered.sum() / took, "/s");
    if (delivered.sum() < published.sum() * subscribers) {
      report(name + "_dropped", published.sum() * subscribers - delivered.sum(), "messages");
    }
    for (RawClient client : clients) {
      client.close();
    }
  }

  /** Waits until all arrived, or nothing more does for a second; returns the seconds it took. */
  private static double finish(long start, LongAdder delivered, long expected)
      throws InterruptedException {
    long before = -1;
    long since = System.nanoTime();
    while (delivered.sum() < expected) {
      long now = delivered.sum();
      if (now != before) {
        before = now;
        since = System.nanoTime();
      } else if (System.nanoTime() - since > 1_000_000_000L) {
        return (since - start) / 1e9;
      }
      Thread.sleep(2);
    }
    return (System.nanoTime() - start) / 1e9;
  }

  private interface Work {
    void run() throws Exception;
  }

  private static void daemon(Work work) {
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              try {
                work.run();
              } catch (Exception e) {
                // the connection was closed: this load is over
                Thread.currentThread().interrupt();
              }
            });
  }

  /** Keeps {@link #WINDOW} requests in flight until the time is over; returns how many. */
  private static long pump(RawClient client, String operation, String json, long stop)
      throws Exception {
    RawClient.Template template = client.new Template(operation, json);
    Semaphore room = new Semaphore(WINDOW);
    daemon(
        () -> {
          while (true) {
            client.skipFrame();
            room.release();
          }
        });
    long sent = 0;
    while (System.nanoTime() < stop) {
      room.acquire();
      client.write(template.next());
      sent++;
    }
    room.acquire(WINDOW);
    return sent;
  }

  private void rawRoundTrip() throws Exception {
    try (RawClient client = RawClient.connect(socket, tokens.get(0))) {
      RawClient.Template template =
          client
          .new Template(
              "PublishToTopic",
              "{\"topic\":\"bench/none\",\"publishMessage\":{\"binaryMessage\":{\"message\":\"AAAA\"}}}");
      int rounds = (int) (seconds * 2000);
      long[] took = new long[rounds];
      for (int i = -500; i < rounds; i++) {
        long start = System.nanoTime();
        client.write(template.next());
        client.skipFrame();
        if (i >= 0) {
          took[i] = System.nanoTime() - start;
        }
      }
      percentiles("raw_round_trip", took);
    }
  }

  private static void percentiles(String name, long[] nanos) {
    Arrays.sort(nanos);
    report(name + "_p50", nanos[nanos.length / 2] / 1e6, "ms");
    report(name + "_p99", nanos[nanos.length * 99 / 100] / 1e6, "ms");
  }

  private void rawCalls(String name, String operation, String json) throws Exception {
    try (RawClient client = RawClient.connect(socket, tokens.get(0))) {
      client.write(client.request(operation, json));
      String first = client.readFrame();
      if (!first.contains(operation + "Response")) {
        throw new IllegalStateException(first);
      }
      long start = System.nanoTime();
      long calls = pump(client, operation, json, start + (long) (seconds * 1e9));
      report(name, calls * 1e9 / (System.nanoTime() - start), "/s");
    }
  }

  private void rawConnect() throws Exception {
    int rounds = 500;
    long[] took = new long[rounds];
    for (int i = -100; i < rounds; i++) {
      long start = System.nanoTime();
      RawClient.connect(socket, tokens.get(0)).close();
      if (i >= 0) {
        took[i] = System.nanoTime() - start;
      }
    }
    percentiles("raw_connect", took);
  }

  // --- AWS's SDK

  private void sdk() throws Exception {
    sdkPubSub("sdk_pubsub_100B_1_1", 1, 1, 100);
    sdkPubSub("sdk_pubsub_100B_1_10", 1, 10, 100);
    sdkPubSub("sdk_pubsub_100B_10_1", 10, 1, 100);
    sdkPubSub("sdk_pubsub_10KB_1_1", 1, 1, 10_000);
    sdkPubSub("sdk_pubsub_10KB_1_10", 1, 10, 10_000);
    sdkPubSub("sdk_pubsub_10KB_10_1", 10, 1, 10_000);
    try (SdkClient client = new SdkClient(socket, tokens.get(0))) {
      int rounds = (int) (seconds * 2000);
      long[] took = new long[rounds];
      for (int i = -500; i < rounds; i++) {
        long start = System.nanoTime();
        client.publishOnce("bench/none", new byte[3]);
        if (i >= 0) {
          took[i] = System.nanoTime() - start;
        }
      }
      percentiles("sdk_round_trip", took);
      int calls = (int) (seconds * 20_000);
      client.get(calls / 4, WINDOW);
      long start = System.nanoTime();
      client.get(calls, WINDOW);
      report("sdk_get_configuration", calls * 1e9 / (System.nanoTime() - start), "/s");
      client.update(calls / 10, WINDOW);
      start = System.nanoTime();
      client.update(calls / 2, WINDOW);
      report("sdk_update_configuration", calls / 2 * 1e9 / (System.nanoTime() - start), "/s");
    }
    int rounds = 200;
    long[] took = new long[rounds];
    for (int i = -50; i < rounds; i++) {
      long start = System.nanoTime();
      SdkClient client = new SdkClient(socket, tokens.get(0));
      if (i >= 0) {
        took[i] = System.nanoTime() - start;
      }
      client.close();
    }
    percentiles("sdk_connect", took);
  }

  private void sdkPubSub(String name, int publishers, int subscribers, int size) throws Exception {
    String topic = "bench/" + name;
    LongAdder delivered = new LongAdder();
    List<SdkClient> clients = new ArrayList<>();
    for (int i = 0; i < subscribers; i++) {
      SdkClient client = new SdkClient(socket, tokens.get(i));
      clients.add(client);
      client.subscribe(topic, delivered);
    }
    int messages = (int) (seconds * (size > 1000 ? 2_000 : 10_000)) / (subscribers > 1 ? 2 : 1);
    byte[] payload = new byte[size];
    long start = System.nanoTime();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < publishers; i++) {
      SdkClient client = new SdkClient(socket, tokens.get(20 + i));
      clients.add(client);
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      client.publish(topic, payload, messages / publishers, WINDOW);
                    } catch (Exception e) {
                      throw new IllegalStateException(e);
                    }
                  }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    long expected = (long) (messages / publishers) * publishers * subscribers;
    double took = finish(start, delivered, expected);
    report(name + "_deliveries", delivered.sum() / took, "/s");
    if (delivered.sum() < expected) {
      report(name + "_dropped", expected - delivered.sum(), "messages");
    }
    for (SdkClient client : clients) {
      client.close();
    }
  }
}
