package io.ryegrass.crashtests;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The brokers that can be tested: our engine, and mosquitto as a judge of the test. */
final class Brokers {
  private static final Pattern READY = Pattern.compile("ready\\b.*\\bport=(\\d+)");
  private static final Pattern MOSQUITTO_READY = Pattern.compile("mosquitto version .* running");

  private Brokers() {}

  /**
   * Our engine.
   *
   * @param java a {@code java} command up to and including the main class
   * @param aotCache made by {@link #train}, or null
   * @param compactAfterBytes small, so that compactions are many
   */
  record Ryegrass(
      List<String> java, @Nullable Path aotCache, int compactAfterBytes, boolean shared311)
      implements Broker {
    @Override
    public String name() {
      return "ryegrass";
    }

    @Override
    public boolean oneCopy() {
      return true;
    }

    @Override
    public BrokerProcess start(Path data, Path log) throws IOException {
      List<String> command = new ArrayList<>(java);
      List<String> options = new ArrayList<>();
      // No engine lives long enough here to gain from the second compiler; its share was a fifth of
      // a run.
      options.add("-XX:TieredStopAtLevel=1");
      options.add("-Dryegrass.mqtt.compactAfterBytes=" + compactAfterBytes);
      if (aotCache != null) {
        options.addAll(List.of("-XX:AOTCache=" + aotCache, "-Xlog:aot*=off", "-Xlog:cds*=off"));
      }
      command.addAll(1, options);
      command.addAll(List.of("--port", "0", "--anonymous", "--data", data.toString()));
      return BrokerProcess.start(command, log, READY, 0);
    }

    @Override
    public boolean sharesFor(Version version) {
      return version == Version.V5 || shared311;
    }

    /**
     * The same with an AOT cache, made by one run with some traffic: a start takes half as long,
     * and a round is mostly a start. Without a cache when the run fails.
     */
    Ryegrass train(Path folder, int qos) throws IOException, InterruptedException {
      if (java.stream().anyMatch(w -> w.startsWith("-XX:AOTCache="))) {
        return this;
      }
      Path cache = folder.resolve("broker.aot");
      Path data = Files.createDirectories(folder.resolve("train"));
      List<String> command = new ArrayList<>(java);
      command.add(1, "-XX:AOTCacheOutput=" + cache);
      BrokerProcess broker =
          new Ryegrass(command, null, compactAfterBytes, shared311)
              .start(data, folder.resolve("train.log"));
      Warmup.run(broker, qos);
      broker.terminate();
      return new Ryegrass(java, Files.exists(cache) ? cache : null, compactAfterBytes, shared311);
    }
  }

  /**
   * Debian's mosquitto.
   *
   * @param persistence without it everything is gone after each kill, and the checker has to see it
   */
  record Mosquitto(boolean persistence) implements Broker {
    @Override
    public String name() {
      return "mosquitto";
    }

    @Override
    public boolean oneCopy() {
      return false;
    }

    @Override
    public BrokerProcess start(Path data, Path log) throws IOException {
      int port = freePort();
      Path file = Files.createDirectories(data).resolve("mosquitto.conf");
      Files.writeString(
          file,
          """
          listener %d 127.0.0.1
          allow_anonymous true
          user root
          max_queued_messages 0
          set_tcp_nodelay true
          persistence %s
          persistence_location %s/
          autosave_on_changes true
          autosave_interval 1
          """
              .formatted(port, persistence, data));
      return BrokerProcess.start(
          List.of("/usr/sbin/mosquitto", "-c", file.toString()), log, MOSQUITTO_READY, port);
    }

    @Override
    public boolean sharesFor(Version version) {
      // 2.0.11 forgets shared subscriptions at every restart; that is not what it is here to show.
      return false;
    }

    private static int freePort() throws IOException {
      try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        return socket.getLocalPort();
      }
    }
  }
}
