package io.ryegrass.bench.mqtt;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * The ratios to the other brokers, and whether the engine is as good as it wants to be.
 *
 * <p>Throughput is compared per CPU core used (deliveries for each CPU second of the broker's
 * process), because a broker that spreads over both cores takes the generator's away here. With
 * many publishers or subscribers it must be at least mosquitto's and p99 at most mosquitto's; one
 * to one, 0.8 of mosquitto's throughput suffices. Both Java brokers must be behind everywhere.
 */
final class Goals {
  private static final String OURS = "ryegrass";
  private static final double HEAP_PER_SESSION = 12 * 1024;

  private final Results results;
  private final List<String> peers;
  private final PrintStream out;
  private int missed;

  Goals(Results results, List<String> peers, PrintStream out) {
    this.results = results;
    this.peers = peers.stream().filter(p -> !p.equals(OURS) && !p.equals(Peers.REFLECTOR)).toList();
    this.out = out;
  }

  void ratios(List<Scenario> scenarios) {
    for (Scenario s : scenarios) {
      for (String peer : peers) {
        ratio(s.name() + ".ratio." + peer, s.name(), "throughput", peer);
        ratio(s.name() + ".ratio_per_cpu." + peer, s.name(), "per_cpu", peer);
        ratio(s.name() + ".ratio_p99." + peer, s.name(), "p99", peer);
        if (peer.equals("mosquitto")) {
          sameRate(s.name())
              .ifPresent(
                  r ->
                      Results.line(
                          out, "mqtt." + s.name() + ".ratio_p99_same_rate." + peer, r, "x"));
        }
      }
    }
    for (String what : List.of("connect.plain", "connect.tls")) {
      for (String peer : peers) {
        ratio(what + ".ratio." + peer, what, "rate", peer);
      }
    }
  }

  /** How many were missed. */
  int table(List<Scenario> scenarios) {
    out.printf(
        Locale.ROOT,
        "%n# %-26s %10s %9s %9s %9s %9s %9s %9s %9s %9s  goals%n",
        "ryegrass against",
        "msg/s",
        "mosq",
        "mosq/cpu",
        "p99 ms",
        "same rate",
        "mosq p99",
        "hivemq",
        "moquette",
        "lost");
    for (Scenario s : scenarios) {
      if (results.median(s.name() + "." + OURS + ".throughput").isPresent()) {
        row(s);
      }
    }
    for (String transport : List.of("plain", "tls")) {
      memory(transport);
    }
    return missed;
  }

  private void row(Scenario s) {
    String name = s.name();
    List<String> misses = new ArrayList<>();
    double least = s.shape().equals("1to1") ? 0.8 : 1;
    OptionalDouble perCpu = of(name, "per_cpu", "mosquitto");
    if (perCpu.isPresent() && perCpu.getAsDouble() < least) {
      misses.add("mosquitto per core");
    }
    OptionalDouble p99 = of(name, "p99", "mosquitto");
    if (least == 1 && p99.isPresent() && p99.getAsDouble() > 1) {
      OptionalDouble same = sameRate(name);
      boolean behind = same.isEmpty() || same.getAsDouble() > 1;
      misses.add(behind ? "mosquitto p99" : "mosquitto p99 (ahead at its rate)");
    }
    for (String peer : List.of("hivemq", "moquette")) {
      OptionalDouble throughput = of(name, "throughput", peer);
      if (throughput.isPresent() && throughput.getAsDouble() < 1) {
        misses.add(peer);
      }
    }
    missed += misses.isEmpty() ? 0 : 1;
    out.printf(
        Locale.ROOT,
        "# %-26s %10s %9s %9s %9s %9s %9s %9s %9s %9s  %s%n",
        name,
        say(results.median(name + "." + OURS + ".throughput"), ""),
        say(of(name, "throughput", "mosquitto"), "x"),
        say(perCpu, "x"),
        say(results.median(name + "." + OURS + ".p99"), ""),
        say(results.median(name + "." + OURS + ".p99_at_mosquitto_rate"), ""),
        say(results.median(name + ".mosquitto.p99"), ""),
        say(of(name, "throughput", "hivemq"), "x"),
        say(of(name, "throughput", "moquette"), "x"),
        say(results.median(name + "." + OURS + ".lost"), ""),
        misses.isEmpty() ? "met" : "MISSED: " + String.join(", ", misses));
  }

  /** Our p99 at mosquitto's rate by mosquitto's p99. */
  private OptionalDouble sameRate(String scenario) {
    return results.ratio(
        scenario + "." + OURS + ".p99_at_mosquitto_rate", scenario + ".mosquitto.p99");
  }

  private void memory(String transport) {
    OptionalDouble heap = results.median("idle." + transport + "." + OURS + ".heap_per_session");
    if (heap.isPresent()) {
      goal(
          "heap per idle " + transport + " session",
          Results.number(heap.getAsDouble()) + " B of at most " + (int) HEAP_PER_SESSION,
          heap.getAsDouble() <= HEAP_PER_SESSION);
    }
    OptionalDouble share =
        results.ratio(
            "idle." + transport + ".2500." + OURS + ".pss",
            "idle." + transport + ".2500.hivemq.pss");
    if (share.isPresent()) {
      goal(
          "PSS with 2500 idle " + transport,
          Results.number(share.getAsDouble()) + " of HiveMQ CE's, at most 0.333",
          share.getAsDouble() <= 1 / 3.0);
    }
  }

  private void goal(String what, String value, boolean met) {
    missed += met ? 0 : 1;
    out.printf("# %-37s %s  %s%n", what, value, met ? "met" : "MISSED");
  }

  private OptionalDouble of(String scenario, String figure, String peer) {
    return results.ratio(
        scenario + "." + OURS + "." + figure, scenario + "." + peer + "." + figure);
  }

  private void ratio(String name, String scenario, String figure, String peer) {
    of(scenario, figure, peer).ifPresent(r -> Results.line(out, "mqtt." + name, r, "x"));
  }

  private static String say(OptionalDouble value, String unit) {
    return value.isPresent() ? Results.number(value.getAsDouble()) + unit : "-";
  }
}
