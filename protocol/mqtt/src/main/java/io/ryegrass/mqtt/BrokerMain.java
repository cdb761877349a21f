package io.ryegrass.mqtt;

import io.ryegrass.durable.DurableException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * The engine alone on 127.0.0.1, for interoperability tests and benchmarks. Everybody may do
 * everything.
 */
public final class BrokerMain {
  /**
   * Interoperability suites need one filter whose subscription is refused; this is the one that
   * they use.
   */
  private static final String REFUSED_FILTER = "test/nosubscribe";

  private static final String USAGE =
      """
      usage: ryegrass mqtt --port N --anonymous [--data DIR]

        --port N      MQTT on 127.0.0.1; 0 takes any free port
        --anonymous   everybody may do everything, but subscribe to test/nosubscribe, which
                      interoperability suites want refused; without it nothing starts
        --data DIR    keep sessions, queued and retained messages there (default: in memory)
      """;

  private BrokerMain() {}

  /** Exit code 0 after SIGTERM, 1 when it cannot run, 2 for wrong arguments. */
  public static void main(String[] args) throws InterruptedException {
    System.exit(run(args, System.out, System.err));
  }

  private static int run(String[] args, PrintStream out, PrintStream err)
      throws InterruptedException {
    int port = -1;
    boolean anonymous = false;
    Path data = null;
    for (int i = 0; i < args.length; i++) {
      @Nullable String value = i + 1 < args.length ? args[i + 1] : null;
      switch (args[i]) {
        case "--help", "-h" -> {
          out.print(USAGE);
          return 0;
        }
        case "--anonymous" -> anonymous = true;
        case "--port" -> {
          port = value != null && value.matches("\\d{1,5}") ? Integer.parseInt(value) : -1;
          i++;
        }
        case "--data" -> {
          data = value == null ? null : Path.of(value);
          i++;
        }
        default -> port = -1;
      }
    }
    if (port < 0 || port > 65_535 || !anonymous) {
      err.print(USAGE);
      return 2;
    }
    try (MqttBroker broker =
        MqttBroker.builder()
            .listener("mqtt", new InetSocketAddress("127.0.0.1", port), null)
            .authenticator(r -> new AuthenticationResult.Accepted(r.clientId()))
            .authoriser(Authoriser.permitAll())
            .refusedFilter(REFUSED_FILTER)
            .limits(Limits.standard())
            .dataFolder(data)
            .start()) {
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(
                  () -> {
                    broker.close();
                    // An orderly stop is a success; the JVM would say 143 for SIGTERM.
                    Runtime.getRuntime().halt(0);
                  }));
      out.println("mqtt broker ready: port=" + broker.port("mqtt"));
      new CountDownLatch(1).await();
      return 0;
    } catch (MqttBrokerException | DurableException e) {
      err.println(e.getMessage());
      return 1;
    }
  }
}
