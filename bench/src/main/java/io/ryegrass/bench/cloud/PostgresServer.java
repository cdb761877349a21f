package io.ryegrass.bench.cloud;

import io.ryegrass.bench.report.BenchFailed;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Debian's PostgreSQL with a cluster of its own, which waits for the disk as a real one does. */
final class PostgresServer implements AutoCloseable {
  private static final int START_SECONDS = 60;
  private static final String USER = "bench";

  private final Process process;
  private final int port;

  private PostgresServer(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  /** Empty where PostgreSQL is not installed. */
  static Optional<PostgresServer> start(Path folder) throws IOException, InterruptedException {
    Optional<Path> programs = programs();
    if (programs.isEmpty()) {
      return Optional.empty();
    }
    Path data = Files.createDirectories(folder).resolve("data");
    List<String> as = new ArrayList<>();
    if ("root".equals(System.getProperty("user.name"))) { // it refuses to run as root
      Path work = folder.toAbsolutePath().getParent();
      if (work != null && !work.toFile().setExecutable(true, false)) {
        throw new BenchFailed("user postgres cannot be let into " + work);
      }
      run(List.of("chown", "postgres:postgres", folder.toString()));
      as.addAll(List.of("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"));
    }
    List<String> initdb = new ArrayList<>(as);
    initdb.addAll(
        List.of(programs.get().resolve("initdb").toString(), "-D", data.toString(), "-U", USER));
    initdb.addAll(List.of("--auth=trust", "-E", "UTF8", "--locale=C.UTF-8"));
    run(initdb);
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      port = free.getLocalPort();
    }
    List<String> command = new ArrayList<>(as);
    command.addAll(
        List.of(programs.get().resolve("postgres").toString(), "-D", data.toString(), "-p"));
    command.addAll(
        List.of(
            String.valueOf(port),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories="));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    PostgresServer server = new PostgresServer(process, port);
    server.awaitPort();
    return Optional.of(server);
  }

  /** The newest of Debian's folder, where they are beside each other. */
  private static Optional<Path> programs() throws IOException {
    Path all = Path.of("/usr/lib/postgresql");
    if (!Files.isDirectory(all)) {
      return Optional.empty();
    }
    try (Stream<Path> versions = Files.list(all)) {
      return versions
          .filter(v -> Files.isExecutable(v.resolve("bin/initdb")))
          .max(Comparator.comparingInt(v -> Integer.parseInt(v.getFileName().toString())))
          .map(v -> v.resolve("bin"));
    }
  }

  private void awaitPort() throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
    while (true) {
      try (Socket open = new Socket(InetAddress.getByName("127.0.0.1"), port)) {
        return; // the cloud itself waits while the server is starting up
      } catch (IOException e) {
        if (System.nanoTime() > end || !process.isAlive()) {
          process.destroy();
          throw new BenchFailed("PostgreSQL did not start", e);
        }
        TimeUnit.MILLISECONDS.sleep(20);
      }
    }
  }

  String url() {
    return "jdbc:postgresql://127.0.0.1:" + port + "/postgres?user=" + USER;
  }

  private static void run(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new BenchFailed(String.join(" ", command) + " failed: " + said.strip());
    }
  }

  /** Ends it at once; its folder is the benchmark's to delete. */
  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
