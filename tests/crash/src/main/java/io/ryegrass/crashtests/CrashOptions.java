package io.ryegrass.crashtests;

import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The command line, read. */
record CrashOptions(
    int rounds,
    int onlyWorld,
    int lanes,
    int worldRounds,
    boolean keepGoing,
    @Nullable Path dir,
    Broker broker,
    Settings settings) {

  /**
   * @param own the options
   * @param java the command line that starts our engine, up to its main class
   * @throws IllegalArgumentException with a sentence for the user
   */
  static CrashOptions parse(List<String> own, List<String> java) {
    Reader r = new Reader(own, java);
    r.read();
    return r.options();
  }

  int firstWorld() {
    return onlyWorld > 0 ? onlyWorld : 1;
  }

  /** How many rounds this world has, 0 when there is no such world; worlds count from 1. */
  int roundsOf(int world) {
    if (onlyWorld > 0 && world != onlyWorld) {
      return 0;
    }
    int left = rounds - (world - 1) * worldRounds;
    return onlyWorld > 0 ? worldRounds : Math.clamp(left, 0, worldRounds);
  }

  private static final class Reader {
    private final Iterator<String> words;
    private final List<String> java;
    private int rounds = 200;
    private int world;
    private int lanes = Math.min(2, Runtime.getRuntime().availableProcessors());
    private int worldRounds = 20;
    private int drainEvery = 5;
    private int messages = 300;
    private int compactAfter = 60_000;
    private int qos = 2;
    private long seed = System.currentTimeMillis() % 1_000_000;
    private boolean keepGoing;
    private boolean orderly;
    private @Nullable Path dir;
    private String broker = "ryegrass";
    private List<Version> versions = List.of(Version.values());

    Reader(List<String> own, List<String> java) {
      this.words = own.iterator();
      this.java = java;
    }

    void read() {
      if (!words.hasNext() || !words.next().equals("mqtt")) {
        throw new IllegalArgumentException("say what is to be killed: mqtt");
      }
      while (words.hasNext()) {
        String option = words.next();
        switch (option) {
          case "--rounds" -> rounds = number(option, 1, 1_000_000);
          case "--seed" -> seed = number(option, 0, Integer.MAX_VALUE);
          case "--world" -> world = number(option, 1, 1_000_000);
          case "--qos" -> qos = number(option, 0, 2);
          case "--lanes" -> lanes = number(option, 1, 64);
          case "--world-rounds" -> worldRounds = number(option, 1, 1_000);
          case "--drain-every" -> drainEvery = number(option, 1, 1_000);
          case "--messages" -> messages = number(option, 10, 100_000);
          case "--compact-after" -> compactAfter = number(option, 1, Integer.MAX_VALUE);
          case "--orderly" -> orderly = true;
          case "--keep-going" -> keepGoing = true;
          case "--dir" -> dir = Path.of(value(option)).toAbsolutePath();
          case "--broker" -> broker = value(option);
          case "--mqtt" -> versions = versions(value(option));
          default -> throw new IllegalArgumentException("there is no option " + option);
        }
      }
    }

    CrashOptions options() {
      return new CrashOptions(
          rounds,
          world,
          world > 0 ? 1 : lanes,
          worldRounds,
          keepGoing,
          dir,
          broker(),
          new Settings(seed, drainEvery, messages, qos, versions, orderly));
    }

    private Broker broker() {
      return switch (broker) {
        case "mosquitto" -> new Brokers.Mosquitto(true);
        case "mosquitto-memory" -> new Brokers.Mosquitto(false);
        case "ryegrass" -> {
          if (java.isEmpty()) {
            throw new IllegalArgumentException(
                "the command line of the engine is missing after --");
          }
          yield new Brokers.Ryegrass(java, null, compactAfter, true);
        }
        default -> throw new IllegalArgumentException("there is no broker " + broker);
      };
    }

    private static List<Version> versions(String name) {
      return switch (name) {
        case "3.1.1" -> List.of(Version.V3_1_1);
        case "5" -> List.of(Version.V5);
        case "both" -> List.of(Version.values());
        default -> throw new IllegalArgumentException("--mqtt is 3.1.1, 5 or both");
      };
    }

    private String value(String option) {
      if (!words.hasNext()) {
        throw new IllegalArgumentException(option + " needs a value");
      }
      return words.next();
    }

    private int number(String option, int least, int most) {
      String word = value(option);
      if (!word.matches("\\d{1,10}")
          || Long.parseLong(word) < least
          || Long.parseLong(word) > most) {
        throw new IllegalArgumentException(
            option + " needs a number from " + least + " to " + most + ", not '" + word + "'");
      }
      return Integer.parseInt(word);
    }
  }
}
