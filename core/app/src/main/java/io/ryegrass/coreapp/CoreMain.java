package io.ryegrass.coreapp;

import io.ryegrass.durable.DataFolderLock;
import io.ryegrass.durable.DurableException;
import io.ryegrass.durable.DurableFiles;
import io.ryegrass.nucleus.NucleusException;
import io.ryegrass.nucleus.RestartPort;
import io.ryegrass.v1.V1Face;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import sun.misc.Signal;

/**
 * Starts a core and stops it in order when the process is told to end. Exit codes: 0, 1 failure, 2
 * usage; for the loader (dist/launcher/loader, which says by RYEGRASS_LOADER that it is there) also
 * 100 start me again and 101 start the host again. Without a loader the core starts itself anew.
 */
public final class CoreMain {
  private static final int FAILURE = 1;
  private static final int USAGE = 2;

  /** The nucleus gives its components 30 s; the rest is for what stands round it. */
  private static final Duration STOP_DEADLINE = Duration.ofSeconds(45);

  private CoreMain() {}

  /**
   * Runs until the process is told to end.
   *
   * @param args see {@code --help}
   */
  public static void main(String[] args) throws InterruptedException {
    CoreOptions options;
    try {
      options = CoreOptions.parse(args);
    } catch (CoreOptions.UsageException e) {
      exit(USAGE, e.getMessage() + " (--help shows all options)");
      return;
    }
    Path given = options.root();
    if (given == null) {
      System.out.print(CoreOptions.HELP);
      return;
    }
    CoreLog.choose();
    // A signal during the start is kept and answered when the start is over.
    CountDownLatch told = new CountDownLatch(1);
    AtomicReference<RestartPort.@Nullable What> again = new AtomicReference<>();
    boolean loader = System.getenv("RYEGRASS_LOADER") != null;
    RestartPort restarts =
        (what, why) -> {
          if (!loader && (what == RestartPort.What.HOST || !SelfRestart.possible())) {
            return false;
          }
          LoggerFactory.getLogger(CoreMain.class).info("The core starts anew: {}", why);
          again.set(what);
          told.countDown();
          return true;
        };
    AtomicBoolean end = new AtomicBoolean();
    for (String signal : new String[] {"TERM", "INT"}) {
      Signal.handle(
          new Signal(signal),
          _ -> {
            end.set(true);
            told.countDown();
          });
    }

    Core core;
    V1Face v1 = null;
    Path root = given;
    try {
      if (V1.isFolder(given)) {
        v1 = V1Face.open(given, Clock.systemUTC());
        root = v1.state();
        V1.log(v1);
      }
      DataFolderLock lock = lock(root);
      if (v1 == null && Files.exists(given.resolve("config").resolve("config.json"))) {
        LoggerFactory.getLogger(CoreMain.class)
            .info("config/config.json of V1 counts for nothing beside config/config.yaml");
      }
      core = Core.start(root, options.defaultUser(), lock, restarts, v1);
    } catch (NucleusException | DurableException | UncheckedIOException e) {
      exit(FAILURE, String.valueOf(e.getMessage()));
      return;
    } catch (RuntimeException | Error e) {
      LoggerFactory.getLogger(CoreMain.class).error("The core did not start", e);
      exit(FAILURE, "the core did not start: " + e + "; see " + CoreLog.file(root));
      return;
    }
    if (v1 != null) {
      V1.tellHealth(v1, core);
    }
    System.out.println(
        "ryegrass core ready: "
            + (core.thingName().isEmpty() ? "without a cloud" : "thing=" + core.thingName())
            + " root="
            + given);
    if (loader) {
      System.out.println("Launched Nucleus successfully."); // the contract's words (INS-07)
    }
    System.out.flush();
    ServiceNotice notice =
        System.getenv("NOTIFY_SOCKET") == null ? null : ServiceNotice.of(System.getenv());
    if (notice != null) {
      notice.ready(
          core.thingName().isEmpty() ? "runs without a cloud" : "runs as " + core.thingName(),
          core::isHealthy);
    }
    told.await();
    RestartPort.What what = again.get();
    if (notice != null) {
      notice.close();
      // to the service manager a core that starts anew under its loader has never stopped
      if (what == null || end.get()) {
        notice.stopping();
      } else {
        notice.restarting();
      }
    }
    stop(core, root);
    if (what == null || end.get()) {
      System.exit(0); // and not by the signal, so that the JVM writes its caches
    } else if (loader) {
      System.exit(what.exitCode());
    }
    try {
      SelfRestart.now();
    } catch (IOException e) {
      exit(FAILURE, "the core could not start itself anew (" + e.getMessage() + "); start it");
    }
  }

  /**
   * Takes the folder for this process before anything in it is touched, the log included. The lock
   * is that of the folder of the cloud link, which is opened before the nucleus locks the root
   * itself.
   */
  private static DataFolderLock lock(Path root) {
    Path spool = root.resolve("spool");
    DataFolderLock lock;
    try {
      lock = DataFolderLock.acquire(spool);
    } catch (DurableException e) {
      if (!e.code().equals(DurableException.FOLDER_LOCKED)) {
        throw e;
      }
      throw new NucleusException(
          e.code(), String.valueOf(e.getMessage()).replace(spool.toString(), root.toString()), e);
    }
    ownerOnly(spool);
    DurableFiles.createDirectories(root.resolve("logs"));
    CoreLog.configure(root);
    return lock;
  }

  /** What waits for the cloud is nobody else's to read. */
  private static void ownerOnly(Path folder) {
    try {
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot set the permissions of " + folder + ": " + e, e);
    }
  }

  private static void stop(Core core, Path root) throws InterruptedException {
    Thread stopping = Thread.ofPlatform().daemon().name("stop").start(core::close);
    if (!stopping.join(STOP_DEADLINE)) {
      exit(
          FAILURE,
          "the core did not stop within "
              + STOP_DEADLINE.toSeconds()
              + " s and is ended; see "
              + CoreLog.file(root));
    }
  }

  /** What only a V1 folder needs; a core without one never loads it. */
  private static final class V1 {
    private V1() {}

    /** The face itself looks closer; this keeps its classes out of other cores. */
    static boolean isFolder(Path root) {
      return Files.exists(root.resolve("config").resolve("config.json")) && V1Face.isFolder(root);
    }

    static void log(V1Face v1) {
      var logs = v1.logs();
      CoreLog.into(
          new CoreLog.Target() {
            @Override
            public boolean takes(Level level, boolean ours) {
              return logs.takes(level, ours);
            }

            @Override
            public void write(
                Level level, String logger, String message, @Nullable Throwable cause) {
              logs.write(level, logger, message, cause);
            }

            @Override
            public Path file() {
              return logs.file();
            }
          });
    }

    /** TRB-CORE-10, which greengrassd passes on. */
    static void tellHealth(V1Face v1, Core core) throws InterruptedException {
      List<String> failed = v1.awaitSystem(core.nucleus());
      if (!failed.isEmpty()) {
        System.out.println(
            "Greengrass daemon running with PID: "
                + ProcessHandle.current().pid()
                + ". Some system components failed to start. Check 'runtime.log' for errors. ("
                + String.join(", ", failed)
                + ")");
      }
    }
  }

  private static void exit(int code, String message) {
    System.err.println("ryegrass core: " + message);
    System.exit(code);
  }
}
