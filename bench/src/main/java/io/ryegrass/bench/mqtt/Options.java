package io.ryegrass.bench.mqtt;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

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

  /** A mistake in the arguments, as one sentence. */
  static final class UsageException extends Exception {
    UsageException(String message) {
      super(message);
    }
  }

  static Options parse(String[] args) throws UsageException {
    List<String> peers = Peers.BROKERS;
    Pattern only = Pattern.compile("");
    int rounds = 0;
    double seconds = 0;
    int[] payloads = Scenario.PAYLOADS;
    boolean quick = false;
    boolean pin = false;
    for (int i = 0; i < args.length; i++) {
      switch (args[i]) {
        case "--quick" -> quick = true;
        case "--pin" -> pin = true;
        case "--only" -> only = pattern(value(args, i++));
        case "--rounds" -> rounds = (int) number("--rounds", value(args, i++), 1, 100);
        case "--seconds" -> seconds = number("--seconds", value(args, i++), 0.1, 600);
        case "--payload" ->
            payloads = new int[] {(int) number("--payload", value(args, i++), 20, 100_000)};
        case "--peers" -> peers = peers(value(args, i++));
        default ->
            throw new UsageException(
                "there is no option '" + args[i] + "'; './ryegrass bench mqtt --help' lists them");
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

  private static String value(String[] args, int at) throws UsageException {
    if (at + 1 >= args.length) {
      throw new UsageException(args[at] + " needs a value");
    }
    return args[at + 1];
  }

  private static double number(String option, String text, double least, double most)
      throws UsageException {
    try {
      double number = Double.parseDouble(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below, as for a number out of range.
    }
    throw new UsageException(
        String.format("%s needs a number from %s to %s, not '%s'", option, least, most, text));
  }

  private static Pattern pattern(String text) throws UsageException {
    try {
      return Pattern.compile(text);
    } catch (PatternSyntaxException e) {
      throw new UsageException("--only needs a regular expression, and '" + text + "' is none");
    }
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
