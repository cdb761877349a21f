package io.ryegrass.mqtt.program;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The command line; ports are -1 where the listener is not wanted. */
record Options(
    String host,
    int port,
    int ws,
    int tlsPort,
    int wss,
    @Nullable Path cert,
    @Nullable Path key,
    @Nullable Path ca,
    @Nullable String alpn,
    boolean anonymous,
    @Nullable Path users,
    @Nullable Path data,
    int maxConnections,
    boolean awsLimits,
    String wsPath,
    Set<String> wsOrigins) {

  static final String USAGE =
      """
      usage: ryegrass mqtt --port N (--anonymous | --users FILE | --ca FILE) [options]

      An MQTT broker of its own. It serves until SIGTERM, then stops in order (exit code 0).

      Where (one at least; 0 takes any free port, which the ready line names):
        --port N              MQTT
        --ws N                MQTT in WebSocket, path /mqtt, sub-protocol mqtt
        --tls-port N          MQTT in TLS 1.2 or 1.3; needs --cert and --key
        --wss N               MQTT in WebSocket in TLS; needs --cert and --key
        --host ADDRESS        the address to listen on (default 127.0.0.1; 0.0.0.0 for every network)

      Who (one at least):
        --anonymous           anybody; a subscription to test/nosubscribe is refused then, as
                              interoperability suites want one that is
        --users FILE          names and passwords, a line each: name:hash; make a hash with
                              ryegrass mqtt --hash-password < file-with-the-password
        --ca FILE             clients with a certificate of these issuers (PEM), on the TLS ports

      TLS:
        --cert FILE           the broker's certificate and its issuers (PEM)
        --key FILE            its private key (PEM, PKCS#8)
        --alpn P              clients of --tls-port must offer this ALPN protocol, e.g. x-amzn-mqtt-ca
                              --cert, --key, --ca and --users are read again when they change, or at
                              SIGHUP; connections stay

      Other:
        --data DIR            keep sessions, queued and retained messages there (default: in memory)
        --max-connections N   further ones are refused (default 10000)
        --aws-limits          packets, topics and subscriptions bounded as in AWS IoT Core
        --ws-path PATH        another path for WebSocket
        --ws-origin ORIGIN    let web pages of this origin in as well, e.g. https://panel.plant:8443;
                              may be repeated; '*' for all. Pages of the same host always may
        --hash-password       read a password from the standard input, print its hash, and end
      """;

  static Options parse(String[] args) {
    Parser p = new Parser();
    for (int i = 0; i < args.length; i++) {
      String name = args[i];
      if (p.flag(name)) {
        continue;
      }
      if (!name.startsWith("--")) {
        throw new UsageException(
            "There is no place for '" + name + "'; 'ryegrass mqtt --help' lists the options.");
      }
      int equals = name.indexOf('=');
      if (equals > 0) {
        p.option(name.substring(0, equals), name.substring(equals + 1));
      } else if (i + 1 < args.length && !args[i + 1].startsWith("--")) {
        p.option(name, args[++i]);
      } else {
        p.option(name, null);
      }
    }
    return p.checked();
  }

  boolean tls() {
    return tlsPort >= 0 || wss >= 0;
  }

  private static final class Parser {
    private static final int MOST_CONNECTIONS = 1_000_000;

    private String host = "127.0.0.1";
    private int port = -1;
    private int ws = -1;
    private int tlsPort = -1;
    private int wss = -1;
    private @Nullable Path cert;
    private @Nullable Path key;
    private @Nullable Path ca;
    private @Nullable String alpn;
    private boolean anonymous;
    private @Nullable Path users;
    private @Nullable Path data;
    private int maxConnections = 10_000;
    private boolean awsLimits;
    private String wsPath = io.ryegrass.mqtt.ListenerSettings.DEFAULT_WEB_SOCKET_PATH;
    private final Set<String> wsOrigins = new HashSet<>();

    boolean flag(String name) {
      switch (name) {
        case "--anonymous" -> anonymous = true;
        case "--aws-limits" -> awsLimits = true;
        default -> {
          return false;
        }
      }
      return true;
    }

    void option(String name, @Nullable String value) {
      switch (name) {
        case "--host" -> host = given(name, value, "an address, e.g. 0.0.0.0");
        case "--port" -> port = port(name, value);
        case "--ws" -> ws = port(name, value);
        case "--tls-port" -> tlsPort = port(name, value);
        case "--wss" -> wss = port(name, value);
        case "--cert" -> cert = Path.of(given(name, value, "a PEM file"));
        case "--key" -> key = Path.of(given(name, value, "a PEM file"));
        case "--ca" -> ca = Path.of(given(name, value, "a PEM file"));
        case "--users" -> users = Path.of(given(name, value, "a file"));
        case "--data" -> data = Path.of(given(name, value, "a folder"));
        case "--alpn" -> alpn = given(name, value, "a protocol name, e.g. x-amzn-mqtt-ca");
        case "--ws-path" -> wsPath = given(name, value, "a path, e.g. /mqtt");
        case "--ws-origin" -> wsOrigins.add(given(name, value, "an origin or '*'"));
        case "--max-connections" ->
            maxConnections = number(name, value, 1, MOST_CONNECTIONS, "a number of connections");
        default ->
            throw new UsageException(
                "There is no option " + name + "; 'ryegrass mqtt --help' lists them.");
      }
    }

    private static String given(String name, @Nullable String value, String what) {
      if (value == null || value.isBlank()) {
        throw new UsageException(name + " needs a value: " + what + ".");
      }
      return value;
    }

    private static int port(String name, @Nullable String value) {
      return number(name, value, 0, 65_535, "a port");
    }

    private static int number(
        String name, @Nullable String value, int least, int most, String what) {
      String text = given(name, value, what + " from " + least + " to " + most);
      if (text.matches("\\d{1,7}")) {
        int number = Integer.parseInt(text);
        if (number >= least && number <= most) {
          return number;
        }
      }
      throw new UsageException(
          "%s '%s' is not %s; give a number from %d to %d."
              .formatted(name, text, what, least, most));
    }

    Options checked() {
      if (port < 0 && ws < 0 && tlsPort < 0 && wss < 0) {
        throw new UsageException(
            "There is no port to listen on; give --port N, --ws N, --tls-port N or --wss N.");
      }
      boolean tls = tlsPort >= 0 || wss >= 0;
      if (tls && (cert == null || key == null)) {
        throw new UsageException(
            "TLS needs a certificate and its key; give --cert FILE and --key FILE, or leave"
                + " --tls-port and --wss out.");
      }
      if (!tls && (cert != null || key != null || ca != null)) {
        throw new UsageException(
            "Certificates are for TLS, and no TLS port is given; add --tls-port N or --wss N.");
      }
      if (alpn != null && tlsPort < 0) {
        throw new UsageException("--alpn is for --tls-port; add it or leave --alpn out.");
      }
      if (!anonymous && users == null && ca == null) {
        throw new UsageException(
            "Nobody could connect; say who may: --users FILE, --ca FILE for client certificates,"
                + " or --anonymous for everybody.");
      }
      if (!anonymous && users == null && (port >= 0 || ws >= 0)) {
        throw new UsageException(
            "Nobody could connect without TLS, as there are only client certificates (--ca); add"
                + " --users FILE or --anonymous, or leave --port and --ws out.");
      }
      if (!wsPath.startsWith("/")) {
        throw new UsageException("--ws-path '" + wsPath + "' must begin with a slash.");
      }
      return new Options(
          host,
          port,
          ws,
          tlsPort,
          wss,
          cert,
          key,
          ca,
          alpn,
          anonymous,
          users,
          data,
          maxConnections,
          awsLimits,
          wsPath,
          Set.copyOf(wsOrigins));
    }
  }
}
