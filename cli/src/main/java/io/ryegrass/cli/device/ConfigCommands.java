package io.ryegrass.cli.device;

import java.io.PrintWriter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code config explain}: where each value of a configuration comes from (LESSON-30). */
@Command(
    name = "config",
    mixinStandardHelpOptions = true,
    description = "Look into the configuration of components",
    subcommands = HelpCommand.class)
final class ConfigCommands extends CommandGroup {
  /** Smaller stamps only put values in an order: defaults are older than everything. */
  private static final long NOT_A_TIME = 1_000_000;

  @Command(
      name = "explain",
      mixinStandardHelpOptions = true,
      description = "Prints each value with who set it and when")
  void explain(
      @Option(
              names = {"-n", "--name"},
              required = true,
              paramLabel = "<component name>",
              description = "the component")
          String name,
      @Parameters(
              index = "0",
              arity = "0..1",
              paramLabel = "</path>",
              description = "only what is at and below this path")
          @Nullable String path) {
    ObjectNode request = CoreAccess.empty().put("componentName", name);
    ArrayNode keys = request.putArray("keyPath");
    for (String key : path == null ? new String[0] : path.split("/")) {
      if (!key.isEmpty()) {
        keys.add(key.replace("~1", "/").replace("~0", "~"));
      }
    }
    JsonNode values = cli.core().call("io.ryegrass#ExplainConfiguration", request).path("values");
    print(values, out -> values.forEach(v -> print(out, v)));
  }

  private static void print(PrintWriter out, JsonNode value) {
    List<String> keys = new ArrayList<>();
    value.path("path").forEach(key -> keys.add(key.asString("")));
    String id = value.path("originId").asString("");
    String origin =
        switch (value.path("origin").asString("")) {
          case "RECIPE" -> "default of recipe " + id;
          case "DEPLOYMENT" -> "deployment " + id;
          case "COMPONENT" -> "the component itself";
          case "FILE" -> "config/config.yaml";
          default -> "not recorded";
        };
    long time = value.path("time").asLong(0);
    out.println(
        "/"
            + String.join("/", keys)
            + " = "
            + value.path("value")
            + "    # "
            + origin
            + (time < NOT_A_TIME ? "" : ", " + Instant.ofEpochMilli(time)));
  }
}
