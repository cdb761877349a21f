package io.ryegrass.mqtt.program;

import io.netty.handler.ssl.SslContext;
import io.ryegrass.durable.DurableException;
import io.ryegrass.mqtt.Authoriser;
import io.ryegrass.mqtt.Limits;
import io.ryegrass.mqtt.ListenerSettings;
import io.ryegrass.mqtt.MqttBroker;
import io.ryegrass.mqtt.MqttBrokerException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import sun.misc.Signal;

/** {@code ./ryegrass mqtt}; see the package. */
public final class MqttMain {
  private static final String TCP = "port";
  private static final String WS = "ws";
  private static final String TLS = "tls";
  private static final String WSS = "wss";
  private static final int LONGEST_PASSWORD = 4096;
  private static final Duration LOOK_AT_FILES = Duration.ofSeconds(2);

  private MqttMain() {}

  /** Exit code 0 after SIGTERM, 1 when it cannot run, 2 for wrong arguments or files. */
  public static void main(String[] args) throws InterruptedException {
    logToStandardError();
    System.exit(run(args, System.in, System.out, System.err));
  }

  /** The programs' logger takes its settings from the system properties; what is there is kept. */
  private static void logToStandardError() {
    Map.of(
            "tinylog.writer", "console",
            "tinylog.writer.stream", "err",
            "tinylog.writer.format",
                "{date: HH:mm:ss.SSS} {level|min-size=5} {class-name}: {message}",
            "tinylog.level", "info",
            "tinylog.level@io.netty", "warn",
            "tinylog.level@jdk", "warn",
            "tinylog.level@java", "warn",
            "tinylog.autoshutdown", "false")
        .forEach(
            (name, value) -> {
              if (System.getProperty(name) == null) {
                System.setProperty(name, value);
              }
            });
  }

  static int run(String[] args, InputStream in, PrintStream out, PrintStream err)
      throws InterruptedException {
    List<String> given = Arrays.asList(args);
    if (given.contains("--help") || given.contains("-h")) {
      out.print(Options.USAGE);
      return 0;
    }
    try {
      if (given.contains("--hash-password")) {
        out.println(hash(in));
        return 0;
      }
      serve(Options.parse(args), out);
      return 0;
    } catch (UsageException e) {
      err.println("ryegrass mqtt: " + e.getMessage());
      return 2;
    } catch (MqttBrokerException | DurableException e) {
      err.println("ryegrass mqtt: " + e.getMessage());
      return 1;
    }
  }

  /** The first line of the input, without its end. */
  private static PasswordHash hash(InputStream in) {
    byte[] read;
    try {
      read = in.readNBytes(LONGEST_PASSWORD + 1);
    } catch (IOException e) {
      throw new UsageException(
          "The password cannot be read (" + e.getMessage() + "); give it on the standard input.");
    }
    int end = 0;
    while (end < read.length && read[end] != '\n' && read[end] != '\r') {
      end++;
    }
    if (end == 0 || end > LONGEST_PASSWORD) {
      throw new UsageException(
          "The password is empty or longer than "
              + LONGEST_PASSWORD
              + " bytes; give it as one line on the standard input.");
    }
    return PasswordHash.of(Arrays.copyOf(read, end), new SecureRandom());
  }

  /**
   * Interoperability suites need one filter whose subscription is refused; this is the one that
   * they use.
   */
  static final String REFUSED_FILTER = "test/nosubscribe";

  /** System property for crash tests: size in bytes at which the journal is compacted. */
  private static final String COMPACT_AFTER = "ryegrass.mqtt.compactAfterBytes";

