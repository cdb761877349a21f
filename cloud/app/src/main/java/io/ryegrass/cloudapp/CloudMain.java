package io.ryegrass.cloudapp;

import io.ryegrass.events.Webhook;
import io.ryegrass.objects.RemoteServer;
import io.ryegrass.store.PostgresUrl;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** Starts the cloud and stops it in order when the process is told to end. */
public final class CloudMain {

  private static final int FAILURE = 1;
  private static final String WEBHOOK = "--events-webhook";
  private static final Pattern REGION = Pattern.compile("[a-z]{2}(-[a-z]+)+-\\d");
  private static final Pattern ACCOUNT = Pattern.compile("\\d{12}");

  private CloudMain() {}

  /**
   * Runs until the process is told to end.
   *
   * @param args see {@code --help}
   */
  public static void main(String[] args) {
    CommandLine line = new CommandLine(spec());
    ParseResult parsed;
    CloudOptions options;
    try {
      parsed = line.parseArgs(args);
      if (parsed.isUsageHelpRequested()) {
        line.usage(System.out);
        return;
      }
      options = options(line, parsed);
    } catch (ParameterException e) {
      System.err.println("ryegrass cloud: " + e.getMessage() + " (--help shows all options)");
      System.exit(CommandLine.ExitCode.USAGE);
      return;
    }
    run(options);
  }

