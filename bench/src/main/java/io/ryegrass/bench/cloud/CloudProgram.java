package io.ryegrass.bench.cloud;

import io.ryegrass.awssignature.Credentials;
import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Memory;
import io.ryegrass.bench.report.Program;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A cloud on free ports, from its start to its end by SIGTERM. */
public record CloudProgram(Program program, Path data) implements AutoCloseable {
  static final String REGION = "us-east-1";
  private static final String READY_PREFIX = "ryegrass cloud ready: ";
  private static final Pattern READY =
      Pattern.compile(READY_PREFIX + "api=(\\S+) https=\\S+ mqtt=(\\S+):(\\d+)");

  /** The command of {@code ./ryegrass cloud}; its options follow. */
  public static List<String> launcher(Path home) {
    return List.of(home.resolve("ryegrass").toString(), "cloud");
  }

  /** Starts the program with a data folder of its own and free ports. */
  public static CloudProgram start(List<String> launcher, Path data, String... options) {
    List<String> command = new ArrayList<>(launcher);
    command.addAll(List.of("--data", data.toString()));
    command.addAll(List.of("--api-port=0", "--https-port=0", "--mqtt-port=0"));
    command.addAll(List.of(options));
    return new CloudProgram(
        Program.start("the cloud", command, READY_PREFIX, line -> !line.contains(" INFO ")), data);
  }

  /** Waits until the cloud says where it is. */
  private Matcher told() {
    String line = program.awaitReady().line();
    Matcher told = READY.matcher(line);
    if (!told.find()) {
      throw new BenchFailed("the cloud does not say where it is: " + line);
    }
    return told;
  }

  /** Its API, with the first access key; waits until the cloud is ready. */
  public Api api() {
    URI api = URI.create(told().group(1));
    Map<String, String> keys = new HashMap<>();
    for (String line : text(data.resolve("credentials")).lines().toList()) {
      int equals = line.indexOf('=');
      if (equals > 0) {
        keys.put(line.substring(0, equals).strip(), line.substring(equals + 1).strip());
      }
    }
    return new Api(
        api.getHost(),
        api.getPort(),
        REGION,
        new Credentials(
            keys.getOrDefault("aws_access_key_id", ""),
            keys.getOrDefault("aws_secret_access_key", ""),
            null));
  }

  int mqttPort() {
    return Integer.parseInt(told().group(3));
  }

  /** The root that its device listeners' certificate comes from, PEM. */
  String rootCa() {
    return text(data.resolve("ca/ca.pem"));
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  /** Milliseconds since the start of its process. */
  double age() {
    return program.age();
  }

  /** What it wrote that is no line of information: nothing, when all is well. */
  String complaints() {
    return program.said();
  }

  public double cpuSeconds() {
    return Memory.cpuSeconds(program.pid());
  }

  double pssMegabytes() {
    return Memory.pssMegabytes(program.pid());
  }

  /** Files, sockets included, that the process may have open. */
  int openFilesLimit() {
    return Memory.openFilesLimit(program.pid());
  }

  @Override
  public void close() {
    program.close();
  }
}