  private static void serve(Options options, PrintStream out) throws InterruptedException {
    SecureRandom random = new SecureRandom();
    Path usersFile = options.users();
    Admission admission =
        new Admission(
            options.anonymous(), usersFile == null ? null : Users.read(usersFile, random));
    TlsFiles tlsFiles =
        options.tls()
            ? new TlsFiles(
                Objects.requireNonNull(options.cert()),
                Objects.requireNonNull(options.key()),
                options.ca(),
                !options.anonymous() && usersFile == null)
            : null;
    MqttBroker broker = start(options, admission, tlsFiles == null ? null : tlsFiles.load());
    List<Path> files =
        Stream.of(options.cert(), options.key(), options.ca(), usersFile)
            .filter(Objects::nonNull)
            .toList();
    // SIGHUP asks for the files; without a handler it would end the broker.
    FileWatch watch =
        new FileWatch(
            files, LOOK_AT_FILES, () -> reload(broker, options, admission, tlsFiles, random));
    Signal.handle(new Signal("HUP"), signal -> watch.ask());
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  watch.close();
                  broker.close();
                  // An orderly stop is a success; the JVM would say 143 for SIGTERM.
                  Runtime.getRuntime().halt(0);
                }));
    out.println(ready(options, broker));
    out.flush();
    new CountDownLatch(1).await();
  }

  private static MqttBroker start(
      Options options, Admission admission, @Nullable SslContext context) {
    Limits limits = options.awsLimits() ? Limits.awsIotCore() : Limits.standard();
    MqttBroker.Builder builder =
        MqttBroker.builder()
            .authenticator(admission)
            .authoriser(Authoriser.permitAll())
            .limits(
                limits.with(b -> b.clients(options.maxConnections(), options.maxConnections() * 2)))
            .awsTopicRules(options.awsLimits())
            .dataFolder(options.data());
    Long compactAfter = Long.getLong(COMPACT_AFTER);
    if (compactAfter != null) {
      builder.compactAfterBytes(compactAfter);
    }
    if (options.anonymous()) {
      builder.refusedFilter(REFUSED_FILTER);
    }
    if (options.port() >= 0) {
      builder.listener(at(TCP, options, options.port()));
    }
    if (options.ws() >= 0) {
      builder.listener(webSocket(at(WS, options, options.ws()), options));
    }
    if (context != null && options.tlsPort() >= 0) {
      ListenerSettings tls = at(TLS, options, options.tlsPort()).withTls(context);
      String alpn = options.alpn();
      builder.listener(alpn == null ? tls : tls.withAlpn(alpn));
    }
    if (context != null && options.wss() >= 0) {
      builder.listener(webSocket(at(WSS, options, options.wss()), options).withTls(context));
    }
    return builder.start();
  }

  private static ListenerSettings at(String name, Options options, int port) {
    InetSocketAddress address = new InetSocketAddress(options.host(), port);
    if (address.isUnresolved()) {
      throw new UsageException(
          "--host '" + options.host() + "' is no address of this machine; give one, or 0.0.0.0.");
    }
    return ListenerSettings.tcp(name, address);
  }

  private static ListenerSettings webSocket(ListenerSettings listener, Options options) {
    return listener.withWebSocket(options.wsPath()).withWebSocketOrigins(options.wsOrigins());
  }

  private static void reload(
      MqttBroker broker,
      Options options,
      Admission admission,
      @Nullable TlsFiles tlsFiles,
      SecureRandom random) {
    if (tlsFiles != null) {
      SslContext fresh = tlsFiles.load();
      if (options.tlsPort() >= 0) {
        broker.replaceTls(TLS, fresh);
      }
      if (options.wss() >= 0) {
        broker.replaceTls(WSS, fresh);
      }
    }
    Path users = options.users();
    if (users != null) {
      admission.replace(Users.read(users, random));
    }
  }

  private static String ready(Options options, MqttBroker broker) {
    StringBuilder line = new StringBuilder("mqtt broker ready:");
    append(line, TCP, options.port(), broker);
    append(line, WS, options.ws(), broker);
    append(line, TLS, options.tlsPort(), broker);
    append(line, WSS, options.wss(), broker);
    return line.toString();
  }

  private static void append(StringBuilder line, String name, int asked, MqttBroker broker) {
    if (asked >= 0) {
      line.append(' ').append(name).append('=').append(broker.port(name));
    }
  }
}
