package io.ryegrass.store.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/**
 * Debian's PostgreSQL as a child of this process, with a cluster of its own in a temporary folder.
 * One that syncs asks for a password, too, as a real one does. When this process ends, however it
 * ends, a shell that reads from it sees the end, stops the server and removes the folder.
 */
public final class PostgresProgram implements AutoCloseable {
  /** What a skipped test says. */
  public static final String MISSING = "PostgreSQL is not installed; apt-get install -y postgresql";

  public static final String USER = "ryegrass";
  public static final String PASSWORD = "pass-word-0f-the-tests";

  private static final Duration DEADLINE = Duration.ofSeconds(60);

  /** Linux gives ports from 32768 on to those who ask for any. */
  private static final int LOWEST_PORT = 20_000;

  private static final int PORTS = 10_000;
  private static final String GUARD =
      "folder=$1; shift; \"$@\" & server=$!; cat >/dev/null; kill -INT $server 2>/dev/null;"
          + " wait $server; rm -rf \"$folder\"";

  private static final AtomicInteger SCHEMAS = new AtomicInteger();

  private final Path programs;
  private final Path folder;
  private final int port;
  private final boolean syncs;
  private @Nullable Process guard;

  private PostgresProgram(Path programs, Path folder, int port, boolean syncs) {
    this.programs = programs;
    this.folder = folder;
    this.port = port;
    this.syncs = syncs;
  }

  public static boolean isInstalled() {
    return programs().isPresent();
  }

