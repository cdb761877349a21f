package io.ryegrass.cli.fleet;

import io.ryegrass.cli.CliException;
import io.ryegrass.cli.CloudAddress;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/** {@code ryegrass fleet}: cores, telemetry and events of a cloud. */
@Command(
    name = "ryegrass fleet",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    synopsisSubcommandLabel = "COMMAND",
    description = "What the cloud knows of its cores, and where its events went.")
public final class FleetMain implements Runnable {
  @Spec private @Nullable CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        line(spec), "say which: list, telemetry, events or dead-events");
  }

  private static CommandLine line(@Nullable CommandSpec spec) {
    if (spec == null) {
      throw new IllegalStateException("picocli sets the specification before it calls a command");
    }
    return spec.commandLine();
  }

  /** What all commands have. */
  private abstract static class FleetCommand implements Runnable {
    @Option(
        names = "--data",
        description = "the cloud's data folder (default: $RYEGRASS_DATA)",
        defaultValue = "${env:RYEGRASS_DATA}")
    private @Nullable Path data;

    @Option(names = "--json", description = "print the cloud's answer as JSON, one item a line")
    private boolean json;

    @Spec private @Nullable CommandSpec spec;

    abstract void run(FleetCalls calls, PrintWriter out, boolean asJson);

    @Override
    public void run() {
      Path folder = data;
      if (folder == null) {
        throw new CliException("name the cloud's data folder with --data");
      }
      PrintWriter out = line(spec).getOut();
      run(new FleetCalls(CloudAddress.ofDataFolder(folder)), out, json);
      out.flush();
    }

    static void each(
        JsonNode items, PrintWriter out, boolean asJson, Consumer<JsonNode> forPeople) {
      for (JsonNode item : items) {
        if (asJson) {
          out.println(item);
        } else {
          forPeople.accept(item);
        }
      }
    }

    static String time(JsonNode seconds) {
      return Instant.ofEpochMilli(Math.round(seconds.asDouble(0) * 1000))
          .truncatedTo(ChronoUnit.SECONDS)
          .toString();
    }
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "Each core: health, connection, when it was last seen, faults, deployments.")
  static final class ListCores extends FleetCommand {
    @Option(
        names = "--connection",
        description = "only CONNECTED, DISCONNECTED or UNKNOWN (never connected by MQTT)")
    private @Nullable String connection;

    @Override
    void run(FleetCalls calls, PrintWriter out, boolean asJson) {
      Map<String, String> query = new TreeMap<>();
      if (connection != null) {
        query.put("connectionStatus", connection);
      }
      JsonNode page;
      do {
        page = calls.get("/ryegrass/fleet", query);
        each(page.path("cores"), out, asJson, core -> print(core, out));
        query.put("nextToken", page.path("nextToken").asString(""));
      } while (page.has("nextToken"));
    }

    private static void print(JsonNode core, PrintWriter out) {
      out.printf(
          "%s  %s  %s%s  last seen %s  nucleus %s%n",
          core.path("coreDeviceThingName").asString(""),
          core.path("status").asString(""),
          core.path("connectionStatus").asString(""),
          core.has("disconnectReason")
              ? " (" + core.path("disconnectReason").asString("") + ")"
              : "",
          time(core.path("lastSeenTimestamp")),
          core.path("coreVersion").asString(""));
      core.path("componentsNotHealthy")
          .forEach(c -> out.println("    component " + c.asString("")));
      for (JsonNode d : core.path("deployments")) {
        out.printf(
            "    deployment %s to %s: %s%s%n",
            d.path("deploymentId").asString(""),
            d.path("targetArn").asString("").replaceFirst("^.*:(?=thing)", ""),
            d.path("coreDeviceExecutionStatus").asString(""),
            d.has("reason") ? ", " + d.path("reason").asString("") : "");
      }
    }
  }

  @Command(
      name = "telemetry",
      mixinStandardHelpOptions = true,
      description = "What a core measured, newest first; kept for seven days.")
  static final class TelemetryOf extends FleetCommand {
    @Parameters(paramLabel = "THING", description = "the core's thing name")
    private String thing = "";

    @Override
    void run(FleetCalls calls, PrintWriter out, boolean asJson) {
      JsonNode answer =
          calls.get(
              "/ryegrass/fleet/"
                  + java.net.URLEncoder.encode(thing, java.nio.charset.StandardCharsets.UTF_8)
                  + "/telemetry",
              Map.of("maxResults", "100"));
      each(
          answer.path("messages"),
          out,
          asJson,
          m -> out.println(time(m.path("receivedTimestamp")) + "  " + m.path("body").asString("")));
    }
  }

  @Command(
      name = "events",
      mixinStandardHelpOptions = true,
      description = "Where events go: how many wait, were delivered, and died.")
  static final class EventTargets extends FleetCommand {
    @Override
    void run(FleetCalls calls, PrintWriter out, boolean asJson) {
      each(
          calls.get("/ryegrass/events/targets", Map.of()).path("targets"),
          out,
          asJson,
          t ->
              out.printf(
                  "%s  waiting %d  delivered %d  dead %d%n",
                  t.path("target").asString(""),
                  t.path("waiting").asLong(0),
                  t.path("delivered").asLong(0),
                  t.path("dead").asLong(0)));
    }
  }

  @Command(
      name = "dead-events",
      mixinStandardHelpOptions = true,
      description = "Events that their target never got, newest first, with the reason.")
  static final class DeadEvents extends FleetCommand {
    @Override
    void run(FleetCalls calls, PrintWriter out, boolean asJson) {
      each(
          calls.get("/ryegrass/events/dead", Map.of()).path("events"),
          out,
          asJson,
          e ->
              out.printf(
                  "%s  %s  %s%n    %s%n",
                  time(e.path("deadTimestamp")),
                  e.path("target").asString(""),
                  e.path("reason").asString(""),
                  e.path("event").asString("")));
    }
  }

  /** Exit codes: 0 done, 1 failed with one sentence on stderr, 2 wrong usage. */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    CommandLine command =
        new CommandLine(new FleetMain())
            .addSubcommand(new ListCores())
            .addSubcommand(new TelemetryOf())
            .addSubcommand(new EventTargets())
            .addSubcommand(new DeadEvents());
    command.setExecutionExceptionHandler(
        (e, line, result) -> {
          if (e instanceof CliException) {
            line.getErr().println("ryegrass fleet: " + e.getMessage());
            return 1;
          }
          throw e;
        });
    return command;
  }
}
