package io.ryegrass.demo;

import io.ryegrass.awssignature.Credentials;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** The demo's folders, ports and programs. */
public final class World {
  public static final String CORE = "demo-core";
  static final String REGION = "us-east-1";
  static final String ACCOUNT = "000000000000";

  private final Path home;
  private final Path folder;
  private final int apiPort = freePort(9080);
  private final int httpsPort = freePort(8443);
  private final int mqttPort = freePort(8883);
  private final int localMqttPort = freePort(0);
  private final int lambdaIpcPort = freePort(0);
  private final List<Program> programs = new ArrayList<>();
  private @Nullable Program cloud;
  private @Nullable Program core;
  private final @Nullable Path aotCaches;
  private int logNumber;

  /**
   * @param aotCaches where cloud and core shall leave an AOT cache of what they loaded, or null for
   *     an ordinary run
   */
  public World(Path home, Path folder, @Nullable Path aotCaches) {
    this.home = home;
    this.folder = folder;
    this.aotCaches = aotCaches;
    try {
      Files.createDirectories(logs());
      Files.createDirectories(recipes());
      for (String recipe : List.of("recipe.yaml", "recipe-broken.yaml")) {
        Files.copy(
            home.resolve("examples/hello-component").resolve(recipe), recipes().resolve(recipe));
      }
    } catch (IOException e) {
      throw new StepFailed("cannot write to " + folder + ": " + e.getMessage(), e);
    }
  }

  Path home() {
    return home;
  }

  Path folder() {
    return folder;
  }

  Path logs() {
    return folder.resolve("logs");
  }

  Path cloudData() {
    return folder.resolve("cloud");
  }

  /** The demo's own copies of the example's recipes. */
  Path recipes() {
    return folder.resolve("recipes");
  }

  Path coreRoot() {
    return folder.resolve("core");
  }

  int apiPort() {
    return apiPort;
  }

  int httpsPort() {
    return httpsPort;
  }

  int mqttPort() {
    return mqttPort;
  }

  int localMqttPort() {
    return localMqttPort;
  }

  int lambdaIpcPort() {
    return lambdaIpcPort;
  }

  public AwsCli aws() {
    return new AwsCli(home.resolve("ryegrass"), cloudData());
  }

  public AwsApi api() {
    Map<String, String> keys = new HashMap<>();
    for (String line : read(cloudData().resolve("credentials")).lines().toList()) {
      int equals = line.indexOf('=');
      if (equals > 0) {
        keys.put(line.substring(0, equals).strip(), line.substring(equals + 1).strip());
      }
    }
    return new AwsApi(
        URI.create("http://127.0.0.1:" + apiPort),
        REGION,
        new Credentials(
            keys.getOrDefault("aws_access_key_id", ""),
            keys.getOrDefault("aws_secret_access_key", ""),
            null));
  }

  String rootCa() {
    return read(coreRoot().resolve("certs/root-ca.pem"));
  }

  static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new StepFailed("cannot read " + file + ": " + e, e);
    }
  }

  public String startCloud() {
    cloud =
        start(
            "cloud",
            "cloud",
            "--data",
            cloudData().toString(),
            "--api-port",
            "" + apiPort,
            "--https-port",
            "" + httpsPort,
            "--mqtt-port",
            "" + mqttPort);
    return cloud.awaitLine("ryegrass cloud ready:", Duration.ofSeconds(60));
  }

  public String startCore() {
    core = start("core", "core", "--root", coreRoot().toString());
    return core.awaitLine("ryegrass core ready:", Duration.ofSeconds(60));
  }

  void killCloud() {
    running(cloud).kill();
  }

  void killCore() {
    running(core).kill();
  }

  /** SIGTERM, and waits for the end. */
  public void stopCloud() {
    running(cloud).stop();
  }

  /** SIGTERM, and waits for the end. */
  public void stopCore() {
    running(core).stop();
  }

  public long cloudPid() {
    return running(cloud).pid();
  }

  public long corePid() {
    return running(core).pid();
  }

  private static Program running(@Nullable Program program) {
    if (program == null) {
      throw new StepFailed("the program was never started");
    }
    return program;
  }

  /** {@code ./ryegrass provision}, which ends by itself; its last line says what was made. */
  String provision(String... arguments) {
    List<String> command = new ArrayList<>(List.of("provision", "--data", cloudData().toString()));
    command.addAll(List.of(arguments));
    return start("provision", command.toArray(String[]::new)).awaitSuccess(Duration.ofSeconds(60));
  }

  private Program start(String name, String... arguments) {
    List<String> command = new ArrayList<>(List.of(home.resolve("ryegrass").toString()));
    command.addAll(List.of(arguments));
    Map<String, String> environment =
        new HashMap<>(
            Map.of(
                "RYEGRASS_NO_BUILD",
                "1",
                // as root, components are run only as somebody who was named
                "RYEGRASS_COMPONENT_DEFAULT_USER",
                System.getProperty("user.name")));
    if (aotCaches != null && !name.equals("provision")) {
      environment.put(
          "RYEGRASS_JVM_OPTIONS",
          "-XX:AOTCacheOutput="
              + aotCaches.resolve(name + ".aot")
              + " -Xlog:aot*=off"
              + (name.equals("core") ? " -XX:-AOTClassLinking" : ""));
    }
    Program program = Program.start(name + "-" + ++logNumber, logs(), environment, command);
    programs.add(program);
    return program;
  }

  public void stopAll() {
    for (Program program : programs.reversed()) {
      if (program.isAlive()) {
        program.stop();
      }
    }
  }

  void explain() {
    System.out.printf(
        """

        Cloud and core stay up until Ctrl-C. Look around from another terminal:
          export RYEGRASS_DATA=%s
          ./ryegrass aws greengrassv2 list-core-devices
          ./ryegrass aws greengrassv2 list-installed-components --core-device-thing-name %s
          ./ryegrass aws greengrass list-groups
          tail -f %s/logs/*.log
        """,
        cloudData(), CORE, coreRoot());
  }

  /**
   * The wanted port when nobody has it, else another one. None of those that Linux gives to
   * connections: a program takes its port later, and again after it was killed.
   */
  private static int freePort(int wanted) {
    int port = wanted;
    for (int attempt = 0; attempt < 100; attempt++) {
      if (port > 0 && isFree(port)) {
        return port;
      }
      port = ThreadLocalRandom.current().nextInt(20_000, 32_000);
    }
    throw new StepFailed("no free port between 20000 and 32000 on 127.0.0.1");
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
      return socket.isBound();
    } catch (IOException e) {
      return false;
    }
  }
}
