package io.ryegrass.bench.cloud;

import io.ryegrass.awssignature.Credentials;
import io.ryegrass.bench.report.BenchFailed;
import io.ryegrass.bench.report.Memory;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A cloud on free ports, from its start to its end by SIGTERM. */
final class CloudProgram implements AutoCloseable {
  static final String REGION = "us-east-1";
  private static final int START_SECONDS = 60;
  private static final Pattern READY =
      Pattern.compile("ryegrass cloud ready: api=(\\S+) https=\\S+ mqtt=(\\S+):(\\d+)");
  private static final ConcurrentLinkedQueue<CloudProgram> RUNNING = new ConcurrentLinkedQueue<>();

  private final Process process;
  private final Path data;
  private final long startedNanos;
  private final CompletableFuture<Matcher> ready = new CompletableFuture<>();
  private final StringBuffer complaints = new StringBuffer();

  private CloudProgram(Process process, Path data, long startedNanos) {
    this.process = process;
    this.data = data;
    this.startedNanos = startedNanos;
  }

  /** The command of {@code ./ryegrass cloud}; its options follow. */
  static List<String> launcher(Path home) {
    return List.of(home.resolve("ryegrass").toString(), "cloud");
  }

  /** Starts the program with a data folder of its own and free ports. */
  static CloudProgram start(List<String> launcher, Path data, String... options) {
    List<String> command = new ArrayList<>(launcher);
    command.addAll(List.of("--data", data.toString()));
    command.addAll(List.of("--api-port=0", "--https-port=0", "--mqtt-port=0"));
    command.addAll(List.of(options));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("RYEGRASS_NO_BUILD", "1");
    long start = System.nanoTime();
    try {
      CloudProgram cloud = new CloudProgram(builder.start(), data, start);
      RUNNING.add(cloud);
      Thread.ofPlatform().daemon().name("cloud-output").start(cloud::read);
      return cloud;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start " + String.join(" ", launcher), e);
    }
  }

  private void read() {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String line;
      while ((line = lines.readLine()) != null) {
        Matcher told = READY.matcher(line);
        if (told.find()) {
          ready.complete(told);
        } else if (!line.contains(" INFO ") && complaints.length() < 10_000) {
          complaints.append(line).append('\n');
        }
      }
    } catch (IOException e) {
      complaints.append(e.getMessage());
    }
    ready.completeExceptionally(new BenchFailed("the cloud ended: " + complaints));
  }

  /** Waits until the cloud says where it is. */
  private Matcher told() {
    try {
      return ready.get(START_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new BenchFailed("the cloud did not become ready: " + complaints, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchFailed("interrupted", e);
    }
  }

  /** Its API, with the first access key; waits until the cloud is ready. */
  Api api() {
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
    return (System.nanoTime() - startedNanos) / 1e6;
  }

  /** What it wrote that is no line of information: nothing, when all is well. */
  String complaints() {
    return complaints.toString();
  }

  double cpuSeconds() {
    return Memory.cpuSeconds(process.pid());
  }

  double pssMegabytes() {
    return Memory.pssMegabytes(process.pid());
  }

  /** Files, sockets included, that the process may have open. */
  int openFilesLimit() {
    return Memory.openFilesLimit(process.pid());
  }

  static void closeAll() {
    new ArrayList<>(RUNNING).forEach(CloudProgram::close);
  }

  @Override
  public void close() {
    RUNNING.remove(this);
    process.destroy();
    try {
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  /** Deletes a folder and all that is in it; what cannot be deleted stays. */
  static void delete(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    try (var all = Files.walk(folder)) {
      for (Path p : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(p);
      }
    } catch (IOException | UncheckedIOException e) {
      System.err.println("bench cloud: " + folder + " stays behind: " + e.getMessage());
    }
  }
}
