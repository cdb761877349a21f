package io.ryegrass.bench.mqtt;

import io.ryegrass.bench.mqtt.ProcFs.CpuTime;
import io.ryegrass.bench.report.UsageException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** {@code ./ryegrass bench mqtt}: {@link Options#USAGE} is the whole interface. */
public final class MqttBenchMain {
  private static final String MOSQUITTO = "mosquitto";

  private final Options options;
  private final Peers peers;
  private final SSLContext tls;
  private final Results results = new Results();
  private final Map<String, String> ciphers = new TreeMap<>();
  private final Map<String, Double> mosquittoRates = new HashMap<>();
  private final List<Scenario> scenarios;

  /** What must be stopped, also when the user stops the benchmark. */
  private final ConcurrentLinkedQueue<Broker> running = new ConcurrentLinkedQueue<>();

  private int runs;

  private MqttBenchMain(Options options, Peers peers, SSLContext tls) {
    this.options = options;
    this.peers = peers;
    this.tls = tls;
    this.scenarios =
        Scenario.all(options.payloads()).stream().filter(s -> options.wants(s.name())).toList();
  }

  /** Exit code 0 when everything was measured, 1 when something failed, 2 for wrong arguments. */
  public static void main(String[] args) throws InterruptedException {
    if (List.of(args).contains("--help") || List.of(args).contains("-h")) {
      System.out.print(Options.USAGE);
      return;
    }
    try {
      Options options = Options.parse(args);
      Path home = Path.of(System.getProperty("ryegrass.home", ".")).toAbsolutePath();
      Path work = Files.createTempDirectory("ryegrass-bench-mqtt-");
      Certificates certificates = Certificates.make(work.resolve("certificates"));
      if (options.pin()) {
        pinGenerator();
      }
      fineTimers();
      Peers peers = new Peers(home, work, certificates, options.pin());
      MqttBenchMain bench = new MqttBenchMain(options, peers, certificates.clientContext());
      Runtime.getRuntime()
          .addShutdownHook(new Thread(() -> bench.running.forEach(Broker::close), "stop-brokers"));
      bench.measure(System.out);
      remove(work);
      System.exit(0);
    } catch (UsageException e) {
      System.err.println("bench mqtt: " + e.getMessage());
      System.exit(2);
    } catch (IOException e) {
      System.err.println("bench mqtt: " + e.getMessage());
      System.exit(1);
    }
  }

  private void measure(PrintStream out) throws IOException, InterruptedException {
    note("load of the machine before: " + load());
    if (!scenarios.isEmpty() || options.wants("connect.plain") || options.wants("connect.tls")) {
      List<Broker> brokers = new ArrayList<>();
      for (String name : options.peers()) {
        brokers.add(start(name));
      }
      brokers.sort(Comparator.comparing(b -> !b.name().equals(MOSQUITTO)));
      traffic(brokers);
      brokers.forEach(this::stop);
    }
    Idle idle = new Idle(results, this::start, this::stop, tls, options);
    for (boolean encrypted : new boolean[] {false, true}) {
      idle.measure(encrypted);
    }
    note("load of the machine after: " + load());
    results.print(out);
    ciphers.forEach((name, cipher) -> out.println("# " + name + " " + cipher));
    if (options.peers().contains("ryegrass")) {
      Goals goals = new Goals(results, options.peers(), out);
      goals.ratios(scenarios);
      int missed = goals.table(scenarios);
      out.println("# goals missed: " + missed);
    }
  }

  private void traffic(List<Broker> brokers) throws IOException {
    warmUp(brokers);
    for (int round = 1; round <= options.rounds(); round++) {
      for (Scenario scenario : scenarios) {
        for (Broker broker : brokers) {
          if (broker.serves(scenario.tls())) {
            scenario(round, scenario, broker);
          }
        }
      }
      for (boolean encrypted : new boolean[] {false, true}) {
        for (Broker broker : brokers) {
          connects(round, encrypted, broker);
        }
      }
    }
  }

  /** The generator and the brokers in Java compile what they need before anything counts. */
  private void warmUp(List<Broker> brokers) {
    double seconds = options.quick() ? 0.5 : 2;
    for (Broker broker : brokers) {
      for (Scenario s :
          List.of(
              new Scenario(1, 1, 1, 100, false),
              new Scenario(50, 1, 0, 100, false),
              new Scenario(1, 100, 1, 100, false),
              new Scenario(1, 1, 0, 10_240, true))) {
        if (!scenarios.isEmpty() && broker.serves(s.tls())) {
          try (Loop loop = new Loop();
              Traffic traffic = traffic(s, loop, broker)) {
            traffic.saturate(0, seconds);
          } catch (IOException e) {
            note(broker.name() + " failed to warm up with " + s.name() + ": " + e.getMessage());
          }
        }
      }
    }
  }

  private Traffic traffic(Scenario scenario, Loop loop, Broker broker) throws IOException {
    Clients clients = new Clients(loop, broker.address(scenario.tls()), context(scenario.tls()));
    return new Traffic(scenario, loop, clients, broker.stats(), "r" + runs++);
  }

  private void scenario(int round, Scenario scenario, Broker broker) throws IOException {
    String name = scenario.name() + "." + broker.name() + ".";
    double seconds = options.seconds();
    try (Loop loop = new Loop();
        Traffic traffic = traffic(scenario, loop, broker)) {
      ciphers.put(broker.name() + " " + (scenario.tls() ? "tls" : "plain"), traffic.security());
      CpuTime own = ProcFs.self().cpu();
      CpuTime machine = ProcFs.machine();
      CpuTime brokers = broker.stats().cpu();
      long start = System.nanoTime();
      Traffic.Throughput flood = traffic.saturate(seconds / 4, seconds);
      if (flood.perSecond() == 0 || flood.cpu().seconds() == 0) {
        throw new IOException("nothing was delivered in " + seconds + " s");
      }
      double elapsed = (System.nanoTime() - start) / 1e9;
      double generator = ProcFs.self().cpu().minus(own).seconds() / elapsed;
      double ours = generator + broker.stats().cpu().minus(brokers).seconds() / elapsed;
      double others = ProcFs.machine().minus(machine).seconds() / elapsed - ours;
      Traffic.Latency paced = traffic.pace(flood.perSecond() / 2, seconds / 6, seconds);
      sameRate(round, scenario, broker, traffic, flood.perSecond());
      double deliveries = flood.perSecond() * flood.seconds();
      results.add(name + "throughput", flood.perSecond(), "msg/s");
      results.add(name + "lost", flood.lost(), "msg");
      results.add(name + "dropped_connections", flood.dropped(), "connections");
      results.add(name + "cpu", flood.cpu().seconds() * 1e6 / deliveries, "s/Mmsg");
      results.add(name + "per_cpu", deliveries / flood.cpu().seconds(), "msg/cpu-s");
      results.add(name + "cores", flood.cpu().seconds() / flood.seconds(), "cores");
      results.add(name + "generator_cores", generator, "cores");
      results.add(name + "other_cores", Math.max(0, others), "cores");
      results.add(name + "p50", paced.p50() / 1e6, "ms");
      results.add(name + "p99", paced.p99() / 1e6, "ms");
      results.add(name + "paced_achieved", paced.achieved() / paced.offered(), "of-offered");
      note(
          String.format(
              Locale.ROOT,
              "%d %-38s %8.0f msg/s  broker %.2f + generator %.2f + others %.2f cores  p50 %7.3f p99 %7.3f ms  lost %d  dropped %d  load %s",
              round,
              name,
              flood.perSecond(),
              flood.cpu().seconds() / flood.seconds(),
              generator,
              others,
              paced.p50() / 1e6,
              paced.p99() / 1e6,
              flood.lost(),
              flood.dropped(),
              load()));
    } catch (IOException e) {
      results.add(name + "failed", 1, "runs");
      note(round + " " + name + " failed: " + e.getMessage());
    }
  }

  /** The engine at half of mosquitto's throughput as well: latencies at one rate compare best. */
  private void sameRate(
      int round, Scenario scenario, Broker broker, Traffic traffic, double perSecond)
      throws IOException {
    if (broker.name().equals(MOSQUITTO)) {
      mosquittoRates.put(scenario.name() + round, perSecond / 2);
    }
    Double rate = mosquittoRates.get(scenario.name() + round);
    if (broker.name().equals("ryegrass") && rate != null) {
      Traffic.Latency paced = traffic.pace(rate, options.seconds() / 6, options.seconds());
      String name = scenario.name() + "." + broker.name() + ".";
      results.add(name + "p50_at_mosquitto_rate", paced.p50() / 1e6, "ms");
      results.add(name + "p99_at_mosquitto_rate", paced.p99() / 1e6, "ms");
    }
  }

  private void connects(int round, boolean encrypted, Broker broker) throws IOException {
    String name = "connect." + (encrypted ? "tls" : "plain");
    if (!options.wants(name) || !broker.serves(encrypted)) {
      return;
    }
    try (Loop loop = new Loop()) {
      Clients clients = new Clients(loop, broker.address(encrypted), context(encrypted));
      double seconds = Math.max(1, options.seconds());
      clients.connectsPerSecond("w" + runs++ + "-", seconds / 4);
      CpuTime before = broker.stats().cpu();
      double rate = clients.connectsPerSecond("c" + runs++ + "-", seconds);
      double cpu = broker.stats().cpu().minus(before).seconds() * 1e3 / (rate * seconds);
      results.add(name + "." + broker.name() + ".rate", rate, "connects/s");
      results.add(name + "." + broker.name() + ".cpu", cpu, "ms/connect");
      note(
          String.format(
              Locale.ROOT,
              "%d %s.%s %.0f connects/s, %.3f CPU ms each",
              round,
              name,
              broker.name(),
              rate,
              cpu));
    } catch (IOException e) {
      results.add(name + "." + broker.name() + ".failed", 1, "runs");
      note(round + " " + name + "." + broker.name() + " failed: " + e.getMessage());
    }
  }

  private @Nullable SSLContext context(boolean encrypted) {
    return encrypted ? tls : null;
  }

  private Broker start(String name) throws IOException, InterruptedException {
    Broker broker = peers.start(name);
    running.add(broker);
    return broker;
  }

  private void stop(Broker broker) {
    broker.close();
    running.remove(broker);
  }

  private static void pinGenerator() throws IOException, InterruptedException {
    String pid = Long.toString(ProcessHandle.current().pid());
    Process taskset =
        new ProcessBuilder("taskset", "-a", "-p", "-c", "1", pid).redirectErrorStream(true).start();
    String said = new String(taskset.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (taskset.waitFor() != 0) {
      throw new IOException("taskset cannot pin the load generator: " + said.strip());
    }
  }

  /** Short rests of the pacing loop last as long as asked, not 50 microseconds more (prctl(2)). */
  private static void fineTimers() {
    try {
      Path thread = Files.readSymbolicLink(Path.of("/proc/thread-self")).getFileName();
      Files.writeString(Path.of("/proc", thread.toString(), "timerslack_ns"), "1000");
    } catch (IOException e) {
      note("timers stay coarse by 50 microseconds: " + e.getMessage());
    }
  }

  private static void remove(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  private static String load() {
    try {
      return Files.readString(Path.of("/proc/loadavg")).split(" ")[0];
    } catch (IOException e) {
      return "unknown";
    }
  }

  private static void note(String text) {
    System.err.println("  " + text);
  }
}
