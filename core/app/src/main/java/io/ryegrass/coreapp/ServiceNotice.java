package io.ryegrass.coreapp;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the service manager how the core is: READY, STOPPING, and as long as it is healthy WATCHDOG
 * (sd_notify(3), sd_watchdog_enabled(3)). The protocol is a datagram to the Unix socket that
 * NOTIFY_SOCKET names; the JDK has none, so it is three calls of the C library (decision 017).
 * Without NOTIFY_SOCKET nothing is loaded and nothing happens. A notice that cannot be sent is
 * logged and never keeps the core from running.
 */
final class ServiceNotice implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ServiceNotice.class);
  private static final int AF_UNIX = 1;
  private static final int DATAGRAM_CLOSE_ON_EXEC = 2 | 0x80000;
  private static final int NO_SIGNAL = 0x4000;
  private static final int MAX_PATH = 107;

  private final byte[] socket;
  private final @Nullable Duration watchdog;
  private @Nullable ScheduledExecutorService pings;

  private ServiceNotice(byte[] socket, @Nullable Duration watchdog) {
    this.socket = socket;
    this.watchdog = watchdog;
  }

  /** By the environment of a service; null when no service manager listens. */
  static @Nullable ServiceNotice of(Map<String, String> environment) {
    String name = environment.get("NOTIFY_SOCKET");
    if (name == null || name.isEmpty()) {
      return null;
    }
    byte[] socket = name.getBytes(StandardCharsets.UTF_8);
    if (socket.length > MAX_PATH || !(name.startsWith("/") || name.startsWith("@"))) {
      LOG.warn("NOTIFY_SOCKET is {}, which is no address of a Unix socket", name);
      return null;
    }
    if (socket[0] == '@') {
      socket[0] = 0; // an abstract address
    }
    Duration watchdog = null;
    try {
      // WATCHDOG_PID names the loader, whose child this process is: NotifyAccess=all
      long micros = Long.parseLong(environment.getOrDefault("WATCHDOG_USEC", "0"));
      watchdog = micros > 0 ? Duration.ofNanos(micros * 1000) : null;
    } catch (NumberFormatException e) {
      LOG.warn("WATCHDOG_USEC is no number: {}", e.getMessage());
    }
    return new ServiceNotice(socket, watchdog);
  }

  /**
   * The core runs; from now on the watchdog is fed while it is healthy.
   *
   * @param healthy whether the core's own threads answer; called a few times in each period of the
   *     watchdog, may block as long as one
   */
  void ready(String status, BooleanSupplier healthy) {
    send("READY=1\nSTATUS=" + status);
    Duration period = watchdog;
    if (period == null) {
      return;
    }
    ScheduledExecutorService timer =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("watchdog").factory());
    pings = timer;
    long every = period.dividedBy(4).toMillis();
    var unused =
        timer.scheduleWithFixedDelay(
            () -> {
              if (healthy.getAsBoolean()) {
                send("WATCHDOG=1");
              } else {
                LOG.error(
                    "The core does not answer itself; the service manager is not told that all is well");
              }
            },
            0,
            Math.max(1, every),
            TimeUnit.MILLISECONDS);
  }

  /** The core begins to stop, or to start anew. */
  void stopping() {
    send("STOPPING=1\nSTATUS=stopping");
  }

  /** Time is given to a start that takes long. */
  void restarting() {
    send("STATUS=starting anew");
  }

  private void send(String text) {
    try {
      int sent = sendTo(socket, text.getBytes(StandardCharsets.UTF_8));
      if (sent < 0) {
        LOG.warn("The service manager could not be told {}", text.lines().findFirst().orElse(""));
      }
    } catch (IOException e) {
      LOG.warn("The service manager could not be told: {}", e.getMessage());
    }
  }

  /** One datagram. */
  private static int sendTo(byte[] address, byte[] message) throws IOException {
    Linker linker = Linker.nativeLinker();
    MethodHandle open =
        function(linker, "socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
    MethodHandle send =
        function(
            linker,
            "sendto",
            FunctionDescriptor.of(
                JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
    MethodHandle close = function(linker, "close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    try (Arena memory = Arena.ofConfined()) {
      // struct sockaddr_un: the family, then the name; an abstract one is as long as it is
      MemorySegment to = memory.allocate(2 + MAX_PATH + 1);
      to.set(JAVA_SHORT, 0, (short) AF_UNIX);
      MemorySegment.copy(address, 0, to, JAVA_BYTE, 2, address.length);
      int length = 2 + address.length + (address[0] == 0 ? 0 : 1);
      int file = (int) open.invokeExact(AF_UNIX, DATAGRAM_CLOSE_ON_EXEC, 0);
      if (file < 0) {
        return -1;
      }
      try {
        return (int)
            (long)
                send.invokeExact(
                    file,
                    memory.allocateFrom(JAVA_BYTE, message),
                    (long) message.length,
                    NO_SIGNAL,
                    to,
                    length);
      } finally {
        int ignored = (int) close.invokeExact(file);
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IOException(e);
    }
  }

  private static MethodHandle function(Linker linker, String name, FunctionDescriptor shape)
      throws IOException {
    return linker.downcallHandle(
        linker
            .defaultLookup()
            .find(name)
            .orElseThrow(() -> new IOException("this system has no " + name)),
        shape);
  }

  @Override
  public void close() {
    if (pings != null) {
      pings.shutdownNow();
    }
  }
}