  private static void run(CloudOptions options) {
    Cloud cloud;
    try {
      cloud = Cloud.start(options);
    } catch (CloudException e) {
      System.err.println("ryegrass cloud: " + e.getMessage());
      System.exit(FAILURE);
      return;
    }
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(cloud), "stop"));
    System.out.println(cloud.readyLine());
    System.out.flush();
    try {
      new CountDownLatch(1).await(); // the listeners' threads do the work until a signal comes
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Ends the process itself, because a JVM that a signal ends would not report success. */
  private static void stop(Cloud cloud) {
    try {
      cloud.close();
      Runtime.getRuntime().halt(0);
    } catch (RuntimeException e) {
      System.err.println("ryegrass cloud: the stop was not orderly: " + e);
      Runtime.getRuntime().halt(FAILURE);
    }
  }

  private static CommandSpec spec() {
    CommandSpec spec = CommandSpec.create().name("ryegrass cloud");
    spec.usageMessage()
        .description(
            "Runs the cloud: the AWS APIs of Greengrass V1 and V2 and of what they need, HTTPS and"
                + " MQTT for devices. A port of 0 takes a free one.");
    spec.addOption(text("--data", "DIR", "folder of everything that lasts").required(true).build());
    spec.addOption(
        plain(
            DatabaseOptions.URL,
            "URL",
            "PostgreSQL instead of SQLite in the data folder:"
                + " jdbc:postgresql://host:port/database?user=NAME; the password is taken from "
                + DatabaseOptions.PASSWORD_FILE
                + ", from the environment ("
                + DatabaseOptions.PASSWORD_VARIABLE
                + ") or from the URL"));
    spec.addOption(
        plain(
            DatabaseOptions.PASSWORD_FILE,
            "FILE",
            "file whose first line is the database user's password"));
    ObjectsOptions.addTo(spec);
    spec.addOption(
        text("--host", "ADDRESS", "address to listen on").defaultValue("127.0.0.1").build());
    spec.addOption(port("--api-port", "9080", "HTTP port of the AWS APIs"));
    spec.addOption(port("--https-port", "8443", "HTTPS port for devices"));
    spec.addOption(port("--mqtt-port", "8883", "MQTT port for devices"));
    spec.addOption(
        OptionSpec.builder("--front-port")
            .type(int.class)
            .paramLabel("PORT")
            .description(
                "one port for HTTPS, for MQTT by ALPN x-amzn-mqtt-ca and for MQTT in WebSocket"
                    + " (/mqtt), as port 443 of IoT Core (default 8444 beside the default HTTPS"
                    + " port, if it is free; else a free one)")
            .build());
    spec.addOption(text("--region", "NAME", "region to be").defaultValue("us-east-1").build());
    spec.addOption(
        text("--account", "NUMBER", "account to be").defaultValue("000000000000").build());
    spec.addOption(
        OptionSpec.builder("--logs-size")
            .type(long.class)
            .paramLabel("MIB")
            .defaultValue(Long.toString(CloudOptions.DEFAULT_LOGS_MEGABYTES))
            .description(
                "log events kept for CloudWatch Logs; beyond it the oldest go (default"
                    + " ${DEFAULT-VALUE})")
            .build());
    spec.addOption(
        OptionSpec.builder(WEBHOOK)
            .type(String[].class)
            .paramLabel("URL")
            .description(
                "http or https URL that gets every event, signed with its key in"
                    + " DIR/webhooks.keys; may be given several times")
            .build());
    spec.addOption(
        OptionSpec.builder("--new-secrets-key")
            .type(boolean.class)
            .description("change the master key in DIR/secrets.key at this start")
            .build());
    spec.addOption(
        OptionSpec.builder("-h", "--help").usageHelp(true).description("show this").build());
    return spec;
  }

  private static OptionSpec.Builder text(String name, String label, String description) {
    return OptionSpec.builder(name)
        .type(String.class)
        .paramLabel(label)
        .description(
            description + " (default ${DEFAULT-VALUE})".repeat(label.equals("DIR") ? 0 : 1));
  }

  private static OptionSpec plain(String name, String label, String description) {
    return OptionSpec.builder(name)
        .type(String.class)
        .paramLabel(label)
        .description(description)
        .build();
  }

  private static OptionSpec port(String name, String defaultPort, String description) {
    return OptionSpec.builder(name)
        .type(int.class)
        .paramLabel("PORT")
        .defaultValue(defaultPort)
        .description(description + " (default ${DEFAULT-VALUE})")
        .build();
  }

  private static CloudOptions options(CommandLine line, ParseResult parsed) {
    CloudOptions options =
        new CloudOptions(
            Path.of(value(parsed, "--data", "")).toAbsolutePath().normalize(),
            database(line, parsed),
            value(parsed, "--host", ""),
            value(parsed, "--api-port", 0),
            value(parsed, "--https-port", 0),
            value(parsed, "--mqtt-port", 0),
            value(parsed, "--front-port", CloudOptions.ANY_FRONT_PORT),
            value(parsed, "--region", ""),
            value(parsed, "--account", ""),
            value(parsed, "--logs-size", 0L),
            value(parsed, "--new-secrets-key", false),
            webhooks(line, parsed),
            objects(line, parsed));
    Map.of(
            "--api-port",
            options.apiPort(),
            "--https-port",
            options.httpsPort(),
            "--mqtt-port",
            options.mqttPort(),
            "--front-port",
            Math.max(0, options.frontPort()))
        .forEach(
            (name, port) ->
                require(line, port >= 0 && port <= 65535, name + " must be between 0 and 65535"));
    require(
        line,
        options.logsMegabytes() >= 1 && options.logsMegabytes() <= 1 << 20,
        "--logs-size must be between 1 and 1048576");
    require(
        line,
        REGION.matcher(options.region()).matches(),
        "--region must look like us-east-1, not '" + options.region() + "'");
    require(
        line,
        ACCOUNT.matcher(options.account()).matches(),
        "--account must be twelve digits, not '" + options.account() + "'");
    return options;
  }

  private static @Nullable RemoteServer objects(CommandLine line, ParseResult parsed) {
    try {
      return ObjectsOptions.read(parsed, System.getenv());
    } catch (IllegalArgumentException e) {
      throw new ParameterException(line, String.valueOf(e.getMessage()), e);
    }
  }

  private static List<URI> webhooks(CommandLine line, ParseResult parsed) {
    List<URI> urls = new ArrayList<>();
    for (String text : value(parsed, WEBHOOK, new String[0])) {
      try {
        urls.add(new Webhook(URI.create(text), "").url());
      } catch (IllegalArgumentException e) {
        throw new ParameterException(line, WEBHOOK + ": " + e.getMessage(), e);
      }
    }
    return urls.stream().distinct().toList();
  }

  private static @Nullable PostgresUrl database(CommandLine line, ParseResult parsed) {
    try {
      return DatabaseOptions.read(
          value(parsed, DatabaseOptions.URL, ""),
          value(parsed, DatabaseOptions.PASSWORD_FILE, ""),
          System.getenv());
    } catch (IllegalArgumentException e) {
      throw new ParameterException(line, String.valueOf(e.getMessage()), e);
    }
  }

  private static <T> T value(ParseResult parsed, String name, T otherwise) {
    OptionSpec option = parsed.commandSpec().findOption(name);
    T value = option == null ? null : option.getValue();
    return value == null ? otherwise : value;
  }

  private static void require(CommandLine line, boolean holds, String message) {
    if (!holds) {
      throw new ParameterException(line, message);
    }
  }
}