  /** The newest of /usr/lib/postgresql, where Debian puts them beside each other. */
  private static Optional<Path> programs() {
    Path all = Path.of("/usr/lib/postgresql");
    if (!Files.isDirectory(all)) {
      return Optional.empty();
    }
    try (Stream<Path> versions = Files.list(all)) {
      return versions
          .filter(v -> Files.isExecutable(v.resolve("bin/initdb")))
          .filter(v -> Files.isExecutable(v.resolve("bin/postgres")))
          .max(Comparator.comparingInt(v -> Integer.parseInt(v.getFileName().toString())))
          .map(v -> v.resolve("bin"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Makes a cluster and starts it; where PostgreSQL is not installed, the test is skipped.
   *
   * @param syncs whether commits wait for the disk, as they do outside of tests
   */
  public static PostgresProgram start(boolean syncs) {
    Optional<Path> programs = programs();
    Assumptions.assumeTrue(programs.isPresent(), MISSING);
    try {
      Path folder = Files.createTempDirectory("ryegrass-postgresql-");
      PostgresProgram program = new PostgresProgram(programs.get(), folder, freePort(), syncs);
      program.initialise();
      program.startAgain();
      return program;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A port that the kernel gives nobody who asks for any, so that nobody has it by chance between
   * now and the start, or between a kill and the next start; another process begins at another one.
   */
  private static int freePort() {
    int first = (int) (ProcessHandle.current().pid() % PORTS);
    return IntStream.range(0, PORTS)
        .map(i -> LOWEST_PORT + (first + i) % PORTS)
        .filter(PostgresProgram::isFree)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no port is free for PostgreSQL"));
  }

  private static boolean isFree(int port) {
    try (ServerSocket free = new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1"))) {
      return free.isBound();
    } catch (IOException e) {
      return false; // taken
    }
  }

  private void initialise() throws IOException {
    Path password = Files.writeString(folder.resolve("password"), PASSWORD);
    if (isRoot()) {
      run(List.of("chown", "-R", serverUser(), folder.toString()));
    }
    List<String> initdb = asServerUser();
    initdb.addAll(List.of(programs.resolve("initdb").toString(), "-D", data().toString()));
    initdb.addAll(
        List.of(
            "-U", USER, "--pwfile=" + password, "--auth=" + (syncs ? "scram-sha-256" : "trust")));
    initdb.addAll(List.of("-E", "UTF8", "--locale=C.UTF-8", "--no-sync"));
    if (Integer.parseInt(programs.getParent().getFileName().toString()) >= 15) {
      // an order of texts that is not that of their bytes, as most servers have
      initdb.addAll(List.of("--locale-provider=icu", "--icu-locale=en-US"));
    }
    run(initdb);
    Files.delete(password);
  }

  /** Starts the server, also after {@link #kill}, and waits until it lets us in. */
  public void startAgain() {
    List<String> command = new ArrayList<>(List.of("sh", "-c", GUARD, "sh", folder.toString()));
    command.addAll(asServerUser());
    command.addAll(List.of(programs.resolve("postgres").toString(), "-D", data().toString()));
    command.addAll(List.of("-p", String.valueOf(port), "-c", "listen_addresses=127.0.0.1"));
    command.addAll(List.of("-c", "unix_socket_directories=", "-c", "max_connections=60"));
    command.addAll(List.of("-c", "shared_buffers=32MB", "-c", "fsync=" + (syncs ? "on" : "off")));
    long end = System.nanoTime() + DEADLINE.toNanos();
    while (true) {
      Process started = guard;
      try {
        if (started == null || !started.isAlive()) {
          started = spawn(command);
          guard = started;
        }
        DriverManager.getConnection(url("public")).close();
        return;
      } catch (SQLException | IOException e) {
        if (System.nanoTime() > end) {
          throw new IllegalStateException("PostgreSQL did not start; it said: " + log(), e);
        }
        pause();
      }
    }
  }

  private Process spawn(List<String> command) throws IOException {
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile()))
        .start();
  }

  private String log() {
    try {
      return Files.readString(folder.resolve("log"));
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** A new, empty schema, to be reached by the URL that is returned. */
  public String newSchema() {
    String name = "test_" + SCHEMAS.incrementAndGet();
    try (Connection connection = DriverManager.getConnection(url("public"));
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE SCHEMA " + name);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
    return url(name);
  }

  /** Host, port and database. */
  public String location() {
    return "jdbc:postgresql://127.0.0.1:" + port + "/postgres";
  }

  private String url(String schema) {
    return location() + "?user=" + USER + "&password=" + PASSWORD + "&currentSchema=" + schema;
  }

  /** Kills the server and all its sessions at once, as the kernel does when memory is short. */
  public void kill() throws IOException, InterruptedException {
    String pid = Files.readAllLines(data().resolve("postmaster.pid")).getFirst().strip();
    ProcessHandle server = ProcessHandle.of(Long.parseLong(pid)).orElseThrow();
    halt(pid); // a session that begins while they are being listed would outlive it
    List<ProcessHandle> sessions = server.descendants().toList();
    server.destroyForcibly();
    sessions.forEach(ProcessHandle::destroyForcibly);
    for (ProcessHandle gone : Stream.concat(Stream.of(server), sessions.stream()).toList()) {
      long end = System.nanoTime() + DEADLINE.toNanos();
      while (gone.isAlive() && System.nanoTime() < end) {
        pause();
      }
    }
    Process guarding = guard;
    if (guarding != null) {
      guarding.destroyForcibly(); // it would remove the folder
      guard = null;
    }
  }

  private static void halt(String pid) throws IOException {
    run(List.of("sh", "-c", "kill -STOP " + pid));
    long end = System.nanoTime() + DEADLINE.toNanos();
    while (!Files.readString(Path.of("/proc", pid, "stat")).contains(") T ")
        && System.nanoTime() < end) {
      pause();
    }
  }

  @Override
  public void close() {
    Process running = guard;
    if (running != null) {
      try {
        running.getOutputStream().close();
        running.waitFor(DEADLINE.toSeconds(), TimeUnit.SECONDS);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private Path data() {
    return folder.resolve("data");
  }

  /** PostgreSQL refuses to run as root. */
  private static List<String> asServerUser() {
    List<String> command = new ArrayList<>();
    if (isRoot()) {
      command.addAll(List.of("setpriv", "--reuid=" + serverUser(), "--regid=" + serverGroup()));
      command.add("--clear-groups");
    }
    return command;
  }

  private static boolean isRoot() {
    return "root".equals(System.getProperty("user.name"));
  }

  private static String serverUser() {
    return hasPostgresUser() ? "postgres" : "nobody";
  }

  private static String serverGroup() {
    return hasPostgresUser() ? "postgres" : "nogroup";
  }

  private static boolean hasPostgresUser() {
    try (Stream<String> users = Files.lines(Path.of("/etc/passwd"))) {
      return users.anyMatch(line -> line.startsWith("postgres:"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void run(List<String> command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (process.waitFor() != 0) {
        throw new IOException(command + " failed: " + said);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private static void pause() {
    try {
      Thread.sleep(20);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
