package io.ryegrass.bench.mqtt;

import io.ryegrass.bench.report.Arguments;
import io.ryegrass.bench.report.UsageException;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/** What {@code ./ryegrass bench mqtt} was asked to do. */
record Options(
    List<String> peers,
    Pattern only,
    int rounds,
    double seconds,
    int[] payloads,
    boolean quick,
    boolean pin) {
  static final String USAGE =
      """
      usage: ./ryegrass bench mqtt [options]

      Measures the MQTT engine side by side with other brokers and prints 'name value unit' lines,
      ratios and a table of goals.

        --quick          one short round, idle connections with TLS only: about 3 minutes, rough figures
        --only REGEX     only what the expression is found in: 1to100, qos1, tls, connect, idle, ...
        --rounds N       rounds, interleaved over the brokers; the median counts (default 3)
        --seconds S      length of each measurement (default 3)
        --peers A,B,...  of ryegrass, mosquitto, hivemq, moquette (all), reflector (no broker: what the
                         load generator itself can do)
        --payload BYTES  one size instead of 100 and 10240
        --pin            brokers on the first core, the load generator on the second
      """;

  static Options parse(String[] args) throws UsageException {
    List<String> peers = Peers.BROKERS;
    Pattern only = Pattern.compile("");
    int rounds = 0;
    double seconds = 0;
    int[] payloads = Scenario.PAYLOADS;
    boolean quick = false;
    boolean pin = false;
    Arguments given = new Arguments("mqtt", args);
    while (given.next()) {
      switch (given.option()) {
        case "--quick" -> quick = true;
        case "--pin" -> pin = true;
        case "--only" -> only = given.pattern();
        case "--rounds" -> rounds = (int) given.number(1, 100);
        case "--seconds" -> seconds = given.number(0.1, 600);
        case "--payload" -> payloads = new int[] {(int) given.number(20, 100_000)};
        case "--peers" -> peers = peers(given.value());
        default -> throw given.unknown();
      }
    }
    return new Options(
        peers,
        only,
        rounds > 0 ? rounds : quick ? 1 : 3,
        seconds > 0 ? seconds : quick ? 0.3 : 3,
        payloads,
        quick,
        pin);
  }

  boolean wants(String name) {
    return only.matcher(name).find();
  }

  private static List<String> peers(String text) throws UsageException {
    List<String> named = Arrays.asList(text.split(","));
    for (String name : named) {
      if (!Peers.BROKERS.contains(name) && !name.equals(Peers.REFLECTOR)) {
        throw new UsageException(
            "--peers knows "
                + String.join(", ", Peers.BROKERS)
                + " and "
                + Peers.REFLECTOR
                + ", not '"
                + name
                + "'");
      }
    }
    return named;
  }
}
