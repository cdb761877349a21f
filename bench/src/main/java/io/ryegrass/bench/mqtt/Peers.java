package io.ryegrass.bench.mqtt;

import java.io.File;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How each broker is started, and with which settings.
 *
 * <ul>
 *   <li><b>ryegrass</b>: {@code ./ryegrass mqtt} as shipped, with the JVM options of its launcher.
 *   <li><b>mosquitto</b>: the distribution's package, no persistence, errors logged only. Off its
 *       defaults in its own favour: {@code set_tcp_nodelay true} (every other broker here sends
 *       without Nagle's delay), {@code max_inflight_messages 100} (as many as the generator's
 *       publishers have) and {@code max_queued_messages 100000} (with its 1,000 it throws QoS 1
 *       messages away in 50 to 1, though no more than 500 are under way).
 *   <li><b>hivemq</b>, <b>moquette</b>: embedded in a main of their own ({@code bench/peer-*}), in
 *       memory, queues wide enough not to drop; the JVM's default collector, and the same greatest
 *       heap as ryegrass.
 *   <li><b>reflector</b>: no broker. It passes bytes on without reading more than it must, and so
 *       shows what the generator itself can do.
 * </ul>
 *
 * <p>All start once and serve all scenarios, so that the JVMs are warm; who is not measured is
 * idle.
 */
final class Peers {
  static final List<String> BROKERS = List.of("ryegrass", "mosquitto", "hivemq", "moquette");
  static final String REFLECTOR = "reflector";

  private static final Duration START = Duration.ofSeconds(60);
  private static final Pattern MAX_HEAP = Pattern.compile("-Xmx\\w+");

  private final Path home;
  private final Path work;
  private final Certificates certificates;
  private final boolean pin;
  private String maxHeap = "-Xmx256m";
  private int started;

  Peers(Path home, Path work, Certificates certificates, boolean pin) {
    this.home = home;
    this.work = work;
    this.certificates = certificates;
    this.pin = pin;
  }

  Broker start(String name) throws IOException, InterruptedException {
    Path folder = Files.createDirectories(work.resolve(name + "-" + started++));
    int port = freePort();
    int tlsPort = freePort();
    List<String> command =
        switch (name) {
          case "ryegrass" -> ryegrass(port, tlsPort);
          case "mosquitto" -> mosquitto(folder, port, tlsPort);
          case "hivemq" -> embedded(folder, name, "HiveMqPeer", port, tlsPort);
          case "moquette" -> embedded(folder, name, "MoquettePeer", port, tlsPort);
          case REFLECTOR -> reflector(port);
          default -> throw new IllegalArgumentException(name);
        };
    boolean tls =
        name.equals("ryegrass") ? command.contains("--tls-port") : !name.equals(REFLECTOR);
    if (pin) {
      command.addAll(0, List.of("taskset", "-c", "0"));
    }
    Path log = folder.resolve("log");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    builder.environment().put("RYEGRASS_NO_BUILD", "1");
    Broker broker =
        new Broker(
            name,
            builder.start(),
            port,
            tls ? Optional.of(tlsPort) : Optional.empty(),
            !name.equals("mosquitto"),
            log);
    await(broker);
    if (name.equals("ryegrass")) {
      Matcher shipped = MAX_HEAP.matcher(broker.stats().commandLine());
      maxHeap = shipped.find() ? shipped.group() : maxHeap;
    }
    return broker;
  }

  private List<String> ryegrass(int port, int tlsPort) throws IOException, InterruptedException {
    String launcher = home.resolve("ryegrass").toString();
    List<String> command = list(launcher, "mqtt", "--port", "" + port, "--anonymous");
    ProcessBuilder asked = new ProcessBuilder(launcher, "mqtt", "--help").redirectErrorStream(true);
    asked.environment().put("RYEGRASS_NO_BUILD", "1");
    Process help = asked.start();
    String options = new String(help.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    help.waitFor();
    if (options.contains("--tls-port")) {
      command.addAll(List.of("--tls-port", "" + tlsPort));
      command.addAll(List.of("--cert", certificates.serverCertificate().toString()));
      command.addAll(List.of("--key", certificates.serverKey().toString()));
      command.addAll(List.of("--ca", certificates.ca().toString()));
    }
    return command;
  }

  private List<String> mosquitto(Path folder, int port, int tlsPort) throws IOException {
    Path configuration = folder.resolve("mosquitto.conf");
    String user = System.getProperty("user.name").equals("root") ? "user root\n" : "";
    Files.writeString(
        configuration,
        user
            + """
            persistence false
            allow_anonymous true
            log_type error
            set_tcp_nodelay true
            max_inflight_messages 100
            max_queued_messages 100000
            listener %d 127.0.0.1
            listener %d 127.0.0.1
            cafile %s
            certfile %s
            keyfile %s
            require_certificate true
            """
                .formatted(
                    port,
                    tlsPort,
                    certificates.ca(),
                    certificates.serverCertificate(),
                    certificates.serverKey()));
    Path installed = Path.of("/usr/sbin/mosquitto");
    String program = Files.isExecutable(installed) ? installed.toString() : "mosquitto";
    return list(program, "-c", configuration.toString());
  }

  private List<String> embedded(Path folder, String name, String main, int port, int tlsPort)
      throws IOException {
    Path target = home.resolve("bench/peer-" + name + "/target");
    if (!Files.isDirectory(target.resolve("lib"))) {
      throw new IOException(
          name + " is not built; run 'mvn -f bench/peer-" + name + "/pom.xml package'");
    }
    return list(
        java(),
        maxHeap,
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-cp",
        target.resolve("peer-" + name + "-1.jar")
            + File.pathSeparator
            + target.resolve("lib")
            + "/*",
        "io.ryegrass.bench.peer." + main,
        folder.toString(),
        "" + port,
        "" + tlsPort,
        certificates.keyStore().toString(),
        certificates.trustStore().toString(),
        Certificates.PASSWORD);
  }

  private static List<String> reflector(int port) {
    return list(
        java(),
        "-XX:+UseSerialGC",
        "-cp",
        System.getProperty("java.class.path"),
        ReflectorMain.class.getName(),
        "" + port);
  }

  private static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  private static List<String> list(String... words) {
    return new ArrayList<>(List.of(words));
  }

  /**
   * None of those that Linux gives to connections: the program takes it only when it has started.
   */
  private static int freePort() throws IOException {
    for (int attempt = 0; attempt < 100; attempt++) {
      int port = ThreadLocalRandom.current().nextInt(20_000, 32_000);
      try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1"))) {
        return socket.getLocalPort();
      } catch (BindException e) {
        continue; // somebody has it
      }
    }
    throw new IOException("no free port between 20000 and 32000");
  }

  private static void await(Broker broker) throws IOException, InterruptedException {
    long end = System.nanoTime() + START.toNanos();
    for (boolean tls :
        broker.tlsPort().isPresent() ? new boolean[] {false, true} : new boolean[1]) {
      InetSocketAddress address = broker.address(tls);
      while (!answers(address)) {
        if (!broker.process().isAlive() || System.nanoTime() > end) {
          broker.close();
          throw new IOException(
              String.format(
                  Locale.ROOT,
                  "%s did not start on port %d: %s",
                  broker.name(),
                  address.getPort(),
                  broker.lastWords()));
        }
        Thread.sleep(50);
      }
    }
  }

  private static boolean answers(InetSocketAddress address) {
    try (Socket socket = new Socket()) {
      socket.connect(address, 1000);
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
